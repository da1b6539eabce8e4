"""Axes in one order: changes to NCHW move up through a graph until they cancel, or meet what costs nothing to change.

TensorFlow computes in NHWC and ONNX's convolutions in NCHW, so every convolution comes out of the converter between two
Transposes. Between one's end and the next one's beginning stand elementwise nodes and sums over channels, which do
the same in either order.
"""

from __future__ import annotations

import numpy as np
import onnx

from tfgan_kit.export.rewrite.graph import ELEMENTWISE, Graph, attribute
from tfgan_kit.export.rewrite.tail import TO_NCHW, TO_NHWC

_RANK = len(TO_NCHW)
_REDUCTIONS = frozenset({"ReduceMean", "ReduceSum", "ReduceL2"})


def raise_transposes(graph: Graph) -> None:
    """Move every change to NCHW up as far as it goes, past nodes that are read by such changes alone.

    One remains for each of such a node's inputs; a constant takes it into its values, and a change to NHWC cancels it.
    """
    ranks = {name: len(shape) for name, shape in graph.shapes().items()}
    while any(_raise(graph, node, ranks) or _cancel(graph, node) for node in graph.nodes[::-1]):
        pass


def _raise(graph: Graph, node: onnx.NodeProto, ranks: dict[str, int]) -> bool:
    readers = _readers(graph, node)
    if not readers or not _movable(graph, node, ranks):
        return False
    for i in _data_places(graph, node):
        node.input[i] = _to_nchw(graph, node, node.input[i])
        ranks[node.input[i]] = _RANK
    if node.op_type in _REDUCTIONS:
        _move_axes(graph, node)
    for reader in readers:
        graph.bypass(reader)
    return True


def _cancel(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a change to NHWC, with nothing but changes back behind it, was there and is gone."""
    readers = _readers(graph, node)
    if not readers or node.op_type != "Transpose" or attribute(node, "perm") != TO_NHWC:
        return False
    for gone in [*readers, node]:
        graph.bypass(gone)
    return True


def _readers(graph: Graph, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The changes to NCHW that read a node, if nothing else does."""
    if len(node.output) != 1 or any(value.name == node.output[0] for value in graph.outputs):
        return []
    readers = [other for other in graph.nodes if node.output[0] in other.input]
    nchw = all(other.op_type == "Transpose" and attribute(other, "perm") == TO_NCHW for other in readers)
    return readers if nchw else []


def _movable(graph: Graph, node: onnx.NodeProto, ranks: dict[str, int]) -> bool:
    """Whether a node does the same to NCHW, and every input of it is of four axes or a constant of at most four."""
    if node.op_type in _REDUCTIONS:
        return attribute(node, "keepdims", 1) == 1 and _axes(graph, node) is not None
    if node.op_type not in ELEMENTWISE:
        return False
    for name in node.input:
        rank = graph.constants[name].ndim if name in graph.constants else ranks.get(name, 0)
        if rank > _RANK or (name not in graph.constants and rank != _RANK):
            return False
    return True


def _data_places(graph: Graph, node: onnx.NodeProto) -> list[int]:
    """The inputs of a node that have an order of axes."""
    if node.op_type in _REDUCTIONS:
        return [0]
    return [i for i, name in enumerate(node.input) if name not in graph.constants or graph.constants[name].size > 1]


def _to_nchw(graph: Graph, node: onnx.NodeProto, name: str) -> str:
    """A tensor's name in NCHW."""
    constant = graph.constants.get(name)
    if constant is not None:
        whole = constant.reshape([1] * (_RANK - constant.ndim) + list(constant.shape))
        return graph.add_constant(f"{name}/nchw", np.ascontiguousarray(whole.transpose(TO_NCHW)))
    moved = f"{name}/nchw"
    if graph.producer(moved) is None:
        change = onnx.helper.make_node("Transpose", [name], [moved], name=moved, perm=TO_NCHW)
        graph.insert_before(node, change)
    return moved


def _axes(graph: Graph, node: onnx.NodeProto) -> list[int] | None:
    """The axes that a reduction sums over, which newer opsets have as an input."""
    if len(node.input) > 1:
        axes = graph.constants.get(node.input[1])
        return None if axes is None else [int(axis) % _RANK for axis in axes]
    given = attribute(node, "axes")
    return None if given is None else [axis % _RANK for axis in given]


def _move_axes(graph: Graph, node: onnx.NodeProto) -> None:
    axes = [TO_NCHW.index(axis) for axis in _axes(graph, node) or []]
    if len(node.input) > 1:
        node.input[1] = graph.add_constant(f"{node.input[1]}/nchw", np.array(axes, np.int64))
    else:
        next(a for a in node.attribute if a.name == "axes").ints[:] = axes
