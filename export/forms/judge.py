"""Whether a cheaper model is worth having: its speed beside another's, and its distance to the real pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from tfgan_kit.data import open_source
from tfgan_kit.errors import ExportError, TfganKitError
from tfgan_kit.evaluation.defaults import extractor_for
from tfgan_kit.evaluation.reference import open_reference
from tfgan_kit.export.forms.parity import Batch
from tfgan_kit.extractors import open_extractor
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance
from tfgan_kit.recipe import Recipe

SAMPLES = 2000
BATCH = 16
_ROUNDS = 9

Run = Callable[[Batch], np.ndarray]


class Judge:
    """The real pictures of a run, as the extractor that knows them sees them."""

    def __init__(self, recipe: Recipe) -> None:
        """Open them; the slow part is cached.

        Raises:
            ExportError: the data or the extractor is not there.
        """
        try:
            self._extractor = open_extractor(recipe.extractor or extractor_for(recipe.data))
            self._real = open_reference(open_source(recipe), self._extractor).statistics
        except TfganKitError as error:
            raise ExportError(
                f"precision int8 is judged beside the pictures that the run was trained on, and they are not there "
                f"({error}): bring them back, or take float16"
            ) from error

    def distance(self, run: Run, feed: Callable[[np.ndarray], Batch], layout: str) -> float:
        """The Frechet distance of a model's pictures of SAMPLES seeds to the real ones.

        Args:
            run: a batch to images in `layout`, uint8 or float32 in [-1, 1].
            feed: seeds to a batch.
            layout: "nhwc" or "nchw".
        """
        fake = FeatureStatistics()
        for start in range(0, SAMPLES, 10 * BATCH):
            seeds = np.arange(start, min(start + 10 * BATCH, SAMPLES))
            images = run(feed(seeds))
            images = images.transpose(0, 2, 3, 1) if layout == "nchw" else images
            if images.dtype != np.uint8:
                images = np.clip(np.rint((images + 1) * 127.5), 0, 255).astype(np.uint8)
            fake.update(self._extractor.features(np.ascontiguousarray(images)))
        return frechet_distance(fake, self._real)


def seconds(first: Run, second: Run, batch: Batch) -> tuple[float, float]:
    """The median time of each of two models for a batch, measured in turn."""
    taken: tuple[list[float], list[float]] = ([], [])
    for run in (first, second):
        run(batch)
    for _ in range(_ROUNDS):
        for run, times in zip((first, second), taken, strict=True):
            begun = time.perf_counter()
            run(batch)
            times.append(time.perf_counter() - begun)
    return median(taken[0]), median(taken[1])
