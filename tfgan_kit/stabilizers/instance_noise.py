"""Noise on all that D is shown, which fades as the run goes on."""

from __future__ import annotations

import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.rng import Key
from tfgan_kit.terms import Transform


def instance_noise(std: float, until: float) -> Transform:
    """Normal noise of deviation std * max(0, 1 - progress / until). Sonderby et al. 2017; Arjovsky and Bottou 2017.

    Args:
        std: deviation at the start, on pictures in [-1, 1].
        until: share of the run at which it reaches 0, in (0, 1].
    """

    def apply(x: tf.Tensor, key: Key, progress: tf.Tensor) -> tf.Tensor:
        deviation = std * tf.maximum(1.0 - progress / until, 0.0)
        return x + deviation * rng.normal(key, tuple(x.shape))

    return Transform(apply=apply)
