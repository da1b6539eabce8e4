"""`tfgan train`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.cli.tensorflow_import import import_tensorflow
from tfgan_kit.errors import RecipeError, RunError
from tfgan_kit.recipe import Recipe, parse_assignment, parse_resolution
from tfgan_kit.recipes import DEFAULT, FOR_PICTURES, RECIPES, recipe_row
from tfgan_kit.strategy import STRATEGIES, check_strategy, is_chief, make_strategy

if TYPE_CHECKING:
    from tfgan_kit.data import Source


def train(
    recipe: Annotated[
        str | None,
        typer.Argument(help="Recipe; `tfgan recipes` lists them.",
                       show_default=f"{DEFAULT}, or {FOR_PICTURES} with --data",
                       autocompletion=lambda: sorted(RECIPES)),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Data source: mnist, stacked-mnist, folder:PATH (a folder or .zip), npz:PATH, idx:PATH, "
                          "tfds:NAME, records:PATH.",
                     show_default="the recipe's"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Run folder; an unfinished run there goes on.", show_default="artifacts/NNNN-RECIPE"),
    ] = None,
    kimg: Annotated[
        float | None, typer.Option(help="Length in thousands of images.", show_default="the recipe's")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Length in minutes of training.", show_default="the recipe's")
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(help="HEIGHTxWIDTH in px, or one number.", show_default="the data's")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every random draw.", show_default="the recipe's")] = None,
    on_failure: Annotated[
        str | None,
        typer.Option(help="What to do when training fails: continue, stop, or rollback to before it did, with halved "
                          "learning rates.",
                     show_default="the recipe's"),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a field of the recipe; may be repeated."),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(help="Where it trains: one device, mirrored on all of this machine, multiworker in several "
                          "processes (see tfgan launch), or tpu.",
                     autocompletion=lambda: list(STRATEGIES)),
    ] = "one",
    cluster: Annotated[
        str,
        typer.Option(help="Where multiworker finds its processes: auto, tf_config, slurm, "
                          "kubernetes:SELECTOR[@WORKERS], gce:PROJECT/ZONE/GROUP[@WORKERS]."),
    ] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be trained, and leave.")] = False,
) -> None:  # fmt: skip
    """Train a GAN; by default on the bundled MNIST, for five minutes. Run it again to go on with an unfinished run."""
    if kimg is not None and minutes is not None:
        raise RecipeError("--kimg and --minutes are two lengths of one run: give one of them")
    check_strategy(strategy, cluster)
    changes = dict(parse_assignment(text) for text in assignments or ())
    if resolution is not None:
        changes["resolution"] = parse_resolution(resolution)
    options = {"data": data, "kimg": kimg, "minutes": minutes, "seed": seed, "on_failure": on_failure}
    changes |= {name: value for name, value in options.items() if value is not None}

    devices = None
    if strategy == "multiworker" and not dry_run:
        import_tensorflow()
        devices = make_strategy(strategy, cluster)
        if not is_chief(devices):
            # The others train what the chief does, whatever they were given themselves.
            from tfgan_kit.training.follow import follow

            if not follow(devices):
                raise typer.Exit(130)
            return

    name, chosen, folder = _choose(recipe, changes, out)
    from tfgan_kit.data import open_source

    # The data first: a mistake there shows at once, before TensorFlow is there.
    source = open_source(chosen)
    import_tensorflow()
    if dry_run:
        _show_plan(chosen, source, folder)
        return
    devices = devices or make_strategy(strategy)

    from tfgan_kit.cli.progress import ProgressLine
    from tfgan_kit.report.write import LiveReport
    from tfgan_kit.training.loop import train as train_recipe

    with ProgressLine() as line:
        outcome = train_recipe(
            chosen,
            folder,
            name=name,
            source=source,
            on_progress=line.update,
            notify=line.say,
            observe=lambda run, painter: LiveReport(run, painter, line.say).after_checkpoint,
            strategy=devices,
        )
    if not outcome.finished:
        print(f"stopped at {outcome.nimg / 1000:.1f} kimg and saved; the same command goes on from there")
        raise typer.Exit(130)
    print(f"finished: {outcome.nimg / 1000:.1f} kimg in {folder}")
    print(f"look at   {folder / 'report.html'}, {folder / 'progress.gif'}, or: tensorboard --logdir {folder}")
    print(f"next      tfgan export {folder} --onnx")


def _choose(name: str | None, changes: dict[str, object], out: Path | None) -> tuple[str, Recipe, Path]:
    """The recipe's name, the recipe and the run folder that a command line means."""
    from tfgan_kit.training.run_folder import WATCHING, RunFolder, next_run

    # An existing run, named by its folder alone, brings its own recipe.
    if out is not None and name is None and changes.keys() <= set(WATCHING) and RunFolder(out).exists:
        own, _, own_name = RunFolder(out).read()
        return own_name, own.replace(**changes), out
    # Bundled data has a recipe of its name.
    scheme = str(changes.get("data", DEFAULT)).partition(":")[0]
    name = name or (scheme if scheme in RECIPES else FOR_PICTURES)
    chosen = recipe_row(name).recipe.replace(**changes)
    if out is not None:
        _check_place(out)
    return name, chosen, out or next_run(name, chosen).path


def _check_place(out: Path) -> None:
    """That a folder can be there."""
    place = next((path for path in (out, *out.parents) if path.exists()), None)
    if place is not None and not place.is_dir():
        raise RunError(f"--out {out}: {place} is a file: name a folder")
    if place is not None and not os.access(place, os.W_OK):
        raise RunError(f"--out {out}: {place} cannot be written: name another folder")


def _described(attributes: Mapping[str, tuple[str, ...]]) -> str:
    """What labels there are, in words."""
    if len(attributes) == 1:
        (names,) = attributes.values()
        return f"{len(names)} classes"
    return ", ".join(f"{len(values)} of {name}" for name, values in attributes.items()) or "no labels"


def _show_plan(recipe: Recipe, source: Source, folder: Path) -> None:
    from tfgan_kit.build import build_gan, unused_sizes
    from tfgan_kit.training.resolve import chosen_by_data, resolve
    from tfgan_kit.training.run_folder import RunFolder

    for note in source.notes:
        print(note)
    asked, (recipe, facts) = recipe, resolve(recipe, source)
    run = RunFolder(folder)
    run.check_free()
    if run.exists:
        run.check_same(recipe, facts)
    gan = build_gan(recipe, facts.shape, facts.classes)
    for note in (*unused_sizes(recipe), *chosen_by_data(asked, recipe, facts)):
        print(note)
    height, width, channels = facts.shape
    classes = f", {_described(facts.attributes)}"
    length = f"{recipe.kimg:g} kimg" if recipe.kimg else f"{recipe.minutes:g} minutes"
    print(f"data      {facts.spec}: {facts.images:,} images of {height}x{width}x{channels}{classes}")
    print(f"G         {recipe.family}, {gan.G.count_params():,} parameters")
    print(f"D         {recipe.family}, {gan.D.count_params():,} parameters")
    print(f"length    {length}, batch {recipe.batch_size}, {recipe.precision}, {'XLA' if recipe.jit else 'graph'}")
    print(f"folder    {folder}{', whose run goes on' if run.exists else ''}")
    print("nothing was written: leave out --dry-run to train")
