"""The order of the pictures, from the step alone: any step's pictures are known without those before it."""

from __future__ import annotations

import itertools

import tensorflow as tf

from tfgan_kit import rng

# Shards whose pictures are mixed with one another: so many files are read from at a time.
POOL = 16


def batch_indices(step: tf.Tensor | int, *, seed: int, shards: tuple[int, ...], batch: int) -> tf.Tensor:
    """Which pictures a step gets: every epoch shows the whole set once, in a fresh order.

    Up to POOL shards are shuffled as one. More are put into a fresh order of shards, and each POOL of them in a row is
    shuffled as one. Pictures are counted without regard to steps, so a batch may end one epoch and begin the next.

    Args:
        step: scalar, >= 0.
        seed: of the run.
        shards: pictures in each, none empty.
        batch: pictures a step; may exceed the size of the set.

    Returns:
        (batch,) int64 in [0, sum of shards).
    """
    size = sum(shards)
    position = tf.cast(step, tf.int64) * batch + tf.range(batch, dtype=tf.int64)
    epoch, within = position // size, position % size
    indices = tf.zeros_like(within)
    epochs_touched = (size + batch - 2) // size + 1
    for later in range(epochs_touched):
        this = epoch[0] + later
        shuffled = _shuffled(within, seed=seed, epoch=this, shards=shards)
        indices = tf.where(epoch == this, shuffled, indices)
    return indices


def _shuffled(within: tf.Tensor, *, seed: int, epoch: tf.Tensor, shards: tuple[int, ...]) -> tf.Tensor:
    """The pictures at the places `within`, (B,) int64, of an epoch."""
    # index_shuffle looks at the low 16 bits of its seed alone, where keys do not differ: draw one with the key.
    key = rng.key(seed, rng.Stream.ORDER, epoch)
    if len(shards) <= POOL:
        shuffle_seed = rng.integers(key, (2,), 2**31 - 1)
        return tf.random.experimental.index_shuffle(within, shuffle_seed, sum(shards) - 1)

    # The shards in this epoch's order, and where each of them and each pool ends.
    sizes = tf.constant(shards, tf.int64)
    order = tf.argsort(rng.integers(rng.key(seed, rng.Stream.SHARDS, epoch), (len(shards),), 2**31 - 1), stable=True)
    ends = tf.cumsum(tf.gather(sizes, order))
    pool_ends = tf.concat([ends[POOL - 1 : -1 : POOL], ends[-1:]], axis=0)

    # The place within its pool, shuffled there; and the shard and the picture that lie at the new place.
    pool = tf.searchsorted(pool_ends, within, side="right")
    first = tf.gather(tf.concat([[0], pool_ends[:-1]], axis=0), pool)
    seeds = tf.gather(rng.integers(key, (-(-len(shards) // POOL), 3), 2**31 - 1), pool)
    last = tf.gather(pool_ends, pool) - first - 1
    # The public index_shuffle takes one seed only. Its own number of rounds.
    place = first + tf.raw_ops.RandomIndexShuffle(index=within - first, seed=seeds, max_index=last, rounds=4)
    slot = tf.searchsorted(ends, place, side="right")
    starts = tf.constant([0, *itertools.accumulate(shards[:-1])], tf.int64)
    shard = tf.gather(order, slot)
    return tf.gather(starts, shard) + place - (tf.gather(ends, slot) - tf.gather(sizes, shard))
