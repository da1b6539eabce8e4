"""Extractors that are ONNX files, our own and foreign ones: numpy and onnxruntime only."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_kit.errors import DataError, MissingPackageError, ModelFileError
from tfgan_kit.extractors.base import Attributes, ImageShape, blocks, check_images
from tfgan_kit.extractors.fit import RESIZE, fit_floats, fit_images
from tfgan_kit.extractors.signature import PROPERTY, Signature, read_signature


class OnnxExtractor:
    """An ONNX network from one input of pictures to features (N, F) and perhaps logits (N, K).

    The input is uint8, or floats in [0, 1]; (N, H, W, C) or (N, C, H, W), told from its shape. Two outputs named
    `features` and `logits` are these; else the first output of rank 2 is the features. A JSON object in the file's
    metadata `tfgan_extractor` may say more: `range` ([low, high] of floats, that of black and white), `image_shape`
    ([H, W, C]), `layout` ("NHWC" or "NCHW"), `attributes` (name -> names of values), `resize` (what the network itself
    does to pictures of any size, in words) and `block` (pictures at a time, at most).

    Attributes:
        info: what the file says of itself.
        The others are those of `Extractor`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        attributes: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Load `path`.

        Args:
            path: the .onnx.
            name: what figures call it; None: the file's stem.
            attributes: what its logits are of; None: as the file says, or one attribute `class` of numbered values.

        Raises:
            DataError: it does not show which pictures it takes.
            ModelFileError: no such file, one that onnxruntime cannot read, or not an extractor.
            MissingPackageError: onnxruntime is not installed.
        """
        path = Path(path).expanduser()
        self.name = name or path.stem
        self._where = str(path)
        self._content = _read(path)
        self._session = _open_session(self._content, self._where)
        self.info: dict[str, Any] = _info(self._session, self._where)
        self._signature: Signature = read_signature(self._session, self.info, self._where)
        self.digest: str = hashlib.sha256(self._content).hexdigest()[:16]
        self.image_shape: ImageShape | None = self._signature.image_shape
        self.resize: str = self.info.get("resize", RESIZE if self.image_shape else "none")
        self.feature_size: int | None = self._signature.feature_size
        self.attributes: Attributes = self._attributes(attributes)

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The features and the logits of pictures; see `Extractor.run`."""
        check_images(images, np.uint8, self.name)
        found = self._collect(images, self._signature.outputs)
        return found[0], found[1] if len(found) > 1 else None

    def features(self, images: np.ndarray) -> np.ndarray:
        """The features of pictures, (N, F) float32."""
        check_images(images, np.uint8, self.name)
        return self._collect(images, self._signature.outputs[:1])[0]

    def features_of_floats(self, images: np.ndarray) -> np.ndarray:
        """The features of float32 pictures in [0, 255]; see `Extractor.features_of_floats`."""
        check_images(images, np.float32, self.name)
        return self._collect(images, self._signature.outputs[:1])[0]

    @cached_property
    def _float_session(self) -> Any:
        """The network with an input of floats in place of whole numbers, of the same range."""
        try:
            import onnx
        except ImportError as error:
            raise MissingPackageError(
                f"features of unrounded pictures by {self.name!r} need onnx; pip install onnx"
            ) from error
        proto = onnx.load_from_string(self._content)
        images = next(i for i in proto.graph.input if i.name == self._signature.input)
        images.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        # Types of what lies between may follow from the input's.
        del proto.graph.value_info[:]
        try:
            return _open_session(proto.SerializeToString(), self._where)
        except ModelFileError as error:
            raise DataError(
                f"extractor {self.name!r} works on whole numbers inside and cannot take unrounded pictures: use another"
            ) from error

    def _collect(self, images: np.ndarray, names: tuple[str, ...]) -> list[np.ndarray]:
        size = self.image_shape[:2] if self.image_shape else None
        floats = images.dtype == np.float32
        session = self._float_session if floats and self._signature.range is None else self._session
        fit: Any = fit_floats if floats else fit_images
        parts: list[list[np.ndarray]] = [[] for _ in names]
        shape = (*(size or images.shape[1:3]), self._signature.channels)
        for part in blocks(len(images), shape, self.info.get("block")):
            block = self._signature.feed(fit(images[part], size, self._signature.channels))
            for found, values in zip(parts, self._run(session, names, block), strict=True):
                found.append(values)
        if len(images):
            return [np.concatenate(found) for found in parts]
        one = np.zeros((1, *images.shape[1:]), images.dtype)
        return [found[:0] for found in self._collect(one, names)]

    def _run(self, session: Any, names: tuple[str, ...], block: np.ndarray) -> list[np.ndarray]:
        """The outputs, float32, of pictures as the network takes them."""
        count, most = len(block), self._signature.batch or len(block)
        if count % most:
            # A file of a fixed batch gets copies of the last picture.
            block = np.concatenate([block, block[-1:].repeat(most - count % most, axis=0)])
        results = []
        for start in range(0, len(block), most):
            try:
                results.append(session.run(list(names), {self._signature.input: block[start : start + most]}))
            except Exception as error:  # onnxruntime's errors share no base class but this
                reason = str(error).splitlines()[0]
                raise DataError(
                    f"extractor {self.name!r} cannot work on pictures of {block.shape[1:]}: {reason}; if it takes one "
                    f"size only, say so as image_shape in the file's metadata {PROPERTY}"
                ) from error
        whole = [np.concatenate(parts) if len(parts) > 1 else parts[0] for parts in zip(*results, strict=True)]
        return [values[:count].astype(np.float32, copy=False) for values in whole]

    def _attributes(self, given: Mapping[str, tuple[str, ...]] | None) -> Attributes:
        count = self._signature.logits
        if count is None:
            return {}
        numbered = {"class": tuple(map(str, range(count)))}
        found = {name: tuple(values) for name, values in (given or self.info.get("attributes") or numbered).items()}
        if sum(map(len, found.values())) != count:
            raise ModelFileError(
                f"{self._where} has {count} logits, and its attributes have {sum(map(len, found.values()))} values"
            )
        return found


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} is not there or cannot be read ({error.strerror}): give an .onnx file") from None
    # The key of a tensor that is kept in another file, which no digest of this one covers.
    if b"\n\x08location\x12" in content:
        raise ModelFileError(f"{path} keeps its weights in another file: save it as a single .onnx")
    return content


def _open_session(content: bytes, where: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingPackageError("features need onnxruntime; pip install 'tfgan-kit[evaluate]'") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong with a file is said once, by the error
    # The default counts the machine's cores and not those that a container lends.
    if hasattr(os, "sched_getaffinity"):
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class but this
        raise ModelFileError(f"{where} is no ONNX file that onnxruntime can read: it is damaged or foreign") from error


def _info(session: Any, where: str) -> dict[str, Any]:
    text = session.get_modelmeta().custom_metadata_map.get(PROPERTY, "{}")
    try:
        info = json.loads(text)
    except ValueError:
        info = None
    if not isinstance(info, dict):
        raise ModelFileError(f"the metadata {PROPERTY} of {where} is no JSON object")
    return info
