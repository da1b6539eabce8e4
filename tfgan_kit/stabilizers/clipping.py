"""Weights held within a bound, the first way of keeping D's slope in bounds."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf


def clip_weights(bound: float) -> Callable[[keras.Model], None]:
    """A function to call with D after each of its steps: clips every trainable variable to [-bound, bound].

    Kernels and biases alike, and the scales of normalisations. Arjovsky et al. 2017, Algorithm 1.
    """

    def clip(D: keras.Model) -> None:
        for variable in D.trainable_variables:
            variable.assign(tf.clip_by_value(variable.value, -bound, bound))

    return clip
