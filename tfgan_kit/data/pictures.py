"""The picture files of a folder or a .zip, read in place: nothing is extracted."""

from __future__ import annotations

import io
import os
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from pathlib import Path, PurePosixPath
from typing import Protocol

from PIL import Image, ImageOps, UnidentifiedImageError

from tfgan_kit.data.names import Names
from tfgan_kit.errors import DataError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
LABEL_TABLE = "labels.csv"

_MAX_FILE_BYTES = 2**28  # what a file may unpack to; a picture that Pillow lets through is far smaller
_HIDDEN = (".", "__MACOSX")
_BROKEN = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
)


class Shelf(Protocol):
    """Files by name; a name is a path below the root with forward slashes."""

    @property
    def names(self) -> Sequence[str]:
        """Sorted."""

    def read(self, name: str) -> bytes:
        """The content of a file; may be called from several threads."""


class FolderShelf:
    """The files below a folder, hidden ones left out, in sorted order."""

    def __init__(self, root: Path) -> None:
        """List the files below `root`.

        Raises:
            DataError: a folder that cannot be listed.
        """
        self._root = root
        try:
            self.names = Names(_visible(_files_below(root)))
        except OSError as error:
            raise DataError(f"{error.filename or root} cannot be listed: {error.strerror or error}") from None

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return (self._root / name).read_bytes()


class ZipShelf:
    """The files in a .zip, hidden ones left out, in sorted order."""

    def __init__(self, path: Path) -> None:
        """Open the archive and read its directory.

        Raises:
            DataError: it is not a .zip.
        """
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} cannot be read as a .zip: {error}") from None
        self._lock = threading.Lock()
        self.names = Names(_visible(name for name in self._archive.namelist() if not name.endswith("/")))

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            ValueError: it unpacks to more than 256 MiB.
        """
        size = self._archive.getinfo(name).file_size
        if size > _MAX_FILE_BYTES:
            raise ValueError(f"it unpacks to {size / 2**20:,.0f} MiB")
        with self._lock:
            return self._archive.read(name)


class Pictures:
    """The pictures on a shelf, named from the folder that they all lie in.

    Attributes:
        names: of the pictures, sorted, such as "cat/001.png"; not held in memory.
        table: content of the labels.csv beside them, or None.
    """

    def __init__(self, path: Path) -> None:
        """Look for pictures below `path`, a folder or a .zip.

        Raises:
            DataError: there is no such folder or .zip, or no picture in it.
        """
        if path.is_dir():
            self._shelf: Shelf = FolderShelf(path)
        elif path.is_file():
            self._shelf = ZipShelf(path)
        else:
            raise DataError(f"there is no folder or .zip {str(path)!r}: give the path of one that holds pictures")
        if not any(_is_picture(name) for name in self._shelf.names):
            raise DataError(f"{path} holds no pictures: it needs files that end in {', '.join(SUFFIXES)}")
        # One folder around everything is packing, not a class.
        self._top = _common_folder(name for name in self._shelf.names if _is_picture(name) or _is_table(name))
        self.names = Names(name[len(self._top) :] for name in self._shelf.names if _is_picture(name))
        has_table = self._top + LABEL_TABLE in self._shelf.names
        self.table = self._shelf.read(self._top + LABEL_TABLE) if has_table else None

    def open(self, name: str) -> Image.Image:
        """A picture with its header read and its pixels not yet decoded.

        Raises:
            BrokenPictureError: it cannot be read, or claims more pixels than Pillow's `MAX_IMAGE_PIXELS`.
        """
        try:
            image = Image.open(io.BytesIO(self._shelf.read(self._top + name)))
            if Image.MAX_IMAGE_PIXELS is not None and image.width * image.height > Image.MAX_IMAGE_PIXELS:
                raise ValueError(f"it has {image.width} x {image.height} pixels")
        except _BROKEN as error:
            raise BrokenPictureError(name) from error
        return image

    def load(self, name: str) -> Image.Image:
        """A picture, decoded and turned upright as its EXIF orientation says.

        Raises:
            BrokenPictureError: as for `open`, or it ends early.
        """
        image = self.open(name)
        try:
            image.load()
            return ImageOps.exif_transpose(image)
        except _BROKEN as error:
            raise BrokenPictureError(name) from error

    def header(self, name: str) -> tuple[tuple[int, int], Image.Image]:
        """Height and width of the upright picture, px, and the picture, not yet decoded.

        Raises:
            BrokenPictureError: as for `open`.
        """
        image = self.open(name)
        try:
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        except _BROKEN as error:
            raise BrokenPictureError(name) from error
        return ((image.width, image.height) if turned else (image.height, image.width)), image


class BrokenPictureError(Exception):
    """A file with a picture's name that cannot be decoded; the argument is its name."""


def describe_sizes(sizes: Counter[tuple[int, int]]) -> str:
    """The commonest sizes with their counts, for an error line: "64x64 (990), 32x48 (10)"."""
    shown = ", ".join(f"{height}x{width} ({count:,})" for (height, width), count in sizes.most_common(3))
    return shown + (f" and {len(sizes) - 3} more" if len(sizes) > 3 else "")


def _files_below(root: Path) -> Iterator[str]:
    """The files below a folder, through links too, as paths from it; no folder is listed whole."""
    # Each with those that it is in, by device and inode: a link back to one of them has nothing new, and no end.
    folders: list[tuple[str, bool, tuple[tuple[int, int], ...]]] = [("", False, ())]
    while folders:
        folder, is_link, around = folders.pop()
        status = os.stat(root / folder)
        itself = (status.st_dev, status.st_ino)
        if is_link and itself in around:
            continue
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append((f"{folder}{entry.name}/", entry.is_symlink(), (*around, itself)))
                else:
                    yield f"{folder}{entry.name}"


def _visible(names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if not any(part.startswith(_HIDDEN) for part in name.split("/")))


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _is_table(name: str) -> bool:
    return PurePosixPath(name).name == LABEL_TABLE


def _common_folder(names: Iterable[str]) -> str:
    """The folder, with a slash at its end, that holds all `names`; empty where there is none."""
    folders = ("/" + name.rpartition("/")[0] for name in names)
    common = reduce(lambda one, other: os.path.commonpath([one, other]), folders).strip("/")
    return f"{common}/" if common else ""
