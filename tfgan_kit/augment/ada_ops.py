"""The changes of adaptive discriminator augmentation, each applied to a picture with chance p.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", section 2 and appendix B. All changes
of place become one matrix, and all changes of colour another, so a picture is resampled once, however many apply.
At p = 0 both are the identity, to the bit.
"""

from __future__ import annotations

import math
from enum import IntEnum

import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.augment.warp import affine


class Op(IntEnum):
    """The draws of one key: operation i has the splits 3 * i (whether), and 3 * i + 1 and 3 * i + 2 (how far)."""

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


def spatial(x: tf.Tensor, key: tf.Tensor, p: tf.Tensor, *, general: bool) -> tf.Tensor:
    """Pictures moved in the plane; see `spatial_matrix`.

    Args:
        x: (B, H, W, C) float32, H and W at least 2.
        key: (2,) int64.
        p: scalar in [0, 1].
        general: whether beside flips, quarter turns and whole pixels.

    Returns:
        (B, H, W, C) float32.
    """
    n, height, width, _ = x.shape
    # Differs from appendix B.2: bilinear samples of the picture as it is, not wavelet-filtered ones of twice its size,
    # which would cost more than a small D does.
    return affine(x, spatial_matrix(key, n, height, width, p, general=general))


def colour(x: tf.Tensor, key: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    """Pictures in other colours; see `colour_matrix`.

    Args:
        x: (B, H, W, C) float32, C of 1 or 3.
        key: (2,) int64.
        p: scalar in [0, 1].

    Returns:
        (B, H, W, C) float32; not clipped.
    """
    n, channels = x.shape[0], x.shape[-1]
    matrix, offset = colour_matrix(key, n, channels, p)
    # Sums, not a matrix product, which some devices take in fewer bits.
    mixed = sum(matrix[:, tf.newaxis, tf.newaxis, :, i] * x[..., i : i + 1] for i in range(channels))
    return mixed + offset[:, tf.newaxis, tf.newaxis, tf.newaxis]


def spatial_matrix(key: tf.Tensor, n: int, height: int, width: int, p: tf.Tensor, *, general: bool) -> tf.Tensor:
    """Drawn maps from places in the new picture to places in the old one, for `warp.affine`.

    A picture is, in this order, mirrored left to right, turned by quarters (oblong ones by halves) and moved by whole
    pixels, up to an eighth of its sides; and, if `general`, scaled by 2^(0.2 normal), rotated, stretched by
    2^(0.2 normal) in one direction and squeezed as much across, rotated again, and moved by an eighth of its sides
    times a normal. Each has chance p, and so have the two rotations together.

    Returns:
        (n, 2, 3) float32.
    """
    ones, zeros = tf.ones((n,)), tf.zeros((n,))
    flip = _sometimes(key, Op.FLIP, p, 1.0 - 2.0 * _whole(key, Op.FLIP, n, 2), 1.0)
    halves = 1 if height == width else 2
    turns = _sometimes(key, Op.TURN, p, halves * _whole(key, Op.TURN, n, 4 // halves), 0.0)
    # Looked up, so that a cosine of 0 is exact.
    quarters = tf.cast(turns, tf.int32)
    down, right = (
        # Differs from appendix B.1: all whole shifts are equally likely; rounded uniform ones make the longest rarer.
        _sometimes(key, Op.SHIFT, p, _whole(key, Op.SHIFT, n, 2 * most + 1, i) - most, 0.0)
        for i, most in enumerate((int(height * 0.125 + 0.5), int(width * 0.125 + 0.5)))
    )
    # The inverse of a chain is the chain of the inverses, the first change leftmost.
    total = _product(
        _linear(ones, zeros, zeros, flip),
        _rotation(tf.gather([1.0, 0.0, -1.0, 0.0], quarters), tf.gather([0.0, 1.0, 0.0, -1.0], quarters)),
    )
    total = _product(total, _translation(-down, -right))
    if general:
        scale = _sometimes(key, Op.SCALE, p, tf.pow(2.0, 0.2 * _normal(key, Op.SCALE, n)), 1.0)
        stretch = _sometimes(key, Op.STRETCH, p, tf.pow(2.0, 0.2 * _normal(key, Op.STRETCH, n)), 1.0)
        # Two independent chances of this much make p for either.
        either = 1.0 - tf.sqrt(1.0 - p)
        before, after = (
            _sometimes(key, op, either, math.pi * (2.0 * rng.uniform(_split(key, op, 1), (n,)) - 1.0), 0.0)
            for op in (Op.ROTATE_BEFORE, Op.ROTATE_AFTER)
        )
        down, right = (
            _sometimes(key, Op.MOVE, p, 0.125 * size * _normal(key, Op.MOVE, n, i), 0.0)
            for i, size in enumerate((height, width))
        )
        total = _product(total, _linear(1.0 / scale, zeros, zeros, 1.0 / scale))
        total = _product(total, _rotation(tf.cos(before), tf.sin(before)))
        total = _product(total, _linear(stretch, zeros, zeros, 1.0 / stretch))
        total = _product(total, _rotation(tf.cos(after), tf.sin(after)))
        total = _product(total, _translation(-down, -right))
    return total[:, :2]


def colour_matrix(key: tf.Tensor, n: int, channels: int, p: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Drawn maps of a pixel's colour.

    A picture is, in this order, made lighter by 0.2 normal, scaled by 2^(0.5 normal) in contrast, turned upside down in
    its lightness alone, rotated in hue, and scaled by 2^normal in saturation, each with chance p. Grey pictures know
    lightness alone: the first three.

    Returns:
        (n, C, C) float32 to multiply colours with, and (n,) float32 to add after.

    Raises:
        ValueError: C is neither 1 nor 3.
    """
    lighter = _sometimes(key, Op.BRIGHTNESS, p, 0.2 * _normal(key, Op.BRIGHTNESS, n), 0.0)
    contrast = _sometimes(key, Op.CONTRAST, p, tf.pow(2.0, 0.5 * _normal(key, Op.CONTRAST, n)), 1.0)
    luma = contrast * _sometimes(key, Op.LUMA_FLIP, p, 1.0 - 2.0 * _whole(key, Op.LUMA_FLIP, n, 2), 1.0)
    if channels == 1:
        return luma[:, tf.newaxis, tf.newaxis], luma * lighter
    if channels != 3:
        raise ValueError(f"pictures must have 1 or 3 channels for changes of colour; got {channels}")
    hue = _sometimes(key, Op.HUE, p, math.pi * (2.0 * rng.uniform(_split(key, Op.HUE, 1), (n,)) - 1.0), 0.0)
    chroma = contrast * _sometimes(key, Op.SATURATION, p, tf.pow(2.0, _normal(key, Op.SATURATION, n)), 1.0)
    # A colour is its grey, along (1, 1, 1), and the rest, across it. The first is scaled by `luma`; the rest is
    # rotated and scaled by `chroma`. `turn` is the product (1, 1, 1) x colour, the rest rotated by 90 degrees.
    same, grey = tf.eye(3), tf.fill((3, 3), 1.0 / 3.0)
    turn = tf.constant([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3.0)
    along, across, round_about = (
        share[:, tf.newaxis, tf.newaxis] for share in (luma, chroma * tf.cos(hue), chroma * tf.sin(hue))
    )
    return across * same + (along - across) * grey + round_about * turn, luma * lighter


def _split(key: tf.Tensor, op: Op, i: int) -> tf.Tensor:
    return rng.split(key, 3 * op + i)


def _normal(key: tf.Tensor, op: Op, n: int, i: int = 0) -> tf.Tensor:
    return rng.normal(_split(key, op, 1 + i), (n,))


def _whole(key: tf.Tensor, op: Op, n: int, high: int, i: int = 0) -> tf.Tensor:
    """(n,) float32, whole numbers in [0, high)."""
    return tf.cast(rng.integers(_split(key, op, 1 + i), (n,), high), tf.float32)


def _sometimes(key: tf.Tensor, op: Op, p: tf.Tensor, value: tf.Tensor, neutral: float) -> tf.Tensor:
    """`value` (n,) with chance p each, else `neutral`; one chance for all draws of an operation."""
    return tf.where(rng.uniform(_split(key, op, 0), value.shape) < p, value, neutral)


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
