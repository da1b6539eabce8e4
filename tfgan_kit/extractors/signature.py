"""Which pictures an ONNX network takes and which of its outputs are what, read from names and shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgan_kit.errors import DataError, ModelFileError
from tfgan_kit.extractors.base import ImageShape

PROPERTY = "tfgan_extractor"  # of the file's metadata
DEFAULT_RANGE = (0.0, 1.0)  # of an input of floats

_DTYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")


@dataclass(frozen=True)
class Signature:
    """How to feed an ONNX network."""

    input: str
    layout: str  # "NHWC" or "NCHW"
    batch: int | None  # pictures a run; None: any number
    channels: int  # 1 or 3
    size: tuple[int, int] | None  # (H, W), px; None: any
    range: tuple[float, float] | None  # what black and white are as floats; None: uint8
    outputs: tuple[str, ...]  # features, and logits where there are any
    feature_size: int | None
    logits: int | None  # columns

    @property
    def image_shape(self) -> ImageShape | None:
        """(H, W, C), or None where any size will do."""
        return (*self.size, self.channels) if self.size else None

    def feed(self, images: np.ndarray) -> np.ndarray:
        """Pictures (N, H, W, C), uint8 or float32 in [0, 255], as the network takes them."""
        if self.range is not None:
            low, high = self.range
            images = images * np.float32((high - low) / 255) + np.float32(low)
        return np.ascontiguousarray(images if self.layout == "NHWC" else images.transpose(0, 3, 1, 2))


def read_signature(session: Any, info: dict[str, Any], where: str) -> Signature:
    """The signature of a network.

    Args:
        session: an onnxruntime.InferenceSession.
        info: what the file's metadata says; `range`, `image_shape` and `layout` count before the shapes.
        where: the file, for errors.

    Raises:
        DataError: layout, channels or size cannot be told.
        ModelFileError: not one input of uint8 or float32, no output of rank 2, or metadata that are not legal.
    """
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in _DTYPES:
        found = ", ".join(f"{i.name} {i.type}" for i in inputs) or "none"
        raise ModelFileError(f"{where} is not an extractor: it needs one input, uint8 or float32 pictures; has {found}")
    images = inputs[0]
    layout, channels, size = _pictures(list(images.shape), info, where)
    batch = images.shape[0]
    outputs = _outputs(session.get_outputs(), where)
    widths = [output.shape[1] if isinstance(output.shape[1], int) else None for output in outputs]
    if len(widths) > 1 and widths[1] is None:
        raise ModelFileError(f"{where} does not say how many logits it has: export it with a fixed number")
    return Signature(
        input=images.name,
        layout=layout,
        batch=batch if isinstance(batch, int) else None,
        channels=channels,
        size=size,
        range=None if _DTYPES[images.type] is np.uint8 else _range(info, where),
        outputs=tuple(output.name for output in outputs),
        feature_size=widths[0],
        logits=widths[1] if len(widths) > 1 else None,
    )


def _outputs(outputs: list[Any], where: str) -> list[Any]:
    flat = {output.name: output for output in outputs if len(output.shape) == 2 and output.type in _FLOATS}
    if not flat:
        found = ", ".join(f"{o.name} {o.type} {o.shape}" for o in outputs)
        raise ModelFileError(f"{where} is not an extractor: it needs an output of floats (N, F); has {found}")
    if {"features", "logits"} <= flat.keys():
        return [flat["features"], flat["logits"]]
    return [flat.get("features") or next(iter(flat.values()))]


def _pictures(shape: list[Any], info: dict[str, Any], where: str) -> tuple[str, int, tuple[int, int] | None]:
    """Layout, channels and size of an input."""
    layouts = [layout for layout in ("NHWC", "NCHW") if len(shape) == 4 and shape[layout.index("C")] in (1, 3)]
    if info.get("layout"):
        layouts = [layout for layout in ("NHWC", "NCHW") if layout == info["layout"] and len(shape) == 4]
    stated = info.get("image_shape")
    if stated is not None and not _is_shape(stated):
        raise ModelFileError(f"image_shape={stated!r} in the metadata {PROPERTY} of {where} is not [H, W, 1 or 3]")
    if len(layouts) != 1:
        raise DataError(
            f"{where} takes {shape}, which does not show where its 1 or 3 channels are: export it with the shape "
            f'(N, H, W, C) or (N, C, H, W), or put {{"layout": "NHWC"}} into its metadata {PROPERTY}'
        )
    axes = [layouts[0].index(axis) for axis in "HWC"]
    height, width, channels = stated or [shape[axis] for axis in axes]
    if channels not in (1, 3):
        raise DataError(
            f"{where} takes pictures of {channels!r} channels; legal: 1 (grey) or 3 (RGB); say which as image_shape, "
            f"[H, W, C], in its metadata {PROPERTY}"
        )
    fixed = isinstance(height, int), isinstance(width, int)
    if any(fixed) and not all(fixed):
        raise DataError(f"{where} takes {shape}, of which only one side is fixed: export it with both, or with neither")
    return layouts[0], channels, (height, width) if all(fixed) else None


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(type(v) is int and v > 0 for v in value) and value[2] < 4


def _range(info: dict[str, Any], where: str) -> tuple[float, float]:
    stated = info.get("range", DEFAULT_RANGE)
    if len(stated) != 2 or not all(isinstance(v, int | float) for v in stated) or stated[0] >= stated[1]:
        raise ModelFileError(f"range={stated!r} in the metadata {PROPERTY} of {where} is not [low, high]")
    return float(stated[0]), float(stated[1])
