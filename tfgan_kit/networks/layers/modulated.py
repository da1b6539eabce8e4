"""The convolution of a style generator: each picture scales the kernel's inputs in its own way. Karras et al. 2020."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfgan_kit.networks.layers.equalized import Equalized
from tfgan_kit.networks.layers.resample import bilinear_2x, bilinear_2x_in_one


@keras.saving.register_keras_serializable("tfgan_kit")
class ModulatedConv2D(Equalized):
    """A convolution by w'' of Eq. 3, plus a bias; "same" padding.

    w'_ijk = s_i w_ijk (Eq. 1) and w''_ijk = w'_ijk / sqrt(sum over i and k of w'_ijk^2 + 1e-8) (Eq. 3), of input i,
    output j and place k, with a style s for each picture. Computed as one convolution of all pictures: s scales its
    input and the square root, in float32, its output, which is the same.

    Source: Karras et al. 2020 (StyleGAN2), section 2.2; weights of equalized learning rate.
    """

    def __init__(
        self, filters: int, kernel_px: int, *, demodulate: bool = True, upsample: bool = False, **kwargs: Any
    ) -> None:
        """Take the shape of the kernel and two switches, and by name what Equalized takes.

        Args:
            filters: output channels.
            kernel_px: side of the kernel, px.
            demodulate: whether to divide as in Eq. 3; not in a layer that gives colours.
            upsample: whether to double height and width first, bilinearly.
            **kwargs: of Equalized.
        """
        super().__init__(**kwargs)
        self.filters, self.kernel_px = filters, kernel_px
        self.demodulate, self.upsample = demodulate, upsample

    def build(self, x_shape: tuple[int, ...], style_shape: tuple[int, ...]) -> None:
        """Make the kernel (h, w, in, out) and the bias."""
        self.make_weights((self.kernel_px, self.kernel_px, x_shape[-1], self.filters))

    def call(self, x: tf.Tensor, style: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps (B, H, W, in) and s (B, in) to (B, H, W, out) or (B, 2H, 2W, out) in the compute dtype."""
        kernel = self.scaled_kernel()
        x = x * tf.cast(style, x.dtype)[:, None, None, :]
        if self.upsample:
            x = bilinear_2x(x) if training else bilinear_2x_in_one(x)
        y = tf.nn.conv2d(x, tf.cast(kernel, x.dtype), 1, "SAME")
        if self.demodulate:
            squares = tf.matmul(tf.square(tf.cast(style, tf.float32)), tf.reduce_sum(tf.square(kernel), (0, 1)))
            y = y * tf.cast(tf.math.rsqrt(squares + 1e-8), y.dtype)[:, None, None, :]
        return self.with_bias(y)

    def compute_output_shape(self, x_shape: tuple[int, ...], style_shape: tuple[int, ...]) -> tuple[int, ...]:
        """(B, H, W, in) and (B, in) to (B, H, W, out) or (B, 2H, 2W, out)."""
        batch, height, width, _ = x_shape
        times = 2 if self.upsample else 1
        return batch, times * height, times * width, self.filters

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        names = ("filters", "kernel_px", "demodulate", "upsample")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
