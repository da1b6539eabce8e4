"""What a run folder holds, read once, with a line for each part that could not be read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

from tfgan_kit.doctor.diagnosis import Diagnosis, diagnose
from tfgan_kit.errors import DataError
from tfgan_kit.evaluation.result import Evaluation
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.checkpoint import Manifest
from tfgan_kit.training.run_folder import DataFacts, RunFolder

Lines = Sequence[Mapping[str, Any]]

# Beyond it the ends of an axis overflow.
LARGEST = 1e100


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How often each class occurs.

    Attributes:
        names: of the classes.
        real: share of the real pictures in each, in [0, 1].
        fake: share of the samples.
    """

    names: tuple[str, ...]
    real: tuple[float, ...]
    fake: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RunRecord:
    """One run.

    Attributes:
        folder: it lies in.
        recipe, facts, recipe_name: what it trains, on what, and what the recipe began as.
        begun_with: version of tfgan-kit that began it; "" where that is not known.
        stats: a line a tick.
        timing: a line a tick.
        evaluations: a line an evaluation.
        rollbacks: a line a rollback.
        divergence: the line on what was not finite and ended it, or None.
        manifest: of the newest checkpoint; None: there is none yet.
        best: of the checkpoint that evaluations found best, or None.
        evaluation: the last one by `tfgan evaluate`, or None.
        histograms: of the values of each attribute in that evaluation.
        previews: files, the oldest first.
        unread: a line for each part that could not be read.
    """

    folder: RunFolder
    recipe: Recipe
    facts: DataFacts
    recipe_name: str
    begun_with: str
    stats: Lines
    timing: Lines
    evaluations: Lines
    rollbacks: Lines
    divergence: Mapping[str, Any] | None
    manifest: Manifest | None
    best: Manifest | None
    evaluation: Evaluation | None
    histograms: Mapping[str, Histogram]
    previews: tuple[Path, ...]
    unread: tuple[str, ...]

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What the doctor says of its statistics."""
        return diagnose(self.recipe, self.stats, self.rollbacks, self.divergence)

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.folder.path.resolve().name

    @property
    def nimg(self) -> int:
        """Images seen, by the newest checkpoint or line of statistics."""
        ticked = [int(line["nimg"]) for line in self.stats[-1:] if is_number(line.get("nimg"))]
        return max([*ticked, self.manifest.nimg if self.manifest else 0])

    @property
    def finished(self) -> bool:
        """Whether it reached its length."""
        return self.manifest is not None and self.manifest.finished

    @property
    def seconds(self) -> float:
        """Wall clock of all ticks."""
        return sum(numbers(self.timing, "sec"))

    @property
    def img_per_sec(self) -> float | None:
        """Images of all ticks over their seconds; None where there are none."""
        nimg = numbers(self.timing, "nimg")
        return max(nimg) / self.seconds if nimg and self.seconds > 0 else None

    @property
    def peak_memory_mb(self) -> float | None:
        """The most memory that the process held, MiB; None where it was not measured."""
        return max(numbers(self.timing, "peak_memory_mb"), default=None)


def read_record(folder: RunFolder) -> RunRecord:
    """Everything that a report says of a run.

    Raises:
        RunError: not a run, or its recipe.json is not readable.
    """
    recipe, facts, recipe_name = folder.read()
    begun_with = json.loads((folder.path / "recipe.json").read_text(encoding="utf-8")).get("tfgan_kit", "")
    unread: list[str] = []
    evaluation, histograms = None, {}
    if folder.evaluation.exists():
        try:
            evaluation = Evaluation.read(folder.evaluation)
            histograms = {str(name): _histogram(counts) for name, counts in evaluation.histograms.items()}
        except DataError as error:
            unread.append(str(error))
    return RunRecord(
        folder=folder,
        recipe=recipe,
        facts=facts,
        recipe_name=recipe_name,
        begun_with=str(begun_with),
        stats=folder.read_stats(),
        timing=folder.read_timing(),
        evaluations=folder.read_evaluations(),
        rollbacks=folder.read_rollbacks(),
        divergence=folder.read_divergence(),
        manifest=checkpoint.newest_manifest(folder.checkpoints),
        best=checkpoint.newest_manifest(folder.best),
        evaluation=evaluation,
        histograms=histograms,
        previews=tuple(sorted(folder.previews.glob("step-*.png"))),
        unread=tuple(unread),
    )


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a record is a number that can be drawn: finite, and no larger than LARGEST."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def numbers(lines: Lines, key: str) -> list[float]:
    """The numbers that lines have under a key."""
    return [float(line[key]) for line in lines if is_number(line.get(key))]


def _histogram(counts: Mapping[str, Any]) -> Histogram:
    """The shares of names, real and fake, from numbers of pictures.

    Raises:
        DataError: something else.
    """
    try:
        names = tuple(str(name) for name in counts["names"])
        real, fake = (tuple(float(count) for count in counts[of]) for of in ("real", "fake"))
        if not len(names) == len(real) == len(fake) or min(*real, *fake) < 0 or not sum(real) or not sum(fake):
            raise ValueError("names, real and fake are of one length, and no count is below 0")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"the histogram of an evaluation is not readable ({error!r})") from None
    return Histogram(names=names, real=_shares(real), fake=_shares(fake))


def _shares(counts: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(count / sum(counts) for count in counts)
