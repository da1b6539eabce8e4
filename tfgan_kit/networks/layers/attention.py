"""Attention of every pixel of a map to every other one. Zhang et al. 2019."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgan_kit.networks.layers.spectral import SpectralConv2D


class SelfAttention2D(layers.Layer):
    """x + gamma * o, with o_j = sum over i of softmax_i(key(x_i) . query(x_j)) value(x_i).

    Gamma is learned and 0 at first. Query and key have C / 8 channels, at least 1; the softmax is computed in
    float32.

    Source: Zhang et al. 2019 (SAGAN), Eqs. 1 to 3.
    """

    # Differs from Eq. 2: W_v W_h, there of rank C / 8 at most, is one matrix C x C, the value.

    def __init__(self, *, init: Callable[[], keras.Initializer], spectral: bool = False, **kwargs: Any) -> None:
        """Take what gives an initializer for each of the three kernels, and whether these are normalised spectrally."""
        super().__init__(**kwargs)
        self.init = init
        self.spectral = spectral

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the three 1 x 1 convolutions and gamma."""
        channels = input_shape[-1]
        assert channels is not None
        convolution = SpectralConv2D if self.spectral else layers.Conv2D
        inner = max(channels // 8, 1)
        widths = {"query": inner, "key": inner, "value": channels}
        for name, width in widths.items():
            layer = convolution(
                width, 1, use_bias=False, kernel_initializer=self.init(), dtype=self.dtype_policy, name=name
            )
            layer.build(input_shape)
            setattr(self, name, layer)
        self.gamma = self.add_weight(shape=(), initializer="zeros", autocast=False, name="gamma")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(B, H, W, C) to the same."""
        pixels = math.prod(x.shape[1:3])
        query, key, value = (
            tf.reshape(convolution(x), (-1, pixels, convolution.filters))
            for convolution in (self.query, self.key, self.value)
        )
        # (B, j, i): the pixel that looks, the pixel that is looked at.
        share = tf.nn.softmax(tf.matmul(tf.cast(query, tf.float32), tf.cast(key, tf.float32), transpose_b=True))
        seen = tf.reshape(tf.matmul(tf.cast(share, x.dtype), value), (-1, *x.shape[1:]))
        return x + tf.cast(self.gamma, x.dtype) * seen

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Like `x`."""
        return input_shape
