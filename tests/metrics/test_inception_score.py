"""The Inception Score against its formula, its bounds, and its known weakness."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.inception_score import inception_score


@pytest.mark.parametrize(("count", "splits"), [(200, 1), (200, 10), (203, 7)])
def test_agrees_with_the_formula(count, splits):
    logits = 3.0 * np.random.default_rng(0).standard_normal((count, 10)).astype(np.float32)
    order = np.random.RandomState(5).permutation(count)
    probabilities = scipy.special.softmax(logits[order].astype(np.float64), axis=1)
    scores = []
    for split in range(splits):
        p = probabilities[split * count // splits : (split + 1) * count // splits]
        scores.append(np.exp(np.mean([scipy.stats.entropy(row, p.mean(axis=0)) for row in p])))
    found = inception_score(logits, splits=splits, seed=5)
    assert found == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-9, abs=1e-12)


def test_one_picture_a_class_repeated_is_perfect():
    logits = np.repeat(100.0 * np.eye(10), 100, axis=0)
    assert inception_score(logits, splits=1) == pytest.approx((10.0, 0.0))


def test_one_picture_or_no_idea_is_the_worst():
    row = np.random.default_rng(1).standard_normal((1, 10))
    assert inception_score(np.repeat(row, 500, axis=0)) == pytest.approx((1.0, 0.0))
    assert inception_score(np.zeros((500, 10))) == pytest.approx((1.0, 0.0))


def test_a_dropped_class_costs():
    logits = np.repeat(100.0 * np.eye(10)[:7], 100, axis=0)
    assert inception_score(logits, splits=1).value == pytest.approx(7.0)


def test_sorted_samples_are_shuffled():
    logits = np.repeat(100.0 * np.eye(10), 500, axis=0)
    assert inception_score(logits).value > 9.5  # 1 without


def test_extreme_logits_stay_finite():
    logits = np.zeros((40, 3))
    logits[:20, 0], logits[20:, 1], logits[:, 2] = 5e4, 5e4, -5e4
    assert inception_score(logits, splits=1).value == pytest.approx(2.0)


def test_refusals():
    with pytest.raises(DataError, match=r"logits must be an array \(N, F\) with N >= 10"):
        inception_score(np.zeros((9, 4)))
    with pytest.raises(DataError, match="splits must be at least 1; got 0"):
        inception_score(np.zeros((9, 4)), splits=0)
    with pytest.raises(DataError, match="1 of 9 rows of logits are not finite"):
        inception_score(np.where(np.arange(9)[:, None] == 2, np.nan, np.zeros((9, 4))), splits=3)
