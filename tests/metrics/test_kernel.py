"""The kernel distance against the sums as published, and what unbiased means."""

import itertools

import numpy as np
import pytest

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.kernel import kernel_distance


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def direct(x, y):
    """Gretton's Eq. 3 term by term."""

    def kernel(a, b):
        return (float(a @ b) / len(a) + 1.0) ** 3

    def within(rows):
        return sum(kernel(a, b) for a, b in itertools.permutations(rows, 2)) / (len(rows) * (len(rows) - 1))

    return within(x) + within(y) - 2.0 * np.mean([[kernel(a, b) for b in y] for a in x])


def test_agrees_with_the_sums_term_by_term():
    x, y = normal(0, 30, 7) + 0.5, 1.5 * normal(1, 30, 7)
    # A subset of all rows is all rows, in some order.
    assert kernel_distance(x, y, subsets=3, subset_size=30).value == pytest.approx(direct(x, y), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_agrees_with_scikit_learn_on_the_same_subsets(dtype):
    polynomial_kernel = pytest.importorskip("sklearn.metrics.pairwise").polynomial_kernel
    x, y = normal(2, 300, 16).astype(dtype), (1.2 * normal(3, 250, 16) + 0.1).astype(dtype)
    rng = np.random.RandomState(7)
    values = []
    for _ in range(5):
        a, b = (rows[rng.choice(len(rows), 100, replace=False)].astype(np.float64) for rows in (x, y))
        aa, bb, ab = (polynomial_kernel(*pair, degree=3, coef0=1) for pair in ((a, a), (b, b), (a, b)))
        values.append((aa.sum() - np.trace(aa) + bb.sum() - np.trace(bb)) / (100 * 99) - 2.0 * ab.mean())
    found = kernel_distance(x, y, subsets=5, subset_size=100, seed=7)
    assert found == pytest.approx((np.mean(values), np.std(values)), rel=1e-9)


def test_is_unbiased_whatever_the_size_of_a_subset():
    x, y = normal(4, 4000, 4), normal(5, 4000, 4)
    for size in (10, 200):
        found = kernel_distance(x, y, subsets=200, subset_size=size)
        # Draws from the same finite sets are a little alike, so a mean is not as sure as this bound would have it.
        assert abs(found.value) < 4.0 * found.deviation / np.sqrt(200)
    shifted = [kernel_distance(x + 0.5, y, subsets=200, subset_size=size) for size in (20, 200)]
    assert shifted[0].value == pytest.approx(shifted[1].value, abs=4.0 * shifted[0].deviation / np.sqrt(200))
    assert shifted[1].value > 5.0 * shifted[1].deviation


def test_the_same_seed_gives_the_same_bits():
    x, y = normal(6, 200, 5), normal(7, 200, 5)
    one, again = (kernel_distance(x, y, subsets=4, subset_size=50, seed=3) for _ in range(2))
    assert one == again != kernel_distance(x, y, subsets=4, subset_size=50, seed=4)


def test_refuses_a_subset_larger_than_the_data():
    with pytest.raises(DataError, match=r"1000 rows .* 1200 real rows and 300 fake ones; .* at most 300"):
        kernel_distance(np.zeros((1200, 2)), np.zeros((300, 2)))


def test_other_refusals():
    x = np.zeros((5, 2))
    with pytest.raises(DataError, match="subset_size at least 2; got 1 and 1"):
        kernel_distance(x, x, subsets=1, subset_size=1)
    with pytest.raises(DataError, match="size 2; the fake ones have 3"):
        kernel_distance(x, np.zeros((5, 3)), subset_size=2)
    with pytest.raises(DataError, match="1 of 5 rows of real features are not finite"):
        kernel_distance(np.where(np.arange(5)[:, None] == 2, np.inf, x), x, subset_size=2)
