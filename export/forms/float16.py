"""A model in float16: half the size, for devices that compute in it; and what that costs, measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto

from tfgan_kit.errors import ExportError
from tfgan_kit.export.forms import parity
from tfgan_kit.export.forms.proven import IR_VERSION, Proven, with_spec
from tfgan_kit.export.rewrite.graph import Graph, attribute

# On values in [-1, 1], where a grey level is 7.8e-3: no picture is to differ by more than a shade that is looked for.
MAX_ERROR = 0.05
MEAN_ERROR = 2e-3
SAMPLES = 64

# Sums of squares, and what is made of them, may be beyond float16's 65504 or lose all digits.
_SUMS = frozenset({"ReduceMean", "ReduceSum", "ReduceL2", "Sqrt", "Reciprocal", "Pow", "Exp", "Log"})
# Inputs that are float32 in every model.
_SCALES = {"Resize": {1, 2}}
# Smaller constants weigh nothing, and may be an epsilon that float16 does not have.
_SMALL = 16


def lowered(proven: Proven) -> Proven:
    """The same model with weights and products in float16; inputs and outputs stay as they are.

    Args:
        proven: in float32.

    Returns:
        With the drift on SAMPLES seeds: "max_abs_error" and "mean_abs_error" of values in [-1, 1], and "samples".

    Raises:
        ExportError: the drift is above MAX_ERROR or MEAN_ERROR.
    """
    as_float, model = in_float16(proven.as_float), in_float16(proven.model)
    parity.check_legal(model)
    drift = measured_drift(proven.as_float, as_float, proven)
    check_drift(drift)
    _check_form(proven, as_float, model)
    spec = replace(proven.spec, precision="float16", drift=drift)
    return replace(proven, spec=spec, model=with_spec(model, spec), as_float=as_float)


def measured_drift(before: onnx.ModelProto, after: onnx.ModelProto, proven: Proven) -> dict[str, float]:
    """How far the images of one model are from another's, on values in [-1, 1], over at least SAMPLES seeds."""
    size = proven.spec.max_batch or 16
    batches = [proven.feed(np.arange(start, start + size)) for start in range(0, SAMPLES, size)]
    reference, other = (parity.runner(model.SerializeToString()) for model in (before, after))
    errors = np.concatenate([np.abs(_values(reference(batch)) - _values(other(batch))) for batch in batches])
    return {
        "max_abs_error": float(errors.max()),
        "mean_abs_error": float(errors.mean()),
        "samples": float(len(errors)),
    }


def _check_form(proven: Proven, as_float: onnx.ModelProto, model: onnx.ModelProto) -> None:
    """Compare the model in the form that is asked for with its float images.

    Raises:
        ExportError: it is another picture.
    """
    layout = proven.spec.layout
    batch = proven.feed(np.arange(proven.spec.max_batch or 16))
    images = parity.runner(as_float.SerializeToString())(batch)
    images = images.transpose(0, 2, 3, 1) if layout == "nchw" else images
    parity.check_equal(parity.runner(model.SerializeToString()), [batch], [images], layout)


def _values(images: np.ndarray) -> np.ndarray:
    return images / np.float32(127.5) - 1 if images.dtype == np.uint8 else images


def check_drift(drift: dict[str, float]) -> None:
    """Refuse a precision that changes pictures visibly.

    Raises:
        ExportError: with the figures.
    """
    largest, mean = drift["max_abs_error"], drift["mean_abs_error"]
    if not (largest <= MAX_ERROR and mean <= MEAN_ERROR):
        raise ExportError(
            f"float16 changes pictures by up to {largest:.2g} and {mean:.2g} on average, on values in [-1, 1]; at most "
            f"{MAX_ERROR} and {MEAN_ERROR} are let through: keep precision float32"
        )


def in_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model with float32 products in float16; sums of squares, grey levels, inputs and outputs keep float32."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = Graph(copy)
    _Lowering(graph).run()
    return graph.to_model(IR_VERSION, producer=model.producer_name, version=model.producer_version)


class _Lowering:
    """Both forms of every float tensor, each made by a Cast where it is first needed."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes, graph.nodes = graph.nodes, []
        self.full = {value.name for value in graph.inputs if value.type.tensor_type.elem_type == TensorProto.FLOAT}
        self.half: set[str] = set()
        self.casts: dict[tuple[str, bool], str] = {}
        for name, array in list(graph.constants.items()):
            if array.dtype == np.float32:
                self._place(name, array)

    def run(self) -> None:
        outputs = {value.name for value in self.graph.outputs}
        squares: set[str] = set()
        for node in self.nodes:
            is_float = any(name in self.full or name in self.half for name in node.input)
            square = node.op_type == "Mul" and node.input[0] == node.input[1]
            sums = square or node.op_type in _SUMS or bool(squares & set(node.input))
            if square or (squares & set(node.input) and node.op_type in ("Gemm", "MatMul")):
                squares |= {node.output[0]}
            half = is_float and not sums and not outputs & set(node.output) and not node.name.startswith("images/")
            for i, name in enumerate(node.input):
                if name in self.full or name in self.half:
                    node.input[i] = self._as(name, half and i not in _SCALES.get(node.op_type, ()))
            self.graph.nodes.append(node)
            to_float = node.op_type == "Cast" and attribute(node, "to") == TensorProto.FLOAT
            if to_float or (is_float and node.op_type not in ("Cast", "Shape")):
                (self.half if half and not to_float else self.full).update(node.output)

    def _place(self, name: str, array: np.ndarray) -> None:
        """Keep a constant in float16 where it is large and fits."""
        if array.size > _SMALL and np.abs(array).max() < np.finfo(np.float16).max:
            self.graph.constants[name] = array.astype(np.float16)
            self.half.add(name)
        else:
            self.full.add(name)

    def _as(self, name: str, half: bool) -> str:
        """A float tensor's name in one of both forms."""
        if (name in self.half) == half:
            return name
        if (name, half) not in self.casts:
            constant = self.graph.constants.get(name)
            if constant is not None and half:
                self.casts[name, half] = self.graph.add_constant(f"{name}/half", constant.astype(np.float16))
            else:
                to = TensorProto.FLOAT16 if half else TensorProto.FLOAT
                cast = f"{name}/{'half' if half else 'full'}"
                self.graph.append("Cast", [name], cast, to=to)
                self.casts[name, half] = cast
        return self.casts[name, half]
