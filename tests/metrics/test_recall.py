"""Precision and recall against a direct reading of the paper, and cases whose answer is known."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.recall import precision_recall


def direct(real, fake, k):
    """Eq. 1 and 2 with whole matrices of distances."""

    def share(points, centres):
        radii = np.sort(cdist(centres, centres), axis=1)[:, k]
        return (cdist(points, centres) <= radii).any(axis=1).mean()

    return share(fake, real), share(real, fake)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("gap", [0.0, 0.5, 2.0])
def test_agrees_with_whole_matrices(k, gap):
    rng = np.random.default_rng(0)
    real, fake = rng.standard_normal((700, 6)) + 50.0, 0.7 * rng.standard_normal((900, 6)) + 50.0 + gap
    assert precision_recall(real, fake, k=k) == pytest.approx(direct(real, fake, k), abs=1e-12)


def test_the_set_itself_is_perfect_and_a_far_one_is_not():
    x = np.random.default_rng(1).standard_normal((600, 8)).astype(np.float32)
    assert precision_recall(x, x) == (1.0, 1.0)
    assert precision_recall(x, x + 100.0) == (0.0, 0.0)


def test_a_dropped_mode_costs_recall_and_a_false_one_costs_precision():
    rng = np.random.default_rng(2)
    left, right = rng.standard_normal((400, 4)), rng.standard_normal((400, 4)) + 50.0
    both = np.concatenate([left, right])
    assert precision_recall(both, left) == (1.0, 0.5)
    assert precision_recall(left, both) == (0.5, 1.0)


def test_order_does_not_matter():
    rng = np.random.default_rng(3)
    real, fake = rng.standard_normal((600, 5)), rng.standard_normal((600, 5)) + 0.5
    assert precision_recall(real, fake) == precision_recall(rng.permutation(real), rng.permutation(fake))


def test_refusals():
    x = np.zeros((5, 2))
    with pytest.raises(DataError, match=r"real features must be \(N, F\) with N > k = 5"):
        precision_recall(x, x, k=5)
    with pytest.raises(DataError, match="k must be at least 1; got 0"):
        precision_recall(x, x, k=0)
    with pytest.raises(DataError, match="size 2; the fake ones have 3"):
        precision_recall(x, np.zeros((5, 3)))
    with pytest.raises(DataError, match="1 of 5 rows of fake features are not finite"):
        precision_recall(x, np.where(np.arange(5)[:, None] == 2, np.nan, x))
