"""From a run folder to an ONNX file that is proven equal to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow as tf

from tfgan_kit.errors import ExportError
from tfgan_kit.export.forms.float16 import lowered
from tfgan_kit.export.forms.int8 import quantized
from tfgan_kit.export.forms.judge import Judge
from tfgan_kit.export.forms.proven import prove, proven_mapping, with_spec
from tfgan_kit.export.options import check_file, check_options
from tfgan_kit.export.source import Source, open_source
from tfgan_kit.export.spec import ModelSpec, mapping_file
from tfgan_kit.files import write_atomic


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """What `export_onnx` made.

    Attributes:
        file: the model.
        spec: what it says of itself, parity included.
        size_bytes: of the file.
        refused: one line for each damaged checkpoint that was passed over.
    """

    file: Path
    spec: ModelSpec
    size_bytes: int
    refused: tuple[str, ...]


def export_onnx(
    run: Path,
    file: Path | None = None,
    *,
    layout: str = "nhwc",
    output: str = "uint8",
    opset: int | None = None,
    weights: str = "ema",
    best: bool = False,
    truncation: float = 1.0,
    figures: Mapping[str, float] | None = None,
    precision: str = "float32",
    optimize: str = "full",
    inputs: str = "z",
    max_batch: int | None = None,
) -> ExportResult:
    """Export the generator of a run's newest intact checkpoint; what is written was compared with TensorFlow.

    Args:
        run: the run folder.
        file: where the model goes; None: generator.onnx in the run folder.
        layout: axes of the images after N, "nhwc" or "nchw".
        output: "uint8", grey levels, or "float32", in [-1, 1].
        opset: of the default operator set, 13 to 18; None: 17, or 18 for `inputs` "seed".
        weights: "ema" for the moving average, "last" for the weights of the last step.
        best: take the checkpoint that the run's evaluations found best, in place of the newest.
        truncation: psi in [0, 1]: how much is left of w's distance from its average, in families that have a w; with
            `inputs` "seed" in others, how much is left of z. 1 leaves them as they are.
        figures: measured figures to keep in the file, by name.
        precision: of weights and products, "float32", "float16" or "int8".
        optimize: "full", or "basic" for tf2onnx's own graph.
        inputs: "z"; "seed", from which the graph makes z and noise; or "w" of a style generator, whose mapping is then
            a file of its own beside this one.
        max_batch: the number of pictures of every run; None: any.

    Raises:
        ExportError: an option that is not legal, a generator that has no ONNX form, or a model that is not equal to it;
            what was at `file` before is as it was.
        RunError: `run` is not a run or has no intact checkpoint.
    """
    check_options(
        layout=layout, output=output, opset=opset, weights=weights, truncation=truncation, precision=precision,
        optimize=optimize, inputs=inputs, max_batch=max_batch,
    )  # fmt: skip
    source = open_source(run, weights=weights, best=best, inputs=inputs, truncation=truncation, figures=figures)
    return write_onnx(
        source,
        run / "generator.onnx" if file is None else file,
        layout=layout,
        output=output,
        opset=opset,
        precision=precision,
        optimize=optimize,
        max_batch=max_batch,
    )


def write_onnx(
    source: Source,
    file: Path,
    *,
    layout: str = "nhwc",
    output: str = "uint8",
    opset: int | None = None,
    precision: str = "float32",
    optimize: str = "full",
    max_batch: int | None = None,
) -> ExportResult:
    """Export an open generator, whose spec says what it takes.

    Args:
        source: of `open_source`.
        file: where the model goes.
        layout, output, opset, precision, optimize, max_batch: as in `export_onnx`.

    Raises:
        ExportError: as `export_onnx`.
    """
    inputs = source.spec.inputs
    opset = check_options(
        layout=layout, output=output, opset=opset, precision=precision, optimize=optimize, inputs=inputs,
        max_batch=max_batch,
    )  # fmt: skip
    check_file(file)
    # What it needs of the data is told before the work starts.
    judge = Judge(source.recipe) if precision == "int8" else None
    asked = replace(source.spec, layout=layout, dtype=output, precision="float32", max_batch=max_batch)
    with tf.device("CPU:0"):
        proven = prove(source.G, asked, opset, lean=optimize == "full")
        beside = proven_mapping(source.G, asked, opset) if inputs == "w" else b""
    if precision == "float16":
        proven = lowered(proven)
    if judge is not None:
        proven = quantized(proven, judge)
    content = with_spec(proven.model, proven.spec).SerializeToString()
    try:
        _write(file, content, beside)
    except OSError as error:
        raise ExportError(f"{file} cannot be written: {error.strerror or error}") from None
    return ExportResult(file=file, spec=proven.spec, size_bytes=len(content), refused=source.refused)


def _write(file: Path, content: bytes, beside: bytes) -> None:
    """Put a model in its place, and the mapping of w, if there is one, beside it; on a full disk neither is."""
    if not beside:
        write_atomic(file, lambda temporary: temporary.write_bytes(content))
        return

    def write(temporary: Path) -> None:
        temporary.write_bytes(beside)
        _write(file, content, b"")

    write_atomic(mapping_file(file), write)
