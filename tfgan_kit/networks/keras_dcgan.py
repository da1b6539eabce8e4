"""The DCGAN of many Keras programs, at full resolution: a heavy generator with dropout, a light discriminator."""

from __future__ import annotations

import math

import keras
from keras import layers

from tfgan_kit.networks.parts import Builder, d_inputs, g_inputs, to_images

# Channels of G's maps before the image: of the first one, and after each of the first two convolutions.
_G_MAPS = (128, 128, 64)
# Channels and strides of D's convolutions.
_D_MAPS = ((32, 2), (64, 2), (128, 2), (256, 1))
_KERNEL_PX = 3


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    classes: tuple[int, ...] = (),
    norm_momentum: float = 0.8,
    dropout: float = 0.25,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """z, and c with classes, to images: a dense layer to a full-size map, then three transposed convolutions.

    The dense layer has ReLU. The first two convolutions have batch norm, ReLU and dropout, in this order, so that the
    statistics are those of whole maps and a dropped unit is a zero for the next layer; the last has tanh.

    Args:
        resolution: height and width, px; any.
        channels: of the images.
        z_dim: length of z.
        classes: values of each label attribute; () for an unconditional generator.
        norm_momentum: of batch norm.
        dropout: share of units dropped after each of the first two convolutions.
        dtype: Keras dtype policy of the layers; the images are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from z (B, z_dim) float32 [, c (B, A) int32] [, noise] to (B, H, W, C) float32 in [-1, 1].
    """
    build = Builder(dtype=dtype, seed=seed, norm="batch", norm_momentum=norm_momentum, leak=0.0, dropout=dropout)
    z, c = g_inputs(z_dim, classes)

    first, *others = _G_MAPS
    x = build.with_classes(z, c, classes, z_dim)
    x = build.dense(x, math.prod(resolution) * first, name="start")
    x = build.act(x, name="start_act")
    x = layers.Reshape((*resolution, first), dtype=dtype, name="start_map")(x)
    for i, features in enumerate(others):
        # Batch norm takes away any bias.
        x = build.transposed(x, features, _KERNEL_PX, stride=1, bias=False, name=f"conv{i}")
        x = build.norm(x, name=f"norm{i}")
        x = build.act(x, name=f"act{i}")
        x = build.randomly(x, name=f"random{i}")
    x = build.transposed(x, channels, _KERNEL_PX, stride=1, name="image")
    return build.model([z, c], to_images(x, resolution, dtype=dtype), "generator")


def discriminator(
    *,
    resolution: tuple[int, int],
    channels: int,
    classes: tuple[int, ...] = (),
    condition: str = "projection",
    norm_momentum: float = 0.8,
    leak: float = 0.2,
    dropout: float = 0.25,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Images, and c with classes, to D's outputs: four convolutions, three of them of stride 2, and a dense layer.

    Each convolution has LeakyReLU and dropout, in this order; all but the first have batch norm before them.

    Args:
        resolution: height and width, px; any.
        channels: of the images.
        classes: values of each label attribute; () for an unconditional discriminator.
        condition: how classes are used, "projection" or "auxiliary".
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values.
        dropout: share of units dropped after every convolution.
        dtype: Keras dtype policy of the layers; the outputs are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from (B, H, W, C) float32 in [-1, 1] [, c (B, A) int32] [, noise] to `tfgan_kit.terms.Outputs`.
    """
    build = Builder(dtype=dtype, seed=seed, norm="batch", norm_momentum=norm_momentum, leak=leak, dropout=dropout)
    images, c = d_inputs((*resolution, channels), classes, condition)

    x = images
    for i, (features, stride) in enumerate(_D_MAPS):
        x = build.conv(x, features, _KERNEL_PX, stride=stride, bias=i == 0, name=f"conv{i}")
        if i:
            x = build.norm(x, name=f"norm{i}")
        x = build.act(x, name=f"act{i}")
        x = build.randomly(x, name=f"random{i}")

    x = layers.Flatten(dtype=dtype, name="flat")(x)
    outputs = build.outputs(x, c, classes, condition=condition)
    return build.model([images, c], outputs, "discriminator")
