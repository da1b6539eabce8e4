"""Networks that turn images into features, as ONNX files: numpy and onnxruntime only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_kit.errors import DataError, MissingPackageError, ModelFileError, nearest

FOLDER = Path(__file__).parent / "extractors"

# Name -> file in `extractors/`. Figures are comparable only within one file: retraining one is a change of its name.
EXTRACTORS = {
    "mnist-cnn": "mnist-cnn.onnx",  # digits, (28, 28, 1); python -m tfgan_kit.metrics.train_extractor
}


class Extractor:
    """An ONNX network with input `images` uint8 (N, H, W, C) and outputs `features` (N, F) and `logits` (N, K).

    Attributes:
        image_shape: (H, W, C) that it takes.
        feature_size: F.
        classes: K.
        info: what the file says of itself: name, test accuracy, digest of its training data.
    """

    def __init__(self, path: str | os.PathLike[str], *, batch: int = 500) -> None:
        """Load `path`.

        Args:
            path: an .onnx as `tfgan_kit.metrics.train_extractor` writes it.
            batch: images that are run at a time, which bounds memory.

        Raises:
            ModelFileError: no such file, one that onnxruntime cannot read, or not an extractor.
            MissingPackageError: onnxruntime is not installed.
        """
        self._batch = batch
        self._session = _session(Path(path))
        inputs = {i.name: i for i in self._session.get_inputs()}
        outputs = {o.name: o for o in self._session.get_outputs()}
        metadata = self._session.get_modelmeta().custom_metadata_map
        if (
            "tfgan_extractor" not in metadata
            or set(inputs) != {"images"}
            or inputs["images"].type != "tensor(uint8)"
            or not {"features", "logits"} <= set(outputs)
        ):
            raise ModelFileError(
                f"{path} is not an extractor: it needs the input `images` (uint8), the outputs `features` and "
                "`logits`, and the metadata `tfgan_extractor`"
            )
        height, width, channels = inputs["images"].shape[1:]
        self.image_shape: tuple[int, int, int] = (height, width, channels)
        self.feature_size: int = outputs["features"].shape[1]
        self.classes: int = outputs["logits"].shape[1]
        self.info: dict[str, Any] = json.loads(metadata["tfgan_extractor"])

    @classmethod
    def named(cls, name: str, *, batch: int = 500) -> Extractor:
        """The extractor of that name among those that ship with the package.

        Raises:
            DataError: an unknown name.
        """
        if name not in EXTRACTORS:
            raise DataError(f"extractor {name!r} is unknown; {nearest(name, EXTRACTORS)}")
        return cls(FOLDER / EXTRACTORS[name], batch=batch)

    def features(self, images: np.ndarray) -> np.ndarray:
        """The features of images.

        Args:
            images: (N, H, W, C) uint8, of the extractor's `image_shape`.

        Returns:
            (N, F) float32.

        Raises:
            DataError: images of another type, size or number of channels.
        """
        return self._collect(["features"], images)[0]

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The features and the class logits of images: as `features`, and (N, K) float32."""
        features, logits = self._collect(["features", "logits"], images)
        return features, logits

    def _collect(self, names: list[str], images: np.ndarray) -> list[np.ndarray]:
        self._check(images)
        widths = {"features": self.feature_size, "logits": self.classes}
        results = [np.empty((len(images), widths[name]), np.float32) for name in names]
        for part in _parts(len(images), self._batch):
            values = self._session.run(names, {"images": np.ascontiguousarray(images[part])})
            for result, value in zip(results, values, strict=True):
                result[part] = value
        return results

    def _check(self, images: np.ndarray) -> None:
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != self.image_shape:
            height, width, channels = self.image_shape
            raise DataError(
                f"extractor {self.info['name']!r} takes uint8 images (N, {height}, {width}, {channels}); "
                f"got {images.dtype} {images.shape}"
            )


def _parts(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingPackageError("features need onnxruntime; pip install 'tfgan-kit[sample]'") from error
    if not path.is_file():
        raise ModelFileError(f"{path} is not there")
    options = onnxruntime.SessionOptions()
    # The default counts the machine's cores and not those that a container lends.
    if hasattr(os, "sched_getaffinity"):
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
    try:
        return onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class but this
        raise ModelFileError(f"{path} is no ONNX file that onnxruntime can read: it is damaged or foreign") from error
