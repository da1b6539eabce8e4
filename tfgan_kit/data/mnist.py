"""The MNIST digits that ship inside the package, and the code they are stored in.

A grey value costs most where a stroke ends and next to nothing inside it. So a split is stored as one bit a pixel
(is there ink?) and, for every number of ink pixels in the 3x3 around an ink pixel, the values of those pixels in
reading order; each is a member of an LZMA zip. The counts follow from the bits alone, so a decoder needs no more.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data.resize import fit_stack
from tfgan_kit.data.source import ArraySource, Source, one_attribute, settle_labels
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

Bytes = NDArray[np.uint8]

FOLDER = Path(__file__).with_name("mnist")
SPLITS: dict[str, tuple[str, ...]] = {"train": ("train",), "test": ("test",), "all": ("train", "test")}
SIDE_PX = 28
CLASS_NAMES = tuple("0123456789")

# On this canvas every pixel's neighbours are at fixed flat distances: the empty margin parts rows and pictures.
_ROWS, _COLUMNS = 29, 32
_PIXELS = _ROWS * _COLUMNS
_BLOCK = 512  # pictures at a time, so that a block stays in the processor's cache
_COUNTS = range(1, 10)


def load_mnist(split: str = "train") -> tuple[Bytes, NDArray[np.int32]]:
    """The bundled digits, white ink on black, in the order of the original files.

    Args:
        split: "train" (60,000), "test" (10,000) or "all" (train, then test).

    Returns:
        images: (N, 28, 28, 1) uint8.
        labels: (N,) int32 in [0, 10).

    Raises:
        DataError: an unknown split, or a damaged installation.
    """
    if split not in SPLITS:
        raise DataError(f"mnist has no split {split!r}; legal: {', '.join(SPLITS)}")
    members = [_read_members(FOLDER / f"{part}.zip") for part in SPLITS[split]]
    images = np.concatenate([decode(part) for part in members]) if len(members) > 1 else decode(members[0])
    labels = np.concatenate([part["labels"] for part in members]).astype(np.int32)
    return images, labels


def open_mnist(location: str, recipe: Recipe) -> Source:
    """`mnist` (the training images), `mnist:test` or `mnist:all`.

    Raises:
        DataError: an unknown split.
    """
    images, labels = load_mnist(location or "train")
    kept, attributes = settle_labels(*one_attribute(labels, CLASS_NAMES), recipe)
    return ArraySource(recipe.data, fit_stack(images, recipe.resolution, recipe.channels, recipe.fit), kept, attributes)


def encode(images: Bytes, labels: Bytes) -> dict[str, Bytes]:
    """The members of a split's zip.

    Args:
        images: (N, 28, 28) uint8.
        labels: (N,) uint8.

    Returns:
        `labels` (N,), `ink` (N * 116,) and `values-1` to `values-9`, each 1-D uint8.
    """
    canvas = np.zeros((len(images), _ROWS, _COLUMNS), np.uint8)
    canvas[:, :SIDE_PX, :SIDE_PX] = images
    bits = np.packbits(canvas.reshape(-1) > 0)
    groups: dict[int, list[Bytes]] = {count: [] for count in _COUNTS}
    for first, ink, counts in _ink_blocks(bits):
        values = canvas.reshape(-1)[first + ink]
        for count in _COUNTS:
            groups[count].append(values[counts == count])
    return {"labels": labels, "ink": bits} | {f"values-{c}": np.concatenate(parts) for c, parts in groups.items()}


def decode(members: dict[str, Bytes]) -> Bytes:
    """The images, (N, 28, 28, 1) uint8, that `encode` got."""
    images = np.empty((len(members["labels"]), SIDE_PX, SIDE_PX, 1), np.uint8)
    taken = dict.fromkeys(_COUNTS, 0)
    for first, ink, counts in _ink_blocks(members["ink"]):
        canvas = np.zeros((min(_BLOCK, len(images) - first // _PIXELS), _ROWS, _COLUMNS), np.uint8)
        ordered = ink[np.argsort(counts, kind="stable")]
        sizes = np.bincount(counts, minlength=10)
        values = [members[f"values-{count}"][taken[count] : taken[count] + sizes[count]] for count in _COUNTS]
        canvas.reshape(-1)[ordered] = np.concatenate(values)
        images[first // _PIXELS :][: len(canvas), :, :, 0] = canvas[:, :SIDE_PX, :SIDE_PX]
        taken = {count: taken[count] + sizes[count] for count in _COUNTS}
    return images


def _ink_blocks(bits: Bytes) -> Iterator[tuple[int, NDArray[np.int64], Bytes]]:
    """Per block of pictures: flat index of its first pixel, its ink pixels from there, the ink in the 3x3 of each."""
    block_bytes = _BLOCK * _PIXELS // 8
    for start in range(0, len(bits), block_bytes):
        ink = np.unpackbits(bits[start : start + block_bytes])
        padded = np.pad(ink, _COLUMNS + 1)
        across = padded[:-2] + padded[1:-1] + padded[2:]
        around = across[: -2 * _COLUMNS] + across[_COLUMNS:-_COLUMNS] + across[2 * _COLUMNS :]
        where = np.flatnonzero(ink.view(np.bool_))
        yield start * 8, where, around[where]


def _read_members(path: Path) -> dict[str, Bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()

        def read(name: str) -> Bytes:
            with zipfile.ZipFile(path) as archive:
                return np.frombuffer(archive.read(name), np.uint8)

        # LZMA decodes outside Python's lock. Long members first, so that the threads end together.
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(names, pool.map(read, names), strict=True))
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"the bundled MNIST file {path.name} cannot be read ({error}): install tfgan-kit again"
        ) from None
