"""The changes of adaptive discriminator augmentation, each applied to a picture with chance p.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", section 2 and appendix B. All changes
of place become one matrix, and all changes of colour another, so a picture is resampled once, however many apply.
At p = 0 both are the identity, to the bit.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.augment.warp import affine
from tfgan_kit.rng import Key


class Op(IntEnum):
    """The changes, in their order."""

    FLIP = 0
    TURN = 1
    SHIFT = 2
    SCALE = 3
    ROTATE_BEFORE = 4
    STRETCH = 5
    ROTATE_AFTER = 6
    MOVE = 7
    BRIGHTNESS = 8
    CONTRAST = 9
    LUMA_FLIP = 10
    HUE = 11
    SATURATION = 12


class Draws(NamedTuple):
    """What decides about the changes of n pictures.

    Attributes:
        chance: (operations, n), uniform in [0, 1): an operation applies where this is below p.
        uniform: (operations, 2, n), in [0, 1): how far; the second is of those that draw twice.
        normal: likewise, of mean 0 and deviation 1.
    """

    chance: tf.Tensor
    uniform: tf.Tensor
    normal: tf.Tensor


def draw(key: Key, n: int) -> Draws:
    """The draws of one key, for n pictures: three splits of it, as many draws of its own would be slow to compile."""
    shape = (len(Op), 2, n)
    return Draws(
        rng.uniform(key, (len(Op), n), axis=1),
        rng.uniform(rng.split(key, 1), shape, axis=2),
        rng.normal(rng.split(key, 2), shape, axis=2),
    )


def spatial(x: tf.Tensor, draws: Draws, p: tf.Tensor) -> tf.Tensor:
    """Pictures moved in the plane; see `spatial_matrix`.

    Args:
        x: (B, H, W, C) float32, H and W at least 2.
        draws: of B pictures.
        p: scalar in [0, 1].

    Returns:
        (B, H, W, C) float32.
    """
    _, height, width, _ = x.shape
    # Differs from appendix B.2: bilinear samples of the picture as it is, not wavelet-filtered ones of twice its size,
    # which would cost more than a small D does.
    return affine(x, spatial_matrix(draws, height, width, p))


def colour(x: tf.Tensor, draws: Draws, p: tf.Tensor) -> tf.Tensor:
    """Pictures in other colours; see `colour_matrix`.

    Args:
        x: (B, H, W, C) float32, C of 1 or 3.
        draws: of B pictures.
        p: scalar in [0, 1].

    Returns:
        (B, H, W, C) float32; not clipped.
    """
    channels = x.shape[-1]
    matrix, offset = colour_matrix(draws, channels, p)
    # Sums, not a matrix product, which some devices take in fewer bits.
    mixed = sum(matrix[:, tf.newaxis, tf.newaxis, :, i] * x[..., i : i + 1] for i in range(channels))
    return mixed + offset[:, tf.newaxis, tf.newaxis, tf.newaxis]


def spatial_matrix(draws: Draws, height: int, width: int, p: tf.Tensor) -> tf.Tensor:
    """Drawn maps from places in the new picture to places in the old one, for `warp.affine`.

    A picture is, in this order, mirrored left to right, turned by quarters (oblong ones by halves), moved by whole
    pixels, up to an eighth of its sides, scaled by 2^(0.2 normal), rotated, stretched by 2^(0.2 normal) in one
    direction and squeezed as much across, rotated again, and moved by an eighth of its sides times a normal. Each has
    chance p, and so have the two rotations together.

    Returns:
        (n, 2, 3) float32.
    """
    zeros = tf.zeros_like(draws.chance[0])
    ones = tf.ones_like(zeros)
    flip = _sometimes(draws, Op.FLIP, p, 1.0 - 2.0 * _whole(draws.uniform[Op.FLIP, 0], 2), 1.0)
    halves = 1 if height == width else 2
    turns = _sometimes(draws, Op.TURN, p, halves * _whole(draws.uniform[Op.TURN, 0], 4 // halves), 0.0)
    # Looked up, so that a cosine of 0 is exact.
    quarters = tf.cast(turns, tf.int32)
    down, right = (
        # Differs from appendix B.1: all whole shifts are equally likely; rounded uniform ones make the longest rarer.
        _sometimes(draws, Op.SHIFT, p, _whole(draws.uniform[Op.SHIFT, i], 2 * most + 1) - most, 0.0)
        for i, most in enumerate((int(height * 0.125 + 0.5), int(width * 0.125 + 0.5)))
    )
    # The inverse of a chain is the chain of the inverses, the first change leftmost.
    total = _product(
        _linear(ones, zeros, zeros, flip),
        _rotation(tf.gather([1.0, 0.0, -1.0, 0.0], quarters), tf.gather([0.0, 1.0, 0.0, -1.0], quarters)),
    )
    total = _product(total, _translation(-down, -right))
    scale = _sometimes(draws, Op.SCALE, p, tf.pow(2.0, 0.2 * draws.normal[Op.SCALE, 0]), 1.0)
    stretch = _sometimes(draws, Op.STRETCH, p, tf.pow(2.0, 0.2 * draws.normal[Op.STRETCH, 0]), 1.0)
    # Two independent chances of this much make p for either.
    either = 1.0 - tf.sqrt(1.0 - p)
    before, after = (
        _sometimes(draws, op, either, _angle(draws.uniform[op, 0]), 0.0) for op in (Op.ROTATE_BEFORE, Op.ROTATE_AFTER)
    )
    down, right = (
        _sometimes(draws, Op.MOVE, p, 0.125 * size * draws.normal[Op.MOVE, i], 0.0)
        for i, size in enumerate((height, width))
    )
    total = _product(total, _linear(1.0 / scale, zeros, zeros, 1.0 / scale))
    total = _product(total, _rotation(tf.cos(before), tf.sin(before)))
    total = _product(total, _linear(stretch, zeros, zeros, 1.0 / stretch))
    total = _product(total, _rotation(tf.cos(after), tf.sin(after)))
    total = _product(total, _translation(-down, -right))
    return total[:, :2]


def colour_matrix(draws: Draws, channels: int, p: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Drawn maps of a pixel's colour.

    A picture is, in this order, made lighter by 0.2 normal, scaled by 2^(0.5 normal) in contrast, turned upside down in
    its lightness alone, rotated in hue, and scaled by 2^normal in saturation, each with chance p. Grey pictures know
    lightness alone: the first three.

    Returns:
        (n, C, C) float32 to multiply colours with, and (n,) float32 to add after.

    Raises:
        ValueError: C is neither 1 nor 3.
    """
    lighter = _sometimes(draws, Op.BRIGHTNESS, p, 0.2 * draws.normal[Op.BRIGHTNESS, 0], 0.0)
    contrast = _sometimes(draws, Op.CONTRAST, p, tf.pow(2.0, 0.5 * draws.normal[Op.CONTRAST, 0]), 1.0)
    luma = contrast * _sometimes(draws, Op.LUMA_FLIP, p, 1.0 - 2.0 * _whole(draws.uniform[Op.LUMA_FLIP, 0], 2), 1.0)
    if channels == 1:
        return luma[:, tf.newaxis, tf.newaxis], luma * lighter
    if channels != 3:
        raise ValueError(f"pictures must have 1 or 3 channels for changes of colour; got {channels}")
    hue = _sometimes(draws, Op.HUE, p, _angle(draws.uniform[Op.HUE, 0]), 0.0)
    chroma = contrast * _sometimes(draws, Op.SATURATION, p, tf.pow(2.0, draws.normal[Op.SATURATION, 0]), 1.0)
    # A colour is its grey, along (1, 1, 1), and the rest, across it. The first is scaled by `luma`; the rest is
    # rotated and scaled by `chroma`. `turn` is the product (1, 1, 1) x colour, the rest rotated by 90 degrees.
    same, grey = tf.eye(3), tf.fill((3, 3), 1.0 / 3.0)
    turn = tf.constant([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3.0)
    along, across, round_about = (
        share[:, tf.newaxis, tf.newaxis] for share in (luma, chroma * tf.cos(hue), chroma * tf.sin(hue))
    )
    return across * same + (along - across) * grey + round_about * turn, luma * lighter


def _whole(uniform: tf.Tensor, high: int) -> tf.Tensor:
    """Float32, whole numbers in [0, high)."""
    # The largest uniform number times `high` may be rounded up to it.
    return tf.minimum(tf.floor(high * uniform), high - 1.0)


def _angle(uniform: tf.Tensor) -> tf.Tensor:
    return math.pi * (2.0 * uniform - 1.0)


def _sometimes(draws: Draws, op: Op, p: tf.Tensor, value: tf.Tensor, neutral: float) -> tf.Tensor:
    """`value` (n,) with chance p each, else `neutral`."""
    return tf.where(draws.chance[op] < p, value, neutral)


def _linear(a: tf.Tensor, b: tf.Tensor, c: tf.Tensor, d: tf.Tensor) -> tf.Tensor:
    zeros, ones = tf.zeros_like(a), tf.ones_like(a)
    return _rows([a, b, zeros], [c, d, zeros], [zeros, zeros, ones])


def _rotation(cos: tf.Tensor, sin: tf.Tensor) -> tf.Tensor:
    return _linear(cos, -sin, sin, cos)


def _translation(down: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    zeros, ones = tf.zeros_like(down), tf.ones_like(down)
    return _rows([ones, zeros, down], [zeros, ones, right], [zeros, zeros, ones])


def _rows(*rows: list[tf.Tensor]) -> tf.Tensor:
    return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=1)


def _product(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    # Not tf.matmul, which some devices take in fewer bits.
    return tf.reduce_sum(a[:, :, :, tf.newaxis] * b[:, tf.newaxis, :, :], axis=2)
