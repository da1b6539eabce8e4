"""Optimizers that begin anew when a network's new layers begin."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf


def reset_at(
    moments_kimg: Sequence[float], nimg: tf.Tensor, img_per_step: int, optimizers: Sequence[keras.Optimizer]
) -> None:
    """Set optimizers back to their start in the step in which one of the moments is reached; else leave them alone.

    Layers that had no gradient so far would otherwise take their first steps with a bias correction that is spent, up
    to 1 / sqrt(1 - beta2) times too large. Karras et al. 2018 do so at every new resolution.

    Args:
        moments_kimg: kimg.
        nimg: images seen before this step, float32 scalar.
        img_per_step: images a step.
        optimizers: whose slots, iterations and nothing else are set to 0.
    """
    moments = tf.constant(list(moments_kimg), tf.float32) * 1000.0
    reached = tf.reduce_any((nimg >= moments) & (nimg - img_per_step < moments))
    for optimizer in optimizers:
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        for variable in inner.variables:
            if variable is not inner._learning_rate:
                variable.assign(tf.where(reached, tf.zeros_like(variable.value), variable.value))
