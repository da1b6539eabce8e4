"""`tfgan sample`."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.errors import ModelFileError, SampleError, nearest

if TYPE_CHECKING:
    import numpy as np

    from tfgan_kit.export.runtime import Sampler

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
MOST_IN_A_GRID = 10_000
# Rows of a grid whose columns are classes, and the most classes that get a column each.
CLASS_ROWS, MOST_COLUMNS = 8, 32


def sample(
    model: Annotated[
        Path | None,
        typer.Argument(help="The .onnx, or a run folder with one.",
                       show_default="the newest artifacts/*/generator.onnx"),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, help="How many pictures.", show_default="64, or 8 of each class"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The first seed; the next pictures take the next ones.",
                                             show_default="0")] = None,
    seeds: Annotated[str | None, typer.Option(help="Exactly these seeds: 0-99 or 3,5,9.", show_default=False)] = None,
    out: Annotated[
        Path, typer.Option(help="A picture file (.png, .jpg, .webp) for a grid, or a folder for single files.")
    ] = Path("samples.png"),
    labels: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="[NAME=]C",
                     help="The class, by index or name; of several attributes NAME=C, once for each that is to be set.",
                     show_default="by the seed"),
    ] = None,
    truncation: Annotated[
        float,
        typer.Option(metavar="PSI", help="Factor of z, 0 to 1: lower is more typical and less varied. Of a style "
                                         "generator it is an option of export."),
    ] = 1.0,
    batch: Annotated[int, typer.Option(help="Pictures made at a time; memory grows with it.")] = 64,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:  # fmt: skip
    """Draw pictures from an exported model. A seed gives the same picture in any batch; no TensorFlow is needed."""
    if seeds is not None and (seed is not None or n is not None):
        raise SampleError("--seeds names every seed: leave --seed and -n out")
    ranges = None if seeds is None else parse_seeds(seeds)
    as_grid = _is_picture(out)
    path = _model_file(model)

    from tfgan_kit.export.runtime import Sampler

    sampler = Sampler(path, device=device, batch=batch)
    chosen = parse_classes(labels or [], sampler.spec.attributes)
    indices = {name: sampler.class_index(value, name) for name, value in chosen.items()}
    # A column a class, where there is one attribute and it is open.
    classes = sampler.spec.classes[0] if len(sampler.spec.classes) == 1 else 0
    by_class = not indices and 1 < classes <= MOST_COLUMNS
    if ranges is None:
        first = seed or 0
        ranges = [range(first, first + (n or (CLASS_ROWS * classes if by_class else 64)))]
    count = sum(map(len, ranges))
    if as_grid and count > MOST_IN_A_GRID:
        raise SampleError(f"a grid holds at most {MOST_IN_A_GRID} pictures; got {count}: give --out a folder")

    made = _drawn(sampler, ranges, indices, truncation)
    try:
        if as_grid:
            _write_grid(made, out, columns=classes if by_class else math.isqrt(count - 1) + 1)
        else:
            _write_files(made, out)
    except OSError as error:
        raise SampleError(f"{out} cannot be written: {error.strerror or error}; give another --out") from None
    print(f"wrote {out} ({count} picture{'s' * (count > 1)} from {path})")


def parse_seeds(text: str) -> list[range]:
    """`"0-99"` or `"3,5,9"`, or both mixed, as ranges.

    Raises:
        SampleError: anything else.
    """
    ranges = []
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise SampleError(f"--seeds takes numbers and ranges, such as 0-99 or 3,5,9; got {text!r}")
        ranges.append(range(int(first), int(last or first) + 1))
        if not ranges[-1] or ranges[-1][-1] >= 2**63:
            raise SampleError(f"--seeds has the range {part.strip()!r}: from the smaller to the larger, below 2**63")
    return ranges


def parse_classes(texts: Sequence[str], attributes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What every `--class` asks for: attribute -> name or index of its value.

    Args:
        texts: `"7"`, `"glasses=none"`, or just `"none"` where one attribute alone has such a value.
        attributes: of the model, with the names of their values.

    Raises:
        SampleError: an unconditional model, no such attribute, a value that is none's or several attributes' own, or an
            attribute that is set twice.
    """
    chosen: dict[str, str] = {}
    for text in texts:
        name, value = _attribute_and_value(text, attributes)
        if name in chosen:
            raise SampleError(f"--class sets {name} twice, to {chosen[name]!r} and {value!r}: set it once")
        chosen[name] = value
    return chosen


def _attribute_and_value(text: str, attributes: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    if not attributes:
        raise SampleError(f"the model is unconditional and has no classes; got --class {text}: leave it out")
    # A value's own name comes first, whatever it looks like.
    owners = [name for name, values in attributes.items() if text in values]
    if len(owners) == 1:
        return owners[0], text
    prefixes = [name for name in attributes if text.startswith(f"{name}=")]
    if prefixes:
        name = max(prefixes, key=len)
        return name, text.removeprefix(f"{name}=")
    if len(attributes) == 1:
        return next(iter(attributes)), text
    if owners:
        ways = " or ".join(f"--class {name}={text}" for name in owners)
        raise SampleError(f"--class {text} is a value of {len(owners)} attributes: say which one, {ways}")
    name, equals, _ = text.partition("=")
    if equals:
        raise SampleError(f"--class {text}: the model has no attribute {name!r}: {nearest(name, attributes)}")
    every = {value: f"{name}={value}" for name, values in attributes.items() for value in values}
    close = difflib.get_close_matches(text, every, n=1, cutoff=0.5)
    hint = f"did you mean {every[close[0]]}? " if close else ""
    raise SampleError(
        f"--class {text} is a value of no attribute: {hint}legal: NAME=VALUE, NAME one of {', '.join(attributes)}"
    )


def _model_file(model: Path | None) -> Path:
    """The model that a command line means."""
    if model is None:
        from tfgan_kit.training.run_folder import RUNS

        found = list(RUNS.glob("*/generator.onnx"))
        if not found:
            raise ModelFileError(f"no {RUNS}/*/generator.onnx: run `tfgan export --onnx` first, or name a model")
        return max(found, key=lambda path: path.stat().st_mtime)
    if model.is_dir():
        if not (model / "generator.onnx").is_file():
            raise ModelFileError(f"{model} has no generator.onnx: tfgan export {model} --onnx")
        return model / "generator.onnx"
    return model


def _is_picture(out: Path) -> bool:
    """Whether `out` is a picture file, and not a folder; refuses what cannot be written before any work."""
    if out.is_dir():
        return False
    if out.suffix and out.suffix.lower() not in SUFFIXES:
        raise SampleError(f"unknown picture format {out.suffix!r}: legal: {', '.join(SUFFIXES)}, or a folder")
    if out.suffix and not out.parent.is_dir():
        raise SampleError(f"{out} cannot be written: there is no folder {out.parent}")
    if out.exists() and not out.suffix:
        raise SampleError(f"{out} is a file that is no picture: name a folder, or a picture with its suffix")
    return bool(out.suffix)


def _drawn(
    sampler: Sampler, ranges: list[range], labels: Mapping[str, int], truncation: float
) -> Iterator[tuple[int, np.ndarray]]:
    """Each seed with its picture (H, W, C) uint8, made a batch at a time."""
    seeds = itertools.chain.from_iterable(ranges)
    while part := list(itertools.islice(seeds, sampler.batch)):
        yield from zip(part, sampler.sample(part, labels, truncation), strict=True)


def _write_grid(made: Iterator[tuple[int, np.ndarray]], out: Path, columns: int) -> None:
    import numpy as np

    from tfgan_kit.pictures import grid

    images = np.stack([image for _, image in made])
    _save(grid(images, min(columns, len(images))), out)


def _write_files(made: Iterator[tuple[int, np.ndarray]], folder: Path) -> None:
    for seed, image in made:
        folder.mkdir(parents=True, exist_ok=True)
        _save(image, folder / f"seed-{seed:06d}.png")


def _save(image: np.ndarray, path: Path) -> None:
    from tfgan_kit.files import write_atomic
    from tfgan_kit.pictures import to_pillow

    write_atomic(path, to_pillow(image).save)
