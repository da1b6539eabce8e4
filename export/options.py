"""What can be asked of an export, checked before anything that takes time. Standard library only."""

from __future__ import annotations

from pathlib import Path

from tfgan_kit.errors import ExportError
from tfgan_kit.export.spec import LAYOUTS, RANGES, WEIGHTS

# From the first with today's operators to the last that tf2onnx writes.
OPSETS = range(13, 19)


def check_options(*, layout: str, output: str, opset: int, weights: str, truncation: float) -> None:
    """Refuse an option that is not legal.

    Raises:
        ExportError: with the legal values.
    """
    for name, value, legal in (
        ("layout", layout, LAYOUTS),
        ("output", output, tuple(RANGES)),
        ("weights", weights, WEIGHTS),
    ):
        if value not in legal:
            raise ExportError(f"{name} {value!r} is unknown; legal: {', '.join(legal)}")
    if opset not in OPSETS:
        raise ExportError(f"opset {opset} cannot be written; legal: {OPSETS[0]} to {OPSETS[-1]}")
    if not 0 <= truncation <= 1:
        raise ExportError(f"truncation must be in [0, 1]; got {truncation}")


def check_file(file: Path) -> None:
    """Refuse a place where no file can be, before the work starts.

    Raises:
        ExportError: with the reason.
    """
    if file.is_dir():
        raise ExportError(f"{file} is a folder: name a file, such as {file / 'generator.onnx'}")
    if not file.parent.is_dir():
        raise ExportError(f"{file} cannot be written: there is no folder {file.parent}")
