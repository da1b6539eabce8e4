"""Constant gains behind activations, folded into the convolution before them.

g LeakyReLU(d (W * x) + b) = LeakyReLU(d (g W * x) + g b) for g > 0: a rectifier commutes with a positive factor, and d,
a factor for each picture and channel as style generators have it, does with any.
"""

from __future__ import annotations

import numpy as np
import onnx

from tfgan_kit.export.rewrite.fold import LINEAR
from tfgan_kit.export.rewrite.graph import Graph

_RECTIFIERS = frozenset({"LeakyRelu", "Relu"})


def fold_gains(graph: Graph) -> None:
    """Fold every Mul by a positive scalar that follows a linear layer at some distance."""
    for node in [node for node in graph.nodes if node.op_type == "Mul"]:
        data = graph.data_input(node)
        gains = [graph.constants[name] for name in node.input if name in graph.constants]
        if data is None or len(gains) != 1 or gains[0].size != 1 or not gains[0].item() > 0:
            continue
        places = _places(graph, data)
        if places is None:
            continue
        for reader, i in places:
            scaled = graph.constants[reader.input[i]].astype(np.float64) * gains[0].item()
            reader.input[i] = graph.add_constant(f"{reader.input[i]}/gain", scaled.astype(np.float32))
        graph.bypass(node)


def _places(graph: Graph, name: str) -> list[tuple[onnx.NodeProto, int]] | None:
    """The constants that all have to be multiplied for a tensor to be; None where that is not so."""
    node = graph.producer(name)
    if node is None or not graph.only_use(name):
        return None
    constant = [i for i, part in enumerate(node.input) if part in graph.constants]
    data = [part for part in node.input if part and part not in graph.constants]
    if node.op_type in LINEAR:
        return [(node, i) for i in constant] if data == [node.input[0]] else None
    if node.op_type in _RECTIFIERS:
        return _places(graph, node.input[0])
    if node.op_type in ("Add", "Sub") and len(data) == 1:
        above = _places(graph, data[0])
        return None if above is None else [*above, *((node, i) for i in constant)]
    if node.op_type == "Mul" and len(data) == 2 and data[0] != data[1]:
        # Either factor may take it; the convolution, which is not computed again for it, rather than the other.
        return next((found for part in data if (found := _places(graph, part)) is not None), None)
    return None
