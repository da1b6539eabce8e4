"""`tfgan inspect`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tfgan_kit.export.describe import Description
    from tfgan_kit.export.spec import ModelSpec

# Columns of the table where there is no terminal to ask; names of a list that are shown.
_WIDTH, _NAMES = 120, 12


def inspect(
    model: Annotated[
        Path | None,
        typer.Argument(help="Any .onnx, or a run folder with one.",
                       show_default="the newest artifacts/*/generator.onnx"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:  # fmt: skip
    """Say what an .onnx is, how it is called, and what it lacks where tfgan cannot sample from it."""
    from tfgan_kit.cli.model_options import model_file
    from tfgan_kit.export.describe import describe

    found = describe(model_file(model))
    if as_json:
        import json

        print(json.dumps(found.to_json(), indent=2))
        return
    _show(found)


def _show(found: Description) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(found):
        table.add_row(name, Text(printable(value)))
    live = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, soft_wrap=not live, width=None if live else _WIDTH)
    console.print(table)
    if found.missing:
        print("\ntfgan sample cannot draw from it:" + " it lacks" * (found.spec is None))
        print("\n".join(f"- {printable(line)}" for line in found.missing))
    print(f"\n{printable(found.snippet, lines=True)}")


def _rows(found: Description) -> list[tuple[str, str]]:
    from tfgan_kit.export.describe import shape_of

    spec = found.spec
    rows = [("file", f"{found.file} ({found.size_bytes / 1e6:.2f} MB, sha256 {found.sha256[:16]})")]
    if spec is None:
        rows.append(("what it is", "an ONNX model that is not of tfgan-kit"))
    else:
        rows += _spec_rows(spec)
    for title, values in (("input", found.inputs), ("output", found.outputs)):
        rows += [(title, f"{value.name} {shape_of(value)} {value.dtype}") for value in values]
    total = sum(found.weights.values())
    kinds = ", ".join(f"{kind} {size / max(total, 1):.0%}" for kind, size in found.weights.items()) or "none"
    rows.append(("weights", f"{found.parameters:,} numbers, {total / 1e6:.2f} MB: {kinds}"))
    rows += [("weights in", f"another file, {path!r}, which was not opened") for path in found.external]
    count = sum(found.operators.values())
    rows.append(("operators", f"{count}: " + ", ".join(f"{name} {n}" for name, n in found.operators.items())))
    opsets = ", ".join(f"{domain} {version}" for domain, version in found.opsets.items())
    rows.append(("ONNX", f"opset {opsets}; IR {found.ir_version}; by {found.producer or 'an unknown program'}"))
    opens = {True: "yes", False: "no", None: "not tried: it is not installed, or the file is not for it"}[found.opens]
    rows.append(("onnxruntime", f"opens it: {opens}"))
    return rows


def _spec_rows(spec: ModelSpec) -> list[tuple[str, str]]:
    from tfgan_kit.export.describe import finite

    height, width, channels = spec.image_shape
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    rows = [("what it is", f"a generator of {width}x{height} {kind} pictures, by tfgan-kit {spec.tfgan_kit}")]
    rows.append(("made from", f"{_latents(spec)}" + (f", noise of {spec.noise_dim:,}" if spec.noise_dim else "")))
    for name, values in spec.attributes.items():
        more = f", ... ({len(values)} in all)" if len(values) > _NAMES else ""
        rows.append(("classes" if len(spec.attributes) == 1 else name, ", ".join(values[:_NAMES]) + more))
    if spec.truncation == "w":
        rows.append(("truncation", f"of w, {spec.psi:g}, set at export"))
    elif spec.truncation == "none":
        rows.append(("truncation", "none: it normalises z"))
    rows.append(("recipe", f"{spec.recipe_name} {spec.recipe_digest}".strip()))
    rows.append(("trained on", f"{spec.data_spec}, {spec.data_images:,} pictures, digest {spec.data_digest}; "
                               f"{spec.nimg / 1000:,.1f} kimg seen, {spec.weights} weights"))  # fmt: skip
    figures = finite(spec.figures)
    if figures:
        rows.append(("figures", ", ".join(f"{name} {value:.4g}" for name, value in figures.items())))
    parity = spec.parity
    sizes = ", ".join(map(str, parity.batch_sizes[:_NAMES])) or "none"
    rows.append(("parity", f"within {parity.max_abs_error:.2g} of TensorFlow on images in [-1, 1] "
                           f"(at most {parity.tolerance:g}), at batch sizes {sizes}"))  # fmt: skip
    drift = ", ".join(f"{name} {value:.3g}" for name, value in spec.drift.items())
    rows.append(("precision", spec.precision + (f"; against float32: {drift}" if drift else "")))
    if spec.max_batch is not None:
        rows.append(("batch", f"{spec.max_batch} pictures in every run"))
    return rows


def _latents(spec: ModelSpec) -> str:
    if spec.inputs == "seed":
        return f"seeds: z of {spec.z_dim}, {spec.z_prior}, is made within"
    if spec.inputs == "w":
        return f"w of {spec.w_dim}, which the file beside it makes of z of {spec.z_dim}, {spec.z_prior}"
    return f"z of {spec.z_dim}, {spec.z_prior}"


def printable(text: Any, lines: bool = False) -> str:
    """Text of a file that may hold anything, for a terminal: what is no character of a line becomes its escape.

    Args:
        text: to be shown.
        lines: whether it may have several lines.
    """
    return "".join(
        character if character.isprintable() or (lines and character == "\n") else ascii(character)[1:-1]
        for character in str(text)
    )
