"""Changes to a model file, by which benchmarks/fuzz_models.py damages it and has it lie: of bytes, and in ONNX's terms.

A change of bytes takes them and gives others; one in ONNX's terms changes a ModelProto in place.
"""

from __future__ import annotations

import json
import random
from typing import Any

import onnx
from onnx import TensorProto

HUGE = (
    0,
    1,
    -1,
    2,
    3,
    7,
    127,
    128,
    255,
    2**15,
    2**16,
    2**20,
    2**31 - 1,
    2**31,
    2**32,
    2**40,
    2**62,
    2**63 - 1,
    -(2**63),
)
PATHS = (
    "../../etc/passwd",
    "/etc/passwd",
    "canary.bin",
    "./canary.bin",
    "/dev/zero",
    "",
    "\x00",
    "../" * 400,
    "a" * 9999,
)
TEXTS = ("", "\x1b[31m", "../../etc/passwd", "nhwc", "float32", "w", "seed", "\ud800", "x" * 100_000, "1e999", "\n\n")


# Changes to the bytes.


def flip_bits(data: bytearray, draw: random.Random) -> bytearray:
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        data[position(data, draw)] ^= 1 << draw.randrange(8)
    return data


def set_bytes(data: bytearray, draw: random.Random) -> bytearray:
    for _ in range(draw.choice((1, 2, 4))):
        data[position(data, draw)] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    return data


def truncate(data: bytearray, draw: random.Random) -> bytearray:
    return data[: position(data, draw)]


def cut(data: bytearray, draw: random.Random) -> bytearray:
    start = position(data, draw)
    del data[start : start + draw.choice((1, 2, 8, 100, 10_000))]
    return data


def splice(data: bytearray, draw: random.Random) -> bytearray:
    start, size = position(data, draw), draw.choice((1, 2, 8, 100, 5000))
    at = position(data, draw)
    return data[:at] + data[start : start + size] + data[at:]


def length_bomb(data: bytearray, draw: random.Random) -> bytearray:
    at = position(data, draw)
    bomb = draw.choice((b"\xff\xff\xff\xff\x07", b"\xff" * 9 + b"\x01", b"\xff" * 11, b"\x80\x80\x80\x80\x10", b"\x7f"))
    return data[:at] + bomb + data[at + draw.randrange(3) :]


def position(data: bytearray, draw: random.Random) -> int:
    """Mostly where the structure is: near the ends of the file, where names, nodes and metadata stand."""
    size = max(len(data), 1)
    place = draw.randrange(4)
    if place == 0:
        return draw.randrange(size)
    return draw.randrange(min(size, 4000)) if place == 1 else size - 1 - draw.randrange(min(size, 6000))


BYTE_CHANGES = (flip_bits, set_bytes, truncate, cut, splice, length_bomb)


# Changes in ONNX's terms.


def wild(draw: random.Random) -> int:
    return draw.choice(HUGE)


def dims(model: onnx.ModelProto, draw: random.Random) -> None:
    tensor = draw.choice(tensors(model))
    if tensor.dims and draw.random() < 0.3:
        tensor.dims[:] = draw.sample(list(tensor.dims), len(tensor.dims))
    elif tensor.dims and draw.random() < 0.7:
        tensor.dims[draw.randrange(len(tensor.dims))] = wild(draw)
    else:
        tensor.dims.append(wild(draw))


def reshaped_weights(model: onnx.ModelProto, draw: random.Random) -> None:
    """Another shape, with the bytes that it needs."""
    tensor = draw.choice(tensors(model))
    tensor.dims[:] = [draw.choice((0, 1, 2, 3, 5, 8)) for _ in range(draw.randrange(5))]
    count = 1
    for dim in tensor.dims:
        count *= dim
    size = {TensorProto.FLOAT: 4, TensorProto.INT64: 8}.get(tensor.data_type, 1)
    tensor.raw_data = draw.randbytes(count * size)


def dtype(model: onnx.ModelProto, draw: random.Random) -> None:
    draw.choice(tensors(model)).data_type = draw.choice((*range(27), 99, -1, 2**31 - 1))


def constant(model: onnx.ModelProto, draw: random.Random) -> None:
    small = [t for t in tensors(model) if t.data_type == TensorProto.INT64 and 0 < len(t.raw_data) <= 128]
    if small:
        tensor = draw.choice(small)
        raw = bytearray(tensor.raw_data)
        at = 8 * draw.randrange(len(raw) // 8)
        raw[at : at + 8] = wild(draw).to_bytes(8, "little", signed=True)
        tensor.raw_data = bytes(raw)


def attribute(model: onnx.ModelProto, draw: random.Random) -> None:
    nodes = [node for node in model.graph.node if node.attribute]
    if not nodes:
        return
    chosen = draw.choice(draw.choice(nodes).attribute)
    if chosen.ints:
        chosen.ints[draw.randrange(len(chosen.ints))] = wild(draw)
        if draw.random() < 0.2:
            chosen.ints.append(wild(draw))
    elif chosen.type == onnx.AttributeProto.INT:
        chosen.i = wild(draw)
    elif chosen.type == onnx.AttributeProto.FLOAT:
        chosen.f = draw.choice((0.0, -1.0, 1e38, float("inf"), float("nan")))
    elif chosen.type == onnx.AttributeProto.STRING:
        chosen.s = draw.choice((b"", b"\xff\xfe", b"SAME_UPPER", b"cubic", b"x" * 10_000))
    if draw.random() < 0.1:
        chosen.type = draw.randrange(16)  # type: ignore[assignment]


def operator(model: onnx.ModelProto, draw: random.Random) -> None:
    node = draw.choice(model.graph.node)
    if draw.random() < 0.7:
        node.op_type = draw.choice(OPERATORS)
    else:
        node.domain = draw.choice(("com.microsoft", "ai.onnx.ml", "evil", "\x1b"))


def edge(model: onnx.ModelProto, draw: random.Random) -> None:
    """An input or output of a node becomes another name; perhaps a circle, perhaps nothing."""
    names = [name for node in model.graph.node for name in (*node.input, *node.output)] + ["", "nothing", "z", "images"]
    node = draw.choice(model.graph.node)
    ends = node.input if node.input and draw.random() < 0.7 else node.output
    if ends and draw.random() < 0.8:
        ends[draw.randrange(len(ends))] = draw.choice(names)
    elif ends:
        ends.append(draw.choice(names))


def order(model: onnx.ModelProto, draw: random.Random) -> None:
    nodes = list(model.graph.node)
    if draw.random() < 0.5:
        draw.shuffle(nodes)
    else:
        at = draw.randrange(len(nodes))
        nodes = nodes[:at] + nodes[at + 1 :] + ([nodes[at], nodes[at]] if draw.random() < 0.5 else [])
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def signature(model: onnx.ModelProto, draw: random.Random) -> None:
    value = draw.choice([*model.graph.input, *model.graph.output])
    kind = value.type.tensor_type
    what = draw.randrange(5)
    if what == 0:
        kind.elem_type = draw.randrange(25)
    elif what == 1 and kind.shape.dim:
        draw.choice(kind.shape.dim).dim_value = wild(draw)
    elif what == 2 and kind.shape.dim:
        del kind.shape.dim[draw.randrange(len(kind.shape.dim)) :]
    elif what == 3:
        value.name = draw.choice(("", "z", "images", "labels", "x" * 1000))
    else:
        model.graph.output.append(value)


def metadata(model: onnx.ModelProto, draw: random.Random) -> None:
    entry = next((entry for entry in model.metadata_props if entry.key == "tfgan"), None)
    if entry is None:
        return
    what = draw.randrange(10)
    if what == 0:
        deep = draw.choice((100, 5000, 300_000))
        entry.value = draw.choice(('{"a":', "[")) * deep + draw.choice(("", "]" * deep))
    elif what == 1:
        entry.value = draw.choice(("", "null", "[]", "{}", "1" * 10_000, '{"format": 1}', '{"format": NaN}', "\x00"))
    elif what == 2:
        model.metadata_props.add(key="tfgan", value=entry.value)
    else:
        try:
            content = json.loads(entry.value)
        except (ValueError, RecursionError):
            return
        for _ in range(draw.choice((1, 1, 2, 3))):
            replace_one(content, draw)
        entry.value = json.dumps(content)


def consistent_lie(model: onnx.ModelProto, draw: random.Random) -> None:
    """Metadata and graph agree on a size, and the computation does not."""
    entry = next((entry for entry in model.metadata_props if entry.key == "tfgan"), None)
    try:
        content = json.loads(entry.value) if entry is not None else {}
        which, size = draw.choice(("height", "width", "channels", "dim")), abs(wild(draw)) or 1
        place = content["z"] if which == "dim" else content["images"]
        before, place[which] = place[which], size
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    entry.value = json.dumps(content)
    value = next(
        (v for v in (*model.graph.input, *model.graph.output) if v.name == ("z" if which == "dim" else "images")), None
    )
    for dim in value.type.tensor_type.shape.dim if value is not None else ():
        if dim.dim_value == before:
            dim.dim_value = min(size, 2**63 - 1)
            break


def replace_one(content: Any, draw: random.Random) -> None:
    """One value somewhere in nested JSON becomes another one, or is gone."""
    while isinstance(content, dict | list) and content:
        key = draw.choice(list(content)) if isinstance(content, dict) else draw.randrange(len(content))
        if not isinstance(content[key], dict | list) or not content[key] or draw.random() < 0.3:
            if draw.random() < 0.15:
                del content[key]
            else:
                junk = (None, True, [], {}, -1.5, float("nan"), float("inf"), [[]], {"a": 1}, 10**5000 // 10**4990)
                content[key] = draw.choice((*junk, wild(draw), wild(draw), draw.choice(TEXTS), [draw.choice(TEXTS)]))
            return
        content = content[key]


def outside(model: onnx.ModelProto, draw: random.Random) -> None:
    tensor = draw.choice(tensors(model))
    size = len(tensor.raw_data)
    if draw.random() < 0.8:
        tensor.ClearField("raw_data")
    tensor.data_location = draw.choice((TensorProto.EXTERNAL, TensorProto.EXTERNAL, TensorProto.DEFAULT))
    tensor.external_data.add(key="location", value=draw.choice(PATHS))
    if draw.random() < 0.5:
        tensor.external_data.add(key="offset", value=str(draw.choice((0, 1, -1, 2**62))))
        tensor.external_data.add(key="length", value=str(draw.choice((size, 0, -1, 2**62))))


def versions(model: onnx.ModelProto, draw: random.Random) -> None:
    if draw.random() < 0.5:
        model.ir_version = draw.choice((0, 1, 3, 4, 99, -1, 2**62))
    elif model.opset_import:
        model.opset_import[0].version = draw.choice((0, 1, 6, 7, 9, 10, 11, 12, 13, 14, 99, -1, 2**62))


def tensors(model: onnx.ModelProto) -> list[TensorProto]:
    within = [a.t for node in model.graph.node for a in node.attribute if a.type == onnx.AttributeProto.TENSOR]
    return [*model.graph.initializer, *within] or [model.graph.initializer.add()]


ONNX_CHANGES = (
    dims, reshaped_weights, dtype, constant, attribute, operator, edge, order, signature, metadata, metadata,
    consistent_lie, outside, versions,
)  # fmt: skip
OPERATORS = sorted({schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""})
