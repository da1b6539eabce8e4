"""What a metric may look at, and the figures that it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tfgan_kit.data import Source
from tfgan_kit.evaluation.reference import MOST_BYTES, Reference
from tfgan_kit.evaluation.samples import Samples
from tfgan_kit.evaluation.subject import Subject
from tfgan_kit.extractors import Extractor
from tfgan_kit.metrics.conditional import predicted
from tfgan_kit.metrics.memorisation import Memorisation, memorisation
from tfgan_kit.metrics.modes import class_histogram

# Rows of either side that metrics of neighbours and of pairs look at; what the literature takes, and what bounds them.
MOST_ROWS = 10_000
# Samples whose pixels are compared with those of all training pictures, which takes longer.
MOST_PIXELS = 2_000
# Real pictures that were not trained on, which say how near chance brings others.
FEWEST_APART = 100


@dataclass(frozen=True)
class Figure:
    """A measured number.

    Attributes:
        value: the number.
        deviation: its standard deviation, where the metric itself estimates one.
        of: the most that `value`, a count, can be.
    """

    value: float
    deviation: float | None = None
    of: int | None = None


Figures = dict[str, Figure]


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """What a metric may look at.

    Attributes:
        subject: what is evaluated; None where real pictures stand in its place, for scale.
        samples: its pictures.
        reference: the real pictures of its data.
        held_out: real pictures that it was not trained on, or None.
        extractor: what made the features.
        seed: of the metric's own draws.
        notes: lines for the reader of the figures, which metrics add to.
    """

    subject: Subject | None
    samples: Samples
    reference: Reference
    held_out: Reference | None
    extractor: Extractor
    seed: int
    notes: list[str] = field(default_factory=list)

    @property
    def fake(self) -> np.ndarray:
        """(n, F) features of the samples."""
        assert self.samples.features is not None
        return self.samples.features

    @property
    def logits(self) -> np.ndarray:
        """(n, K) of the samples."""
        assert self.samples.logits is not None
        return self.samples.logits

    @cached_property
    def classes(self) -> tuple[np.ndarray, np.ndarray]:
        """The likeliest classes of real pictures and of samples, (R, A) and (n, A), as the extractor sees both."""
        assert self.reference.logits is not None
        attributes = self.extractor.attributes
        return predicted(self.reference.logits, attributes), predicted(self.logits, attributes)

    @property
    def histograms(self) -> dict[str, dict[str, list[Any]]]:
        """By attribute of the extractor the names of its values, and how many real pictures and samples have each."""
        real, fake = self.classes
        return {
            name: {
                "names": list(values),
                "real": class_histogram(real[:, a], len(values)).tolist(),
                "fake": class_histogram(fake[:, a], len(values)).tolist(),
            }
            for a, (name, values) in enumerate(self.extractor.attributes.items())
        }

    @property
    def closest(self) -> list[tuple[int, int, float]]:
        """The samples nearest to training pictures: a seed, the place of the picture, their distance in features."""
        found = self.copies["features"]
        places = self.reference.places[self.apart[0]]
        return [
            (int(self.samples.seeds[i]), int(places[row]), round(float(found.nearest_distances[i]), 4))
            for i, row in found.pairs
        ]

    @cached_property
    def apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the reference in which copies are looked for, and rows that are no copies of them.

        The second are empty where there are held-out pictures, which are what they stand in for: else a tenth of the
        training pictures, drawn by the seed, are as near to the rest as the rest is to itself; a copy of one of these
        goes unseen.
        """
        rows = np.arange(len(self.reference.features))
        if self.held_out is not None:
            return rows, rows[:0]
        order = np.random.default_rng(self.seed).permutation(rows)
        aside = min(MOST_ROWS, max(FEWEST_APART, len(rows) // 10))
        return np.sort(order[aside:]), np.sort(order[:aside])

    @cached_property
    def copies(self) -> dict[str, Memorisation]:
        """How near samples are to training pictures: in "features", and in "pixels" where these fit into memory."""
        train, aside = self.apart
        real = self.reference
        other = self.held_out.features[:MOST_ROWS] if self.held_out is not None else real.features[aside]
        found = {"features": memorisation(self.fake[:MOST_ROWS], real.features[train], other)}
        images = self.samples.images
        if images is None or images.shape[1:] != real.source.shape or images[0].size * len(train) > MOST_BYTES:
            return found
        source, places = real.source, real.places[aside]
        if self.held_out is not None:
            source, places = self.held_out.source, self.held_out.places
        if source.shape == real.source.shape:
            trained = real.source.read(real.places[train])
            found["pixels"] = memorisation(images[:MOST_PIXELS], trained, source.read(places[:MOST_PIXELS]))
        return found

    def real_rows(self, most: int) -> np.ndarray:
        """Places in the reference's rows: at most `most`, drawn without repetition."""
        count = len(self.reference.features)
        if count <= most:
            return np.arange(count)
        return np.sort(np.random.default_rng(self.seed).choice(count, most, replace=False))


@dataclass(frozen=True, eq=False, kw_only=True)
class Request:
    """What is known before anything is measured: what is evaluated, on which data, by which extractor."""

    subject: Subject
    data: Source
    held_out: Source | None
    extractor: Extractor
