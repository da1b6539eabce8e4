"""Histograms, KL, coverage and mixtures: counts by hand, scipy's entropy, and shares that have a closed form."""

import numpy as np
import pytest
from scipy import stats

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.modes import (
    class_histogram,
    combinations_covered,
    kl_to_data,
    mixture_modes,
    mode_of_digits,
    modes_covered,
)


def ring():
    angles = np.arange(8) * np.pi / 4
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_histogram_counts_every_class():
    counts = class_histogram(np.array([3, 0, 3, 1], np.int32), 5)
    np.testing.assert_array_equal(counts, [1, 1, 0, 2, 0])
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(class_histogram(np.zeros(0, np.int64), 2), [0, 0])


def test_kl_agrees_with_scipy_and_has_its_closed_forms():
    rng = np.random.default_rng(0)
    fake, real = rng.integers(0, 9, 30), rng.integers(1, 9, 30)
    assert kl_to_data(fake, real) == pytest.approx(stats.entropy(fake, real), rel=1e-12)
    assert kl_to_data(real, 7 * real) == pytest.approx(0.0, abs=1e-12)
    # All samples in one of K equally frequent classes: log K.
    assert kl_to_data(np.eye(10)[3] * 50, np.full(10, 6)) == pytest.approx(np.log(10), rel=1e-12)


def test_kl_is_finite_where_the_data_has_nothing():
    assert kl_to_data(np.array([1, 1]), np.array([0, 8])) == pytest.approx(
        0.5 * np.log(0.5 / (0.5 / 8.5)) + 0.5 * np.log(0.5 / (8 / 8.5)), rel=1e-12
    )
    # A class that neither has is no class.
    assert kl_to_data(np.array([4, 0, 4]), np.array([1, 0, 3])) == kl_to_data(np.array([4, 4]), np.array([1, 3]))


def test_kl_of_as_good_a_generator_is_its_stated_bias():
    rng = np.random.default_rng(1)
    figures = [kl_to_data(rng.multinomial(25_600, [1e-3] * 1000), np.full(1000, 60)) for _ in range(20)]
    assert np.mean(figures) == pytest.approx(999 / (2 * 25_600), rel=0.05)


def test_modes_of_stacked_digits():
    every = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), axis=1)
    codes = mode_of_digits(every)
    np.testing.assert_array_equal(codes, np.arange(1000))
    assert mode_of_digits(np.array([[7, 0, 4]])) == [704]
    assert modes_covered(codes, 1000) == 1000
    assert modes_covered(codes[::2].repeat(3), 1000) == 500
    assert modes_covered(np.zeros(9, np.int64), 1000) == 1


def test_coverage_by_hand():
    real = np.array([[0, 0], [0, 0], [0, 1], [2, 1]])
    fake = np.array([[0, 1], [0, 1], [0, 0], [1, 1]])  # two, one, none of (2, 1), and one that the data has not
    found = combinations_covered(fake, real)
    assert found[:3] == (2, 3, 2 / 3)
    assert found.outside == 0.25
    assert found.kl == pytest.approx(kl_to_data(np.array([1, 2, 0, 1]), np.array([2, 1, 1, 0])), rel=1e-12)
    assert found.kl > 0.0


def test_coverage_of_the_data_itself_and_of_one_combination():
    real = np.random.default_rng(2).integers(0, 4, (5000, 3))
    assert combinations_covered(real[::-1], real) == (64, 64, 1.0, pytest.approx(0.0, abs=1e-12), 0.0)
    one = combinations_covered(np.tile(real[:1], (50, 1)), real)
    assert (one.covered, one.share) == (1, 1 / 64)
    none = combinations_covered(real + 10, real)
    assert (none.covered, none.outside) == (0, 1.0)
    assert np.isfinite(none.kl)


def test_a_perfect_ring_is_covered_with_the_quality_of_its_closed_form():
    rng = np.random.default_rng(3)
    points = ring()[rng.integers(0, 8, 40_000)] + 0.02 * rng.standard_normal((40_000, 2))
    found = mixture_modes(points, ring(), 0.02)
    assert found.covered == 8
    assert found.high_quality_share == pytest.approx(1 - np.exp(-4.5), abs=0.002)
    assert found.counts.sum() == pytest.approx(40_000 * found.high_quality_share)
    np.testing.assert_allclose(found.counts, 5000 * (1 - np.exp(-4.5)), rtol=0.06)
    assert mixture_modes(points, ring(), 0.02, within=1.0).high_quality_share == pytest.approx(
        1 - np.exp(-0.5), abs=0.01
    )


def test_collapse_and_bridges_show():
    rng = np.random.default_rng(4)
    collapsed = ring()[[0, 5]].repeat(100, axis=0) + 0.02 * rng.uniform(-1, 1, (200, 2))
    found = mixture_modes(collapsed, ring(), 0.02)
    assert found[:2] == (2, 1.0)
    np.testing.assert_array_equal(found.counts, [100, 0, 0, 0, 0, 100, 0, 0])
    between = mixture_modes((ring() + np.roll(ring(), 1, axis=0)) / 2, ring(), 0.02)
    assert between[:2] == (0, 0.0)


def test_a_point_counts_for_its_nearest_centre_alone():
    centres = np.array([[0.0, 0.0], [1.0, 0.0]])
    found = mixture_modes(np.array([[0.4, 0.0], [0.6, 0.0], [0.45, 0.0]]), centres, 1.0)
    np.testing.assert_array_equal(found.counts, [2, 1])


def test_refusals():
    with pytest.raises(DataError, match=r"integers in \[0, 3\); got int64 \(2,\)"):
        class_histogram(np.array([0, 3]), 3)
    with pytest.raises(DataError, match=r"integers in \[0, 3\); got float64"):
        modes_covered(np.array([0.0]), 3)
    with pytest.raises(DataError, match=r"counts must be \(K,\), both alike; got \(2,\) and \(3,\)"):
        kl_to_data(np.ones(2), np.ones(3))
    with pytest.raises(DataError, match="some above 0"):
        kl_to_data(np.zeros(2), np.ones(2))
    with pytest.raises(DataError, match=r"digits must be \(N, 3\), of red, green and blue; got \(4,\)"):
        mode_of_digits(np.zeros(4, int))
    with pytest.raises(DataError, match=r"integers in \[0, 10\)"):
        mode_of_digits(np.array([[0, 10, 0]]))
    with pytest.raises(DataError, match=r"neither empty; got \(0, 2\) and \(3, 2\)"):
        combinations_covered(np.zeros((0, 2), int), np.zeros((3, 2), int))
    with pytest.raises(DataError, match="must be integers; got float64 and int64"):
        combinations_covered(np.zeros((3, 2)), np.zeros((3, 2), int))
    with pytest.raises(DataError, match=r"got \(4, 3\) and \(8, 2\)"):
        mixture_modes(np.zeros((4, 3)), ring(), 0.1)
    with pytest.raises(DataError, match=r"must be above 0; got 0\.0 and 3\.0"):
        mixture_modes(ring(), ring(), 0.0)
    with pytest.raises(DataError, match="1 of 8 points are not finite"):
        mixture_modes(np.where(np.arange(8)[:, None] == 2, np.nan, ring()), ring(), 0.1)
