"""Weights held near the mean of what they have been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfgan_kit.gradients import Rows
from tfgan_kit.terms import Term


def historical_averaging(weight: float, variables: Sequence[keras.Variable], name: str = "history") -> Term:
    """|theta - mean of theta after each step so far|^2, 0 before the first. Salimans et al. 2016, section 3.3.

    Args:
        weight: of it.
        variables: theta, a network's trainable variables.
        name: for the records.
    """
    means = [tf.Variable(tf.zeros(v.shape), trainable=False, name=f"{name}_mean") for v in variables]
    count = tf.Variable(0, dtype=tf.int64, trainable=False, name=f"{name}_count")

    def value(view: Any) -> tf.Tensor:
        del view
        distances = [tf.reduce_sum(tf.square(v.value - mean)) for v, mean in zip(variables, means, strict=True)]
        return tf.where(count > 0, tf.add_n(distances), 0.0)

    def update(rows: Rows) -> None:
        del rows
        count.assign_add(1)
        for v, mean in zip(variables, means, strict=True):
            mean.assign_add((v.value - mean) / tf.cast(count, tf.float32))

    state = {"count": count} | {f"mean/{v.path}": mean for v, mean in zip(variables, means, strict=True)}
    return Term(name=name, weight=weight, value=value, update=update, state=state)
