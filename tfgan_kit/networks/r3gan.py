"""The plain residual networks of R3GAN: no normalisation, nothing but convolutions, LeakyReLU and resampling.

Source: Huang et al. 2024, "The GAN is dead; long live the GAN! A modern GAN baseline". What makes them train without
normalisation is the initialisation (Zhang et al. 2019, Fixup), and in D the penalties R1 and R2.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgan_kit.networks.layers.resample import downsample, upsample_bilinear
from tfgan_kit.networks.parts import Builder, d_inputs, g_inputs, halved, halvings, to_images, widths

# Layers of a block that its residual's scale is shared between.
_LAYERS = 3


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    classes: tuple[int, ...] = (),
    width: int = 64,
    max_width: int = 512,
    start_px: int = 7,
    blocks: int = 1,
    leak: float = 0.2,
    noise: float = 0.0,
    dropout: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """z, and c with classes, to images.

    Args:
        resolution: height and width, px; any, the last map is cropped to it.
        channels: of the images.
        z_dim: length of z.
        classes: values of each label attribute; () for an unconditional generator.
        width: channels of the map of the image's size, doubled at each halving.
        max_width: upper bound of the channels.
        start_px: the first map's shorter side is at most this, px.
        blocks: residual blocks at each size.
        leak: slope of LeakyReLU for negative values.
        noise: deviation of the noise after every block.
        dropout: share of units dropped there.
        dtype: Keras dtype policy of the layers; the images are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from z (B, z_dim) float32 [, c (B, A) int32] [, noise] to (B, H, W, C) float32 in [-1, 1].
    """
    build = Builder(dtype=dtype, seed=seed, init="he", leak=leak, noise=noise, dropout=dropout)
    ups = halvings(resolution, start_px)
    maps = widths(width, ups + 1, max_width)[::-1]
    z, c = g_inputs(z_dim, classes)

    # z says how much of each channel of a learned map there is.
    x = build.with_classes(z, c, classes, z_dim)
    x = layers.Dense(maps[0], use_bias=False, kernel_initializer=_scaled(build, 1.0), dtype=dtype, name="start")(x)
    x = Basis(halved(resolution, ups), seed=build.init.next_seed(), dtype=dtype, name="basis")(x)

    # Blocks; then twice the map.
    for i, features in enumerate(maps):
        if i:
            x = _channels(build, x, features, name=f"up{i}_channels")
            x = upsample_bilinear(x, dtype=dtype, name=f"up{i}")
        for j in range(blocks):
            x = _block(build, x, leak, len(maps) * blocks, name=f"block{i}_{j}")

    # Differs from the paper, whose images are not bounded: ours are in [-1, 1], by tanh.
    x = _conv(build, x, channels, 1, 1.0, name="image")
    return build.model([z, c], to_images(x, resolution, dtype=dtype), "generator")


def discriminator(
    *,
    resolution: tuple[int, int],
    channels: int,
    classes: tuple[int, ...] = (),
    condition: str = "projection",
    width: int = 64,
    max_width: int = 512,
    end_px: int = 4,
    blocks: int = 1,
    leak: float = 0.2,
    dropout: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Images, and c with classes, to D's outputs.

    Args:
        resolution: height and width, px; any.
        channels: of the images.
        classes: values of each label attribute; () for an unconditional discriminator.
        condition: how classes are used, "projection" or "auxiliary".
        width: channels of the map of the image's size, doubled at each halving.
        max_width: upper bound of the channels.
        end_px: the last map's shorter side is at most this, px.
        blocks: residual blocks at each size.
        leak: slope of LeakyReLU for negative values.
        dropout: share of units dropped after every block.
        dtype: Keras dtype policy of the layers; the outputs are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from (B, H, W, C) float32 in [-1, 1] [, c (B, A) int32] [, noise] to `tfgan_kit.terms.Outputs`.
    """
    build = Builder(dtype=dtype, seed=seed, leak=leak, dropout=dropout)
    images, c = d_inputs((*resolution, channels), classes, condition)
    maps = widths(width, halvings(resolution, end_px) + 1, max_width)

    # Blocks; then half the map.
    x = _conv(build, images, maps[0], 1, 1.0, name="from_image")
    for i, features in enumerate(maps):
        if i:
            x = downsample(x, dtype=dtype, name=f"down{i}")
            x = _channels(build, x, features, name=f"down{i}_channels")
        for j in range(blocks):
            x = _block(build, x, leak, len(maps) * blocks, name=f"block{i}_{j}")

    x = OntoBasis(seed=build.init.next_seed(), dtype=dtype, name="basis")(x)
    return build.model([images, c], build.outputs(x, c, classes, condition=condition), "discriminator")


@keras.saving.register_keras_serializable("tfgan_kit")
class Basis(layers.Layer):
    """A learned map whose channels a vector scales: (B, C) to (B, height, width, C)."""

    def __init__(self, size: tuple[int, int], *, seed: int, **options: Any) -> None:
        """Say height and width, and the seed of the initial map, which is standard normal."""
        super().__init__(**options)
        self.size, self.seed = tuple(size), seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the map."""
        normal = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        self.map = self.add_weight(shape=(*self.size, input_shape[-1]), initializer=normal, name="map")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(B, C) to (B, height, width, C)."""
        return x[:, None, None, :] * tf.convert_to_tensor(self.map)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, C) to (B, height, width, C)."""
        return input_shape[0], *self.size, input_shape[-1]

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {**super().get_config(), "size": self.size, "seed": self.seed}


@keras.saving.register_keras_serializable("tfgan_kit")
class OntoBasis(layers.Layer):
    """The product of each channel with a learned map: (B, H, W, C) to (B, C). A depth-wise convolution of one place."""

    def __init__(self, *, seed: int, **options: Any) -> None:
        """Say the seed of the initial map, which keeps the variance."""
        super().__init__(**options)
        self.seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the map."""
        height, width, channels = input_shape[1:]
        normal = keras.initializers.RandomNormal(stddev=(height * width) ** -0.5, seed=self.seed)  # type: ignore[operator]
        self.map = self.add_weight(shape=(height, width, channels), initializer=normal, name="map")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(B, H, W, C) to (B, C)."""
        return tf.reduce_sum(x * tf.convert_to_tensor(self.map), (1, 2))

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {**super().get_config(), "seed": self.seed}


def _block(build: Builder, x: Any, leak: float, count: int, *, name: str) -> keras.KerasTensor:
    """A residual block, the identity at the start, in a network of `count` such blocks."""
    features = x.shape[-1]
    # Fixup: the inner layers together scale the residual's variance by count^(-1), the last one is 0.
    gain = math.sqrt(2.0 / (1.0 + leak**2)) * count ** (-1.0 / (2 * _LAYERS - 2))
    y = _conv(build, x, features, 1, gain, bias=True, name=f"{name}_conv0")
    y = build.act(y, name=f"{name}_act0")
    # Differs from the paper, where this layer is grouped and has twice the channels: tf2onnx converts no groups.
    y = _conv(build, y, features, 3, gain, bias=True, name=f"{name}_conv1")
    y = build.act(y, name=f"{name}_act1")
    y = _conv(build, y, features, 1, 0.0, name=f"{name}_conv2")
    return build.randomly(layers.Add(dtype=build.dtype, name=name)([x, y]), name=name)


def _channels(build: Builder, x: Any, features: int, *, name: str) -> keras.KerasTensor:
    """`x` with so many channels; `x` itself where it has them."""
    return x if x.shape[-1] == features else _conv(build, x, features, 1, 1.0, name=name)


def _conv(
    build: Builder, x: Any, features: int, kernel_px: int, gain: float, *, name: str, bias: bool = False
) -> keras.KerasTensor:
    return layers.Conv2D(
        features, kernel_px, padding="same", use_bias=bias,
        kernel_initializer=_scaled(build, gain), dtype=build.dtype, name=name,
    )(x)  # fmt: skip


def _scaled(build: Builder, gain: float) -> keras.Initializer:
    """Normal of deviation gain / sqrt(inputs); 0 for a gain of 0. He et al. 2015, Eq. 10."""
    seed = build.init.next_seed()
    if gain == 0.0:
        return keras.initializers.Zeros()
    return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal", seed=seed)
