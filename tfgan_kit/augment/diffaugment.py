"""DiffAugment: every picture that D is shown is changed at random, and G learns through the change.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training". Operations take pictures
(B, H, W, C) float32 in [-1, 1] and a key, draw once a picture, and return the same shape; they may leave [-1, 1].
An operation uses `key` and `rng.split(key, 1)` at most.
"""

from __future__ import annotations

import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.augment.warp import gather_pixels
from tfgan_kit.rng import Key
from tfgan_kit.terms import Transform


def brightness(x: tf.Tensor, key: Key) -> tf.Tensor:
    """Lighter or darker by up to 0.5."""
    return x + (_uniform(x, key) - 0.5)


def saturation(x: tf.Tensor, key: Key) -> tf.Tensor:
    """Colours 0 to 2 times as far from the pixel's own grey; grey pictures stay as they are."""
    if x.shape[-1] == 1:
        return x
    grey = tf.reduce_mean(x, axis=-1, keepdims=True)
    return grey + 2.0 * _uniform(x, key) * (x - grey)


def contrast(x: tf.Tensor, key: Key) -> tf.Tensor:
    """Values 0.5 to 1.5 times as far from the picture's mean."""
    mean = tf.reduce_mean(x, axis=[1, 2, 3], keepdims=True)
    return mean + (0.5 + _uniform(x, key)) * (x - mean)


def translation(x: tf.Tensor, key: Key, share: float = 0.125) -> tf.Tensor:
    """Moved by whole pixels, up to `share` of each side either way; 0 moves in."""
    n, height, width, _ = x.shape
    down, right = (_shift(rng.split(key, i), n, size, share) for i, size in enumerate((height, width)))
    row = (tf.range(height) - down[:, tf.newaxis])[:, :, tf.newaxis]
    column = (tf.range(width) - right[:, tf.newaxis])[:, tf.newaxis, :]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    place = tf.clip_by_value(row, 0, height - 1) * width + tf.clip_by_value(column, 0, width - 1)
    return tf.where(inside[..., tf.newaxis], gather_pixels(x, place), 0.0)


def cutout(x: tf.Tensor, key: Key, share: float = 0.5) -> tf.Tensor:
    """Without a rectangle of `share` of each side, set to 0; its centre is in the picture, its rest may not be."""
    n, height, width, _ = x.shape
    row, column = (_cut(rng.split(key, i), n, size, share) for i, size in enumerate((height, width)))
    return tf.where((row[:, :, tf.newaxis] & column[:, tf.newaxis, :])[..., tf.newaxis], 0.0, x)


COLOUR = (brightness, saturation, contrast)
GEOMETRY = (translation, cutout)
OPS = {"all": COLOUR + GEOMETRY, "colour": COLOUR, "geometry": GEOMETRY}


def diffaugment(ops: str) -> Transform:
    """The operations one after the other, on every picture.

    Args:
        ops: one of OPS.

    Raises:
        ValueError: other `ops`.
    """
    if ops not in OPS:
        raise ValueError(f"ops {ops!r} is unknown; legal: {', '.join(OPS)}")

    def apply(x: tf.Tensor, key: Key, progress: tf.Tensor) -> tf.Tensor:
        del progress
        for i, op in enumerate(OPS[ops]):
            x = op(x, rng.split(key, 2 * i))
        return x

    return Transform(apply=apply)


def _uniform(x: tf.Tensor, key: Key) -> tf.Tensor:
    return rng.uniform(key, (x.shape[0], 1, 1, 1))


def _shift(key: Key, n: int, size: int, share: float) -> tf.Tensor:
    most = int(size * share + 0.5)
    return rng.integers(key, (n,), 2 * most + 1) - most


def _cut(key: Key, n: int, size: int, share: float) -> tf.Tensor:
    """Which of `size` pixels in a row are cut out, (n, size) bool."""
    length = int(size * share + 0.5)
    # An even length has its centre between two pixels, and one place more.
    start = rng.integers(key, (n, 1), size + 1 - length % 2) - length // 2
    return (tf.range(size) >= start) & (tf.range(size) < start + length)
