"""The extrapolated Frechet distance: nearer to the truth than that of all samples, at every size."""

import numpy as np
import pytest

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance
from tfgan_kit.metrics.frechet_infinity import frechet_infinity


def exact(size):
    """Statistics of mean 0 and covariance I without an error of their own."""
    rows = np.random.default_rng(0).standard_normal((40 * size, size))
    rows -= rows.mean(axis=0)
    return FeatureStatistics().update(rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows, rowvar=False))).T)


@pytest.mark.parametrize(
    ("size", "count", "gap", "width"), [(8, 500, 0.0, 1.0), (16, 400, 0.1, 1.1), (24, 600, 0.1, 1.1)]
)
def test_is_less_biased_than_the_distance_of_all_samples(size, count, gap, width):
    real, truth = exact(size), size * (gap**2 + (width - 1.0) ** 2)
    plain, extrapolated = [], []
    for seed in range(1, 17):
        fake = gap + width * np.random.default_rng(seed).standard_normal((count, size))
        plain.append(frechet_distance(real, FeatureStatistics().update(fake)) - truth)
        extrapolated.append(frechet_infinity(real, fake) - truth)
    assert np.mean(plain) > 0.05
    assert abs(np.mean(extrapolated)) < 0.3 * np.mean(plain)


def test_a_point_at_all_samples_is_their_distance():
    """A line through two points, extrapolated by hand."""
    real, fake = exact(4), np.random.default_rng(1).standard_normal((400, 4))
    found = frechet_infinity(real, fake, points=2, smallest=200, seed=3)
    part = np.random.default_rng(3).choice(400, 200, replace=False)
    half, whole = (frechet_distance(real, FeatureStatistics().update(rows)) for rows in (fake[part], fake))
    assert found == pytest.approx(2.0 * whole - half, rel=1e-9)


def test_the_same_seed_gives_the_same_bits():
    real, fake = exact(4), np.random.default_rng(1).standard_normal((400, 4))
    assert frechet_infinity(real, fake, seed=1) == frechet_infinity(real, fake, seed=1)
    assert frechet_infinity(real, fake, seed=1) != frechet_infinity(real, fake, seed=2)


def test_refusals():
    real, fake = exact(4), np.random.default_rng(1).standard_normal((40, 4))
    with pytest.raises(DataError, match=r"above the size of the features, 4, .* all samples, 40; got 4;"):
        frechet_infinity(real, fake, smallest=4)
    with pytest.raises(DataError, match="got 40;"):
        frechet_infinity(real, fake, smallest=40)
    with pytest.raises(DataError, match="all samples, 5; got 5;"):
        frechet_infinity(real, fake[:5])
    with pytest.raises(DataError, match="points must be at least 2; got 1"):
        frechet_infinity(real, fake, points=1)
    with pytest.raises(DataError, match="size 4 cannot be compared with features of 3"):
        frechet_infinity(real, fake[:, :3])
    with pytest.raises(DataError, match="1 of 40 rows of fake features are not finite"):
        frechet_infinity(real, np.where(np.arange(40)[:, None] == 2, np.nan, fake))
