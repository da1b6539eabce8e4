"""`tfgan data`: what is done with data sets before training."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfgan_kit.cli.tensorflow_import import import_tensorflow
from tfgan_kit.recipe import Recipe, parse_resolution

if TYPE_CHECKING:
    from tfgan_kit.data.survey import Survey

app = typer.Typer(help="Check data sets, and prepare those that are larger than memory.", no_args_is_help=True)

_SHOWN, _CLASSES = 3, 12
_ON_SHEET, _COLUMNS = 96, 12


@app.command(epilog="Example: tfgan data prepare folder:my-pictures --resolution 64x64 --out prepared")
def prepare(
    source: Annotated[str, typer.Argument(help="Data source, as for train: folder:PATH, tfds:NAME, npz:PATH, ...")],
    out: Annotated[Path, typer.Option(help="Folder of the prepared set, new or of the same preparation.")],
    resolution: Annotated[
        str | None, typer.Option(help="HEIGHTxWIDTH in px, or one number.", show_default="the data's")
    ] = None,
    channels: Annotated[int | None, typer.Option(help="1 grey, 3 RGB.", show_default="the data's")] = None,
    fit: Annotated[
        str, typer.Option(help="How a picture of another shape gets to the resolution: crop, pad or stretch.")
    ] = "crop",
    workers: Annotated[
        int | None, typer.Option(help="Threads that read and write.", show_default="one a core")
    ] = None,
    per_shard: Annotated[int, typer.Option(help="Pictures in a shard.")] = 4096,
    deduplicate: Annotated[bool, typer.Option("--deduplicate", help="Keep only the first of equal pictures.")] = False,
) -> None:  # fmt: skip
    """Put any source into shards that training streams: once, on all cores. Run it again to go on where it stopped."""
    fields: dict[str, Any] = {"data": source, "channels": channels, "fit": fit, "kimg": 1.0, "batch_size": 1}
    if resolution is not None:
        fields["resolution"] = parse_resolution(resolution)
    recipe = Recipe(**fields)
    from tfgan_kit.cli.progress import progress_bar
    from tfgan_kit.data.prepare import prepare as prepare_set

    with progress_bar() as show:
        made = prepare_set(
            recipe,
            out,
            workers=workers,
            per_shard=per_shard,
            deduplicate=deduplicate,
            on_progress=lambda done, total: show(f"{done:,} of {total:,}", done / total),
        )
    index = made.index
    for note in made.notes:
        print(note)
    height, width, channels_ = index.shape
    labels = ", ".join(f"{len(names)} of {name}" for name, names in index.attributes.items()) or "no labels"
    print(f"prepared  {made.images:,} pictures of {height}x{width}x{channels_}, {labels}, digest {index.digest}")
    print(f"in        {out}: {len(index.records)} shards, {made.bytes / 1e6:.1f} MB")
    print(f"next      tfgan train --data {shlex.quote(f'records:{out}')}")


@app.command(epilog="Example: tfgan data check folder:my-pictures")
def check(
    source: Annotated[str, typer.Argument(help="Data source, as for train: folder:PATH, tfds:NAME, npz:PATH, ...")],
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw a contact sheet of some pictures there.",
                                  show_default=False),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all that was found there.", show_default=False)
    ] = None,
    timing: Annotated[
        bool, typer.Option("--timing/--no-timing", help="Time a few steps of the suggested recipe on this machine.")
    ] = True,
) -> None:  # fmt: skip
    """Say what a data set holds and what is wrong with it, and suggest a recipe for it."""
    from tfgan_kit.cli.options import check_folders
    from tfgan_kit.cli.progress import progress_bar
    from tfgan_kit.data.suggest import suggest
    from tfgan_kit.data.survey import survey
    from tfgan_kit.errors import DataError
    from tfgan_kit.recipes import FOR_PICTURES, recipe_row

    check_folders(json_file, sheet)
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise DataError(f"--sheet writes PNG; got {sheet}: give a name that ends in .png")
    with progress_bar() as show:
        found = survey(
            Recipe(data=source, kimg=1, batch_size=1),
            lambda done, total: show(f"{done:,} of {total:,}", done / total),
        )
    show_survey(found)
    made = suggest(found)
    recipe = recipe_row(FOR_PICTURES).recipe.replace(**made.fields)
    for reason in made.reasons:
        print(f"{'because':<12}{reason}")
    print(f"{'train':<12}{_train_command(made.fields)}")

    measured = None
    try:
        try:
            if sheet is not None:
                write_sheet(recipe, sheet)
                print(f"wrote {sheet}")
            if timing:
                measured = _timed(recipe)
        finally:
            # What was found stays of use where the pictures are too bad to be drawn or trained on.
            if json_file is not None:
                from tfgan_kit.files import write_json

                write_json(json_file, {**found.to_json(), "suggestion": dict(made.fields), "timing": measured})
                print(f"wrote {json_file}")
    except OSError as error:
        raise DataError(f"{error.filename} cannot be written: {error.strerror or error}") from None


def show_survey(found: Survey) -> None:
    """Print what was found, a line a matter."""
    from tfgan_kit.data.pictures import describe_sizes

    def line(what: str, text: str) -> None:
        print(f"{what:<12}{text}")

    def some(names: Sequence[str]) -> str:
        return f"{len(names):,}" + (f": {', '.join(names[:_SHOWN])}{', ...' * (len(names) > _SHOWN)}" if names else "")

    line("pictures", f"{found.images:,} can be read")
    line("broken", some(found.broken))
    line("sizes", describe_sizes(found.sizes) or "none")
    line("kinds", ", ".join(f"{count:,} {kind}" for kind, count in found.kinds.most_common()) or "none")
    line("equal", some([f"{name} is {first}" for name, first in found.duplicates.items()]))
    line("one colour", some(found.flat))
    for attribute, counts in found.classes.items():
        ordered = sorted(counts.items(), key=lambda of: -of[1])
        shown = ", ".join(f"{name} {count:,}" for name, count in ordered[:_CLASSES])
        rest = f" and {len(ordered) - _CLASSES} more, down to {ordered[-1][1]:,}" if len(ordered) > _CLASSES else ""
        line(attribute[:11], shown + rest)
    for note in found.notes:
        line("note", note)


def write_sheet(recipe: Recipe, path: Path) -> None:
    """A grid of pictures, evenly from first to last, as training is shown them."""
    import numpy as np

    from tfgan_kit.data import open_source
    from tfgan_kit.files import write_atomic
    from tfgan_kit.pictures import grid, to_pillow

    source = open_source(recipe)
    chosen = np.unique(np.linspace(0, len(source) - 1, _ON_SHEET).round().astype(np.int64))
    sheet = to_pillow(grid(source.read(chosen), columns=_COLUMNS))
    write_atomic(path, lambda temporary: sheet.save(temporary, format="PNG"))


def _train_command(fields: Mapping[str, Any]) -> str:
    options = [f"--data {shlex.quote(fields['data'])}"]
    if "resolution" in fields:
        options.append("--resolution {}x{}".format(*fields["resolution"]))
    options.append(f"--kimg {fields['kimg']:g}")
    left = (name for name in fields if name not in ("data", "resolution", "kimg"))
    return " ".join(["tfgan train", *options, *(f"--set {name}={fields[name]}" for name in left)])


def _timed(recipe: Recipe) -> dict[str, float | None]:
    """What the recipe takes on this machine, printed and as figures."""
    from tfgan_kit.data import open_source

    source = open_source(recipe)
    import_tensorflow()
    from tfgan_kit.training.timing import time_steps

    measured = time_steps(recipe, source)
    hours = (recipe.kimg or 0) * 1000 / measured.img_per_sec / 3600
    memory = "" if measured.peak_memory_mb is None else f", {measured.peak_memory_mb / 1024:.1f} GiB of memory"
    print(f"{'here':<12}{measured.img_per_sec:.0f} images/s, so {hours:.1f} hours{memory}")
    return {"img_per_sec": measured.img_per_sec, "hours": hours, "peak_memory_mb": measured.peak_memory_mb}
