"""The gradient of a batch, found part by part: one part after the other on a replica, and on all replicas at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from tfgan_kit import replicas
from tfgan_kit.rng import Part

Rows = dict[str, tf.Tensor]


class Found(NamedTuple):
    """What a part of a batch, or all of it, says.

    Attributes:
        gradients: of the mean loss of its pictures, a tensor for each variable.
        stats: float32 scalars by name, each a mean over its pictures.
        rows: what was noted of its pictures, (B, ...) by name.
    """

    gradients: list[tf.Tensor]
    stats: dict[str, tf.Tensor]
    rows: Rows


# (rows of a part, that part) -> what it says.
Find = Callable[..., Found]


def of_batch(find: Find, data: Sequence[tf.Tensor | None], *, accumulate: int, gather: bool) -> Found:
    """What the batch of all replicas says.

    Args:
        find: `(*data of a part, part)` -> Found. It may not change anything, but for the moving statistics of layers.
        data: this replica's rows, (accumulate * B, ...) each; None is handed on as it is.
        accumulate: parts that this replica takes one after the other, so that only one of them needs memory at a time.
        gather: whether rows are wanted; without, there are none.

    Returns:
        The means over all parts; the rows in the order of the pictures.
    """
    parts = replicas.count() * accumulate
    if parts == 1:
        return find(*data, Part())

    # A tensor, so that what is compiled for one part does for all.
    first = tf.convert_to_tensor(replicas.index() * accumulate)
    found = find(*_share(data, 0, accumulate), Part(first, parts))
    for i in range(1, accumulate):
        # Or else all parts would be computed at a time, and all of them in memory.
        with tf.control_dependencies(found.gradients):
            found = _joined(found, find(*_share(data, i, accumulate), Part(first + i, parts)))
    gradients = [gradient / parts for gradient in found.gradients]
    stats = tf.stack([tf.cast(value, tf.float32) for value in found.stats.values()]) / parts
    *gradients, stats = replicas.total([*gradients, stats])
    rows = {name: replicas.gather(rows) for name, rows in found.rows.items()} if gather else {}
    return Found(gradients, dict(zip(found.stats, tf.unstack(stats), strict=True)), rows)


def _share(data: Sequence[tf.Tensor | None], i: int, parts: int) -> list[tf.Tensor | None]:
    return [None if rows is None else replicas.share(rows, i, parts) for rows in data]


def _joined(one: Found, other: Found) -> Found:
    """The sums of two parts, and the rows of both."""
    return Found(
        [a + b for a, b in zip(one.gradients, other.gradients, strict=True)],
        {name: value + other.stats[name] for name, value in one.stats.items()},
        {name: tf.concat([rows, other.rows[name]], 0) for name, rows in one.rows.items()},
    )
