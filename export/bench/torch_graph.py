"""A model's graph run by PyTorch, operator by operator: the same pictures, to measure how fast PyTorch makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper

from tfgan_kit.errors import ExportError
from tfgan_kit.export.sampling.session import available_cores

Attributes = dict[str, Any]
Operator = Callable[..., torch.Tensor]


class TorchGraph:
    """A model as a PyTorch module would run it, eagerly.

    Constants that say shapes, axes and sizes are Python's own; all else are tensors.
    """

    def __init__(self, path: Path) -> None:
        """Read a model.

        Args:
            path: the .onnx.

        Raises:
            ExportError: it has an operator that is not among these.
        """
        graph = onnx.load(path).graph
        unknown = sorted({node.op_type for node in graph.node} - set(_OPERATORS))
        if unknown:
            raise ExportError(f"the graph has {', '.join(unknown)}, which PyTorch is not given here")
        torch.set_num_threads(available_cores())
        self._constants: dict[str, Any] = {
            tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer
        }
        self._constants[""] = None
        self._nodes = [
            (
                _OPERATORS[node.op_type],
                {a.name: helper.get_attribute_value(a) for a in node.attribute},
                list(node.input),
                list(node.output),
            )
            for node in graph.node
        ]

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """The output `images` of inputs by name."""
        with torch.inference_mode():
            values = self._constants | {name: torch.from_numpy(np.asarray(array)) for name, array in inputs.items()}
            for operator, attributes, names, outputs in self._nodes:
                values[outputs[0]] = operator(attributes, *(values[name] for name in names))
            images: np.ndarray = values["images"].numpy()
        return images


def _gemm(a: Attributes, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
    x = x.T if a.get("transA") else x
    w = w.T if a.get("transB") else w
    if b is None:
        return a.get("alpha", 1.0) * (x @ w)
    return torch.addmm(b, x, w, beta=a.get("beta", 1.0), alpha=a.get("alpha", 1.0))


def _conv(a: Attributes, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
    pads = _pads(a, w)
    if pads[:2] != pads[2:]:
        x, pads = F.pad(x, (pads[1], pads[3], pads[0], pads[2])), [0, 0, 0, 0]
    return F.conv2d(x, w, b, a.get("strides", 1), pads[:2], a.get("dilations", 1), a.get("group", 1))


def _conv_transpose(a: Attributes, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
    strides, kernel = a.get("strides", [1, 1]), w.shape[2:]
    if "output_shape" in a:
        # What is cut off of (n - 1) stride + kernel; the smaller half first, as SAME_UPPER has it.
        sizes = a["output_shape"][-2:]
        total = [(x.shape[i + 2] - 1) * strides[i] + kernel[i] - sizes[i] for i in range(2)]
        pads = [t // 2 for t in total] + [t - t // 2 for t in total]
        extra = [0, 0]
    else:
        pads, extra = _pads(a, w), a.get("output_padding", [0, 0])
    # PyTorch cuts both ends alike, less what it gives back at the end.
    at_end = [extra[i] + pads[i] - pads[i + 2] for i in range(2)]
    if min(at_end) >= 0:
        return F.conv_transpose2d(x, w, b, strides, pads[:2], at_end, a.get("group", 1), a.get("dilations", 1))
    y = F.conv_transpose2d(x, w, b, strides, pads[:2], 0, a.get("group", 1), a.get("dilations", 1))
    return y[:, :, : y.shape[2] + at_end[0], : y.shape[3] + at_end[1]]


def _pads(a: Attributes, w: torch.Tensor) -> list[int]:
    if a.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise ExportError("the graph pads by auto_pad, which PyTorch is not given here")
    return list(a.get("pads", [0] * 2 * (w.ndim - 2)))


def _resize(a: Attributes, x: torch.Tensor, roi: Any, scales: Any, sizes: Any = None) -> torch.Tensor:
    shape = (
        [int(v) for v in sizes[2:]]
        if sizes is not None
        else [round(float(s) * n) for s, n in zip(scales[2:], x.shape[2:], strict=True)]
    )
    where = a.get("coordinate_transformation_mode", b"half_pixel")
    if a.get("mode", b"nearest") == b"nearest" and where == b"asymmetric":
        return F.interpolate(x, size=shape, mode="nearest")
    if a.get("mode") == b"linear" and where in (b"half_pixel", b"pytorch_half_pixel"):
        return F.interpolate(x, size=shape, mode="bilinear", align_corners=False)
    raise ExportError("the graph resizes in a way that PyTorch is not given here")


def _slice(a: Attributes, x: torch.Tensor, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> torch.Tensor:
    axes = range(len(starts)) if axes is None else axes.tolist()
    steps = [1] * len(starts) if steps is None else steps.tolist()
    index = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts.tolist(), ends.tolist(), steps, strict=True):
        if step < 1:
            raise ExportError("the graph takes values backwards, which PyTorch is not given here")
        index[axis] = slice(start, min(end, x.shape[axis]), step)
    return x[tuple(index)]


def _unsqueeze(a: Attributes, x: torch.Tensor, axes: Any = None) -> torch.Tensor:
    for axis in sorted(a["axes"] if axes is None else axes.tolist()):
        x = x.unsqueeze(axis)
    return x


def _reduce(function: Operator) -> Operator:
    def reduce(a: Attributes, x: torch.Tensor, axes: Any = None) -> torch.Tensor:
        over = a.get("axes") if axes is None else axes.tolist()
        return function(x, list(range(x.ndim)) if over is None else list(over), keepdim=bool(a.get("keepdims", 1)))

    return reduce


def _clip(a: Attributes, x: torch.Tensor, low: Any = None, high: Any = None) -> torch.Tensor:
    return torch.clamp(x, a.get("min", low), a.get("max", high))


def _reshape(a: Attributes, x: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    wanted = [x.shape[i] if size == 0 and not a.get("allowzero") else size for i, size in enumerate(shape.tolist())]
    return x.reshape(wanted)


def _gather(a: Attributes, x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    axis = a.get("axis", 0)
    taken = x.index_select(axis, index.reshape(-1).long())
    return taken.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


def _cast(a: Attributes, x: torch.Tensor) -> torch.Tensor:
    return x.to(torch.from_numpy(np.empty(0, helper.tensor_dtype_to_np_dtype(a["to"]))).dtype)


_OPERATORS: dict[str, Operator] = {
    "Add": lambda a, x, y: x + y, "Sub": lambda a, x, y: x - y, "Mul": lambda a, x, y: x * y,
    "Div": lambda a, x, y: x / y, "Cast": _cast, "Clip": _clip, "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "Conv": _conv, "ConvTranspose": _conv_transpose, "Gather": _gather, "Gemm": _gemm,
    "Identity": lambda a, x: x, "LeakyRelu": lambda a, x: F.leaky_relu(x, a.get("alpha", 0.01)),
    "MatMul": lambda a, x, y: x @ y, "Reciprocal": lambda a, x: torch.reciprocal(x),
    "ReduceMean": _reduce(torch.mean), "ReduceSum": _reduce(torch.sum), "Relu": lambda a, x: torch.relu(x),
    "Reshape": _reshape, "Resize": _resize, "Round": lambda a, x: torch.round(x),
    "Shape": lambda a, x: torch.tensor(x.shape), "Sigmoid": lambda a, x: torch.sigmoid(x), "Slice": _slice,
    "Sqrt": lambda a, x: torch.sqrt(x), "Tanh": lambda a, x: torch.tanh(x),
    "Tile": lambda a, x, repeats: x.repeat(repeats.tolist()),
    "Transpose": lambda a, x: x.permute(a["perm"]), "Unsqueeze": _unsqueeze,
}  # fmt: skip
