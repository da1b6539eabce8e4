"""Sources that are arrays on disk: `npz:PATH` (numpy) and `idx:PATH` (the format of MNIST and Fashion-MNIST)."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data.resize import fit_stack
from tfgan_kit.data.source import ArraySource, Attributes, Labels, Source, index_labels, one_attribute, settle_labels
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

_IMAGE_KEYS = ("images", "x", "x_train", "arr_0")
_LABEL_KEYS = ("labels", "y", "y_train")
_IDX_UBYTE = 0x08


def open_npz(location: str, recipe: Recipe) -> Source:
    """An .npz with uint8 `images` (or x, x_train, arr_0), (N, H, W[, C]), and perhaps `labels` (or y, y_train).

    The arrays are read whole. Labels are whole numbers or text, (N,) or (N, 1).

    Raises:
        DataError: no such file, not an .npz, no images, or arrays of another kind.
    """
    path = _existing_file(location, recipe)
    try:
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise DataError(f"{path} holds a single array: save it as .npz, with the pictures under `images`")
            image_key = next((key for key in _IMAGE_KEYS if key in arrays), None)
            label_key = next((key for key in _LABEL_KEYS if key in arrays), None)
            if image_key is None:
                found = ", ".join(arrays.files) or "none"
                raise DataError(f"{path} has no images: arrays found: {found}; legal: {', '.join(_IMAGE_KEYS)}")
            images = arrays[image_key]
            values = arrays[label_key] if label_key else None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        raise DataError(f"{path} is no whole .npz of plain arrays: write it with numpy.savez") from None
    return _from_arrays(f"{path}:{image_key}", images, values, recipe)


def open_idx(location: str, recipe: Recipe) -> Source:
    """An IDX images file, gzipped or not, or a folder that holds train-images-idx3-ubyte[.gz].

    Labels are in the file beside it whose name has labels-idx1 in place of images-idx3, if there is one.

    Raises:
        DataError: no such file, not IDX, or labels that do not match.
    """
    path = Path(location).expanduser()
    if path.is_dir():
        path = find_idx(path, "train-images-idx3-ubyte")
    path = _existing_file(str(path), recipe)
    labels_name = (
        path.name.removesuffix(".gz").replace("images-idx3", "labels-idx1").replace("images.idx3", "labels.idx1")
    )
    beside = [path.with_name(labels_name + suffix) for suffix in ("", ".gz")]
    labels_path = next((other for other in beside if other.is_file() and other != path), None)
    return _from_arrays(str(path), read_idx(path), read_idx(labels_path) if labels_path else None, recipe)


def find_idx(folder: Path, name: str) -> Path:
    """The file `name` or `name`.gz in a folder.

    Raises:
        DataError: there is neither.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{folder} holds no {name} and no {name}.gz: name the IDX images file itself")


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The uint8 array in an IDX file, gzipped or not.

    Raises:
        DataError: the file is not IDX, is not of unsigned bytes, or has another length than its header says.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _IDX_UBYTE:
        raise DataError(f"{path} is not an IDX file of unsigned bytes: it must begin with the bytes 00 00 08")
    rank = content[3]
    shape = tuple(int(size) for size in np.frombuffer(content[4 : 4 + 4 * rank], ">u4"))
    body = len(content) - 4 - 4 * rank
    if len(shape) != rank or int(np.prod(shape, dtype=np.int64)) != body:
        raise DataError(f"{path} is damaged: its header says {shape} bytes and {max(body, 0)} follow")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def _existing_file(location: str, recipe: Recipe) -> Path:
    path = Path(location).expanduser()
    if not location or not path.is_file():
        raise DataError(f"{recipe.data}: there is no file {str(path)!r}: give the path of a file")
    return path


def _from_arrays(where: str, images: NDArray[Any], values: NDArray[Any] | None, recipe: Recipe) -> Source:
    """A source of checked arrays; `where` names them in errors."""
    if images.dtype != np.uint8:
        raise DataError(
            f"{where} is {images.dtype}; images must be uint8 with values 0 to 255: scale and cast them first"
        )
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or not 1 <= images.shape[3] <= 4 or 0 in images.shape:
        raise DataError(f"{where} has shape {images.shape}; images are (N, H, W) or (N, H, W, C) with C from 1 to 4")
    labels: Labels | None = None
    attributes: Attributes = {}
    if values is not None and recipe.conditional is not False:
        labels, attributes = _indexed(where, values, len(images))
    labels, attributes = settle_labels(labels, attributes, recipe)
    fitted = fit_stack(images, recipe.resolution, recipe.channels, recipe.fit)
    return ArraySource(recipe.data, fitted, labels, attributes)


def _indexed(where: str, values: NDArray[Any], count: int) -> tuple[Labels, Attributes]:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "iuUS":
        raise DataError(
            f"the labels beside {where} are {values.dtype} of shape {values.shape}; "
            "legal: (N,) whole numbers or text, one a picture"
        )
    if len(values) != count:
        raise DataError(f"{where} has {count:,} pictures and {len(values):,} labels: there must be one label a picture")
    return one_attribute(*index_labels(values.astype(str) if values.dtype.kind == "S" else values))
