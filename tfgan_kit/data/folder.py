"""The source `folder:PATH` or `folder:PATH#COLUMN[,COLUMN...]`: pictures in a folder or a .zip."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data.labels import LabelTable, folder_labels
from tfgan_kit.data.parallel import map_in_order
from tfgan_kit.data.pictures import LABEL_TABLE, BrokenPictureError, Pictures, describe_sizes
from tfgan_kit.data.resize import fit_picture, is_grey
from tfgan_kit.data.source import (
    ArraySource,
    Attributes,
    Images,
    Labels,
    Source,
    fits_memory,
    seal_digest,
    settle_labels,
)
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

MAX_BROKEN = 0.01  # share of the pictures
_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Decoder:
    """From a picture's name to its pixels, (H, W, C) uint8, or None where it is broken."""

    pictures: Pictures
    shape: tuple[int, int, int]
    fit: str

    def __call__(self, name: str) -> Images | None:
        """The pixels of a picture, or None."""
        height, width, channels = self.shape
        try:
            return fit_picture(self.pictures.load(name), (height, width), channels, self.fit)
        except (BrokenPictureError, ValueError):
            return None


@dataclass(frozen=True, eq=False)
class FolderSource:
    """Pictures that are decoded when they are read, for sets too large for memory: those of `names` that are `good`."""

    spec: str
    decoder: Decoder
    names: Sequence[str]
    good: NDArray[np.int64]
    labels: Labels | None
    attributes: Attributes
    digest: str
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every picture."""
        return self.decoder.shape

    @property
    def shards(self) -> tuple[int, ...]:
        """All pictures are equally near."""
        return (len(self),)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.good)

    def read(self, indices: NDArray[np.int64]) -> Images:
        """Pictures `indices`, (B,) int64 in [0, N), as (B, H, W, C) uint8.

        Raises:
            DataError: a picture that could be read when the source was opened no longer can.
        """
        images = np.empty((len(indices), *self.shape), np.uint8)
        for row, index in enumerate(indices):
            name = self.names[self.good[index]]
            pixels = self.decoder(name)
            if pixels is None:
                raise DataError(f"{self.spec}: {name} could be read before and now cannot: restore it")
            images[row] = pixels
        return images


@dataclass(frozen=True, eq=False)
class Listing:
    """A folder's pictures before any of them is decoded.

    Attributes:
        where: names the folder in messages.
        decoder: of a name.
        names: sorted.
        labels: (N, A) int32, or None.
        attributes: for each column of labels its name and those of its values; {} without labels.
        notes: one-line warnings for the user.
    """

    where: Path
    decoder: Decoder
    names: Sequence[str]
    labels: Labels | None
    attributes: Attributes
    notes: tuple[str, ...]


def list_pictures(location: str, recipe: Recipe) -> tuple[Pictures, Labels | None, Attributes, tuple[str, ...]]:
    """The pictures below a folder or in a .zip, of any sizes, their labels (N, A), attributes, and warnings.

    Raises:
        DataError: no such folder, no pictures, or labels that do not match.
    """
    path, columns = _split_location(location)
    pictures = Pictures(path)
    labels, attributes, notes = _find_labels(pictures, path, columns, recipe)
    return pictures, *settle_labels(labels, attributes, recipe), notes


def list_folder(location: str, recipe: Recipe) -> Listing:
    """What is below a folder or in a .zip.

    Labels: `labels.csv` beside the pictures (`#COLUMN` picks a column, `#COLUMN,COLUMN` several), else class folders.

    Raises:
        DataError: no such folder, no pictures, sizes that differ without a resolution in the recipe, or labels that do
            not match.
    """
    path, _ = _split_location(location)
    pictures, labels, attributes, notes = list_pictures(location, recipe)
    decoder = Decoder(pictures, _shape(pictures, path, recipe), recipe.fit)
    return Listing(path, decoder, pictures.names, labels, attributes, notes)


def open_folder(location: str, recipe: Recipe) -> Source:
    """Every picture below a folder or in a .zip, read once now so that broken ones are known.

    Raises:
        DataError: as for `list_folder`, or more than 1 % broken pictures.
    """
    listing = list_folder(location, recipe)
    decoder, names = listing.decoder, listing.names
    in_memory = fits_memory(len(names), decoder.shape, recipe.memory_mb)
    held = np.empty((len(names), *decoder.shape), np.uint8) if in_memory else None
    good = np.zeros(len(names), bool)
    content = hashlib.sha256()
    for index, pixels in enumerate(map_in_order(decoder, names)):
        if pixels is None:
            continue
        good[index] = True
        if held is not None:
            held[index] = pixels
        else:
            content.update(pixels.data)

    broken = [names[index] for index in np.flatnonzero(~good).tolist()]
    notes = listing.notes + broken_notes(listing.where, broken, len(names))
    labels = None if listing.labels is None else listing.labels[good]
    attributes = listing.attributes
    if held is not None:
        return ArraySource(recipe.data, held if good.all() else held[good], labels, attributes, notes)
    digest = seal_digest(content, decoder.shape, labels)
    return FolderSource(recipe.data, decoder, names, np.flatnonzero(good), labels, attributes, digest, notes)


def _split_location(location: str) -> tuple[Path, str | None]:
    """Path and what names the label columns; a path that exists may itself hold a #."""
    whole = Path(location).expanduser()
    if not location:
        raise DataError("folder: needs the path of a folder or a .zip, as in folder:~/pictures")
    if "#" not in location or whole.exists():
        return whole, None
    path, _, columns = location.rpartition("#")
    if not columns:
        raise DataError(f"folder:{location} names no label column behind its #: add one, or drop the #")
    return Path(path).expanduser(), columns


def _find_labels(
    pictures: Pictures, path: Path, columns: str | None, recipe: Recipe
) -> tuple[Labels | None, Attributes, tuple[str, ...]]:
    if recipe.conditional is False:
        return None, {}, ()
    if pictures.table is None:
        if columns is not None:
            raise DataError(
                f"{path} has no {LABEL_TABLE}, so there is no column {columns!r}: add the table or drop #{columns}"
            )
        return folder_labels(pictures.names)
    table = LabelTable(pictures.table, pictures.names, f"{path}/{LABEL_TABLE}")
    if columns is None and len(table.columns) != 1:
        choose = f"{LABEL_TABLE} has the label columns {', '.join(table.columns) or '(none)'}"
        form = "choose one or more, as in folder:PATH#COLUMN,COLUMN"
        if recipe.conditional:
            raise DataError(f"{recipe.data} needs label columns: {choose}; {form}")
        return None, {}, (f"{choose}: none is used; {form}",)
    labels, attributes = table.labels(table.columns if columns is None else _column_names(columns, table.columns))
    return labels, attributes, ()


def _column_names(text: str, legal: list[str]) -> list[str]:
    """The columns that `text` names, parted by commas; spaces around a name count only where a column has them."""
    if text in legal:
        return [text]
    return [name if name in legal else name.strip() for name in text.split(",")]


def _shape(pictures: Pictures, path: Path, recipe: Recipe) -> tuple[int, int, int]:
    """What the recipe says, and for the rest what the headers of all pictures agree on."""
    if recipe.resolution is not None and recipe.channels is not None:
        return *recipe.resolution, recipe.channels

    def header(name: str) -> tuple[tuple[int, int], bool] | None:
        try:
            size, image = pictures.header(name)
        except BrokenPictureError:
            return None
        return size, is_grey(image)

    found = Counter(kind for kind in map_in_order(header, pictures.names) if kind is not None)
    sizes: Counter[tuple[int, int]] = Counter()
    for (size, _), count in found.items():
        sizes[size] += count
    if not found:
        raise DataError(f"{path}: none of its {len(pictures.names):,} pictures can be read")
    if recipe.resolution is None and len(sizes) > 1:
        raise DataError(
            f"{path}: the pictures differ in size, {describe_sizes(sizes)}: choose one with --resolution HxW"
        )
    height, width = recipe.resolution or next(iter(sizes))
    return height, width, recipe.channels or (1 if all(grey for _, grey in found) else 3)


def broken_notes(path: Path, broken: list[str], total: int) -> tuple[str, ...]:
    """One line about broken pictures, where there are some.

    Raises:
        DataError: more than 1 % of `total` are broken.
    """
    if not broken:
        return ()
    shown = ", ".join(broken[:_SHOWN]) + (", ..." if len(broken) > _SHOWN else "")
    pictures = "picture" if len(broken) == 1 else "pictures"
    if len(broken) > MAX_BROKEN * total:
        raise DataError(
            f"{path}: {len(broken):,} of {total:,} pictures are broken, more than 1 %: {shown}: repair or remove them"
        )
    return (f"skipped {len(broken):,} broken {pictures} of {total:,}: {shown}",)
