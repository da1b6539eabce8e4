"""`tfgan sample`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.cli.model_options import check_seeds, is_picture, model_file, parse_classes, parse_seeds, save_picture
from tfgan_kit.errors import SampleError

if TYPE_CHECKING:
    import numpy as np

    from tfgan_kit.export.runtime import Sampler

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
    as_grid = is_picture(out)
    path = model_file(model)

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
        check_seeds((ranges[0][0], ranges[0][-1]))
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
    save_picture(grid(images, min(columns, len(images))), out)


def _write_files(made: Iterator[tuple[int, np.ndarray]], folder: Path) -> None:
    for seed, image in made:
        folder.mkdir(parents=True, exist_ok=True)
        save_picture(image, folder / f"seed-{seed:06d}.png")
