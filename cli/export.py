"""`tfgan export`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from tfgan_kit.cli.tensorflow_import import import_tensorflow
from tfgan_kit.errors import ExportError

if TYPE_CHECKING:
    from tfgan_kit.export.convert import ExportResult
    from tfgan_kit.export.spec import Parity


class ExportCommand(TyperCommand):
    """A command whose `--onnx` may stand alone or have a file behind it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put an empty value behind an `--onnx` that has none."""
        whole: list[str] = []
        for i, arg in enumerate(args):
            whole.append(arg)
            if arg == "--onnx" and (i + 1 == len(args) or args[i + 1].startswith("-")):
                whole.append("")
        return super().parse_args(ctx, whole)


def export(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder.", show_default="the latest in artifacts/")
    ] = None,
    onnx: Annotated[
        str | None,
        typer.Option(metavar="[FILE]", help="Write ONNX, to FILE or RUN/generator.onnx.", show_default=False),
    ] = None,
    layout: Annotated[str, typer.Option(help="Axes of the images after N: nhwc or nchw.")] = "nhwc",
    output: Annotated[str, typer.Option(help="Values: uint8 (0 to 255) or float32 (-1 to 1).")] = "uint8",
    inputs: Annotated[str, typer.Option(help="z; seed, numbers alone; or w of a style generator.")] = "z",
    precision: Annotated[
        str, typer.Option(help="float32; float16, half the size, for GPUs; or int8, where it pays.")
    ] = "float32",
    optimize: Annotated[str, typer.Option(help="full, or basic: tf2onnx's graph as it is.")] = "full",
    max_batch: Annotated[
        str, typer.Option(metavar="N", help="Pictures of every run, for static shapes; or dynamic.")
    ] = "dynamic",
    opset: Annotated[
        int | None, typer.Option(help="Version of ONNX's operators, 13 to 18.", show_default="17; seed: 18")
    ] = None,
    weights: Annotated[str, typer.Option(help="ema, the moving average of the weights, or last.")] = "ema",
    best: Annotated[
        bool, typer.Option("--best", help="The checkpoint that evaluations found best, not the newest.")
    ] = False,
    truncation: Annotated[
        float, typer.Option(metavar="PSI", help="Share of w's way from its average (of z, with seed).")
    ] = 1.0,
    saved_model: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a TensorFlow SavedModel too, or alone.")
    ] = None,
    tflite: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a TFLite file too, or alone.")
    ] = None,
) -> None:  # fmt: skip
    """Export a run's generator, after proving that what is written makes TensorFlow's pictures."""
    # Whatever can be refused is, before TensorFlow takes its seconds to import.
    from tfgan_kit.export.options import check_file, check_folder, check_formats, check_options, check_run
    from tfgan_kit.training.run_folder import RunFolder, latest_run

    batch = _max_batch(max_batch)
    of_onnx = {"layout": layout, "precision": precision, "optimize": optimize, "opset": opset}
    check_formats(
        onnx=onnx is not None,
        saved_model=saved_model is not None,
        tflite=tflite is not None,
        max_batch=batch,
        options={**of_onnx, "inputs": inputs},
    )
    file = None if onnx is None else _file(onnx, run)
    number = check_options(
        layout=layout, output=output, opset=opset, weights=weights, truncation=truncation, precision=precision,
        optimize=optimize, inputs=inputs, max_batch=batch,
    )  # fmt: skip
    folder = latest_run() if run is None else RunFolder(run)
    recipe, _, _ = folder.read()
    check_run(family=recipe.family, z_prior=recipe.z_prior, inputs=inputs, truncation=truncation)
    model = file or folder.path / "generator.onnx"
    if onnx is not None:
        check_file(model)
    if tflite is not None:
        check_file(tflite, "tflite")
    if saved_model is not None:
        check_folder(saved_model)

    import_tensorflow()
    from tfgan_kit.export import convert
    from tfgan_kit.export.source import open_source

    source = open_source(folder.path, weights=weights, best=best, inputs=inputs, truncation=truncation)
    for line in source.refused:
        print(f"warning: {line}")
    print(f"exported  {folder.path} at {source.spec.nimg / 1000:.1f} kimg ({weights} weights)")
    if onnx is not None:
        result = convert.write_onnx(
            source, model, output=output, max_batch=batch, layout=layout, precision=precision, optimize=optimize,
            opset=opset,
        )  # fmt: skip
        for line in _report(result, number):
            print(line)
    if saved_model is not None:
        from tfgan_kit.export.forms.saved_model import write_saved_model

        measured = write_saved_model(source, saved_model, output=output)
        print(f"wrote     {saved_model}{os.sep} (SavedModel, {output} nhwc)\n{_checked('TensorFlow', measured)}")
    if tflite is not None:
        from tfgan_kit.export.forms.tflite import write_tflite

        measured = write_tflite(source, tflite, output=output, max_batch=batch)
        size = tflite.stat().st_size / 1e6
        print(f"wrote     {tflite} ({size:.2f} MB, TFLite, {output} nhwc)\n{_checked('TFLite', measured)}")
    if onnx is not None:
        print("next      tfgan sample" if file is None and run is None else f"next      tfgan sample {model}")


def _max_batch(text: str) -> int | None:
    """The number of `--max-batch`; None for dynamic."""
    if text == "dynamic":
        return None
    try:
        return int(text)
    except ValueError:
        raise ExportError(f"--max-batch takes a number of pictures or dynamic; got {text!r}") from None


def _report(result: ExportResult, opset: int) -> Iterator[str]:
    """What is said of an ONNX file."""
    from tfgan_kit.export.spec import mapping_file

    spec = result.spec
    fixed = "" if spec.max_batch is None else f", {spec.max_batch} pictures a run"
    size = f"{result.size_bytes / 1e6:.2f} MB, {spec.dtype} {spec.layout}, opset {opset}{fixed}"
    yield f"wrote     {result.file} ({size})"
    if spec.inputs == "w":
        yield f"wrote     {mapping_file(result.file)} (z to w)"
    yield _checked("onnxruntime", spec.parity) + (", every class" if spec.classes else "")
    drift = spec.drift
    if drift:
        yield (
            f"{spec.precision:<9} is within {drift['max_abs_error']:.1g} of float32, "
            f"{drift['mean_abs_error']:.1g} on average, over {drift['samples']:.0f} seeds{_bounds(spec.precision)}"
        )
    if "ms_int8" in drift:
        yield (
            f"          {drift['ms_int8']:.1f} ms for 16 pictures, float32 {drift['ms_float32']:.1f} ms; Frechet "
            f"distance {drift['frechet_int8']:.2f}, float32 {drift['frechet_float32']:.2f}"
        )


def _bounds(precision: str) -> str:
    """What a drift may be at most; of int8 it is the Frechet distance that counts."""
    from tfgan_kit.export.forms.float16 import MAX_ERROR, MEAN_ERROR

    return f" (at most {MAX_ERROR:g} and {MEAN_ERROR:g})" if precision == "float16" else ""


def _checked(runtime: str, parity: Parity) -> str:
    sizes = " and ".join(map(str, parity.batch_sizes))
    return (
        f"checked   {runtime} is within {parity.max_abs_error:.1g} of the generator on images in [-1, 1] "
        f"(at most {parity.tolerance:.1g}), at batch size{'s' if len(parity.batch_sizes) > 1 else ''} {sizes}"
    )


def _file(onnx: str, run: Path | None) -> Path | None:
    """The file that `--onnx` names; None for the default."""
    if not onnx:
        return None
    file = Path(onnx)
    if (file / "recipe.json").is_file():
        rest = f" {run}" if run else ""
        raise ExportError(f"{onnx} is a run folder and stands before --onnx: tfgan export {onnx} --onnx{rest}")
    if file.is_dir() or onnx.endswith(os.sep):
        raise ExportError(f"{onnx} is a folder: name a file, such as {file / 'generator.onnx'}")
    if file.suffix != ".onnx":
        raise ExportError(f"--onnx takes the name of an .onnx file; got {onnx!r}; a run folder stands before --onnx")
    return file
