"""`tfgan export`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from tfgan_kit.cli.tensorflow_import import import_tensorflow
from tfgan_kit.errors import ExportError


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
    opset: Annotated[int, typer.Option(help="Version of ONNX's operators, 13 to 18.")] = 17,
    weights: Annotated[str, typer.Option(help="ema, the moving average of the weights, or last.")] = "ema",
    best: Annotated[
        bool, typer.Option("--best", help="The checkpoint that evaluations found best, not the newest.")
    ] = False,
    truncation: Annotated[
        float, typer.Option(metavar="PSI", help="Style generators: share of w's way from its average, 0 to 1.")
    ] = 1.0,
) -> None:  # fmt: skip
    """Export a run's generator as one ONNX file, after proving that it makes TensorFlow's pictures."""
    if onnx is None:
        raise ExportError("name the format; ONNX is the one there is: tfgan export --onnx")
    file = _file(onnx, run)

    # Whatever can be refused is, before TensorFlow takes its seconds to import.
    from tfgan_kit.export.options import check_file, check_options
    from tfgan_kit.training.run_folder import RunFolder, latest_run

    check_options(layout=layout, output=output, opset=opset, weights=weights, truncation=truncation)
    folder = latest_run() if run is None else RunFolder(run)
    folder.read()
    if file is not None:
        check_file(file)

    import_tensorflow()
    from tfgan_kit.export.convert import export_onnx

    result = export_onnx(
        folder.path,
        file,
        layout=layout,
        output=output,
        opset=opset,
        weights=weights,
        best=best,
        truncation=truncation,
    )
    for line in result.refused:
        print(f"warning: {line}")
    parity = result.spec.parity
    sizes = " and ".join(map(str, parity.batch_sizes))
    print(f"exported  {folder.path} at {result.spec.nimg / 1000:.1f} kimg ({weights} weights)")
    print(f"wrote     {result.file} ({result.size_bytes / 1e6:.2f} MB, {output} {layout}, opset {opset})")
    print(
        f"checked   onnxruntime is within {parity.max_abs_error:.1g} of TensorFlow on images in [-1, 1] "
        f"(at most {parity.tolerance:g}), at batch sizes {sizes}" + (", every class" if result.spec.classes else "")
    )
    print("next      tfgan sample" if file is None and run is None else f"next      tfgan sample {result.file}")


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
