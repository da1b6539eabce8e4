"""From the text that names an extractor to the extractor."""

from __future__ import annotations

from pathlib import Path

from tfgan_kit.errors import DataError, nearest
from tfgan_kit.extractors.base import Extractor
from tfgan_kit.extractors.onnx_file import OnnxExtractor
from tfgan_kit.extractors.per_channel import PerChannel
from tfgan_kit.extractors.pixels import Pixels
from tfgan_kit.extractors.random_conv import RandomConv

FOLDER = Path(__file__).parent

# Classifiers that ship, and the names of their classes; None: the file says them. `train_cnn` makes them. Figures are
# comparable only within one file: retraining one is a change of its name.
SHIPPED: dict[str, tuple[str, ...] | None] = {
    "mnist-cnn": tuple("0123456789"),
    "fashion-cnn": None,
}
# A name of SHIPPED with this behind it is that network on each of three channels.
PER_CHANNEL = "-rgb"
NAMED = (*SHIPPED, f"mnist-cnn{PER_CHANNEL}", "pixels", "random-conv")
_OTHERS = ("inception", "inception:FILE", "onnx:FILE")


def open_extractor(spec: str) -> Extractor:
    """The extractor that a text names.

    Args:
        spec: one of `NAMED`; "inception" or "inception:FILE", see `open_inception`; or "onnx:FILE", any ONNX file.

    Raises:
        DataError: an unknown name, a file whose pictures cannot be told from its shapes, or no weights of inception.
        ModelFileError: no such file, a damaged or a wrong one, or one that makes no features.
        MissingPackageError: onnxruntime is not installed, or another package that the file needs.
    """
    scheme, _, location = spec.partition(":")
    if spec in SHIPPED:
        classes = SHIPPED[spec]
        return OnnxExtractor(FOLDER / f"{spec}.onnx", attributes={"class": classes} if classes else None)
    if spec in NAMED and spec.endswith(PER_CHANNEL):
        return PerChannel(open_extractor(spec.removesuffix(PER_CHANNEL)), spec)
    if spec == "pixels":
        return Pixels()
    if spec == "random-conv":
        return RandomConv()
    if scheme == "inception":
        # Only here are the sources of networks and weights of use.
        from tfgan_kit.extractors.inception import open_inception

        return open_inception(location)
    if scheme == "onnx":
        if not location:
            raise DataError("extractor 'onnx:' names no file: write onnx:FILE")
        return OnnxExtractor(location)
    raise DataError(f"extractor {spec!r} is unknown; {nearest(spec, (*NAMED, *_OTHERS))}")
