"""The Frechet distance that infinitely many samples would have."""

from __future__ import annotations

import numpy as np

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.features import checked
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance


def frechet_infinity(
    real: FeatureStatistics, fake_features: np.ndarray, *, points: int = 15, smallest: int | None = None, seed: int = 0
) -> float:
    """The Frechet distance extrapolated to infinitely many samples.

    The distance of N samples is too high by about c / N, with a c of each generator's own, so that even at equal N the
    order of two generators can be wrong. The distance is taken at numbers of samples evenly spaced from `smallest` to
    all, each a draw without replacement; the line through it over 1 / N gives the figure at 1 / N = 0. What the number
    of real rows adds stays, and the figure can be a little below 0.

    Args:
        real: statistics of real features, of at least 2 rows.
        fake_features: (N, F) features of samples, finite.
        points: how many numbers of samples, at least 2.
        smallest: the fewest samples of a point, above F: at F and below, covariances lack rank and the line bends.
            None: a tenth of N, or F + 1 where that is more.
        seed: of the draws.

    Raises:
        DataError: too few samples for `smallest`, features of different sizes, or values that are not finite.

    Source: Chong and Forsyth, "Effectively unbiased FID and Inception Score and where to find them" (2020), Sec. 4.
    """
    rows = checked("fake features", fake_features, least=3)
    count, size = rows.shape
    if smallest is None:
        smallest = max(count // 10, size + 1)
    if points < 2:
        raise DataError(f"points must be at least 2; got {points}")
    if not size < smallest < count:
        raise DataError(
            f"the smallest number of samples must be above the size of the features, {size}, and below the number of "
            f"all samples, {count}; got {smallest}; give more samples, or an extractor of fewer features"
        )
    rng = np.random.default_rng(seed)
    counts = np.linspace(smallest, count, points).astype(np.int64)
    distances = [
        frechet_distance(real, FeatureStatistics().update(rows[rng.choice(count, some, replace=False)]))
        for some in counts
    ]
    design = np.stack([np.ones(points), 1.0 / counts], axis=1)
    return float(np.linalg.lstsq(design, np.array(distances))[0][0])
