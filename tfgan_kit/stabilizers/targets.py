"""D's targets for real and fake pictures: hard ones, or drawn from ranges, with some exchanged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.rng import Key

# (key, n) -> targets of n real and of n fake pictures, floats or (n,) float32.
Target: TypeAlias = tf.Tensor | float
Targets = Callable[[Key, int], tuple[Target, Target]]


def hard_targets(key: Key, n: int) -> tuple[float, float]:
    """1 for real, 0 for fake."""
    del key, n
    return 1.0, 0.0


def soft_targets(*, real: tuple[float, float], fake: tuple[float, float], flips: float) -> Targets:
    """Targets drawn uniformly from ranges; one-sided smoothing is real (0.9, 0.9), fake (0, 0). Salimans et al. 2016.

    Args:
        real: lowest and highest target of a real picture.
        fake: of a fake one.
        flips: probability in [0, 1] with which a picture, real or fake, gets a draw of the other kind's range.
    """

    def targets(key: Key, n: int) -> tuple[tf.Tensor, tf.Tensor]:
        as_real = _between(real, rng.uniform(key, (n,)))
        as_fake = _between(fake, rng.uniform(rng.split(key, 1), (n,)))
        flip_real, flip_fake = tf.unstack(rng.uniform(rng.split(key, 2), (2, n), axis=1) < flips)
        return tf.where(flip_real, as_fake, as_real), tf.where(flip_fake, as_real, as_fake)

    return targets


def _between(ends: tuple[float, float], share: tf.Tensor) -> tf.Tensor:
    low, high = ends
    return low + (high - low) * share
