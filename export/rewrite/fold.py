"""Scales and shifts folded into the weights before them: batch norms, in whatever form they come out of a converter.

For a linear layer y = W x + b, the affine s y + t is again one: (s W) x + (s b + t). That holds for convolutions and
transposed ones with s and t a channel, and for dense layers with s and t a unit; a dense layer's units stay units
through a Reshape and a Transpose, so it also holds there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from tfgan_kit.export.rewrite.graph import Graph, attribute

LINEAR = frozenset({"MatMul", "Gemm", "Conv", "ConvTranspose"})
Shapes = dict[str, tuple[int | None, ...]]


@dataclass(frozen=True)
class Affine:
    """`scale * x + shift`; both float64, of the shape of one sample of x.

    Attributes:
        x: name of the tensor.
        scale, shift: arrays, one value for each value of a sample.
    """

    x: str
    scale: np.ndarray
    shift: np.ndarray


def fold_affines(graph: Graph) -> int:
    """Fold every BatchNormalization, and every Mul, Add, Sub and Div by a constant, that follows a linear layer.

    Returns:
        How many nodes are gone.
    """
    count = 0
    while (node := _foldable(graph)) is not None:
        graph.bypass(node)
        count += 1
    return count


def _foldable(graph: Graph) -> onnx.NodeProto | None:
    """The first affine node that could be folded; the weights before it already hold it."""
    shapes = graph.shapes()
    for node in graph.nodes:
        affine = _affine(graph, node, shapes)
        if affine is not None and _fold(graph, affine, shapes):
            return node
    return None


def _affine(graph: Graph, node: onnx.NodeProto, shapes: Shapes) -> Affine | None:
    """What `node` does to its data, if that is an affine."""
    x = graph.data_input(node)
    sample = shapes.get(x or "", ())[1:]
    if x is None or not sample or None in sample:
        return None
    if node.op_type == "BatchNormalization":
        gain, bias, mean, variance = (graph.constants[name].astype(np.float64) for name in node.input[1:5])
        scale = gain / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
        a_channel = (-1, *[1] * (len(sample) - 1))
        return _spread(x, scale.reshape(a_channel), (bias - mean * scale).reshape(a_channel), sample)
    if node.op_type not in ("Mul", "Add", "Sub", "Div") or len(node.input) != 2:
        return None
    before = node.input[0] != x
    constant = graph.constants[node.input[0 if before else 1]].astype(np.float64)
    if constant.ndim > len(sample):
        # A constant that differs along the batch does not broadcast to a sample.
        constant = constant.reshape(constant.shape[1:]) if constant.shape[0] == 1 else constant
    steps: dict[tuple[str, bool], Callable[[np.ndarray], tuple[Any, Any]]] = {
        ("Mul", False): lambda c: (c, 0.0),
        ("Mul", True): lambda c: (c, 0.0),
        ("Add", False): lambda c: (1.0, c),
        ("Add", True): lambda c: (1.0, c),
        ("Sub", False): lambda c: (1.0, -c),
        ("Sub", True): lambda c: (-1.0, c),
        ("Div", False): lambda c: (1.0 / c, 0.0),
    }
    step = steps.get((node.op_type, before))
    return None if step is None else _spread(x, *step(constant), sample)


def _spread(x: str, scale: Any, shift: Any, sample: tuple[int | None, ...]) -> Affine | None:
    try:
        return Affine(x, np.broadcast_to(scale, sample), np.broadcast_to(shift, sample))  # type: ignore[arg-type]
    except ValueError:
        return None  # The constant makes the data larger: no affine of a sample.


def _fold(graph: Graph, affine: Affine, shapes: Shapes) -> bool:
    """Fold into the linear layer above, through Reshape and Transpose; whether there was one."""
    name, scale, shift = affine.x, affine.scale, affine.shift
    while graph.only_use(name):
        node = graph.producer(name)
        if node is None:
            return False
        if node.op_type in LINEAR:
            return _fold_into(graph, node, scale, shift)
        data = graph.data_input(node)
        sample = shapes.get(data or "", (None, None))[1:]
        if node.op_type == "Reshape" and None not in sample and np.prod(sample) == scale.size:  # type: ignore[arg-type]
            scale, shift = scale.reshape(sample), shift.reshape(sample)  # type: ignore[arg-type]
        elif node.op_type == "Transpose" and attribute(node, "perm")[0] == 0:
            back = np.argsort([axis - 1 for axis in attribute(node, "perm")[1:]])
            scale, shift = scale.transpose(back), shift.transpose(back)
        else:
            return False
        name = str(data)
    return False


def _fold_into(graph: Graph, node: onnx.NodeProto, scale: np.ndarray, shift: np.ndarray) -> bool:
    """Put `scale` and `shift`, of the shape of a sample of the output, into the weights of a linear layer."""
    if len(node.input) < 2 or node.input[0] in graph.constants or any(i not in graph.constants for i in node.input[1:]):
        return False
    if node.op_type in ("Conv", "ConvTranspose"):
        flat = [array.reshape(len(array), -1) for array in (scale, shift)]
        if not all((array == array[:, :1]).all() for array in flat):
            return False
        scale, shift = (array[:, 0] for array in flat)
    elif graph.constants[node.input[1]].ndim != 2 or scale.ndim != 1 or not _plain(node):
        return False
    weights = graph.constants[node.input[1]].astype(np.float64)
    if node.op_type == "Conv":
        weights = weights * scale.reshape(-1, *[1] * (weights.ndim - 1))
    elif node.op_type == "ConvTranspose":
        groups = attribute(node, "group", 1)
        grouped = weights.reshape(groups, -1, *weights.shape[1:])
        weights = (grouped * scale.reshape(groups, 1, -1, *[1] * (weights.ndim - 2))).reshape(weights.shape)
    elif attribute(node, "transB", 0):
        weights = weights * scale[:, None]
    else:
        weights = weights * scale
    bias = graph.constants[node.input[2]].astype(np.float64) if len(node.input) == 3 else np.zeros(1)
    new = [
        graph.add_constant(f"{node.input[1]}/folded", weights.astype(np.float32)),
        graph.add_constant(f"{node.output[0]}/bias", (bias * scale + shift).astype(np.float32)),
    ]
    if node.op_type == "MatMul":
        graph.replace(node, "Gemm", [node.input[0], *new])
    else:
        node.input[1:] = new
    return True


def _plain(node: onnx.NodeProto) -> bool:
    """Whether a dense layer is x W + b, without factors."""
    return bool(
        attribute(node, "alpha", 1.0) == 1.0 == attribute(node, "beta", 1.0) and not attribute(node, "transA", 0)
    )
