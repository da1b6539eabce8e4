"""What a data source is, one that is held in an array, and the rules about labels that all sources share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

Images = NDArray[np.uint8]
Labels = NDArray[np.int32]
Attributes = dict[str, tuple[str, ...]]

# What the attribute of a data set with one label a picture is called, whatever its column is.
ONLY = "class"

_HASH_BLOCK = 1024  # pictures; the array may be memory-mapped and larger than memory


class Source(Protocol):
    """Pictures of one shape that can be read at random, with or without labels."""

    @property
    def spec(self) -> str:
        """The source as the recipe names it."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every picture."""

    @property
    def labels(self) -> Labels | None:
        """(N, A) int32, column a in [0, K) for the K values of attribute a; None: no labels, or they are not wanted."""

    @property
    def attributes(self) -> Attributes:
        """The names of the values of each attribute, in the order of the labels' columns; {} where labels is None."""

    @property
    def digest(self) -> str:
        """16 hex digits of a sha256 over pixels and labels, whatever the files are called."""

    @property
    def notes(self) -> tuple[str, ...]:
        """One-line warnings for the user."""

    @property
    def shards(self) -> tuple[int, ...]:
        """Pictures in each of the files that they lie in; one number where all are equally near."""

    def __len__(self) -> int:
        """Number of pictures."""

    def read(self, indices: NDArray[np.int64]) -> Images:
        """Pictures `indices`, (B,) int64 in [0, N), as (B, H, W, C) uint8; may be called from several threads."""


@dataclass(frozen=True, eq=False)
class ArraySource:
    """A source whose pictures are one array, in memory or memory-mapped.

    Args:
        spec: the source as the recipe names it.
        images: (N, H, W, C) uint8.
        labels: (N, A) int32, or None.
        attributes: for each column of labels its name and those of its values; {} without labels.
        notes: one-line warnings for the user.
    """

    spec: str
    images: Images
    labels: Labels | None
    attributes: Attributes
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every picture."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    @property
    def shards(self) -> tuple[int, ...]:
        """All pictures are equally near."""
        return (len(self),)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)

    def read(self, indices: NDArray[np.int64]) -> Images:
        """Pictures `indices`, (B,) int64 in [0, N), as (B, H, W, C) uint8."""
        return self.images[indices]

    @cached_property
    def digest(self) -> str:
        """16 hex digits of a sha256 over pixels and labels."""
        content = hashlib.sha256()
        for first in range(0, len(self.images), _HASH_BLOCK):
            content.update(np.ascontiguousarray(self.images[first : first + _HASH_BLOCK]).data)
        return seal_digest(content, self.shape, self.labels)


def seal_digest(content: hashlib._Hash, shape: tuple[int, int, int], labels: Labels | None) -> str:
    """16 hex digits of a sha256 that has seen the pixels of all pictures in order, and now their shape and labels.

    Args:
        content: the sha256 so far.
        shape: (H, W, C) of a picture.
        labels: (N, A) int32, or None.
    """
    content.update(repr(shape).encode())
    if labels is not None:
        content.update(labels.astype("<i4").tobytes())
    return content.hexdigest()[:16]


def index_labels(values: NDArray[Any]) -> tuple[Labels, tuple[str, ...]]:
    """Indices and names of the raw labels of one attribute: its values are sorted, whole numbers by value.

    Args:
        values: (N,) of an integer or text dtype.

    Returns:
        labels: (N,) int32 in [0, K).
        names: of the K values.
    """
    # Longer numbers than an int64 holds are names.
    if values.dtype.kind not in "iu" and all(str(v).isdecimal() and len(str(v)) <= 18 for v in np.unique(values)):
        values = values.astype(np.int64)
    classes, labels = np.unique(values, return_inverse=True)
    return labels.astype(np.int32), tuple(str(name) for name in classes)


def one_attribute(labels: Labels, names: tuple[str, ...]) -> tuple[Labels, Attributes]:
    """What a source has whose pictures have one label each.

    Args:
        labels: (N,) int32 in [0, len(names)).
        names: of the values.

    Returns:
        labels: (N, 1) int32.
        attributes: ONLY, with `names`.
    """
    return labels[:, np.newaxis], {ONLY: names}


def settle_labels(labels: Labels | None, attributes: Attributes, recipe: Recipe) -> tuple[Labels | None, Attributes]:
    """The labels that the recipe wants: those of the data, or none.

    Raises:
        DataError: the recipe is conditional and the data has no labels.
    """
    if recipe.conditional is False:
        return None, {}
    if labels is None and recipe.conditional:
        raise DataError(f"{recipe.data} has no labels and conditional is true: set conditional to false or add labels")
    return labels, attributes


def fits_memory(count: int, shape: tuple[int, int, int], memory_mb: int) -> bool:
    """Whether `count` uint8 pictures of `shape` take at most `memory_mb` MiB."""
    height, width, channels = shape
    return count * height * width * channels <= memory_mb * 2**20
