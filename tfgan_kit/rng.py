"""Stateless random draws: each is keyed by (run seed, stream, step, replica), so none depends on what ran before."""

from __future__ import annotations

import math
from enum import IntEnum

import tensorflow as tf

from tfgan_kit.latents import PRIORS

# Jitted or not, whole numbers are the same under this algorithm; floats are not, in TensorFlow's own draws, which turn
# the same bits into other floats in XLA. So every draw here is made from whole numbers.
_ALGORITHM = "philox"


class Stream(IntEnum):
    """What a draw is for. Values are part of the run's identity: never reuse or renumber one."""

    ORDER = 0
    MIRROR = 1
    D_LATENTS = 2
    G_LATENTS = 3
    PENALTY = 4
    REAL_SHOWN = 5
    FAKE_SHOWN = 6
    G_SHOWN = 7
    LABELS = 8
    REPLAY = 9
    CONSISTENCY = 10
    PATH = 11
    G_NOISE = 12
    D_NOISE = 13
    SHARDS = 14


def key(seed: int, stream: Stream, step: tf.Tensor | int, substep: int = 0, replica: tf.Tensor | int = 0) -> tf.Tensor:
    """The key of one draw: shape (2,) int64, different for every (seed, stream, step, substep, replica).

    Args:
        seed: of the run, in [0, 2**31).
        stream: what the draw is for.
        step: train step, in [0, 2**39).
        substep: D step within the train step, below 256.
        replica: of tf.distribute, below 65,536.
    """
    low = tf.cast(step, tf.int64) * 2**24 + substep * 2**16 + tf.cast(replica, tf.int64)
    return tf.stack([tf.constant(seed * 2**16 + int(stream), tf.int64), low])


def split(key: tf.Tensor, i: int) -> tf.Tensor:
    """The i-th of 256 keys that are derived from one, where a stream needs several draws; the 0-th is `key` itself."""
    if not 0 <= i < 2**8:
        raise ValueError(f"i must be in [0, 256); got {i}")
    # Streams are numbered below 256: the 8 bits above them are free.
    return key + tf.constant([i * 2**8, 0], tf.int64)


def latents(key: tf.Tensor, n: int, z_dim: int, prior: str) -> tf.Tensor:
    """Latents for training.

    Args:
        key: (2,) int64.
        n: how many.
        z_dim: length of z.
        prior: one of `tfgan_kit.latents.PRIORS`, with the meaning given there.

    Returns:
        (n, z_dim) float32.
    """
    if prior not in PRIORS:
        raise ValueError(f"prior {prior!r} is unknown; legal: {', '.join(PRIORS)}")
    if prior == "uniform":
        return 2.0 * uniform(key, (n, z_dim)) - 1.0
    z = normal(key, (n, z_dim))
    if prior == "spherical":
        z *= tf.math.rsqrt(tf.reduce_mean(tf.square(z), axis=1, keepdims=True))
    return z


def normal(key: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Float32 of mean 0 and deviation 1. Box and Muller 1958."""
    # 1 - u is in (0, 1], so that its logarithm is finite.
    u = uniform(key, (2, *shape))
    return tf.sqrt(-2.0 * tf.math.log(1.0 - u[0])) * tf.cos(2.0 * math.pi * u[1])


def uniform(key: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Float32 in [0, 1), multiples of 2**-24."""
    return tf.cast(integers(key, shape, 2**24), tf.float32) * 2.0**-24


def integers(key: tf.Tensor, shape: tuple[int, ...], high: int) -> tf.Tensor:
    """Int32 in [0, high)."""
    return tf.random.stateless_uniform(shape, key, minval=0, maxval=high, dtype=tf.int32, alg=_ALGORITHM)
