"""What tf2onnx writes in many nodes and ONNX says in one or none."""

from __future__ import annotations

import numpy as np
import onnx

from tfgan_kit.export.rewrite.graph import Graph, attribute

# What numpy and ONNX take to a common shape.
_BROADCASTS = frozenset({"Add", "Div", "Mul", "Sub"})


def drop_whole_slices(graph: Graph) -> None:
    """A Slice of everything does nothing: `x[:, None, None, :]` leaves one."""
    for node in [node for node in graph.nodes if node.op_type == "Slice"]:
        parts = [graph.constants.get(name) for name in node.input[1:]]
        if len(parts) not in (3, 4) or any(part is None for part in parts):
            continue
        starts, ends, *_, steps = (np.asarray(part) for part in (*parts, *([np.ones(1)] if len(parts) == 3 else [])))
        if not starts.any() and (ends >= np.iinfo(np.int32).max // 3).all() and (steps == 1).all():
            graph.bypass(node)


def unsqueeze_to_reshape(graph: Graph) -> None:
    """New axes of length 1, where the others are known, are a Reshape; and those merge."""
    shapes = graph.shapes()
    for node in [node for node in graph.nodes if node.op_type == "Unsqueeze"]:
        sample = shapes.get(node.output[0], (None, None))[1:]
        if None in sample or 0 in graph.constants.get(node.input[1], np.zeros(1)):
            continue
        shape = graph.add_constant(f"{node.output[0]}/shape", np.array([-1, *sample], np.int64))
        graph.replace(node, "Reshape", [node.input[0], shape])


def drop_tiles(graph: Graph) -> None:
    """A constant that is repeated for each picture broadcasts by itself, where pictures' own values meet it."""
    inputs = {value.name for value in graph.inputs}
    for node in [node for node in graph.nodes if node.op_type == "Tile"]:
        constant = graph.constants.get(node.input[0])
        readers = [other for other in graph.nodes if node.output[0] in other.input]
        if constant is None or not _repeats_only_the_batch(graph, node.input[1], constant.ndim):
            continue
        # What the readers' other inputs are made from a graph's input has a row for each picture too.
        others = [name for reader in readers for name in reader.input if name != node.output[0]]
        if all(reader.op_type in _BROADCASTS for reader in readers) and all(
            _depends(graph, name, inputs, node.output[0]) for name in others
        ):
            for reader in readers:
                reader.input[list(reader.input).index(node.output[0])] = node.input[0]
    graph.remove_dead()


def _repeats_only_the_batch(graph: Graph, name: str, rank: int) -> bool:
    """Whether the repeats of a Tile are some number and ones."""
    node = graph.producer(name)
    while node is not None and node.op_type == "Cast":
        node = graph.producer(node.input[0])
    if node is None or node.op_type != "Concat" or len(node.input) != rank:
        return False
    ones = [graph.constants.get(part) for part in node.input[1:]]
    return all(one is not None and one.size == 1 and one.item() == 1 for one in ones)


def _depends(graph: Graph, name: str, inputs: set[str], but: str) -> bool:
    """Whether a tensor is made from an input, on a way that keeps a row a picture."""
    seen = {name}
    open_names = [name]
    while open_names:
        current = open_names.pop()
        if current in inputs:
            return True
        node = graph.producer(current)
        if node is None or node.op_type in ("Shape", "Tile"):
            continue
        for other in node.input:
            if other not in seen and other != but:
                seen.add(other)
                open_names.append(other)
    return False


def share(graph: Graph) -> None:
    """Equal constants are one, and so are nodes that do the same to the same."""
    kept: dict[tuple[str, tuple[int, ...], bytes], str] = {}
    same: dict[str, str] = {}
    for name, array in graph.constants.items():
        first = kept.setdefault((str(array.dtype), array.shape, array.tobytes()), name)
        if first != name:
            same[name] = first
    outputs = {value.name for value in graph.outputs}
    made: dict[tuple[object, ...], onnx.NodeProto] = {}
    alive = []
    for node in graph.nodes:
        for i, name in enumerate(node.input):
            node.input[i] = same.get(name, name)
        attributes = tuple(sorted((a.name, str(attribute(node, a.name))) for a in node.attribute))
        key = (node.op_type, tuple(node.input), attributes)
        first_node = made.setdefault(key, node)
        if first_node is node or outputs & set(node.output):
            alive.append(node)
        else:
            same.update(zip(node.output, first_node.output, strict=True))
    graph.nodes = alive
