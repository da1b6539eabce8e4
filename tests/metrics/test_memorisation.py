"""Copies of training digits are caught, in features and in pixels; held-out digits are not; statistics are scipy's."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.errors import DataError
from tfgan_kit.extractors import open_extractor
from tfgan_kit.metrics.memorisation import Memorisation, memorisation, nearest, verdict

SAMPLES = 600


@pytest.fixture(scope="module")
def digits():
    """5,000 training digits, 1,000 held-out ones, and 1,200 more that no one has seen."""
    rng = np.random.default_rng(0)
    train, test = rng.permutation(load_mnist("train")[0])[:5000], rng.permutation(load_mnist("test")[0])
    return {"train": train, "held_out": test[:1000], "unseen": test[1000:2200]}


@pytest.fixture(scope="module", params=["mnist-cnn", "pixels"])
def judge(request, digits):
    """What the figures of some pictures are, in the features of mnist-cnn or in pixels."""
    space = open_extractor("mnist-cnn").features if request.param == "mnist-cnn" else lambda images: images
    train, held_out = space(digits["train"]), space(digits["held_out"])
    return lambda images: memorisation(space(images), train, held_out)


def noisy(images, grey_levels):
    noise = np.random.default_rng(1).integers(-grey_levels, grey_levels + 1, images.shape)
    return np.clip(images.astype(np.int64) + noise, 0, 255).astype(np.uint8)


def test_a_generator_that_returns_training_pictures_is_caught(judge, digits):
    figures = judge(digits["train"][:SAMPLES])
    assert verdict(figures).copies
    assert "100.0% of the samples" in verdict(figures).reason
    assert (figures.share, figures.ratio) == (1.0, 0.0)
    assert figures.p < 1e-100
    assert figures.z < -20.0
    np.testing.assert_array_equal(figures.nearest_distances, 0.0)
    np.testing.assert_array_equal(figures.pairs[:, 0], figures.pairs[:, 1])


@pytest.mark.parametrize("grey_levels", [2, 8])
def test_copies_under_a_little_noise_are_caught(judge, digits, grey_levels):
    figures = judge(noisy(digits["train"][:SAMPLES], grey_levels))
    assert verdict(figures).copies
    assert figures.share > 0.9
    assert figures.ratio < 0.2
    assert (figures.nearest_indices == np.arange(SAMPLES)).mean() > 0.99


@pytest.mark.parametrize("others", ["real", "poor"])
def test_a_tenth_of_copies_is_caught_whatever_the_others_are(judge, digits, others):
    copies, rest = noisy(digits["train"][: SAMPLES // 10], 2), digits["unseen"][: SAMPLES * 9 // 10]
    figures = judge(np.concatenate([rest if others == "real" else noisy(rest, 200), copies]))
    assert verdict(figures).copies
    assert 0.09 < figures.share < 0.14
    assert (figures.pairs[:, 0] >= len(rest)).all()
    if others == "poor":
        assert figures.p > 0.5  # the distances on the whole do not show it


@pytest.mark.parametrize("part", range(2))
def test_held_out_digits_are_not_caught(judge, digits, part):
    figures = judge(digits["unseen"][part * SAMPLES : (part + 1) * SAMPLES])
    assert not verdict(figures).copies
    assert verdict(figures).reason.endswith("no sign of copying")
    assert figures.share < 0.03
    assert figures.held_out_share == 0.01
    assert figures.share_p > 0.01
    assert 0.9 < figures.ratio < 1.1
    assert abs(figures.z) < 4.0


def test_no_false_alarm_in_many_draws_of_one_kind():
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(200):
        fake, train, held_out = (rng.standard_normal((n, 3)) for n in (60, 200, 100))
        alarms += verdict(memorisation(fake, train, held_out)).copies
    assert alarms <= 4  # 0.01 of them


def test_statistics_agree_with_scipy():
    rng = np.random.default_rng(3)
    # Whole numbers on a line, so that many distances are equal.
    fake, train, held_out = (rng.integers(0, 60, (n, 1)) * 1.0 for n in (90, 12, 150))
    figures = memorisation(fake, train, held_out, pairs=5)
    a, b = cdist(fake, train).min(axis=1), cdist(held_out, train).min(axis=1)
    np.testing.assert_array_equal(figures.nearest_distances, a)
    expected = stats.mannwhitneyu(a, b, alternative="less", use_continuity=False, method="asymptotic")
    assert figures.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert stats.norm.cdf(figures.z) == pytest.approx(expected.pvalue, rel=1e-10)
    bound = np.sort(b)[1]  # of 150, the second is the first with 1 % at or below it
    table = [[(a <= bound).sum(), (a > bound).sum()], [(b <= bound).sum(), (b > bound).sum()]]
    assert (figures.share, figures.held_out_share) == (table[0][0] / 90, table[1][0] / 150)
    assert figures.share_p == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue, rel=1e-9)
    assert figures.ratio == np.median(a) / np.median(b)
    assert figures.pairs.shape == (5, 2)


def test_verdict_asks_for_an_excess_and_for_significance():
    none = np.zeros(0, np.int64)

    def copies(share, held_out_share, share_p):
        return verdict(Memorisation(share, held_out_share, share_p, 1.0, 0.0, 0.5, none, none * 1.0, none)).copies

    assert copies(0.06, 0.01, 0.001)
    assert not copies(0.06, 0.01, 0.02)
    assert not copies(0.04, 0.01, 1e-9)
    assert not copies(0.31, 0.3, 0.001)  # data in which many pictures occur twice


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_nearest_agrees_with_whole_matrices(dtype):
    rng = np.random.default_rng(4)
    # More than a block of both, and far from the origin.
    queries, rows = (rng.uniform(100, 200, (n, 12)).astype(dtype) for n in (700, 5000))
    queries[3] = rows[4500]
    seen = []
    indices, distances = nearest(queries, rows, on_progress=seen.append)
    whole = cdist(queries.astype(np.float64), rows.astype(np.float64))
    np.testing.assert_allclose(distances, whole.min(axis=1), rtol=1e-6)
    np.testing.assert_allclose(whole[np.arange(700), indices], distances, rtol=1e-12)
    assert (indices[3], distances[3]) == (4500, 0.0)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_pictures_are_taken_as_rows_and_left_as_they_are():
    images = np.random.default_rng(5).integers(0, 256, (40, 5, 4, 3), np.uint8)
    before = images.copy()
    indices, distances = nearest(images[10:20], images)
    np.testing.assert_array_equal(indices, np.arange(10, 20))
    np.testing.assert_array_equal(distances, 0.0)
    np.testing.assert_array_equal(images, before)


def test_no_queries():
    indices, distances = nearest(np.zeros((0, 2)), np.zeros((3, 2)))
    assert indices.shape == distances.shape == (0,)


def test_progress_of_both_searches_is_one():
    x = np.random.default_rng(6).standard_normal((300, 2))
    seen = []
    memorisation(x[:100], x[100:200], x[200:], on_progress=seen.append)
    assert seen == [0.5, 1.0]


def test_refusals():
    x = np.arange(400.0).reshape(200, 2)
    with pytest.raises(DataError, match="queries have size 2; rows have 1"):
        nearest(x, x[:, :1])
    with pytest.raises(DataError, match="no rows"):
        nearest(x, x[:0])
    with pytest.raises(DataError, match=r"rows must be real numbers \(N, F\) with F > 0; got float64 \(200,\)"):
        nearest(x, x[:, 0])
    with pytest.raises(DataError, match="2 of 200 rows of queries are not finite"):
        nearest(np.where(np.isin(np.arange(200), [3, 4])[:, None], np.nan, x), x)
    with pytest.raises(DataError, match="at least 100 held-out rows; got 200 and 99"):
        memorisation(x, x, x[:99])
    with pytest.raises(DataError, match="half of the held-out rows or more are training rows"):
        memorisation(x + 1.0, x, x)
