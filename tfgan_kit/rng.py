"""Stateless random draws: each is keyed by (run seed, stream, step), so none depends on what ran before.

Nor on how a batch is cut: a part of a batch draws the numbers of the whole one, and keeps those of its own pictures.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

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
    CROP = 15


class Part(NamedTuple):
    """Which of equal parts of a batch, each of pictures in a row.

    Attributes:
        which: int32 scalar in [0, parts).
        parts: how many the batch has.
    """

    which: tf.Tensor | int = 0
    parts: int = 1


WHOLE = Part()


class Key(NamedTuple):
    """What a draw depends on.

    Attributes:
        numbers: (2,) int64.
        part: whose pictures are drawn for.
    """

    numbers: tf.Tensor
    part: Part = WHOLE


def key(seed: int, stream: Stream, step: tf.Tensor | int, substep: tf.Tensor | int = 0, part: Part = WHOLE) -> Key:
    """The key of one draw, different for every (seed, stream, step, substep).

    Args:
        seed: of the run, in [0, 2**31).
        stream: what the draw is for.
        step: train step, in [0, 2**39).
        substep: D step within the train step, below 256.
        part: of the batch that the draw is for.
    """
    low = tf.cast(step, tf.int64) * 2**24 + tf.cast(substep, tf.int64) * 2**16
    return Key(tf.stack([tf.constant(seed * 2**16 + int(stream), tf.int64), low]), part)


def split(key: Key, i: int) -> Key:
    """The i-th of 256 keys that are derived from one, where a stream needs several draws; the 0-th is `key` itself."""
    if not 0 <= i < 2**8:
        raise ValueError(f"i must be in [0, 256); got {i}")
    # Streams are numbered below 256: the 8 bits above them are free.
    return key._replace(numbers=key.numbers + tf.constant([i * 2**8, 0], tf.int64))


def latents(key: Key, n: int, z_dim: int, prior: str) -> tf.Tensor:
    """Latents for training.

    Args:
        key: of the draw.
        n: how many, of the key's part.
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


def normal(key: Key, shape: tuple[int, ...], axis: int | None = 0) -> tf.Tensor:
    """Float32 of mean 0 and deviation 1. Box and Muller 1958. Arguments as for `integers`."""
    # 1 - u is in (0, 1], so that its logarithm is finite.
    u = uniform(key, (2, *shape), None if axis is None else axis + 1)
    return tf.sqrt(-2.0 * tf.math.log(1.0 - u[0])) * tf.cos(2.0 * math.pi * u[1])


def uniform(key: Key, shape: tuple[int, ...], axis: int | None = 0) -> tf.Tensor:
    """Float32 in [0, 1), multiples of 2**-24. Arguments as for `integers`."""
    return tf.cast(integers(key, shape, 2**24, axis), tf.float32) * 2.0**-24


def integers(key: Key, shape: tuple[int, ...], high: int, axis: int | None = 0) -> tf.Tensor:
    """Int32 in [0, high).

    Args:
        key: of the draw.
        shape: of the result.
        high: above 0.
        axis: which axis counts the pictures of the key's part; None: none does, and every part gets the same.
    """
    which, parts = key.part
    if axis is None or parts == 1:
        return _integers(key.numbers, shape, high)
    n = shape[axis]
    whole = _integers(key.numbers, (*shape[:axis], parts * n, *shape[axis + 1 :]), high)
    begin: list[tf.Tensor | int] = [0] * len(shape)
    begin[axis] = which * n
    return tf.ensure_shape(tf.slice(whole, tf.stack(begin), shape), shape)


def _integers(numbers: tf.Tensor, shape: tuple[int, ...], high: int) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, numbers, minval=0, maxval=high, dtype=tf.int32, alg=_ALGORITHM)
