"""The runs of an ablation, one after the other; what is there already is not done again."""

from __future__ import annotations

import gc
import json
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import keras

from tfgan_kit.ablation.budget import preview_kimg, too_short
from tfgan_kit.ablation.switches import BASELINE, Switch
from tfgan_kit.ablation.table import Ablation, Run, Variant
from tfgan_kit.build import build_discriminator, build_generator
from tfgan_kit.data import Source, open_source
from tfgan_kit.errors import DataError, FailedError, RecipeError
from tfgan_kit.evaluation.defaults import held_out_for
from tfgan_kit.evaluation.evaluate import measure
from tfgan_kit.evaluation.reference import Reference, open_reference
from tfgan_kit.evaluation.result import Evaluation
from tfgan_kit.extractors import Extractor
from tfgan_kit.files import write_json
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.loop import Progress, train
from tfgan_kit.training.painter import load_painter, subject_of
from tfgan_kit.training.records import record_evaluation
from tfgan_kit.training.resolve import resolve
from tfgan_kit.training.run_folder import RunFolder

DIVERGED = "diverged.json"
# How `ablate` ends: with every run, where the user interrupted one, or after `most_runs` of them.
End = Literal["whole", "interrupted", "paused"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run.

    Attributes:
        name: of the recipe.
        recipe: the baseline, of the length that every run has.
        switches: toggled alone, each.
        seeds: of training.
        out: folder of the runs, OUT/SWITCH/SEED.
        metrics: names, see `metrics_named`.
        samples: of each evaluation.
        extractor: of the features.
        notes: for the table.
    """

    name: str
    recipe: Recipe
    switches: Sequence[Switch]
    seeds: Sequence[int]
    out: Path
    metrics: Collection[str]
    samples: int
    extractor: Extractor
    notes: Sequence[str] = ()
    baseline: Switch = field(default=Switch(name=BASELINE, changes={}), init=False)

    @property
    def runs(self) -> list[tuple[Switch, int]]:
        """Every run: all switches with the first seed, then with the next."""
        return [(switch, seed) for seed in self.seeds for switch in (self.baseline, *self.switches)]

    def recipe_of(self, switch: Switch, seed: int) -> Recipe:
        """The recipe of one run."""
        toggled = switch.apply(self.recipe) if switch.changes else self.recipe
        return toggled.replace(seed=seed)

    def folder_of(self, switch: Switch, seed: int) -> RunFolder:
        """The folder of one run."""
        return RunFolder(self.out / re.sub(r"[^A-Za-z0-9_.,=+-]", "-", switch.name) / str(seed))


def ablate(
    plan: Plan,
    *,
    notify: Callable[[str], None] = lambda line: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_table: Callable[[Ablation], None] = lambda found: None,
    most_runs: int | None = None,
) -> tuple[Ablation, End]:
    """Train and measure every run that is not there yet, one after the other.

    Args:
        plan: what to run.
        notify: called with a line that the user should see.
        on_progress: called as training goes on.
        on_table: called with what is known after every run.
        most_runs: trained in this call; None: all.

    Returns:
        The table, and how it ended; what is missing is done by the next call.

    Raises:
        RecipeError: a run that cannot be built, or a length that is too short.
        DataError, RunError: as `train` and `evaluate`.
    """
    sources = _Sources()
    _check_all(plan, sources)
    extractor = plan.extractor
    # With its labels, whichever of the runs uses them: equal pictures for all.
    reference = open_reference(sources.of(plan.recipe.replace(conditional=None)), extractor)
    aside = held_out_for(plan.recipe.data)
    held_out = (
        None
        if aside is None
        else open_reference(sources.of(plan.recipe.replace(data=aside, conditional=None)), extractor)
    )

    done: dict[tuple[str, int], Run] = {}
    real: dict[str, float] = {}
    seconds: list[float] = []
    for place, (switch, seed) in enumerate(plan.runs, start=1):
        folder = plan.folder_of(switch, seed)
        found = _finished(folder, plan)
        if found is None and len(seconds) == most_runs:
            return _table(plan, done, real), "paused"
        if found is None:
            left = "" if not seconds else f", about {_left(plan, place, seconds):.0f} min left"
            notify(f"run {place} of {len(plan.runs)}: {switch.name}, seed {seed}{left}")
            started = time.monotonic()
            found = _run(plan, switch, seed, sources, reference, held_out, on_progress)
            seconds.append(time.monotonic() - started)
        if found is None:
            return _table(plan, done, real), "interrupted"
        run, scale = found
        done[switch.name, seed], real = run, {**real, **scale}
        on_table(_table(plan, done, real))
    return _table(plan, done, real), "whole"


class _Sources:
    """Data sources, each opened once."""

    def __init__(self) -> None:
        self._opened: dict[Recipe, Source] = {}

    def of(self, recipe: Recipe) -> Source:
        """The source of a recipe's data."""
        names = ("data", "resolution", "channels", "fit", "crop", "conditional", "memory_mb", "batch_size")
        reading = Recipe(kimg=1, **{name: getattr(recipe, name) for name in names})
        if reading not in self._opened:
            self._opened[reading] = open_source(reading)
        return self._opened[reading]


def _check_all(plan: Plan, sources: _Sources) -> None:
    """Build every variant once, so that what cannot be built is refused before anything is trained.

    Raises:
        RecipeError: with the name of the switch.
        RunError: a folder that is of something else.
    """
    for switch in (plan.baseline, *plan.switches):
        for seed in plan.seeds:
            asked, folder = plan.recipe_of(switch, seed), plan.folder_of(switch, seed)
            recipe, facts = resolve(asked, sources.of(asked))
            folder.check_free()
            if folder.exists:
                folder.check_same(recipe, facts)
        try:
            build_generator(recipe, shape=facts.shape, classes=facts.classes)
            build_discriminator(recipe, shape=facts.shape, classes=facts.classes)
        except RecipeError as error:
            raise RecipeError(f"{'' if switch is plan.baseline else 'switch '}{switch.name}: {error}") from None
    keras.backend.clear_session()


def _run(
    plan: Plan,
    switch: Switch,
    seed: int,
    sources: _Sources,
    reference: Reference,
    held_out: Reference | None,
    on_progress: Callable[[Progress], None],
) -> tuple[Run, dict[str, float]] | None:
    """Train one run, or go on with it, and measure it; None where the user interrupted it."""
    recipe, folder = plan.recipe_of(switch, seed), plan.folder_of(switch, seed)
    try:
        outcome = train(recipe, folder.path, name=plan.name, source=sources.of(recipe), on_progress=on_progress)
    except FailedError as error:
        write_json(folder.path / DIVERGED, {"message": str(error)})
        return Run(seed=seed, figures={}, diverged=str(error)), {}
    finally:
        # Graphs of one run would otherwise stay until the last.
        keras.backend.clear_session()
        gc.collect()
    if not outcome.finished:
        return None
    if outcome.nimg < 1000 * preview_kimg(recipe):
        raise too_short(f"{recipe.minutes:g} minutes, {outcome.nimg / 1000:.1f} kimg here,", recipe)
    painter, manifest, _ = load_painter(folder)
    _, facts, _ = folder.read()
    subject = subject_of(
        painter, name=f"{switch.name}/{seed}", digest=manifest.sha256[:16], nimg=manifest.nimg, facts=facts
    )
    try:
        found = measure(
            subject, reference, plan.extractor, metrics=plan.metrics, n=plan.samples, held_out=held_out
        )  # fmt: skip
    except DataError as error:
        raise DataError(f"{switch.name}, seed {seed}: {error}") from None
    with folder.lock():
        record_evaluation(folder, found, step=manifest.step)
    return _result(seed, found)


def _finished(folder: RunFolder, plan: Plan) -> tuple[Run, dict[str, float]] | None:
    """What a run that is there already found; None where it is not finished, or was measured otherwise."""
    seed = int(folder.path.name)
    if (folder.path / DIVERGED).is_file():
        message = json.loads((folder.path / DIVERGED).read_text(encoding="utf-8"))["message"]
        return Run(seed=seed, figures={}, diverged=message), {}
    newest = checkpoint.newest_manifest(folder.checkpoints)
    if newest is None or not newest.finished or not folder.evaluation.is_file():
        return None
    try:
        found = Evaluation.read(folder.evaluation)
    except DataError:
        return None
    same = (found.samples, found.extractor["digest"]) == (plan.samples, plan.extractor.digest)
    if not same or found.subject["digest"] != newest.sha256[:16] or not _has_all(found, plan.metrics):
        return None
    return _result(seed, found)


def _has_all(found: Evaluation, metrics: Collection[str]) -> bool:
    from tfgan_kit.evaluation.compare import figures_of
    from tfgan_kit.evaluation.registry import GROUPS

    measured = {name.partition("/")[0] for name in found.metrics}
    return all(
        not measured.isdisjoint(figures_of(metric))
        or any(note.startswith(f"{metric} left out") for note in found.notes)
        for name in metrics
        for metric in GROUPS.get(name, (name,))
    )


def _result(seed: int, found: Evaluation) -> tuple[Run, dict[str, float]]:
    """A run's figures, and those of real pictures."""
    figures = {name: measured.value for name, measured in found.metrics.items()}
    real = {name: measured.real for name, measured in found.metrics.items() if measured.real is not None}
    return Run(seed=seed, figures=figures), real


def _table(plan: Plan, done: dict[tuple[str, int], Run], real: dict[str, float]) -> Ablation:
    return Ablation(
        name=plan.name,
        recipe=plan.recipe,
        seeds=tuple(plan.seeds),
        samples=plan.samples,
        extractor=(plan.extractor.name, plan.extractor.digest),
        real=real,
        variants=tuple(
            Variant(
                name=switch.name,
                tip=switch.tip,
                changes=switch.changes,
                runs=tuple(done[switch.name, seed] for seed in plan.seeds if (switch.name, seed) in done),
            )
            for switch in (plan.baseline, *plan.switches)
        ),
        notes=tuple(plan.notes),
    )


def _left(plan: Plan, place: int, seconds: Sequence[float]) -> float:
    """Minutes that the runs from `place` on take, if they are as those before."""
    unfinished = sum(_finished(plan.folder_of(*each), plan) is None for each in plan.runs[place - 1 :])
    return unfinished * sum(seconds) / len(seconds) / 60
