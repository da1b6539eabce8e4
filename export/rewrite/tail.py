"""The end of a generator's graph: from TensorFlow's float images to the layout and dtype that is asked for."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from tfgan_kit.export.rewrite.graph import Graph

TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]


def append_tail(graph: Graph, shape: tuple[int, int, int], *, layout: str, dtype: str) -> None:
    """Turn the output `images`, float32 (N, H, W, C) in [-1, 1], into the one that is asked for.

    A uint8 image is clip(round((x + 1) * 127.5), 0, 255), a half rounded to even.

    Args:
        graph: changed in place.
        shape: height, width and channels.
        layout: "nhwc" or "nchw".
        dtype: "uint8" or "float32".
    """
    # Convolutions end in NCHW: this cancels their own way to NHWC, so that a Transpose at the end moves bytes.
    graph.rename("images", "images/float_nhwc")
    graph.append("Transpose", ["images/float_nhwc"], "images/float", perm=TO_NCHW)
    last = "images/float"
    if dtype == "uint8":
        one, half, low, high = (
            graph.add_constant(f"images/{value:g}", np.array(value, np.float32)) for value in (1.0, 127.5, 0.0, 255.0)
        )
        graph.append("Add", [last, one], "images/from_0")
        graph.append("Mul", ["images/from_0", half], "images/grey")
        graph.append("Round", ["images/grey"], "images/round")
        graph.append("Clip", ["images/round", low, high], "images/clip")
        graph.append("Cast", ["images/clip"], "images/uint8", to=TensorProto.UINT8)
        last = "images/uint8"
    if layout == "nhwc":
        graph.append("Transpose", [last], "images", perm=TO_NHWC)
    else:
        graph.rename(last, "images")

    height, width, channels = shape
    axes = (channels, height, width) if layout == "nchw" else shape
    element = TensorProto.UINT8 if dtype == "uint8" else TensorProto.FLOAT
    graph.outputs = [helper.make_tensor_value_info("images", element, ["N", *axes])]
