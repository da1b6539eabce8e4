"""`tfgan evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.cli.options import check_folders, metric_names
from tfgan_kit.errors import DataError, RunError
from tfgan_kit.recipe import Recipe

if TYPE_CHECKING:
    from tfgan_kit.cli.subject import Target
    from tfgan_kit.data import Source
    from tfgan_kit.evaluation.result import Evaluation
    from tfgan_kit.training.run_folder import RunFolder

# Pairs of a sample and the training picture that it is nearest to, in the picture of them.
_PAIRS = 16


def evaluate(
    target: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN|MODEL.onnx|FOLDER]", help="A run, an exported model, or a folder of pictures.",
                       show_default="the latest run in artifacts/"),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="The real pictures, as of tfgan train.", show_default="what it was trained on")
    ] = None,
    held_out: Annotated[
        str | None,
        typer.Option(help="Real pictures that it was not trained on: for scale, and to tell copies.",
                     show_default="the data's test split, if it has one"),
    ] = None,
    metrics: Annotated[
        str, typer.Option(help="Names with commas between them; `standard`, `all`, or `list` to see them.")
    ] = "standard",
    n: Annotated[int, typer.Option("--n", "-n", help="Samples.")] = 10_000,
    extractor: Annotated[
        str | None,
        typer.Option(help="Network of the features: mnist-cnn, fashion-cnn, inception[:FILE], onnx:FILE, pixels, "
                          "random-conv.", show_default="by the data"),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Repetitions on other samples, which give a deviation.")
    ] = 1,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the weights of inception, 91 MiB, where they are not there.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.", show_default=False)
    ] = None,
    pairs_file: Annotated[
        Path | None,
        typer.Option("--pairs", metavar="FILE", help="Draw the samples nearest to training pictures, beside these.",
                     show_default="RUN/nearest.png"),
    ] = None,
) -> None:  # fmt: skip
    """Measure samples: quality, variety, copies. Only a run needs TensorFlow."""
    if metrics == "list":
        _list_metrics()
        return
    if n < 2:
        raise DataError(f"--n takes at least 2 samples; got {n}")
    if seeds < 1:
        raise DataError(f"--seeds takes the number of repetitions, at least 1; got {seeds}")
    check_folders(json_file, pairs_file)
    names = metric_names(metrics)

    from tfgan_kit.cli.progress import progress_bar
    from tfgan_kit.cli.subject import open_target
    from tfgan_kit.evaluation.defaults import extractor_for, held_out_for
    from tfgan_kit.extractors import open_extractor

    if download:
        _download(extractor)
    # What was named on the command line first: a mistake there shows before TensorFlow is there.
    opened = None if extractor is None else open_extractor(extractor)
    named = open_target(target)
    recipe = data_recipe(named, data)
    opened = opened or open_extractor(extractor_for(recipe.data))
    source = _opened(recipe, named)
    aside = held_out or held_out_for(recipe.data)
    held = None if aside is None else _opened(recipe.replace(data=aside))

    from tfgan_kit.evaluation.evaluate import evaluate as run_evaluation

    with progress_bar() as on_progress:
        found = run_evaluation(
            named.subject, source, opened, metrics=names, n=n, repetitions=seeds, held_out=held, on_progress=on_progress
        )
    for note in (*named.notes, *source.notes, *(held.notes if held else ())):
        print(f"note: {note}")
    changed = named.data_digest is not None and data is None and source.digest != named.data_digest
    show(found, changed=changed)
    _write(found, named, source, json_file, pairs_file)


def data_recipe(target: Target, data: str | None) -> Recipe:
    """A recipe whose data are the real pictures to compare with, at the size of what is evaluated.

    Raises:
        DataError: pictures, and no data named to compare them with.
    """
    if target.recipe is None:
        if data is None:
            raise DataError(f"{target.subject.name} is a set of pictures: name the real ones with --data")
        return Recipe(data=data, batch_size=1, kimg=1)
    changes = {} if data is None else {"data": data, "conditional": None}
    # D, which may ask for a batch that parts into groups, is not built.
    return target.recipe.replace(batch_size=1, d_minibatch="none", **changes)


def show(found: Evaluation, *, changed: bool = False) -> None:
    """Print an evaluation as a table, and what its reader must know."""
    from rich.console import Console
    from rich.table import Table

    from tfgan_kit.evaluation.result import rounded

    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("deviation", justify="right")
    scaled = any(measured.real is not None for measured in found.metrics.values())
    if scaled:
        table.add_column("real pictures", justify="right")
    for name, measured in found.metrics.items():
        value = rounded(measured.value) + (f" of {measured.of}" if measured.of else "")
        row = [found.title(name), value, "" if measured.deviation is None else rounded(measured.deviation)]
        table.add_row(*row, *(["" if measured.real is None else rounded(measured.real)] if scaled else []))
    console = Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())
    console.print(table)
    for line in facts(found):
        console.print(line, markup=False)
    if changed:
        console.print("note: the data is not what it was trained on: its content has changed", markup=False)
    for note in found.notes:
        console.print(f"note: {note}", markup=False)


def facts(found: Evaluation) -> list[str]:
    """What the figures depend on, in lines."""
    trained = f" at {found.subject['nimg'] / 1000:.1f} kimg" if found.subject["nimg"] is not None else ""
    repeated = f", {len(found.seeds)} times" if len(found.seeds) > 1 else ""
    held = f"; held out: {found.held_out['spec']}, {found.held_out['images']:,}" if found.held_out else ""
    return [
        f"of {found.subject['name']}{trained}, {found.samples:,} samples{repeated}",
        f"to {found.data['spec']}, {found.data['images']:,} pictures, digest {found.data['digest']}{held}",
        f"in {found.extractor['name']} {found.extractor['digest']}, resized: {found.extractor['resize']}",
    ]


def write_pairs(found: Evaluation, target: Target, source: Source, file: Path) -> None:
    """Draw the closest pairs: a sample, and under it the training picture that it is nearest to."""
    import numpy as np

    from tfgan_kit.data.resize import fit_stack
    from tfgan_kit.files import write_atomic
    from tfgan_kit.pictures import grid, to_pillow

    pairs = found.pairs[:_PAIRS]
    samples = target.subject.draw(np.array([seed for seed, _, _ in pairs]))
    real = source.read(np.array([place for _, place, _ in pairs]))
    height, width, channels = real.shape[1:]
    samples = fit_stack(samples, (height, width), channels, "stretch")
    sheet = to_pillow(grid(np.concatenate([samples, real]), len(pairs)))
    write_atomic(file, lambda path: sheet.save(path, format="PNG"))


def _write(found: Evaluation, target: Target, source: Source, json_file: Path | None, pairs_file: Path | None) -> None:
    """Put the figures where they are asked for, and into the run's own records."""
    from tfgan_kit.files import write_json

    if target.run is not None:
        pairs_file = pairs_file or target.run.path / "nearest.png"
    try:
        # What was asked for first, so that a run that cannot be written does not cost it.
        if json_file is not None:
            write_json(json_file, found.to_json())
            print(f"wrote {json_file}")
        if pairs_file is not None and found.pairs:
            write_pairs(found, target, source, pairs_file)
            print(f"wrote {pairs_file} (samples above, the training pictures nearest to them below)")
        if target.run is not None:
            _record(target.run, found, target.step)
    except OSError as error:
        where = error.filename or json_file or pairs_file
        raise DataError(f"{where} cannot be written: {error.strerror or error}; the figures are above") from None


def _record(run: RunFolder, found: Evaluation, step: int) -> None:
    """Keep the figures in a run's records, where no training holds them."""
    from tfgan_kit.training.records import record_evaluation

    try:
        with run.lock():
            record_evaluation(run, found, step=step)
    except RunError:
        print(f"note: {run.path} is being trained, so that the figures are not put into its records")


def _opened(recipe: Recipe, target: Target | None = None) -> Source:
    from tfgan_kit.data import open_source

    try:
        return open_source(recipe)
    except DataError as error:
        if target is None or target.recipe is None or target.recipe.data != recipe.data:
            raise
        raise DataError(f"{error}; this is what it was trained on: name it where it is now with --data") from None


def _download(extractor: str | None) -> None:
    """Put the weights of inception into the user's cache, if they are not there."""
    from tfgan_kit.cli.progress import progress_bar
    from tfgan_kit.extractors.inception import cached, download

    if extractor != "inception":
        raise DataError("--download fetches the weights of inception: name it with --extractor inception")
    if not cached().is_file():
        with progress_bar() as on_progress:
            download(
                cached(), progress=lambda done, total: on_progress("weights of inception", done / max(done, total))
            )


def _list_metrics() -> None:
    from tfgan_kit.evaluation.registry import METRICS, STANDARD

    width = max(map(len, METRICS))
    for name, metric in METRICS.items():
        print(f"{name:{width}}  {metric.about}{' (standard)' if name in STANDARD else ''}")
