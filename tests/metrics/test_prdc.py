"""Precision, recall, density and coverage against a direct reading of the papers, and cases whose answer is known."""

import numpy as np
import pytest

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.prdc import prdc


def direct(real, fake, k, k_density):
    """Kynkaanniemi's Eq. 1 and 2, and Naeem's Eq. 3 and 4, with whole matrices of differences in float64."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)

    def squares(a, b):
        return np.square(a[:, None] - b[None]).sum(axis=-1)

    def radii(rows, neighbour):
        return np.sort(squares(rows, rows), axis=1)[:, neighbour]

    across = squares(real, fake)
    in_real = across <= radii(real, k)[:, None]
    in_fake = across <= radii(fake, k)[None, :]
    dense = across <= radii(real, k_density)[:, None]
    return (
        in_real.any(axis=0).mean(),
        in_fake.any(axis=1).mean(),
        dense.sum() / (k_density * len(fake)),
        dense.any(axis=1).mean(),
    )


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


# Each is a way in which a bound, or a distance by norms and products, can go wrong.
CASES = {
    "alike": (normal(0, 700, 6), normal(1, 500, 6)),
    "shifted and narrower": (normal(0, 500, 6), 0.7 * normal(1, 700, 6) + 0.5),
    "far from the origin": (normal(0, 500, 6) + 1e5, normal(1, 500, 6) + 1e5),
    "a set and a part of it": (normal(0, 600, 6), normal(0, 600, 6)[::3]),
    "one picture": (normal(0, 500, 6), np.repeat(normal(0, 1, 6), 400, axis=0)),
    "nearly one picture": (normal(0, 500, 6), normal(0, 1, 6) + 1e-4 * normal(1, 400, 6)),
    "many ties": (np.round(normal(0, 600, 3)), np.round(normal(1, 500, 3))),
    "all zero": (np.zeros((300, 4)), np.zeros((200, 4))),
    "rows far out": (np.append(normal(0, 500, 6), [[1e4] * 6], axis=0), np.append(normal(1, 400, 6), [[-1e5] * 6], 0)),
    "tiny": (1e-25 * normal(0, 400, 6), 1e-25 * normal(1, 300, 6)),
    "huge": (1e25 * normal(0, 400, 6), 1e25 * normal(1, 300, 6)),
    "one dimension": (normal(0, 300, 1), normal(1, 300, 1)),
    "as few rows as there can be": (normal(0, 6, 3), normal(1, 4, 3)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_agrees_exactly_with_whole_matrices(name, dtype):
    real, fake = (rows.astype(dtype) for rows in CASES[name])
    assert prdc(real, fake) == pytest.approx(direct(real, fake, 3, 5), rel=1e-14)


@pytest.mark.parametrize(("k", "k_density"), [(1, 1), (5, 5), (7, 2)])
def test_agrees_at_other_k(k, k_density):
    real, fake = CASES["shifted and narrower"]
    expected = direct(real, fake, k, k_density)
    assert prdc(real, fake, k=k, k_density=k_density) == pytest.approx(expected, rel=1e-14)


def test_agrees_in_blocks(monkeypatch):
    monkeypatch.setattr("tfgan_kit.metrics.pairs._BLOCK_ENTRIES", 4_000)
    monkeypatch.setattr("tfgan_kit.metrics.pairs._CHUNK_FLOATS", 100)
    for name in ("shifted and narrower", "many ties"):
        real, fake = CASES[name]
        assert prdc(real, fake) == pytest.approx(direct(real, fake, 3, 5), rel=1e-14)


def test_agrees_with_the_distances_of_scikit_learn():
    pairwise = pytest.importorskip("sklearn.metrics").pairwise_distances
    real, fake = normal(2, 600, 16), 0.9 * normal(3, 500, 16)
    across = pairwise(real, fake)
    balls = {k: np.sort(pairwise(real), axis=1)[:, k, None] for k in (3, 5)}
    found = prdc(real, fake)
    assert found.precision == (across <= balls[3]).any(axis=0).mean()
    assert found.recall == (across <= np.sort(pairwise(fake), axis=1)[:, 3]).any(axis=1).mean()
    assert found.density == pytest.approx((across <= balls[5]).sum() / (5 * 500), rel=1e-14)
    assert found.coverage == (across <= balls[5]).any(axis=1).mean()


def test_the_set_itself_is_perfect_and_a_far_one_is_not():
    x = normal(1, 600, 8).astype(np.float32)
    # The row itself lies in its ball, with its k neighbours.
    assert prdc(x, x, k_density=4) == (1.0, 1.0, 5 / 4, 1.0)
    assert prdc(x, x + 100.0) == (0.0, 0.0, 0.0, 0.0)


def test_density_of_the_same_kind_of_rows_is_about_one():
    assert prdc(normal(4, 2000, 4), normal(5, 2000, 4)).density == pytest.approx(1.0, abs=0.03)


def test_a_dropped_mode_costs_recall_and_coverage_and_a_false_one_precision_and_density():
    left, right = normal(2, 400, 4), normal(3, 400, 4) + 50.0
    both = np.concatenate([left, right])
    dropped, false = prdc(both, left), prdc(left, both)
    assert (dropped.precision, dropped.recall, dropped.coverage) == (1.0, 0.5, 0.5)
    assert (false.precision, false.recall, false.coverage) == (0.5, 1.0, 1.0)
    assert false.density == pytest.approx(0.6)  # half of 6 / 5, with k_density = 5


def test_order_does_not_matter():
    rng = np.random.default_rng(3)
    real, fake = CASES["many ties"]
    assert prdc(real, fake) == prdc(rng.permutation(real), rng.permutation(fake))


def test_shows_its_progress(monkeypatch):
    monkeypatch.setattr("tfgan_kit.metrics.pairs._BLOCK_ENTRIES", 10_000)
    shares = []
    prdc(normal(0, 300, 4), normal(1, 200, 4), on_progress=shares.append)
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert shares[0] > 0.0
    assert shares[-1] == pytest.approx(1.0)


def test_refusals():
    x = np.zeros((5, 2))
    with pytest.raises(DataError, match=r"real features must be an array \(N, F\) with N >= 6"):
        prdc(x, x)
    with pytest.raises(DataError, match=r"fake features must be an array \(N, F\) with N >= 4"):
        prdc(np.zeros((6, 2)), x[:3])
    with pytest.raises(DataError, match="must be at least 1; got 0 and 5"):
        prdc(x, x, k=0)
    with pytest.raises(DataError, match="size 2; the fake ones have 3"):
        prdc(x, np.zeros((5, 3)), k_density=3)
    with pytest.raises(DataError, match="1 of 5 rows of fake features are not finite"):
        prdc(x, np.where(np.arange(5)[:, None] == 2, np.nan, x), k_density=3)
