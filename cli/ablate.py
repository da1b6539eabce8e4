"""`tfgan ablate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.cli.options import metric_names
from tfgan_kit.errors import DataError, RecipeError, RunError
from tfgan_kit.recipe import Recipe, parse_assignment
from tfgan_kit.recipes import RECIPES, recipe_row

if TYPE_CHECKING:
    from tfgan_kit.ablation.switches import Switch
    from tfgan_kit.ablation.table import Ablation

_METRICS = ("frechet", "prdc")
# Runs after which the process is replaced by a fresh one: TensorFlow keeps the native memory of every graph, which for
# MNIST is 63 MB a run.
# Windows cannot replace a process, and keeps to one.
_RUNS_A_PROCESS = 16
# Columns of the table where there is no terminal to ask.
_WIDTH = 240


def ablate(
    recipe: Annotated[
        str, typer.Argument(help="Recipe; `tfgan recipes` lists them.", autocompletion=lambda: sorted(RECIPES))
    ],
    switches: Annotated[
        list[str] | None,
        typer.Option("--switch", metavar="FIELD[=VALUE]",
                     help="Toggled alone; several fields at once with + between them; may be repeated."),
    ] = None,
    tips: Annotated[bool, typer.Option("--tips", help="Every switch of the 17 tips; see docs/tricks.md.")] = False,
    seeds: Annotated[int, typer.Option(help="Runs of each, with the training seeds 0, 1, ...")] = 3,
    kimg: Annotated[
        float | None, typer.Option(help="Length of each run in thousands of images.", show_default="the recipe's")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Length of each run in minutes of training.", show_default="the recipe's")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Data source, as of tfgan train.", show_default="the recipe's")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the baseline; may be repeated."),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metric", help="Metric, as of tfgan evaluate; may be repeated.",
                     show_default=", ".join(_METRICS)),
    ] = None,
    n: Annotated[int, typer.Option("--n", "-n", help="Samples of each evaluation.")] = 2000,
    extractor: Annotated[
        str | None, typer.Option(help="Network of the features, as of tfgan evaluate.", show_default="by the data")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of runs and table; what is there already is not done again.",
                     show_default="artifacts/ablation-RECIPE"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be trained, and leave.")] = False,
) -> None:  # fmt: skip
    """Train a recipe with each of some switches toggled alone, and tell what each of them changes."""
    if kimg is not None and minutes is not None:
        raise RecipeError("--kimg and --minutes are two lengths of one run: give one of them")
    if seeds < 1:
        raise DataError(f"--seeds takes the number of runs of each switch, at least 1; got {seeds}")
    if n < 2:
        raise DataError(f"--n takes at least 2 samples; got {n}")
    if not switches and not tips:
        raise RecipeError("nothing to toggle: name fields with --switch, or all those of the 17 tips with --tips")
    baseline = _baseline(recipe, {"data": data, "kimg": kimg, "minutes": minutes}, assignments or ())
    chosen, notes = _switches(switches or (), tips, baseline)
    names = [name for text in metrics or _METRICS for name in metric_names(text)]
    folder = out or Path("artifacts") / f"ablation-{recipe}"
    if folder.exists() and not folder.is_dir():
        raise RunError(f"--out {folder} is a file: name a folder")
    _check_length(baseline)
    if dry_run:
        _show_plan(baseline, chosen, notes, seeds, folder)
        return

    from tfgan_kit.cli.progress import ProgressLine
    from tfgan_kit.cli.tensorflow_import import import_tensorflow
    from tfgan_kit.evaluation.defaults import extractor_for
    from tfgan_kit.extractors import open_extractor

    network = open_extractor(extractor or extractor_for(baseline.data))
    import_tensorflow()
    from tfgan_kit.ablation.run import Plan
    from tfgan_kit.ablation.run import ablate as run_all

    plan = Plan(
        name=recipe, recipe=baseline, switches=chosen, seeds=range(seeds), out=folder, metrics=names, samples=n,
        extractor=network, notes=notes,
    )  # fmt: skip
    live = sys.stdout.isatty()
    with ProgressLine() as line:
        found, end = run_all(
            plan,
            notify=line.say,
            on_progress=line.update if live else lambda progress: None,
            on_table=lambda table: _write(table, folder),
            most_runs=None if os.name == "nt" else _RUNS_A_PROCESS,
        )
    if end == "paused":
        _start_afresh()
    show(found)
    if end != "whole":
        print(f"stopped and saved in {folder}; the same command goes on from there")
        raise typer.Exit(130)
    print(f"look at {folder / 'plot.png'}, {folder / 'table.md'}, {folder / 'table.json'}")


def _start_afresh() -> None:
    """Replace this process by one of the same command, which goes on from what is on the disk."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def show(found: Ablation) -> None:
    """Print an ablation as a table, and what its reader must know."""
    from rich.console import Console
    from rich.table import Table

    head, *rows = found.rows()
    table = Table(box=None, pad_edge=False, header_style="")
    for i, title in enumerate(head):
        table.add_column(title, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*row)
    live = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, soft_wrap=not live, width=None if live else _WIDTH)
    console.print(table)
    for line in found.facts():
        console.print(line, markup=False)


def _baseline(name: str, options: dict[str, object], assignments: list[str] | tuple[str, ...]) -> Recipe:
    changes = dict(parse_assignment(text) for text in assignments)
    changes |= {key: value for key, value in options.items() if value is not None}
    if "seed" in changes:
        raise RecipeError("an ablation takes the seeds 0, 1, ... by itself: leave out --set seed, and give --seeds")
    return recipe_row(name).recipe.replace(**changes)


def _switches(texts: list[str] | tuple[str, ...], tips: bool, baseline: Recipe) -> tuple[list[Switch], list[str]]:
    """The switches, each once, and notes on what has none."""
    from tfgan_kit.ablation.switches import parse_switches
    from tfgan_kit.ablation.tips import tip_switches

    named = parse_switches(texts, baseline)
    of_tips, notes = tip_switches(baseline) if tips else ([], [])
    known = {switch.name for switch in of_tips}
    return [*of_tips, *(switch for switch in named if switch.name not in known)], notes


def _check_length(baseline: Recipe) -> None:
    from tfgan_kit.ablation.budget import check_budget

    check_budget(baseline)


def _show_plan(baseline: Recipe, switches: list[Switch], notes: list[str], seeds: int, folder: Path) -> None:
    length = f"{baseline.kimg:g} kimg" if baseline.kimg else f"{baseline.minutes:g} minutes"
    for switch in switches:
        print(f"{switch.name}{f' (tip {switch.tip})' if switch.tip else ''}")
    for note in notes:
        print(note)
    print(f"{(len(switches) + 1) * seeds} runs of {length}: the baseline and {len(switches)} more, by {seeds} seed(s)")
    print(f"folder {folder}; nothing was written: leave out --dry-run to train")


def _write(found: Ablation, folder: Path) -> None:
    from tfgan_kit.ablation.picture import draw
    from tfgan_kit.files import write_atomic, write_json

    try:
        write_json(folder / "table.json", found.to_json())
        write_atomic(folder / "table.md", lambda path: path.write_text(found.markdown(), encoding="utf-8"))
        draw(found, folder / "plot.png")
    except OSError as error:
        raise RunError(f"cannot write {error.filename or folder}: {error.strerror or error}") from None
