"""Evaluations while a run trains, and the checkpoint that they find best."""

from __future__ import annotations

import math

from tfgan_kit.data import Source
from tfgan_kit.evaluation.defaults import extractor_for
from tfgan_kit.evaluation.evaluate import measure
from tfgan_kit.evaluation.reference import Reference, open_reference
from tfgan_kit.evaluation.result import HIGHER_IS_BETTER
from tfgan_kit.extractors import open_extractor
from tfgan_kit.gan import GAN
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.length import img_per_step
from tfgan_kit.training.painter import Painter, subject_of
from tfgan_kit.training.records import Records
from tfgan_kit.training.run_folder import DataFacts, RunFolder
from tfgan_kit.training.state import numpy_state

_METRICS = ("frechet", "kernel", "prdc")


class Evaluator:
    """The evaluations of one run."""

    def __init__(
        self,
        folder: RunFolder,
        gan: GAN,
        recipe: Recipe,
        facts: DataFacts,
        source: Source,
        painter: Painter,
        records: Records,
    ) -> None:
        """Get ready; the extractor is opened where the recipe asks for evaluations.

        Raises:
            DataError, ModelFileError: the extractor is not there.
        """
        self._folder, self._gan, self._recipe, self._facts = folder, gan, recipe, facts
        self._source, self._painter, self._records = source, painter, records
        self._img_per_step = img_per_step(recipe)
        self._every = max(1, round(recipe.evaluate_kimg * 1000 / self._img_per_step)) if recipe.evaluate_kimg else 0
        self._extractor = open_extractor(recipe.extractor or extractor_for(recipe.data)) if self._every else None
        self._reference: Reference | None = None

    def steps_left(self, step: int) -> int:
        """Steps until the next evaluation; very many where there is none."""
        return self._every - step % self._every if self._every else 2**31 - 1

    def due(self, step: int, finished: bool) -> bool:
        """Whether an evaluation falls on this step; the last one always does."""
        return bool(self._every) and (finished or step % self._every == 0)

    def evaluate(self, step: int) -> dict[str, float]:
        """Measure G_ema as it is, record it, and keep the checkpoint if no earlier evaluation was better.

        Returns:
            Figures by name.
        """
        assert self._extractor is not None
        if self._reference is None:
            self._reference = open_reference(self._source, self._extractor)
        subject = subject_of(
            self._painter,
            name=self._folder.path.name,
            digest="",
            nimg=step * self._img_per_step,
            facts=self._facts,
        )
        n = self._recipe.evaluate_samples
        found = measure(subject, self._reference, self._extractor, metrics=_METRICS, n=n)
        figures = {name: measured.value for name, measured in found.metrics.items()}
        name = f"{self._recipe.keep_best}/{found.key()}"
        best = self._best(name)
        self._records.evaluation(step, {f"{metric}/{found.key()}": value for metric, value in figures.items()})
        value = figures[self._recipe.keep_best]
        if math.isfinite(value) and self._signed(value) > best:
            # The one before stays until this step's own checkpoint is written: a resumed run may need it.
            checkpoint.save(
                self._folder.best,
                numpy_state(self._gan),
                step=step,
                nimg=step * self._img_per_step,
                finished=False,
                keep=2,
            )
        return figures

    def _best(self, name: str) -> float:
        """The best figure of that name so far, signed so that higher is better."""
        values = [line["metrics"][name] for line in self._folder.read_evaluations() if name in line["metrics"]]
        return max((self._signed(value) for value in values), default=-math.inf)

    def _signed(self, value: float) -> float:
        return value if self._recipe.keep_best in HIGHER_IS_BETTER else -value
