"""Maps of twice or half the size, in forms that train fast under XLA on a CPU and are one or a few ONNX nodes."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def upsample(x: keras.KerasTensor, *, dtype: str, name: str) -> keras.KerasTensor:
    """(B, H, W, C) to (B, 2H, 2W, C): every pixel four times."""
    return Upsample(dtype=dtype, name=name)(x)


def upsample_bilinear(x: keras.KerasTensor, *, dtype: str, name: str) -> keras.KerasTensor:
    """(B, H, W, C) to (B, 2H, 2W, C): half-pixel bilinear, weights 3/4 and 1/4 on each axis, borders repeated."""
    return UpsampleBilinear(dtype=dtype, name=name)(x)


def downsample(x: keras.KerasTensor, *, dtype: str, name: str) -> keras.KerasTensor:
    """(B, H, W, C) to (B, ceil(H / 2), ceil(W / 2), C): means of 2 x 2 pixels, at an odd border of what is there."""
    return keras.layers.AveragePooling2D(2, padding="same", dtype=dtype, name=name)(x)


def pixel_shuffle(x: keras.KerasTensor, *, dtype: str, name: str) -> keras.KerasTensor:
    """(B, H, W, 4C) to (B, 2H, 2W, C): channel (2i + j) C + c is channel c of the pixel in row i, column j.

    Source: Shi et al. 2016, Eq. 4, but for the order of the channels, which here is TensorFlow's depth_to_space.
    """
    return PixelShuffle(dtype=dtype, name=name)(x)


@tf.custom_gradient
def nearest_2x(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """(B, H, W, C) to (B, 2H, 2W, C), any number of times differentiable, jittable."""

    def gradient(by_y: tf.Tensor) -> tf.Tensor:
        # XLA on a CPU has no gradient of this resize; it is the sum over the four copies.
        return tf.reduce_sum(tf.reshape(by_y, (-1, height, 2, width, 2, channels)), (2, 4))

    _, height, width, channels = x.shape
    y = tf.raw_ops.ResizeNearestNeighbor(images=x, size=(2 * height, 2 * width))
    return y, gradient


def bilinear_2x(x: tf.Tensor) -> tf.Tensor:
    """(B, H, W, C) to (B, 2H, 2W, C); jitted on a CPU several times faster than the resize, but many ONNX nodes."""
    return _bilinear_on_axis(_bilinear_on_axis(x, 1), 2)


@tf.custom_gradient
def bilinear_2x_in_one(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """`bilinear_2x` as one ONNX node."""

    def gradient(by_y: tf.Tensor) -> tf.Tensor:
        # TensorFlow's resize is differentiable only once.
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = bilinear_2x(x)
        return tape.gradient(y, x, by_y)

    return tf.cast(tf.image.resize(x, (2 * x.shape[1], 2 * x.shape[2])), x.dtype), gradient


def _bilinear_on_axis(x: tf.Tensor, axis: int) -> tf.Tensor:
    """The axis twice as long."""
    n = x.shape[axis]
    first, but_first = tf.split(x, (1, n - 1), axis)
    but_last, last = tf.split(x, (n - 1, 1), axis)
    before, after = tf.concat([first, but_last], axis), tf.concat([but_first, last], axis)
    pairs = tf.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
    return tf.reshape(pairs, (-1, *x.shape[1:axis], 2 * n, *x.shape[axis + 1 :]))


class _Double(keras.layers.Layer):
    """A layer that doubles height and width."""

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, H, W, C) to (B, 2H, 2W, C)."""
        batch, height, width, channels = input_shape
        return batch, 2 * height, 2 * width, channels  # type: ignore[operator]


@keras.saving.register_keras_serializable("tfgan_kit")
class Upsample(_Double):
    """See `upsample`."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Like `upsample`."""
        return nearest_2x(x)


@keras.saving.register_keras_serializable("tfgan_kit")
class UpsampleBilinear(_Double):
    """See `upsample_bilinear`."""

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Like `upsample_bilinear`; the two forms differ by rounding only."""
        return bilinear_2x(x) if training else bilinear_2x_in_one(x)


@keras.saving.register_keras_serializable("tfgan_kit")
class PixelShuffle(_Double):
    """See `pixel_shuffle`."""

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, H, W, 4C) to (B, 2H, 2W, C)."""
        *doubled, channels = super().compute_output_shape(input_shape)
        return *doubled, channels // 4  # type: ignore[operator]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Like `pixel_shuffle`."""
        return tf.nn.depth_to_space(x, 2)
