"""The exponential moving average of a network's weights."""

from __future__ import annotations

import keras
import tensorflow as tf


def decay_for(nimg: tf.Tensor, batch_size: int, halflife_kimg: float, rampup: float) -> tf.Tensor:
    """The share of the old average that one step keeps, so that its half-life is counted in images.

    Args:
        nimg: images seen before this step, float scalar.
        batch_size: images a step.
        halflife_kimg: half-life, kimg; 0 keeps nothing.
        rampup: the half-life is at most this share of `nimg`; 0: no such bound.

    Returns:
        Float32 scalar in [0, 1).
    """
    if not halflife_kimg:
        return tf.constant(0.0)
    halflife = tf.constant(halflife_kimg * 1000.0)
    if rampup:
        halflife = tf.minimum(halflife, tf.cast(nimg, tf.float32) * rampup)
    return tf.pow(0.5, batch_size / tf.maximum(halflife, 1e-8))


def update(average: keras.Model, model: keras.Model, decay: tf.Tensor) -> None:
    """Move `average` towards `model`; both have the same architecture.

    Trainable weights are interpolated. The others, such as batch norm's moving statistics, are averages already and
    are copied.
    """
    for old, new in zip(average.trainable_variables, model.trainable_variables, strict=True):
        old.assign(new.value + decay * (old.value - new.value))
    for old, new in zip(average.non_trainable_variables, model.non_trainable_variables, strict=True):
        old.assign(new.value)
