"""z and noise made inside a graph from the numbers of pictures: `tfgan_kit.latents` in ONNX operators.

The words are those of Philox to the bit, in unsigned 64-bit integers, whose products of two 32-bit words do not
overflow. The logarithms and sines are the runtime's, in float64, so that what is rounded to float32 is numpy's value or
the one next to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tfgan_kit.export.rewrite.graph import Graph
from tfgan_kit.latents import NOISE_STREAM, PHILOX_MULTIPLIERS, PHILOX_ROUNDS, PHILOX_WEYL, Z_STREAM

# The first with bitwise operators.
OPSET = 18
_LOW = np.uint64(0xFFFFFFFF)


def draw_from_seeds(graph: Graph, *, prior: str, truncation: float = 1.0) -> None:
    """Replace the inputs `z` and `noise`, where there is one, by `seed` (N,) int64 in [0, 2**63).

    Args:
        graph: of operators of OPSET or later; changed in place.
        prior: of z, see `tfgan_kit.latents`.
        truncation: factor of z.
    """
    drawn = [value for value in graph.inputs if value.name in ("z", "noise")]
    lengths = {value.name: value.type.tensor_type.shape.dim[1].dim_value for value in drawn}
    kept, graph.nodes = graph.nodes, []
    draw = _Drawing(graph)
    z = draw.latents(lengths["z"], prior)
    if truncation != 1:
        z = draw.node("Mul", [z, draw.constant(np.float64(truncation))])
    draw.node("Cast", [z], "z", to=TensorProto.FLOAT)
    if "noise" in lengths:
        draw.node("Cast", [draw.normal(lengths["noise"], NOISE_STREAM)], "noise", to=TensorProto.FLOAT)
    graph.nodes += kept
    axis = graph.inputs[0].type.tensor_type.shape.dim[0]
    seed = helper.make_tensor_value_info("seed", TensorProto.INT64, [axis.dim_param or axis.dim_value])
    graph.inputs = [seed, *(value for value in graph.inputs if value.name not in lengths)]


class _Drawing:
    """Nodes at the end of a graph; a word is a uint64 below 2**32."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.count = graph, 0
        self.shift = self.constant(np.uint64(32))
        self.low = self.constant(_LOW)
        self.swap = self.constant(np.array([1, 0], np.int64))
        seeds = self.node("Cast", ["seed"], to=TensorProto.UINT64)
        halves = [self.node("BitwiseAnd", [seeds, self.low]), self.high(seeds)]
        columns = [self.node("Reshape", [half, self.constant(np.array([-1, 1, 1]))]) for half in halves]
        self.key = self.node("Concat", columns, axis=2)

    def node(self, op: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Put a node at the end; the name of its output."""
        self.count += 1
        output = output or f"seed/{self.count}"
        self.graph.append(op, inputs, output, **attributes)
        return output

    def constant(self, value: Any) -> str:
        return self.graph.add_constant("seed/constant", np.asarray(value))

    def high(self, words: str) -> str:
        return self.node("BitShift", [words, self.shift], direction="RIGHT")

    def words(self, blocks: int, stream: int) -> tuple[str, str]:
        """The words 0 and 2, and 1 and 3, of each block of four: two tensors (N, blocks, 2)."""
        counter = np.zeros((1, blocks, 2), np.uint64)
        counter[0, :, 0], counter[0, :, 1] = np.arange(blocks), stream
        even, odd = self.constant(counter), self.constant(np.zeros((1, 1, 2), np.uint64))
        multipliers = self.constant(np.array(PHILOX_MULTIPLIERS, np.uint64))
        for i in range(PHILOX_ROUNDS):
            product = self.node("Mul", [even, multipliers])
            carried = self.node("Gather", [self.high(product), self.swap], axis=2)
            mixed = self.node("BitwiseXor", [carried, odd])
            even = self.node("BitwiseXor", [mixed, self._round_key(i)])
            odd = self.node("Gather", [self.node("BitwiseAnd", [product, self.low]), self.swap], axis=2)
        return even, odd

    def _round_key(self, i: int) -> str:
        if i == 0:
            return self.key
        step = self.constant(np.array([i * int(weyl) & int(_LOW) for weyl in PHILOX_WEYL], np.uint64))
        return self.node("BitwiseAnd", [self.node("Add", [self.key, step]), self.low])

    def unit(self, words: str) -> str:
        """Words as float64, uniform in (0, 1)."""
        number = self.node("Cast", [words], to=TensorProto.DOUBLE)
        return self.node("Mul", [self.node("Add", [number, self.constant(0.5)]), self.constant(2.0**-32)])

    def normal(self, count: int, stream: int) -> str:
        """(N, count) float64, standard normal."""
        even, odd = (self.unit(words) for words in self.words(-(-count // 4), stream))
        radius = self.node("Sqrt", [self.node("Mul", [self.node("Log", [even]), self.constant(-2.0)])])
        # cos(2 pi u) = sin(2 pi (u + 1/4)): onnxruntime 1.23 has no cosine of float64.
        turns = self._pairs(self.node("Add", [odd, self.constant(0.25)]), odd)
        sine = self.node("Sin", [self.node("Mul", [turns, self.constant(2.0 * np.pi)])])
        return self._row(self.node("Mul", [self._pairs(radius, radius), sine]), count)

    def latents(self, count: int, prior: str) -> str:
        """(N, count) float64 of a prior."""
        if prior == "uniform":
            units = [self.unit(words) for words in self.words(-(-count // 4), Z_STREAM)]
            row = self._row(self._pairs(*units), count)
            return self.node("Sub", [self.node("Mul", [row, self.constant(2.0)]), self.constant(1.0)])
        z = self.normal(count, Z_STREAM)
        if prior != "spherical":
            return z
        axes = self.constant(np.array([1], np.int64))
        norm = self.node("Sqrt", [self.node("ReduceSum", [self.node("Mul", [z, z]), axes], keepdims=1)])
        return self.node("Mul", [z, self.node("Div", [self.constant(np.sqrt(np.float64(count))), norm])])

    def _pairs(self, first: str, second: str) -> str:
        """(N, blocks, 2, 2): the values of two tensors beside one another."""
        axes = self.constant(np.array([3], np.int64))
        return self.node("Concat", [self.node("Unsqueeze", [name, axes]) for name in (first, second)], axis=3)

    def _row(self, blocks: str, count: int) -> str:
        """The first `count` values of a seed's blocks."""
        row = self.node("Reshape", [blocks, self.constant(np.array([-1, 4 * -(-count // 4)]))])
        if count % 4 == 0:
            return row
        start, end, axis = (self.constant(np.array([i], np.int64)) for i in (0, count, 1))
        return self.node("Slice", [row, start, end, axis])
