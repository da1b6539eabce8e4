"""What an .onnx holds, read from its bytes without the `onnx` package. Standard library only.

Only what a reader of generators asks for; weights stay where they are, as views. Field numbers are onnx.proto's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tfgan_kit.export.reading import wire
from tfgan_kit.export.reading.wire import WireError

# Subgraphs within subgraphs.
MOST_NESTED = 16
# TensorProto.DataType: name, and bits of a value; 0: strings, which have none.
DTYPES: dict[int, tuple[str, int]] = {
    1: ("float32", 32), 2: ("uint8", 8), 3: ("int8", 8), 4: ("uint16", 16), 5: ("int16", 16), 6: ("int32", 32),
    7: ("int64", 64), 8: ("string", 0), 9: ("bool", 8), 10: ("float16", 16), 11: ("float64", 64), 12: ("uint32", 32),
    13: ("uint64", 64), 14: ("complex64", 64), 15: ("complex128", 128), 16: ("bfloat16", 16), 17: ("float8e4m3fn", 8),
    18: ("float8e4m3fnuz", 8), 19: ("float8e5m2", 8), 20: ("float8e5m2fnuz", 8), 21: ("uint4", 4), 22: ("int4", 4),
    23: ("float4e2m1", 4), 24: ("float8e8m0", 8), 25: ("uint2", 2), 26: ("int2", 2),
}  # fmt: skip
FLOAT, INT64 = 1, 7


@dataclass(slots=True)
class Tensor:
    """TensorProto.

    Attributes:
        name, dtype, dims: as declared; dtype is a key of DTYPES, or unknown.
        raw: the values, where they lie in one piece; None where they lie in typed lists.
        listed: values in typed lists.
        integers, floats: those of the lists int64_data and float_data, where there are no more than a few.
        external: where the values are in another file: what the model says of it; {} where they are not.
        in_parts: whether this is a segment of a tensor.
    """

    name: str = ""
    dtype: int = 0
    dims: list[int] = field(default_factory=list)
    raw: memoryview | None = None
    listed: int = 0
    integers: list[int] = field(default_factory=list)
    floats: list[float] = field(default_factory=list)
    external: dict[str, str] = field(default_factory=dict)
    in_parts: bool = False

    @property
    def count(self) -> int:
        """Values, as declared."""
        product = 1
        for dim in self.dims:
            product *= dim
        return product

    @property
    def stored_bytes(self) -> int:
        """Bytes that the values take in memory, as stored."""
        if self.raw is not None:
            return len(self.raw)
        return self.listed * DTYPES.get(self.dtype, ("", 0))[1] // 8

    def few_values(self) -> list[float]:
        """The values of a small int64 or float32 tensor; [] of any other."""
        if self.raw is None:
            return [*self.integers, *self.floats]
        code, size = {INT64: ("q", 8), FLOAT: ("f", 4)}.get(self.dtype, ("", 0))
        if not code or len(self.raw) % size or len(self.raw) > size * _FEW:
            return []
        return list(struct.unpack(f"<{len(self.raw) // size}{code}", self.raw))


@dataclass(slots=True)
class Attribute:
    """AttributeProto; `integers` and `floats` hold single values too."""

    name: str = ""
    integers: list[int] = field(default_factory=list)
    floats: list[float] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    graphs: list[Graph] = field(default_factory=list)
    sparse: bool = False


@dataclass(slots=True)
class Node:
    """NodeProto."""

    op: str = ""
    domain: str = ""
    name: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)


@dataclass(slots=True)
class Value:
    """ValueInfoProto: `dims` holds numbers, names of open axes and None for unknown ones; None: of unknown rank."""

    name: str = ""
    dtype: str = "unknown"
    dims: list[int | str | None] | None = None


@dataclass(slots=True)
class Graph:
    """GraphProto."""

    nodes: list[Node] = field(default_factory=list)
    initializers: list[Tensor] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    sparse: bool = False


@dataclass(slots=True)
class Model:
    """ModelProto: `metadata` are pairs in their order; `functions` and `training` say whether the model has some."""

    ir_version: int = 0
    producer: str = ""
    producer_version: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    metadata: list[tuple[str, str]] = field(default_factory=list)
    graph: Graph | None = None
    functions: bool = False
    training: bool = False


_FEW = 64
_Set = Callable[[Any, int, Any], None]


def parse_model(content: bytes) -> Model:
    """The parts of a model file.

    Raises:
        WireError: not a protocol buffer, truncated, nested without end, or not ONNX.
    """
    model = Model()
    _fill(model, memoryview(content), _MODEL)
    if model.graph is None:
        raise WireError("it has no graph")
    return model


def nodes_of(graph: Graph) -> Iterator[Node]:
    """Every node of a graph and of the graphs within it."""
    for node in graph.nodes:
        yield node
        for attribute in node.attributes:
            for inner in attribute.graphs:
                yield from nodes_of(inner)


def tensors_of(graph: Graph) -> Iterator[Tensor]:
    """Every tensor that a graph and the graphs within it hold: initialisers and constants."""
    yield from graph.initializers
    for node in graph.nodes:
        for attribute in node.attributes:
            yield from attribute.tensors
            for inner in attribute.graphs:
                yield from tensors_of(inner)


def _fill(target: Any, message: memoryview, setters: dict[int, _Set]) -> Any:
    for number, kind, value in wire.fields(message):
        setter = setters.get(number)
        if setter is not None:
            setter(target, kind, value)
    return target


def _number(name: str) -> _Set:
    def put(target: Any, kind: int, value: Any) -> None:
        if kind != wire.VARINT:
            raise WireError(f"{name} is no number")
        setattr(target, name, wire.signed(value))

    return put


def _string(name: str) -> _Set:
    return lambda target, kind, value: setattr(target, name, wire.text(kind, value))


def _strings(name: str) -> _Set:
    return lambda target, kind, value: getattr(target, name).append(wire.text(kind, value))


def _extend(name: str, read: Callable[[int, Any], list[Any]]) -> _Set:
    return lambda target, kind, value: getattr(target, name).extend(read(kind, value))


def _append(name: str, read: Callable[[memoryview], Any]) -> _Set:
    return lambda target, kind, value: getattr(target, name).append(read(_message(kind, value)))


def _there(name: str) -> _Set:
    return lambda target, kind, value: setattr(target, name, True)


def _message(kind: int, value: Any) -> memoryview:
    if kind != wire.BYTES:
        raise WireError("a number where a message belongs")
    return value  # type: ignore[no-any-return]


def _pair(message: memoryview) -> tuple[str, str]:
    """StringStringEntryProto."""
    pair = {1: "", 2: ""}
    for number, kind, value in wire.fields(message):
        if number in pair:
            pair[number] = wire.text(kind, value)
    return pair[1], pair[2]


def _put_graph(model: Model, kind: int, value: Any) -> None:
    if model.graph is not None:
        raise WireError("it has two graphs")
    model.graph = _graph(_message(kind, value))


def _put_opset(model: Model, kind: int, value: Any) -> None:
    domain, version = "", 0
    for number, part, content in wire.fields(_message(kind, value)):
        if number == 1:
            domain = wire.text(part, content)
        elif number == 2:
            version = wire.integers(part, content)[-1]
    model.opsets[domain] = version


def _put_external(tensor: Tensor, kind: int, value: Any) -> None:
    key, content = _pair(_message(kind, value))
    tensor.external[key] = content


def _put_location(tensor: Tensor, kind: int, value: Any) -> None:
    if value != 0:
        tensor.external.setdefault("location", "")


def _put_raw(tensor: Tensor, kind: int, value: Any) -> None:
    tensor.raw = _message(kind, value)


def _put_floats(tensor: Tensor, kind: int, value: Any) -> None:
    if isinstance(value, int) or len(value) % 4:
        raise WireError("a float that is none")
    if len(value) <= 4 * _FEW:
        tensor.floats.extend(wire.floats(kind, value))
    tensor.listed += len(value) // 4


def _put_integers(tensor: Tensor, kind: int, value: Any) -> None:
    count = wire.count_integers(kind, value)
    if count <= _FEW:
        tensor.integers.extend(wire.integers(kind, value))
    tensor.listed += count


def _put_listed(bytes_each: int) -> _Set:
    """Values that are counted and not read; 0: integers of any length."""

    def put(tensor: Tensor, kind: int, value: Any) -> None:
        tensor.listed += len(_message(kind, value)) // bytes_each if bytes_each else wire.count_integers(kind, value)

    return put


def _put_text(tensor: Tensor, kind: int, value: Any) -> None:
    tensor.listed += 1


def _tensor(message: memoryview) -> Tensor:
    return _fill(Tensor(), message, _TENSOR)  # type: ignore[no-any-return]


def _node(message: memoryview, depth: int) -> Node:
    node = Node()
    for number, kind, value in wire.fields(message):
        if number == 5:
            node.attributes.append(_attribute(_message(kind, value), depth))
        elif number in _NODE:
            _NODE[number](node, kind, value)
    return node


def _attribute(message: memoryview, depth: int) -> Attribute:
    attribute = Attribute()
    singular = 0
    for number, kind, value in wire.fields(message):
        if number in (6, 11):
            attribute.graphs.append(_graph(_message(kind, value), depth + 1))
        elif number in _ATTRIBUTE:
            _ATTRIBUTE[number](attribute, kind, value)
        singular += number in (5, 6)
    if singular > 1:
        # A reader merges them into one that neither is.
        raise WireError("an attribute has two values")
    return attribute


def _graph(message: memoryview, depth: int = 0) -> Graph:
    if depth > MOST_NESTED:
        raise WireError(f"its graphs are nested more than {MOST_NESTED} deep")
    graph = Graph()
    for number, kind, value in wire.fields(message):
        if number == 1:
            graph.nodes.append(_node(_message(kind, value), depth))
        elif number in _GRAPH:
            _GRAPH[number](graph, kind, value)
    return graph


def _value(message: memoryview) -> Value:
    value = Value()
    for number, kind, content in wire.fields(message):
        if number == 1:
            value.name = wire.text(kind, content)
        elif number == 2:
            _put_type(value, _message(kind, content))
    return value


def _put_type(value: Value, message: memoryview) -> None:
    """TypeProto; of anything but a tensor only that it is not one."""
    for number, kind, content in wire.fields(message):
        if number != 1:
            continue
        for part, inner, what in wire.fields(_message(kind, content)):
            if part == 1 and inner == wire.VARINT and isinstance(what, int):
                value.dtype = DTYPES.get(what, (f"type {what}", 0))[0]
            elif part == 2:
                value.dims = [_dim(_message(k, axis)) for n, k, axis in wire.fields(_message(inner, what)) if n == 1]


def _dim(message: memoryview) -> int | str | None:
    dim: int | str | None = None
    for number, kind, value in wire.fields(message):
        if number == 1 and isinstance(value, int):
            dim = wire.signed(value)
        elif number == 2:
            dim = wire.text(kind, value)
    return dim


_TENSOR: dict[int, _Set] = {
    1: _extend("dims", wire.integers),
    2: _number("dtype"),
    3: _there("in_parts"),
    4: _put_floats,
    5: _put_listed(0),
    6: _put_text,
    7: _put_integers,
    8: _string("name"),
    9: _put_raw,
    10: _put_listed(8),
    11: _put_listed(0),
    13: _put_external,
    14: _put_location,
}
_NODE: dict[int, _Set] = {
    1: _strings("inputs"),
    2: _strings("outputs"),
    3: _string("name"),
    4: _string("op"),
    7: _string("domain"),
}
_ATTRIBUTE: dict[int, _Set] = {
    1: _string("name"),
    2: _extend("floats", wire.floats),
    3: _extend("integers", wire.integers),
    5: _append("tensors", _tensor),
    7: _extend("floats", wire.floats),
    8: _extend("integers", wire.integers),
    10: _append("tensors", _tensor),
    22: _there("sparse"),
    23: _there("sparse"),
}
_GRAPH: dict[int, _Set] = {
    5: _append("initializers", _tensor),
    11: _append("inputs", _value),
    12: _append("outputs", _value),
    15: _there("sparse"),
}
_MODEL: dict[int, _Set] = {
    1: _number("ir_version"),
    2: _string("producer"),
    3: _string("producer_version"),
    7: _put_graph,
    8: _put_opset,
    14: _append("metadata", _pair),
    20: _there("training"),
    25: _there("functions"),
}
