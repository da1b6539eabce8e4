"""From the text that names an extractor to the extractor."""

from __future__ import annotations

from pathlib import Path

from tfgan_kit.errors import DataError, nearest
from tfgan_kit.extractors.base import Extractor
from tfgan_kit.extractors.onnx_file import OnnxExtractor
from tfgan_kit.extractors.per_channel import PerChannel

FOLDER = Path(__file__).parent

# Classifiers that ship, and the names of their classes. Figures are comparable only within one file: retraining one
# is a change of its name.
SHIPPED: dict[str, tuple[str, ...]] = {
    "mnist-cnn": tuple("0123456789"),  # python -m tfgan_kit.extractors.train_cnn mnist-cnn
}
# A name of SHIPPED with this behind it is that network on each of three channels.
PER_CHANNEL = "-rgb"
NAMED = (*SHIPPED, f"mnist-cnn{PER_CHANNEL}")
_SCHEMES = ("onnx:FILE",)


def open_extractor(spec: str) -> Extractor:
    """The extractor that a text names.

    Args:
        spec: one of `NAMED`, or "onnx:FILE" for any ONNX file.

    Raises:
        DataError: an unknown name, or a file whose pictures cannot be told from its shapes.
        ModelFileError: no such file, a damaged one, or one that makes no features.
        MissingPackageError: onnxruntime is not installed.
    """
    scheme, _, location = spec.partition(":")
    if spec in SHIPPED:
        return OnnxExtractor(FOLDER / f"{spec}.onnx", attributes={"class": SHIPPED[spec]})
    if spec in NAMED and spec.endswith(PER_CHANNEL):
        return PerChannel(open_extractor(spec.removesuffix(PER_CHANNEL)), spec)
    if scheme == "onnx":
        if not location:
            raise DataError("extractor 'onnx:' names no file: write onnx:FILE")
        return OnnxExtractor(location)
    raise DataError(f"extractor {spec!r} is unknown; {nearest(spec, (*NAMED, *_SCHEMES))}")
