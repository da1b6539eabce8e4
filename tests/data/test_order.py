import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.data.order import POOL, batch_indices

MANY = tuple(5 + i % 3 for i in range(3 * POOL + 2))


def epochs_of(shards: tuple[int, ...], batch: int, count: int, seed: int = 0) -> np.ndarray:
    """The pictures of the first epochs, (count, N)."""
    size = sum(shards)
    draw = tf.function(lambda step: batch_indices(step, seed=seed, shards=shards, batch=batch))
    steps = -(-size * count // batch)
    order = np.concatenate([draw(tf.constant(step, tf.int64)).numpy() for step in range(steps)])
    return order[: size * count].reshape(count, size)


@pytest.mark.parametrize(
    ("shards", "batch"),
    [((50,), 8), ((50,), 50), ((7,), 20), ((1,), 3), ((64,), 64), ((10,), 1), ((20, 30), 8), (MANY, 64), (MANY, 500)],
)
def test_every_picture_once_an_epoch(shards, batch):
    by_epoch = epochs_of(shards, batch, 4)
    size = sum(shards)
    assert (np.sort(by_epoch, axis=1) == np.arange(size)).all()
    if size >= 50:
        assert not (by_epoch[0] == by_epoch[1]).all()
        assert not (by_epoch[0] == np.arange(size)).all()


def test_order_depends_on_seed_and_step_alone():
    def indices(seed: int, step: int, shards: tuple[int, ...]) -> list[int]:
        return batch_indices(tf.constant(step, tf.int64), seed=seed, shards=shards, batch=32).numpy().tolist()

    for shards in ((1000,), MANY):
        assert indices(1, 5, shards) == indices(1, 5, shards)
        assert indices(1, 5, shards) != indices(2, 5, shards)
        assert indices(1, 5, shards) != indices(1, 6, shards)


def test_few_shards_are_shuffled_as_one():
    # So a set that was prepared in a few files trains to the bits of the one that it was made from.
    np.testing.assert_array_equal(epochs_of((20, 30), 8, 2), epochs_of((50,), 8, 2))


def test_many_shards_are_read_a_pool_at_a_time():
    ends = np.cumsum(MANY)
    first, second = epochs_of(MANY, 64, 2)
    shards = [np.searchsorted(ends, epoch, side="right") for epoch in (first, second)]
    pools = []
    for of in shards:
        # As the epoch goes on, POOL shards are read from, then POOL others.
        seen = list(dict.fromkeys(of.tolist()))
        parts = [set(seen[k : k + POOL]) for k in range(0, len(seen), POOL)]
        start = 0
        for part in parts:
            length = sum(MANY[shard] for shard in part)
            assert set(of[start : start + length].tolist()) == part
            # Within a pool the pictures are mixed: neighbours rarely lie in one shard.
            inside = of[start : start + length]
            if len(part) == POOL:
                assert (inside[1:] == inside[:-1]).mean() < 0.25
            start += length
        pools.append([frozenset(part) for part in parts])
    assert pools[0] != pools[1]


def test_places_are_uniform_within_a_pool():
    # Where one picture comes, over many epochs, against the uniform distribution: a chi-squared statistic of 9 degrees.
    shards = (10,) * (POOL + 1)
    size = sum(shards)
    places = np.argmax(epochs_of(shards, size, 300) == 3, axis=1)
    counts = np.histogram(places, bins=10, range=(0, size))[0]
    assert ((counts - 30) ** 2 / 30).sum() < 27.9  # the 0.1 % point
