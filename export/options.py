"""What can be asked of an export, checked before anything that takes time. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tfgan_kit.errors import ExportError
from tfgan_kit.export.spec import INPUTS, LAYOUTS, PRECISIONS, RANGES, WEIGHTS

# From the first with today's operators to the last that tf2onnx writes.
OPSETS = range(13, 19)
OPSET = 17
# The first with bitwise operators, by which a graph draws from seeds.
SEED_OPSET = 18
OPTIMIZATIONS = ("basic", "full")
MAX_BATCHES = range(1, 1025)
# Families that map z to w, and that normalise z, so that its length says nothing.
W_FAMILIES = ("style",)
NORMALISING_FAMILIES = ("progressive",)
# What the other formats do not have; they are float32, NHWC, and take z.
_ONNX_ALONE = {"precision": "float32", "optimize": "full", "layout": "nhwc", "inputs": "z", "opset": None}


def check_options(
    *,
    layout: str = "nhwc",
    output: str = "uint8",
    opset: int | None = None,
    weights: str = "ema",
    truncation: float = 1.0,
    precision: str = "float32",
    optimize: str = "full",
    inputs: str = "z",
    max_batch: int | None = None,
) -> int:
    """Refuse an option that is not legal, or that another one excludes.

    Returns:
        The opset, chosen where it was left open.

    Raises:
        ExportError: with the legal values.
    """
    for name, value, legal in (
        ("layout", layout, LAYOUTS),
        ("output", output, tuple(RANGES)),
        ("weights", weights, WEIGHTS),
        ("precision", precision, PRECISIONS),
        ("optimize", optimize, OPTIMIZATIONS),
        ("inputs", inputs, INPUTS),
    ):
        if value not in legal:
            raise ExportError(f"{name} {value!r} is unknown; legal: {', '.join(legal)}")
    if opset is not None and opset not in OPSETS:
        raise ExportError(f"opset {opset} cannot be written; legal: {OPSETS[0]} to {OPSETS[-1]}")
    if not 0 <= truncation <= 1:
        raise ExportError(f"truncation must be in [0, 1]; got {truncation}")
    if max_batch is not None and max_batch not in MAX_BATCHES:
        raise ExportError(
            f"max_batch {max_batch} cannot be written; legal: {MAX_BATCHES[0]} to {MAX_BATCHES[-1]}, or dynamic"
        )
    if inputs == "seed" and opset is not None and opset < SEED_OPSET:
        raise ExportError(
            f"opset {opset} has no bitwise operators, by which inputs seed draws z: take opset {SEED_OPSET}, or leave "
            "it out"
        )
    if precision == "int8":
        for name, given, taken in (("inputs", inputs, "z"), ("optimize", optimize, "full")):
            if given != taken:
                raise ExportError(f"precision int8 takes {name} {taken} only; got {given}")
        if max_batch is not None:
            raise ExportError(f"precision int8 takes a dynamic batch only; got max_batch {max_batch}")
    return (SEED_OPSET if inputs == "seed" else OPSET) if opset is None else opset


def check_formats(
    *, onnx: bool, saved_model: bool, tflite: bool, max_batch: int | None, options: Mapping[str, object]
) -> None:
    """Refuse options that a format which is asked for does not have.

    Args:
        onnx, saved_model, tflite: whether each is to be written.
        max_batch: as in `check_options`.
        options: those of the others that only ONNX has, by name, as in `check_options`.

    Raises:
        ExportError: no format, or an option that one of them does not have.
    """
    if not (onnx or saved_model or tflite):
        raise ExportError(
            "name the format: tfgan export --onnx is what tfgan sample takes; --saved-model DIR and --tflite FILE are "
            "for other programs"
        )
    for name, format_name in (("saved-model", "a SavedModel"), ("tflite", "a TFLite file")):
        if not {"saved-model": saved_model, "tflite": tflite}[name]:
            continue
        for option, default in _ONNX_ALONE.items():
            value = options.get(option, default)
            if value != default:
                raise ExportError(
                    f"--{option} {value} is of ONNX alone, {format_name} has no such choice: leave it out, or export "
                    f"--{name} by itself"
                )
    if saved_model and max_batch is not None:
        raise ExportError(f"--max-batch {max_batch} is not of a SavedModel, which takes any batch: leave it out")


def check_run(*, family: str, z_prior: str, inputs: str, truncation: float) -> None:
    """Refuse what the generator's family or its z does not have.

    Args:
        family, z_prior: of the run's recipe.
        inputs, truncation: as in `check_options`.

    Raises:
        ExportError: with what can be had.
    """
    if inputs == "w" and family not in W_FAMILIES:
        raise ExportError(
            f"inputs w needs a generator that maps z to w, of family {' or '.join(W_FAMILIES)}; the run's is {family}: "
            "take inputs z"
        )
    if truncation == 1 or family in W_FAMILIES:
        return
    if inputs != "seed":
        raise ExportError(
            f"truncation {truncation} cannot be exported: family {family} has no average of w to draw it to; leave it "
            f"out and draw pictures with tfgan sample --truncation {truncation}, or take inputs seed"
        )
    if family in NORMALISING_FAMILIES:
        raise ExportError(f"truncation {truncation} would change nothing: family {family} normalises z; leave it out")
    if z_prior == "spherical":
        raise ExportError(f"truncation {truncation} would leave the sphere of a spherical z: leave it out")


def check_file(file: Path, ending: str = "onnx") -> None:
    """Refuse a place where no file can be, before the work starts.

    Raises:
        ExportError: with the reason.
    """
    if file.is_dir():
        raise ExportError(f"{file} is a folder: name a file, such as {file / f'generator.{ending}'}")
    if not file.parent.is_dir():
        raise ExportError(f"{file} cannot be written: there is no folder {file.parent}")


def check_folder(folder: Path) -> None:
    """Refuse a place where no new folder can be, before the work starts.

    Raises:
        ExportError: with the reason.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "is not empty" if folder.is_dir() else "is a file"
        raise ExportError(f"{folder} {what}: name a new folder")
    if not folder.parent.is_dir():
        raise ExportError(f"{folder} cannot be written: there is no folder {folder.parent}")
