"""MMD against explicit double sums, and Gaussians whose kernel means are known."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.mmd import MULTIPLES, mmd


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def direct(x, y, bandwidths):
    """Gretton's Eq. 3 with whole kernel matrices."""
    total = 0.0
    for s in bandwidths:
        xx, yy, xy = (np.exp(-cdist(a, b, "sqeuclidean") / (2 * s * s)) for a, b in ((x, x), (y, y), (x, y)))
        n, m = len(x), len(y)
        total += (xx.sum() - n) / (n * (n - 1)) + (yy.sum() - m) / (m * (m - 1)) - 2 * xy.mean()
    return total


@pytest.mark.parametrize("bandwidths", [[1.0], [3.0, 0.5], [0.5, 1.0, 2.0], [2.0, 2.0]])
@pytest.mark.parametrize(("n", "m"), [(40, 60), (300, 520), (512, 256)])
def test_agrees_with_whole_matrices(bandwidths, n, m):
    x, y = normal(0, n, 5) + 100.0, 0.8 * normal(1, m, 5) + 100.3
    assert mmd(x, y, bandwidths=bandwidths) == pytest.approx(direct(x, y, bandwidths), rel=1e-9)


def test_the_bandwidths_are_about_the_median_distance_of_the_real():
    x, y = normal(2, 300, 5), normal(3, 200, 5) + 7.0
    bandwidths = np.array(MULTIPLES) * np.median(pdist(x))
    assert mmd(x, y) == pytest.approx(direct(x, y, bandwidths), rel=1e-9)
    assert mmd(1e3 * x, 1e3 * y) == pytest.approx(mmd(x, y), rel=1e-9)


def test_gaussians_a_shift_apart():
    """Between normals N(0, I) and N(d, I): E k = r^F exp(-|d|^2 r^2 / (2 s^2)) with r^2 = s^2 / (s^2 + 2)."""
    size, s, gap = 3, 1.5, 0.8
    r2 = s**2 / (s**2 + 2.0)
    expected = 2.0 * r2 ** (size / 2) * (1.0 - np.exp(-(gap**2) * r2 / (2.0 * s**2)))
    shift = np.array([gap, 0.0, 0.0])
    found = [mmd(normal(seed, 500, size), normal(seed + 50, 500, size) + shift, bandwidths=[s]) for seed in range(12)]
    assert np.mean(found) == pytest.approx(expected, rel=0.05)


def test_is_unbiased():
    found = np.array([mmd(normal(seed, 50, 3), normal(seed + 500, 50, 3), bandwidths=[1.0]) for seed in range(200)])
    assert abs(found.mean()) < 3.0 * found.std() / np.sqrt(200)
    assert (found < 0.0).any()


def test_order_does_not_matter():
    rng = np.random.default_rng(4)
    x, y = normal(5, 400, 4), normal(6, 300, 4)
    assert mmd(x, y) == pytest.approx(mmd(rng.permutation(x), rng.permutation(y)), rel=1e-9)


def test_refusals():
    x = normal(0, 5, 2)
    with pytest.raises(DataError, match=r"N >= 2"):
        mmd(x[:1], x)
    with pytest.raises(DataError, match="bandwidths must be numbers above 0"):
        mmd(x, x, bandwidths=[1.0, 0.0])
    with pytest.raises(DataError, match="bandwidths must be numbers above 0"):
        mmd(x, x, bandwidths=[])
    with pytest.raises(DataError, match="median distance is 0; give bandwidths"):
        mmd(np.full((5, 2), 1e6), x)
    with pytest.raises(DataError, match="2 of 5 rows of fake features are not finite"):
        mmd(x, np.where(np.arange(5)[:, None] > 2, np.nan, x))
