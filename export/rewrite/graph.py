"""An ONNX graph as a list of nodes and a dict of constants, so that a rewrite of it is a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

# Of one tensor and constants of one element each, applied to every value by itself; so they commute with any
# change of shape or order.
ELEMENTWISE = frozenset({
    "Abs", "Add", "Cast", "Ceil", "Clip", "Div", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "LeakyRelu", "Log",
    "Mul", "Neg", "Pow", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Sub",
    "Tanh",
})  # fmt: skip
# Larger constants are not looked into by shape inference, which only needs to know their shape.
_SMALL = 16


class Graph:
    """Nodes in topological order, constants by name, inputs and outputs; the weights as numpy arrays.

    Attributes:
        nodes: in an order in which they can be run.
        constants: initializers and the values of Constant nodes, by name.
        inputs, outputs: as in the model, without initializers.
        opset: version of the default operator set.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        """Read a model, whose nodes are shared with it and change."""
        graph = model.graph
        self.opset: int = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
        self.constants: dict[str, np.ndarray] = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            else:
                self.nodes.append(node)
        self.inputs = [value for value in graph.input if value.name not in self.constants]
        self.outputs = list(graph.output)

    def to_model(self, ir_version: int, producer: str = "", version: str = "") -> onnx.ModelProto:
        """The model, with the constants that are in use."""
        self.remove_dead()
        used = {name for node in self.nodes for name in node.input}
        initializers = [numpy_helper.from_array(a, name) for name, a in self.constants.items() if name in used]
        graph = helper.make_graph(self.nodes, "generator", self.inputs, self.outputs, initializers)
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", self.opset)],
            ir_version=ir_version,
            producer_name=producer,
            producer_version=version,
        )

    def producer(self, name: str) -> onnx.NodeProto | None:
        """The node that makes a tensor; None for inputs and constants."""
        return next((node for node in self.nodes if name in node.output), None)

    def only_use(self, name: str) -> bool:
        """Whether exactly one node reads a tensor, and it is no output of the graph."""
        uses = sum(list(node.input).count(name) for node in self.nodes)
        return uses == 1 and all(output.name != name for output in self.outputs)

    def data_input(self, node: onnx.NodeProto) -> str | None:
        """The one input of `node` that is not constant; None where there are several or none."""
        names = [name for name in node.input if name and name not in self.constants]
        return names[0] if len(names) == 1 else None

    def above(self, name: str) -> onnx.NodeProto | None:
        """The node that makes a tensor, beyond elementwise ones; None where anything on the way has another use."""
        while self.only_use(name):
            node = self.producer(name)
            if node is None or not self.is_elementwise(node):
                return node
            name = str(self.data_input(node))
        return None

    def is_elementwise(self, node: onnx.NodeProto) -> bool:
        """Whether the node commutes with any change of its data's shape or order."""
        constants = [self.constants[name] for name in node.input if name in self.constants]
        alone = self.data_input(node) is not None and all(constant.size == 1 for constant in constants)
        return node.op_type in ELEMENTWISE and alone

    def add_constant(self, name: str, array: np.ndarray) -> str:
        """Keep an array under a free name that begins with `name`; the name."""
        taken = {output for node in self.nodes for output in node.output} | self.constants.keys()
        free = next(candidate for candidate in _names(name) if candidate not in taken)
        self.constants[free] = array
        return free

    def append(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        """Put a node at the end."""
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))

    def insert_before(self, node: onnx.NodeProto, other: onnx.NodeProto) -> None:
        """Put `other` right before `node`."""
        self.nodes.insert(self._index(node), other)

    def replace(self, node: onnx.NodeProto, op: str, inputs: Sequence[str], **attributes: Any) -> None:
        """Put another node with the same output in the place of `node`."""
        place = self._index(node)
        self.nodes[place] = helper.make_node(op, inputs, [node.output[0]], name=node.output[0], **attributes)

    def bypass(self, node: onnx.NodeProto) -> None:
        """Take a node out: its readers read its data instead."""
        kept, gone = str(self.data_input(node)), node.output[0]
        del self.nodes[self._index(node)]
        if any(output.name == gone for output in self.outputs):
            kept, gone = gone, kept  # The output keeps its name; what makes the data takes it over.
        self.rename(gone, kept)

    def rename(self, name: str, new: str) -> None:
        """Give a tensor that is made by a node another name."""
        for node in self.nodes:
            for names in (node.input, node.output):
                for i in (i for i, other in enumerate(names) if other == name):
                    names[i] = new

    def swap(self, first: onnx.NodeProto, second: onnx.NodeProto) -> None:
        """Run `second`, the only reader of `first`, before it; both have one data input."""
        data, between, after = str(self.data_input(first)), first.output[0], second.output[0]
        i, j = self._index(first), self._index(second)
        second.input[list(second.input).index(between)] = data
        first.input[list(first.input).index(data)] = between
        second.output[0], first.output[0] = between, after
        self.nodes[i], self.nodes[j] = second, first

    def remove_dead(self) -> None:
        """Drop every node that no output depends on."""
        needed = {output.name for output in self.outputs}
        alive = []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                needed |= set(node.input)
                alive.append(node)
        self.nodes = alive[::-1]

    def shapes(self) -> dict[str, tuple[int | None, ...]]:
        """The shape of every tensor that can be told; None for an axis that is not known or varies."""
        small = {name: a for name, a in self.constants.items() if a.size <= _SMALL}
        declared = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for name, a in self.constants.items()
            if name not in small
        ]
        initializers = [numpy_helper.from_array(a, name) for name, a in small.items()]
        graph = helper.make_graph(self.nodes, "shapes", [*self.inputs, *declared], self.outputs, initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
        known = {name: tuple(a.shape) for name, a in self.constants.items()}
        return known | {value.name: _shape(value) for value in [*inferred.value_info, *self.inputs, *inferred.output]}

    def _index(self, node: onnx.NodeProto) -> int:
        return next(i for i, other in enumerate(self.nodes) if other is node)


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """An attribute's value."""
    found = next((a for a in node.attribute if a.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def _names(name: str) -> Iterator[str]:
    yield name
    count = 1
    while True:
        yield f"{name}_{count}"
        count += 1


def _shape(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    return tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in value.type.tensor_type.shape.dim)


def set_batch(graph: Graph, batch: int | None) -> None:
    """Name the first axis of inputs and outputs N; or fix it."""
    for value in [*graph.inputs, *graph.outputs]:
        axis = value.type.tensor_type.shape.dim[0]
        if batch is None:
            axis.dim_param = "N"
        else:
            axis.dim_value = batch
