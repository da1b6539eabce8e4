"""A model in int8, for those generators that it makes faster without making their pictures worse."""

from __future__ import annotations

import logging
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from tfgan_kit.errors import ExportError
from tfgan_kit.export.forms import parity
from tfgan_kit.export.forms.float16 import measured_drift
from tfgan_kit.export.forms.judge import BATCH, Judge, seconds
from tfgan_kit.export.forms.proven import Proven, with_spec

# How much the Frechet distance may grow.
MAX_GROWTH = 0.02
# The generator's own samples, which tell the range of every tensor.
_CALIBRATION = 128
# onnxruntime has no int8 form of a transposed convolution.
_QUANTIZED = ("Conv", "Gemm", "MatMul", "LeakyRelu", "Relu", "Resize", "Add", "Mul", "Reshape")


def quantized(proven: Proven, judge: Judge) -> Proven:
    """The same model with weights and products in int8, calibrated on the generator's own samples.

    Args:
        proven: in float32, of a dynamic batch.
        judge: of the run's data.

    Returns:
        With the drift: "max_abs_error" and "mean_abs_error" of values in [-1, 1], "samples", "frechet_float32" and
        "frechet_int8" of the same seeds, and "ms_float32" and "ms_int8" for a batch of 16.

    Raises:
        ExportError: it is slower, or the Frechet distance grows by more than MAX_GROWTH.
    """
    model = _calibrated(proven)
    before, after = (parity.runner(content.SerializeToString()) for content in (proven.model, model))
    old, new = seconds(before, after, proven.feed(np.arange(BATCH)))
    layout = proven.spec.layout
    distances = [judge.distance(run, proven.feed, layout) for run in (before, after)]
    figures = {
        "frechet_float32": distances[0], "frechet_int8": distances[1], "ms_float32": 1e3 * old, "ms_int8": 1e3 * new,
    }  # fmt: skip
    check_worth(figures)
    spec = replace(proven.spec, precision="int8", drift=measured_drift(proven.model, model, proven) | figures)
    return replace(proven, spec=spec, model=with_spec(model, spec))


def check_worth(figures: dict[str, float]) -> None:
    """Refuse a model that is slower or worse.

    Raises:
        ExportError: with the figures.
    """
    old, new = figures["ms_float32"], figures["ms_int8"]
    before, after = figures["frechet_float32"], figures["frechet_int8"]
    if new <= old and after <= (1 + MAX_GROWTH) * before:
        return
    raise ExportError(
        f"int8 does not pay for this generator: {new:.1f} ms for {BATCH} pictures, float32 takes {old:.1f} ms; Frechet "
        f"distance {after:.2f}, that of float32 is {before:.2f} (at most {MAX_GROWTH:.0%} more): keep precision float32"
    )


def _calibrated(proven: Proven) -> onnx.ModelProto:
    """onnxruntime's static quantisation of a model.

    Raises:
        ExportError: it fails, or its model is not legal.
    """
    from onnxruntime.quantization import QuantType, quantize_static

    # Grey levels stay as they are.
    tail = [node.name for node in proven.model.graph.node if node.name.startswith("images")]
    level = logging.root.level
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.root.setLevel(logging.CRITICAL)
            file = Path(folder) / "int8.onnx"
            copy = onnx.ModelProto()
            copy.CopyFrom(proven.model)
            quantize_static(
                copy, file, _Samples(proven), op_types_to_quantize=list(_QUANTIZED), per_channel=True,
                # Without it, processors that add products of int8 in 16 bits saturate.
                reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                nodes_to_exclude=tail,
            )  # fmt: skip
            model = onnx.load(file)
    except Exception as error:  # The quantiser raises whatever it runs into.
        raise ExportError(f"onnxruntime cannot quantise this generator: {error!s:.200}") from error
    finally:
        logging.root.setLevel(level)
    parity.check_legal(model)
    return model


class _Samples:
    """What onnxruntime's calibration reads: inputs, one picture's at a time, then None."""

    def __init__(self, proven: Proven) -> None:
        self._names = [value.name for value in proven.model.graph.input]
        self._batches = iter([proven.feed(np.arange(i, i + BATCH)) for i in range(0, _CALIBRATION, BATCH)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {name: batch[name] for name in self._names}

    def __iter__(self) -> _Samples:
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        batch = self.get_next()
        if batch is None:
            raise StopIteration
        return batch
