"""What the replicas of tf.distribute tell one another: sums, means and each other's rows; all alone, nothing.

A replica is one device that computes on its share of every batch. The functions here are differentiable, and are called
by every replica alike. Their gradients are those of the sum of all replicas' losses.
"""

from __future__ import annotations

from typing import TypeVar

import tensorflow as tf

_Nest = TypeVar("_Nest")


def count() -> int:
    """How many replicas compute together; 1 without a strategy."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def local_count() -> int:
    """How many of them are of this process."""
    return len(tf.distribute.get_strategy().extended.worker_devices) if count() > 1 else 1


def index() -> tf.Tensor | int:
    """Which of them this is, int32 scalar in [0, count)."""
    return tf.distribute.get_replica_context().replica_id_in_sync_group if _together() else 0


def total(values: _Nest) -> _Nest:
    """The sum over the replicas of each tensor of a list or a dict."""
    if not _together():
        return values
    summed: _Nest = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)
    return summed


def mean(value: tf.Tensor) -> tf.Tensor:
    """The mean over the replicas, each of which has as many rows; of its own mean, so of the whole batch."""
    return total(value) / count() if _together() else value


def gather(rows: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas, one replica's after the other's: (B, ...) to (count * B, ...)."""
    if not _together():
        return rows
    gathered = tf.distribute.get_replica_context().all_gather(rows, axis=0)
    return tf.ensure_shape(gathered, (None if rows.shape[0] is None else count() * rows.shape[0], *rows.shape[1:]))


def own(rows: tf.Tensor) -> tf.Tensor:
    """This replica's rows of what `gather` gave."""
    return share(rows, index(), count()) if _together() else rows


def share(rows: tf.Tensor, i: tf.Tensor | int, parts: int) -> tf.Tensor:
    """The i-th of so many equal parts of the rows: (parts * B, ...) to (B, ...)."""
    if parts == 1:
        return rows
    n = rows.shape[0] // parts
    begin = tf.concat([[i * n], tf.zeros(rows.shape.rank - 1, tf.int32)], 0)
    return tf.ensure_shape(tf.slice(rows, begin, [n, *([-1] * (rows.shape.rank - 1))]), (n, *rows.shape[1:]))


def local_rows(rows: tf.Tensor, blocks: int) -> tf.Tensor:
    """This replica's rows of those of its process, (blocks * local_count * B, ...) to (blocks * B, ...).

    Args:
        rows: blocks one after the other; each of them is shared by the replicas.
        blocks: how many.
    """
    if local_count() == 1:
        return rows
    i = index() % local_count()
    return tf.concat([share(block, i, local_count()) for block in tf.split(rows, blocks)], 0)


def _together() -> bool:
    """Whether there are other replicas, and this is code of one; networks are built outside of any."""
    return count() > 1 and not tf.distribute.in_cross_replica_context()
