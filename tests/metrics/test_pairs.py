"""Which pairs are near: the same answers as from all distances in float64."""

import numpy as np
import pytest

from tfgan_kit.metrics.pairs import Pairs


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def squares(a, b):
    return np.square(a[:, None] - b[None]).sum(axis=-1)


@pytest.fixture
def pairs(monkeypatch):
    monkeypatch.setattr("tfgan_kit.metrics.pairs._BLOCK_ENTRIES", 90 * 40)
    a, b = normal(0, 100, 300) + 10.0, normal(1, 90, 300) + 10.0
    return a, b, Pairs(a, b)


def test_blocks_are_all_rows_once(pairs):
    a, _, these = pairs
    assert [block.rows for block in these.blocks()] == [slice(0, 40), slice(40, 80), slice(80, len(a))]


def test_smallest_are_there_with_their_distances(pairs):
    a, b, these = pairs
    for block in these.blocks():
        at, distances = block.smallest(4)
        assert (np.diff(at) >= 0).all()
        for row, expected in enumerate(np.sort(squares(a[block.rows], b), axis=1)):
            assert np.sort(distances[at == row])[:4] == pytest.approx(expected[:4], rel=1e-12)


def test_limits_of_rows_and_of_columns_that_some_pair_just_meets(pairs):
    a, b, these = pairs
    whole = squares(a, b)
    of_rows, of_columns = np.sort(whole, axis=1)[:, 7], np.sort(whole, axis=0)[7]
    for block in these.blocks():
        rows, columns, again = block.at_most(of_rows[block.rows, None], of_columns[None, :], of_rows[block.rows, None])
        np.testing.assert_array_equal(rows, whole[block.rows] <= of_rows[block.rows, None])
        np.testing.assert_array_equal(columns, whole[block.rows] <= of_columns)
        np.testing.assert_array_equal(again, rows)
        # A hair less, far below what float32 tells apart.
        (less,) = block.at_most(of_rows[block.rows, None] * (1.0 - 1e-14))
        assert rows.sum() - less.sum() == len(rows)


def test_a_pair_has_one_distance_wherever_it_stands():
    x = normal(2, 50, 33).astype(np.float32)
    order = np.random.default_rng(3).permutation(50)
    i, j = np.divmod(np.arange(2500), 50)
    there, back = Pairs(x, x).exact(i, j), Pairs(x, x[order]).exact(j, np.argsort(order)[i])
    np.testing.assert_array_equal(there, back)
    np.testing.assert_array_equal(there[i == j], 0.0)


def test_one_row_and_one_column():
    (block,) = Pairs(normal(4, 1, 3), normal(5, 6, 3)).blocks()
    limit = squares(normal(4, 1, 3), normal(5, 6, 3))
    (mask,) = block.at_most(limit)
    assert mask.all()
    (block,) = Pairs(normal(5, 6, 3), normal(4, 1, 3)).blocks()
    (mask,) = block.at_most(limit.T)
    assert mask.all()
