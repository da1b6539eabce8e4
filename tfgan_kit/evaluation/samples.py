"""One pass over the pictures that are evaluated: statistics as a stream, and what else the metrics ask to be kept."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from tfgan_kit.evaluation.subject import Subject
from tfgan_kit.extractors import Extractor
from tfgan_kit.metrics.frechet import FeatureStatistics

# Pictures drawn at a time; a fixed number, so that the figures do not depend on memory.
_BLOCK = 500
# Rows of features that the statistics take at a time. Their threads of linear algebra wait awake for a while after a
# product, in which they slow down the drawing of the next pictures; few large products cost less than many small ones.
_ROWS = 5_000
# Pictures kept as uint8 for the metrics that compare pictures themselves.
MOST_IMAGES = 10_000


@dataclass(frozen=True, eq=False)
class Samples:
    """What is known of n pictures; what no metric asked for is None.

    Attributes:
        seeds: (n,) int64 that they were drawn from, or their places in a set.
        statistics: of the features of all.
        features: (n, F) float32.
        logits: (n, K) float32; None also where the extractor has none.
        images: (at most MOST_IMAGES, H, W, C) uint8, the first ones.
        labels: (n, A) that the generator was given; None where it takes none.
    """

    seeds: np.ndarray
    statistics: FeatureStatistics
    features: np.ndarray | None
    logits: np.ndarray | None
    images: np.ndarray | None
    labels: np.ndarray | None


def take(
    subject: Subject,
    extractor: Extractor,
    seeds: np.ndarray,
    *,
    keep: Collection[str] = (),
    on_progress: Callable[[float], None] = lambda share: None,
) -> Samples:
    """Draw the pictures of `seeds` and look at them once.

    Memory is that of the statistics, a block of pictures, _ROWS rows of features, and of what is kept: 4 * F bytes a
    picture for features, 4 * K for logits, and the uint8 pictures themselves up to MOST_IMAGES. No picture is held as
    floats.

    Args:
        subject: what is evaluated.
        extractor: what makes the features.
        seeds: (n,) int64.
        keep: of "features", "logits" and "images", what the metrics read.
        on_progress: called with the share that is done.

    Raises:
        DataError: features that are not finite.
    """
    statistics = FeatureStatistics()
    waiting: list[np.ndarray] = []
    features: list[np.ndarray] = []
    logits: list[np.ndarray] = []
    images: list[np.ndarray] = []
    for start in range(0, len(seeds), _BLOCK):
        block = subject.draw(seeds[start : start + _BLOCK])
        rows, scores = extractor.run(block)
        waiting.append(rows)
        if len(waiting) * _BLOCK >= _ROWS or start + _BLOCK >= len(seeds):
            statistics.update(np.concatenate(waiting))
            waiting.clear()
        if "features" in keep:
            features.append(rows)
        if "logits" in keep and scores is not None:
            logits.append(scores)
        if "images" in keep and start < MOST_IMAGES:
            images.append(block[: MOST_IMAGES - start])
        on_progress(min(start + _BLOCK, len(seeds)) / len(seeds))
    return Samples(
        seeds=seeds,
        statistics=statistics,
        features=np.concatenate(features) if features else None,
        logits=np.concatenate(logits) if logits else None,
        images=np.concatenate(images) if images else None,
        labels=subject.labels(seeds) if subject.labels else None,
    )
