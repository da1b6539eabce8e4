"""The maximum mean discrepancy with Gaussian kernels: do two sets of features have the same distribution?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.features import checked_pair

Floats = NDArray[np.float64]

MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the median distance
_BLOCK_ROWS = 256  # of the kernel matrix, which is never whole in memory
_MEDIAN_ROWS = 1000


def mmd(real: np.ndarray, fake: np.ndarray, *, bandwidths: Sequence[float] | None = None) -> float:
    """The unbiased squared maximum mean discrepancy under the sum of Gaussian kernels exp(-|x - y|^2 / (2 s^2)).

    About 0 for equal distributions, and then as often below it as above; at most twice the number of bandwidths.
    Figures of different bandwidths cannot be compared.

    Beside the inputs, memory is 16 F bytes a row, and about 6 kB for each row of the larger set.

    Args:
        real: (N, F) features, finite, N > 1.
        fake: (M, F) features, finite, M > 1.
        bandwidths: s of each kernel, in the unit of the features, above 0. None: `MULTIPLES` of the median distance
            of the real rows, which all generators share that are compared with these rows.

    Raises:
        DataError: too few rows, features of different sizes, values that are not finite, a bandwidth that is not above
            0, or real rows of which most are equal, so that they give none.

    Source: Gretton et al., "A kernel two-sample test" (2012), Eq. 3, and Sec. 8 for the median.
    """
    real, fake = (x.astype(np.float64) for x in checked_pair(real, fake, least_real=2, least_fake=2))
    if bandwidths is None:
        bandwidths = [multiple * median_distance(real) for multiple in MULTIPLES]
    if not bandwidths or min(bandwidths) <= 0.0 or not np.isfinite(bandwidths).all():
        raise DataError(f"bandwidths must be numbers above 0, at least one; got {list(bandwidths)}")
    # Distances do not change with the origin. About the mean, norms and products lose the fewest digits.
    origin = real.mean(axis=0)
    real -= origin
    fake -= origin
    rates = sorted(0.5 / bandwidth**2 for bandwidth in bandwidths)
    n, m = len(real), len(fake)
    within = _mean_over_pairs(real, rates) + _mean_over_pairs(fake, rates)
    return within - 2.0 * sum(_kernel_sum(real[part], fake, rates) for part in _parts(n)) / (n * m)


def median_distance(rows: np.ndarray) -> float:
    """The median distance between two rows of (N, F), from at most 1000 rows that are evenly spread over them.

    Raises:
        DataError: most pairs of rows are equal.
    """
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MEDIAN_ROWS)).astype(np.int64)]
    some = some - some.mean(axis=0)
    distances = _squared_distances(some, some)[np.triu_indices(len(some), 1)]
    median = float(np.sqrt(np.median(distances)))
    if median <= 1e-6 * float(np.abs(some).max()):
        raise DataError("most real rows of features are equal, so that their median distance is 0; give bandwidths")
    return median


def _mean_over_pairs(rows: Floats, rates: Sequence[float]) -> float:
    """The mean of the kernel over all pairs of different rows."""
    total = 0.0
    for part in _parts(len(rows)):
        inner = rows[part]
        # Above the diagonal everything occurs twice; on it, each kernel is 1.
        total += 2.0 * _kernel_sum(inner, rows[part.stop :], rates)
        total += _kernel_sum(inner, inner, rates, own=True)
    return total / (len(rows) * (len(rows) - 1))


def _kernel_sum(a: Floats, b: Floats, rates: Sequence[float], *, own: bool = False) -> float:
    """The sum of the kernels over all pairs; without those of a row with itself where `b` is `a` (`own`)."""
    distances = _squared_distances(a, b)
    if own:
        np.fill_diagonal(distances, np.inf)
    total, kernel, last = 0.0, distances, 0.0
    for rate in rates:
        if rate == 4.0 * last:
            # exp(-4 x) is the fourth power of exp(-x), at a fraction of its cost.
            np.square(np.square(kernel, out=kernel), out=kernel)
        else:
            kernel = np.exp(-rate * distances)
        total += float(kernel.sum())
        last = rate
    return total


def _squared_distances(a: Floats, b: Floats) -> Floats:
    # |x - y|^2 = |x|^2 + |y|^2 - 2 <x, y>
    distances = a @ (-2.0 * b.T)
    distances += np.square(a).sum(axis=1)[:, None]
    distances += np.square(b).sum(axis=1)
    return np.asarray(np.maximum(distances, 0.0, out=distances))


def _parts(count: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK_ROWS, count)) for start in range(0, count, _BLOCK_ROWS)]
