"""The kernel distance (KID): an unbiased comparison of two sets of features, with its deviation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.features import checked_pair

Floats = NDArray[np.float64]


class KernelDistance(NamedTuple):
    """Lower is better; about 0 for equal distributions, and then as often below it as above."""

    value: float  # mean over the subsets
    deviation: float  # standard deviation over the subsets (divided by their number)


def kernel_distance(
    real: np.ndarray, fake: np.ndarray, *, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> KernelDistance:
    """The squared maximum mean discrepancy with the kernel (<x, y> / F + 1)^3, unbiased, averaged over subsets.

    Unlike the Frechet distance it does not fall or rise with the number of rows on average, and needs no more rows
    than F. It is often shown times 1000.

    The subsets are drawn without replacement as torch-fidelity draws them: its `rng_seed` is `seed` here.

    Args:
        real: (N, F) features, finite, N >= subset_size.
        fake: (M, F) features, finite, M >= subset_size.
        subsets: how many to average over, at least 1.
        subset_size: rows of each set in a subset, at least 2.
        seed: of the draws.

    Raises:
        DataError: a subset larger than the data, features of different sizes, or values that are not finite.

    Source: Binkowski et al., "Demystifying MMD GANs" (2018), Sec. 4; Gretton et al., "A kernel two-sample test"
    (2012), Eq. 3.
    """
    real, fake = checked_pair(real, fake, least_real=2, least_fake=2)
    if subsets < 1 or subset_size < 2:
        raise DataError(f"subsets must be at least 1 and subset_size at least 2; got {subsets} and {subset_size}")
    fewest = min(len(real), len(fake))
    if subset_size > fewest:
        raise DataError(
            f"a subset of {subset_size} rows is larger than the data: {len(real)} real rows and {len(fake)} fake ones; "
            f"give more of them, or a subset_size of at most {fewest}"
        )
    # Frozen by numpy, and the one that other implementations draw from; a Generator would give other subsets.
    rng = np.random.RandomState(seed)
    # Made once: fresh memory for every product would cost more than the product.
    products, squares = np.empty((2, subset_size, subset_size))
    values = []
    for _ in range(subsets):
        x = _factors(real[rng.choice(len(real), subset_size, replace=False)])
        y = _factors(fake[rng.choice(len(fake), subset_size, replace=False)])
        within = _off_diagonal_sum(x, products, squares) + _off_diagonal_sum(y, products, squares)
        across = _sum_of_cubes(np.matmul(x, y.T, out=products), squares)
        values.append(within / (subset_size * (subset_size - 1)) - 2.0 * across / subset_size**2)
    return KernelDistance(value=float(np.mean(values)), deviation=float(np.std(values)))


def _factors(rows: np.ndarray) -> Floats:
    """Rows (N, F + 1) whose products are <x, y> / F + 1."""
    factors = np.ones((len(rows), rows.shape[1] + 1))
    np.divide(rows, np.sqrt(rows.shape[1]), out=factors[:, :-1])
    return factors


def _off_diagonal_sum(x: Floats, products: Floats, squares: Floats) -> float:
    """The sum of the kernel over all pairs of different rows."""
    return _sum_of_cubes(np.matmul(x, x.T, out=products), squares) - float((np.square(x).sum(axis=1) ** 3).sum())


def _sum_of_cubes(products: Floats, squares: Floats) -> float:
    return float(np.vdot(np.square(products, out=squares), products))
