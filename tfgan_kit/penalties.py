"""Gradient penalties on D: where D's gradient is taken, and what is asked of its norm.

A penalty's value takes `(D, x)`, with D a function from (B, H, W, C) float32 to logits (B,), and returns (B,) float32,
not weighted. D must treat the examples of a batch on their own: batch norm in D makes the values approximate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfgan_kit import rng

Discriminator = Callable[[tf.Tensor], tf.Tensor]


class Penalty(NamedTuple):
    """One term of D's loss: `weight * mean(value(D, at(real, fake, key)))`.

    Attributes:
        name: for the records, for example "r1".
        weight: factor of the mean.
        at: `(real, fake, key) -> x`, the pictures at which the gradient is taken.
        value: `(D, x) -> (B,)`.
    """

    name: str
    weight: float
    at: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    value: Callable[[Discriminator, tf.Tensor], tf.Tensor]


def zero_centred(D: Discriminator, x: tf.Tensor) -> tf.Tensor:
    """|grad D(x)|^2: R1 at real pictures, R2 at fake ones. Mescheder et al. 2018, Eq. 9 and 10."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = D(x)
    gradient = tf.cast(tape.gradient(logits, x), tf.float32)
    return tf.reduce_sum(tf.square(gradient), axis=list(range(1, len(x.shape))))


def one_centred(D: Discriminator, x: tf.Tensor) -> tf.Tensor:
    """(|grad D(x)| - 1)^2, for pictures between real and fake. Gulrajani et al. 2017, Eq. 3."""
    # Differs from Eq. 3: a small constant under the root, whose derivative at 0 is infinite.
    return tf.square(tf.sqrt(zero_centred(D, x) + 1e-12) - 1.0)


def at_real(real: tf.Tensor, fake: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """The real pictures."""
    del fake, key
    return real


def at_fake(real: tf.Tensor, fake: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """The generated pictures."""
    del real, key
    return fake


def at_mix(real: tf.Tensor, fake: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """A uniformly drawn point on the line from each real picture to its fake one; one draw a picture."""
    share = rng.uniform(key, (real.shape[0], 1, 1, 1))
    return real + share * (fake - real)
