"""Three of the bundled digits in one picture, as its red, green and blue: 1,000 modes, which can be counted.

Metz et al. 2017, "Unrolled generative adversarial networks", and Srivastava et al. 2017, "VEEGAN", count how many of
them a generator finds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data.mnist import CLASS_NAMES, load_mnist
from tfgan_kit.data.resize import fit_stack
from tfgan_kit.data.source import Attributes, Images, Labels, Source, seal_digest, settle_labels
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

COLOURS = ("red", "green", "blue")

# Pictures of each split. For training as many as Lin et al. 2018 (PacGAN) take; of the test digits as many as Metz et
# al. draw from a generator to count its modes.
SIZES = {"train": 128_000, "test": 25_600}

_HASH_BLOCK = 1024  # pictures


def open_stacked_mnist(location: str, recipe: Recipe) -> Source:
    """`stacked-mnist` (of the training digits) or `stacked-mnist:test` (of the test digits).

    Raises:
        DataError: an unknown split.
    """
    split = location or "train"
    if split not in SIZES:
        raise DataError(f"stacked-mnist has no split {split!r}; legal: {', '.join(SIZES)}")
    digits, of = load_mnist(split)
    which, classes = draw_triples(of, SIZES[split], seed=list(SIZES).index(split))
    labels, attributes = settle_labels(classes, dict.fromkeys(COLOURS, CLASS_NAMES), recipe)
    fitted = fit_stack(digits, recipe.resolution, 1, recipe.fit)
    return StackedSource(recipe.data, fitted, which, recipe.channels or len(COLOURS), labels, attributes)


def draw_triples(of: NDArray[np.int32], count: int, *, seed: int) -> tuple[NDArray[np.int64], Labels]:
    """Which digits make each picture: first three classes, all alike likely, then a digit of each.

    So the 1,000 modes are alike likely, though MNIST has more ones than fives.

    Args:
        of: (n,) the class of each digit, in [0, 10), where every class has a digit.
        count: N, of pictures.
        seed: of the draws.

    Returns:
        which: (N, 3) int64 in [0, n).
        classes: (N, 3) int32 in [0, 10).
    """
    rng = np.random.default_rng(seed)
    sorted_digits, counts = np.argsort(of, kind="stable"), np.bincount(of, minlength=len(CLASS_NAMES))
    starts = np.cumsum(counts) - counts
    classes = rng.integers(0, len(CLASS_NAMES), (count, len(COLOURS)))
    which = sorted_digits[starts[classes] + rng.integers(0, counts[classes])]
    return which, classes.astype(np.int32)


@dataclass(frozen=True, eq=False)
class StackedSource:
    """Pictures that are put together from digits when they are read.

    Args:
        spec: the source as the recipe names it.
        digits: (n, H, W, 1) uint8.
        which: (N, 3) int64 in [0, n), the digits of each picture.
        channels: 3, or 1 for the grey of the colours.
        labels: (N, 3) int32, or None.
        attributes: for each column of labels its name and those of its values; {} without labels.
    """

    spec: str
    digits: Images
    which: NDArray[np.int64]
    channels: int
    labels: Labels | None
    attributes: Attributes
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every picture."""
        _, height, width, _ = self.digits.shape
        return height, width, self.channels

    @property
    def shards(self) -> tuple[int, ...]:
        """All pictures are equally near."""
        return (len(self),)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.which)

    def read(self, indices: NDArray[np.int64]) -> Images:
        """Pictures `indices`, (B,) int64 in [0, N), as (B, H, W, C) uint8."""
        stacked = np.moveaxis(self.digits[self.which[indices], :, :, 0], 1, -1)
        return fit_stack(np.ascontiguousarray(stacked), None, self.channels, "crop")

    @cached_property
    def digest(self) -> str:
        """16 hex digits of a sha256 over pixels and labels."""
        content = hashlib.sha256()
        for first in range(0, len(self), _HASH_BLOCK):
            content.update(self.read(np.arange(first, min(first + _HASH_BLOCK, len(self)))).data)
        return seal_digest(content, self.shape, self.labels)
