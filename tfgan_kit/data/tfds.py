"""The source `tfds:NAME[/config][:version][@split]`, or `tfds:FOLDER` of a prepared data set: TensorFlow Datasets."""

from __future__ import annotations

import difflib
import re
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data.parallel import map_in_order
from tfgan_kit.data.pictures import describe_sizes
from tfgan_kit.data.resize import array_picture, fit_picture
from tfgan_kit.data.source import ArraySource, Images, Source, fits_memory, one_attribute, settle_labels
from tfgan_kit.errors import DataError, MissingPackageError, nearest
from tfgan_kit.recipe import Recipe


def open_tfds(location: str, recipe: Recipe) -> Source:
    """A split (default: train) of a TensorFlow data set, downloaded and prepared by TFDS if it is not yet.

    The picture is the feature `image`, or the only image feature; the label is `label`, or the only class label.
    Pictures that take more than `memory_mb` are kept in an unnamed temporary file, so that they can be read at random.

    Raises:
        DataError: an unknown name or split, no network to download with, no pictures in it, or sizes that differ
            without a resolution in the recipe.
        MissingPackageError: tensorflow-datasets is not installed.
    """
    name, _, split = location.partition("@")
    builder = _builder(name, recipe)
    split = split or "train"
    image_key, label_key = _keys(builder, recipe)
    wants_labels = label_key is not None and recipe.conditional is not False
    settle_labels(np.empty((0, 1), np.int32) if wants_labels else None, {}, recipe)

    examples = _examples(builder, split, recipe)
    raw_labels: list[int] = []

    def pixels() -> Iterator[NDArray[Any]]:
        for example in examples:
            if label_key is not None and wants_labels:
                raw_labels.append(int(example[label_key]))
            yield example[image_key]

    try:
        images = _collect(pixels(), recipe)
    except OSError as error:
        raise DataError(f"{recipe.data}: spooling it to {tempfile.gettempdir()} failed ({error}): set TMPDIR") from None
    labels = np.array(raw_labels, np.int32) if wants_labels else None
    if labels is not None and len(labels) and labels.min() < 0:
        raise DataError(
            f"{recipe.data}: split {split!r} hides its labels (-1): choose another or set conditional to false"
        )
    if labels is None:
        return ArraySource(recipe.data, images, None, {})
    return ArraySource(recipe.data, images, *one_attribute(labels, tuple(builder.info.features[label_key].names)))


def _builder(name: str, recipe: Recipe) -> Any:
    """The prepared builder of a name or folder."""
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise MissingPackageError(f"{recipe.data} needs tensorflow-datasets: pip install 'tfgan-kit[train]'") from None
    if not name:
        raise DataError("tfds: needs the name of a data set or the folder of a prepared one, as in tfds:mnist@train")
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "dataset_info.json").is_file():
            raise DataError(f"{folder} is no prepared TFDS data set: give the folder that holds dataset_info.json")
        return tfds.builder_from_directory(str(folder))
    try:
        with _without_remarks():
            builder = tfds.builder(name, try_gcs=False)
    except tfds.core.registered.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(re.split("[/:]", name, maxsplit=1)[0], known, n=3, cutoff=0.5)
        hint = f"nearest: {', '.join(close)}" if close else "`tfds.list_builders()` has them all"
        raise DataError(f"TFDS has no data set {name!r}: {hint}; or give the folder of a prepared one") from None
    except Exception as error:  # an unknown config or version: TFDS raises many kinds
        raise DataError(f"TFDS cannot open {name!r}: {_first_line(error)}") from None
    try:
        if not builder.is_prepared():
            _check_network(builder)
        builder.download_and_prepare()
    except Exception as error:  # whatever a download, a checksum or a missing manual download raises
        raise DataError(
            f"{recipe.data} is not prepared in {builder.data_dir} and could not be downloaded ({_first_line(error)}): "
            "prepare it where there is a network and copy that folder, or set TFDS_DATA_DIR to where it is"
        ) from None
    return builder


def _check_network(builder: Any) -> None:
    """Ask for the address of the host that the data comes from: without a network TFDS itself retries for minutes.

    Raises:
        OSError: there is no such host, or no network; not where a proxy does the asking.
    """
    host = urlsplit(next(iter(builder.url_infos), "")).hostname
    if host and not getproxies():
        socket.getaddrinfo(host, None)


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep TFDS's log lines from the user: what is wrong comes as an error."""
    from absl import logging

    level = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(level)


def _keys(builder: Any, recipe: Recipe) -> tuple[str, str | None]:
    """The keys of the picture and of the label, or None, among the features."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    kinds = features.items() if isinstance(features, tfds.features.FeaturesDict) else ()
    images = sorted(key for key, feature in kinds if isinstance(feature, tfds.features.Image))
    labels = sorted(key for key, feature in kinds if isinstance(feature, tfds.features.ClassLabel))
    image_key = "image" if "image" in images else images[0] if len(images) == 1 else None
    if image_key is None:
        found = ", ".join(images) or "none"
        raise DataError(
            f"{recipe.data} has no feature `image` and not just one other picture (found: {found}): choose another"
        )
    label_key = "label" if "label" in labels else labels[0] if len(labels) == 1 else None
    return image_key, label_key


def _examples(builder: Any, split: str, recipe: Recipe) -> Iterator[dict[str, Any]]:
    import tensorflow_datasets as tfds

    try:
        return iter(tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False)))
    except (ValueError, KeyError, AssertionError):
        raise DataError(f"{recipe.data} has no split {split!r}: {nearest(split, builder.info.splits)}") from None


def _collect(pixels: Iterator[NDArray[Any]], recipe: Recipe) -> Images:
    """All pictures at one size, (N, H, W, C) uint8: in memory, or mapped from a temporary file without a name."""
    shape: tuple[int, int, int] | None = None
    sizes: Counter[tuple[int, int]] = Counter()

    def fitted(picture: Images) -> Images:
        if shape is None or picture.shape == shape:
            return picture
        return fit_picture(array_picture(picture), (shape[0], shape[1]), shape[2], recipe.fit)

    def checked() -> Iterator[Images]:
        nonlocal shape
        for picture in pixels:
            eight_bit = _eight_bit(picture, recipe)
            if shape is None:
                default_channels = 1 if eight_bit.shape[2] <= 2 else 3
                shape = *(recipe.resolution or eight_bit.shape[:2]), recipe.channels or default_channels
            sizes[eight_bit.shape[:2]] += 1
            if recipe.resolution is None and len(sizes) > 1:
                raise DataError(
                    f"{recipe.data}: the pictures differ in size, {describe_sizes(sizes)}, ...: set --resolution HxW"
                )
            yield eight_bit

    with tempfile.TemporaryFile() as spool:
        for picture in map_in_order(fitted, checked()):
            spool.write(picture.tobytes())
        count = sizes.total()
        if shape is None:
            raise DataError(f"{recipe.data} holds no pictures: choose another split")
        spool.flush()
        spool.seek(0)
        if fits_memory(count, shape, recipe.memory_mb):
            return np.fromfile(spool, np.uint8).reshape(count, *shape)
        return np.memmap(spool, np.uint8, "r", shape=(count, *shape))


def _eight_bit(picture: NDArray[Any], recipe: Recipe) -> Images:
    """A (h, w, c) picture as uint8."""
    if picture.dtype == np.uint16:
        return ((picture.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise DataError(f"{recipe.data} has pictures of {picture.dtype}; legal: uint8, uint16")
    return picture


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
