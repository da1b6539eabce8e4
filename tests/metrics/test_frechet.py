"""The Frechet distance against closed forms and an independent square root."""

import numpy as np
import pytest
import scipy.linalg

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance


def stats(features):
    return FeatureStatistics().update(features)


def standardised(rng, count, size):
    """Rows of mean 0 and covariance I exactly, so that an affine map of them has the moments one asks for."""
    x = rng.standard_normal((count, size))
    x -= x.mean(axis=0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False).reshape(size, size))).T


def by_sqrtm(a, b):
    """The formula as published, with scipy's Schur square root of the unsymmetric product."""
    p, q = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    gap = a.mean(axis=0) - b.mean(axis=0)
    return float(gap @ gap + np.trace(p + q - 2 * scipy.linalg.sqrtm(p @ q).real))


def by_dual_sqrtm(a, b):
    """The same for any rank: tr (P Q)^(1/2) is the nuclear norm of A^T B, with A and B the factors of P and Q."""
    x, y = ((m - m.mean(axis=0)) / np.sqrt(len(m) - 1) for m in (a, b))
    product = x @ y.T
    root = scipy.linalg.sqrtm(product.T @ product + 0j)
    gap = a.mean(axis=0) - b.mean(axis=0)
    return float(gap @ gap + (x**2).sum() + (y**2).sum() - 2 * np.trace(root).real)


def test_gaussians_in_one_dimension():
    rng = np.random.default_rng(0)
    a, b = 3.0 + 2.0 * standardised(rng, 50, 1), -1.0 + 0.5 * standardised(rng, 80, 1)
    assert frechet_distance(stats(a), stats(b)) == pytest.approx(4.0**2 + 1.5**2, rel=1e-12)


def test_gaussians_with_diagonal_covariances():
    rng = np.random.default_rng(1)
    mean_a, mean_b = rng.standard_normal((2, 6))
    sd_a, sd_b = rng.uniform(0.1, 3.0, (2, 6))
    a, b = mean_a + sd_a * standardised(rng, 100, 6), mean_b + sd_b * standardised(rng, 60, 6)
    expected = ((mean_a - mean_b) ** 2).sum() + ((sd_a - sd_b) ** 2).sum()
    assert frechet_distance(stats(a), stats(b)) == pytest.approx(expected, rel=1e-10)


def test_distance_to_itself_is_zero_and_a_shift_is_its_square():
    a = np.random.default_rng(2).standard_normal((500, 32)) @ np.diag(np.linspace(0.0, 2.0, 32))
    assert 0.0 <= frechet_distance(stats(a), stats(a)) < 1e-10
    assert frechet_distance(stats(a), stats(a + 0.5)) == pytest.approx(32 * 0.25, rel=1e-9)


@pytest.mark.parametrize("size", [2, 17, 64])
def test_agrees_with_sqrtm_on_full_covariances(size):
    rng = np.random.default_rng(size)
    a = rng.standard_normal((400, size)) @ rng.standard_normal((size, size)) + rng.standard_normal(size)
    b = rng.standard_normal((300, size)) @ rng.standard_normal((size, size))
    assert frechet_distance(stats(a), stats(b)) == pytest.approx(by_sqrtm(a, b), rel=1e-6)


@pytest.mark.parametrize(("rows_a", "rows_b"), [(2, 2), (10, 7), (20, 300)])
def test_agrees_with_sqrtm_on_rank_deficient_covariances(rows_a, rows_b):
    rng = np.random.default_rng(3)
    a = rng.standard_normal((rows_a, 48)) + 1.0
    b = rng.standard_normal((rows_b, 48)) @ rng.standard_normal((48, 48))
    assert frechet_distance(stats(a), stats(b)) == pytest.approx(by_dual_sqrtm(a, b), rel=1e-6)


def test_features_that_are_constant():
    a, b = np.full((5, 3), 2.0), np.full((9, 3), 4.0)
    assert frechet_distance(stats(a), stats(b)) == pytest.approx(12.0)


def test_is_symmetric():
    rng = np.random.default_rng(4)
    a, b = stats(rng.standard_normal((200, 16))), stats(2.0 * rng.standard_normal((200, 16)) + 1.0)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-12)


def test_a_turn_and_a_shift_of_both_change_nothing_and_a_scale_its_square():
    rng = np.random.default_rng(8)
    a, b = rng.standard_normal((300, 9)) @ rng.standard_normal((9, 9)), rng.standard_normal((200, 9)) + 0.5
    turn = np.linalg.qr(rng.standard_normal((9, 9)))[0]
    expected = frechet_distance(stats(a), stats(b))
    assert frechet_distance(stats(a @ turn + 7.0), stats(b @ turn + 7.0)) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(stats(3.0 * a), stats(3.0 * b)) == pytest.approx(9.0 * expected, rel=1e-9)


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_statistics_do_not_depend_on_batches_or_order(batch):
    rng = np.random.default_rng(5)
    # Far from 0, where summing squares would lose half of the digits.
    x = (rng.standard_normal((1000, 8)) + 1e4).astype(np.float32)
    order = rng.permutation(len(x))
    streamed = FeatureStatistics()
    for start in range(0, len(x), batch):
        streamed.update(x[order[start : start + batch]])
    whole = stats(x).gaussian()
    assert streamed.count == whole.count == 1000
    np.testing.assert_allclose(streamed.gaussian().mean, x.astype(np.float64).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(streamed.gaussian().covariance, np.cov(x.astype(np.float64), rowvar=False), atol=1e-9)
    np.testing.assert_allclose(streamed.gaussian().covariance, whole.covariance, atol=1e-9)


def test_merging_is_the_same_as_seeing_all_rows():
    x = np.random.default_rng(6).standard_normal((300, 5))
    left, right = stats(x[:90]), stats(x[90:])
    merged = FeatureStatistics().merge(left).merge(FeatureStatistics()).merge(right)
    assert (left.count, right.count, merged.count) == (90, 210, 300)
    np.testing.assert_allclose(merged.gaussian().covariance, np.cov(x, rowvar=False), atol=1e-13)


def test_an_empty_batch_changes_nothing():
    x = np.random.default_rng(7).standard_normal((4, 3))
    assert stats(x).update(x[:0]).count == 4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_values_that_are_not_finite(bad):
    x = np.zeros((6, 3))
    x[[1, 4], [0, 2]] = bad
    with pytest.raises(DataError, match="2 of 6 rows"):
        stats(x)


@pytest.mark.parametrize("rows", [0, 1])
def test_refuses_fewer_than_two_rows(rows):
    with pytest.raises(DataError, match=f"at least 2 rows of features; got {rows}"):
        frechet_distance(stats(np.zeros((rows, 3))), stats(np.zeros((5, 3))))


def test_refuses_features_of_another_size():
    with pytest.raises(DataError, match="size 3 cannot be compared with features of 4"):
        frechet_distance(stats(np.zeros((5, 3))), stats(np.zeros((5, 4))))
    with pytest.raises(DataError, match="size 4; the earlier ones have 3"):
        stats(np.zeros((5, 3))).update(np.zeros((5, 4)))
    with pytest.raises(DataError, match=r"\(N, F\)"):
        stats(np.zeros((5, 2, 2)))


def test_statistics_go_on_from_a_gaussian():
    rows = np.random.default_rng(0).standard_normal((300, 5))
    resumed = FeatureStatistics.of(stats(rows[:200]).gaussian()).update(rows[200:])
    whole = stats(rows).gaussian()
    np.testing.assert_allclose(resumed.gaussian().covariance, whole.covariance, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(resumed.gaussian().mean, whole.mean, rtol=1e-12)
    assert resumed.gaussian().count == 300
