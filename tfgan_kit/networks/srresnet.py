"""SRResNet with pixel shuffle, and a residual discriminator without norm. Jin et al. 2017."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from tfgan_kit.networks.parts import (
    Builder,
    batch_statistics,
    d_inputs,
    g_inputs,
    halved,
    halvings,
    needs_bias,
    to_images,
    widths,
)

_KERNEL_PX = 3
_IMAGE_KERNEL_PX = 9
# Sides of the kernels of D's strided convolutions, from the first on; the last one stands for all that follow.
_STRIDED_KERNELS_PX = (4, 4, 4, 3)


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    classes: tuple[int, ...] = (),
    width: int = 64,
    start_px: int = 16,
    blocks: int = 16,
    norm: str = "batch",
    norm_momentum: float = 0.9,
    leak: float = 0.0,
    spectral_norm: bool = False,
    noise: float = 0.0,
    dropout: float = 0.0,
    init: str = "glorot",
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """z, and c with classes, to images.

    Args:
        resolution: height and width, px; any, the last map is cropped to it.
        channels: of the images.
        z_dim: length of z.
        classes: values of each label attribute; () for an unconditional generator.
        width: channels of all maps.
        start_px: the first map's shorter side is at most this, px; it is doubled up to the resolution.
        blocks: residual blocks in a row on the first map.
        norm: normalisation after every layer but the last.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values; 0 is ReLU.
        spectral_norm: divide every kernel by its largest singular value.
        noise: deviation of the noise after every activation.
        dropout: share of units dropped there.
        init: distribution of the initial weights.
        dtype: Keras dtype policy of the layers; the images are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from z (B, z_dim) float32 [, c (B, A) int32] [, noise] to (B, H, W, C) float32 in [-1, 1].
    """
    build = Builder(
        dtype=dtype, seed=seed, init=init, norm=norm, norm_momentum=norm_momentum, leak=leak,
        spectral_norm=spectral_norm, noise=noise, dropout=dropout,
    )  # fmt: skip
    ups = halvings(resolution, start_px)
    height, breadth = halved(resolution, ups)
    bias = needs_bias(norm)
    z, c = g_inputs(z_dim, classes)

    # A vector to the first map.
    # Differs from Jin et al.: a learned embedding of each attribute stands beside z, not its values as -1 and 1,
    # so that an attribute may have more than two values.
    x = build.with_classes(z, c, classes, z_dim)
    x = build.dense(x, height * breadth * width, name="start")
    x = layers.Reshape((height, breadth, width), dtype=dtype, name="start_map")(x)
    start = x = build.activated(x, name="start")

    # Refine it at its own size.
    for i in range(blocks):
        x = _g_block(build, x, width, bias=bias, name=f"block{i}")
    x = build.activated(x, name="blocks")
    x = layers.Add(dtype=dtype, name="long_skip")([x, start])

    # Double it up to the image's size.
    for i in range(ups):
        x = build.up(x, width, _KERNEL_PX, "pixel_shuffle", bias=bias, name=f"up{i}")
        x = build.activated(x, name=f"up{i}")
    x = build.conv(x, channels, _IMAGE_KERNEL_PX, name="image")
    return build.model([z, c], to_images(x, resolution, dtype=dtype), "generator")


def discriminator(
    *,
    resolution: tuple[int, int],
    channels: int,
    classes: tuple[int, ...] = (),
    condition: str = "auxiliary",
    width: int = 32,
    max_width: int = 1024,
    end_px: int = 2,
    blocks: int = 2,
    leak: float = 0.2,
    spectral_norm: bool = False,
    dropout: float = 0.0,
    minibatch: str = "none",
    init: str = "glorot",
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Images, and c with classes, to D's outputs. There is no norm, for which a gradient penalty leaves no place.

    Args:
        resolution: height and width, px; any.
        channels: of the images.
        classes: values of each label attribute; () for an unconditional discriminator.
        condition: how classes are used, "projection" or "auxiliary".
        width: channels of the first map, doubled at each halving.
        max_width: upper bound of the channels.
        end_px: the last map's shorter side is at most this, px.
        blocks: residual blocks on every map but the last.
        leak: slope of LeakyReLU for negative values.
        spectral_norm: divide every kernel by its largest singular value.
        dropout: share of units dropped after every activation.
        minibatch: what is compared within a batch, "none", "stddev" or "discrimination".
        init: distribution of the initial weights.
        dtype: Keras dtype policy of the layers; the outputs are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from (B, H, W, C) float32 in [-1, 1] [, c (B, A) int32] [, noise] to `tfgan_kit.terms.Outputs`.
    """
    build = Builder(dtype=dtype, seed=seed, init=init, leak=leak, spectral_norm=spectral_norm, dropout=dropout)
    images, c = d_inputs((*resolution, channels), classes, condition)
    maps = widths(width, max(halvings(resolution, end_px), 1), max_width)

    # Halve the map, and refine it at each size.
    x = images
    for i, features in enumerate(maps):
        kernel_px = _STRIDED_KERNELS_PX[min(i, len(_STRIDED_KERNELS_PX) - 1)]
        x = build.conv(x, features, kernel_px, stride=2, name=f"down{i}")
        x = build.activated(x, name=f"down{i}")
        for j in range(blocks if i < len(maps) - 1 else 0):
            x = _d_block(build, x, features, name=f"block{i}_{j}")

    x = batch_statistics(x, minibatch, dtype=dtype)
    x = layers.Flatten(dtype=dtype, name="flat")(x)
    outputs = build.outputs(x, c, classes, condition=condition, minibatch=minibatch)
    return build.model([images, c], outputs, "discriminator")


def _g_block(build: Builder, x: Any, features: int, *, bias: bool, name: str) -> keras.KerasTensor:
    """(B, H, W, C) -> (B, H, W, C): two convolutions, each with a norm, and nothing after the sum."""
    residual = build.conv(x, features, _KERNEL_PX, bias=bias, name=f"{name}_conv_a")
    residual = build.activated(residual, name=f"{name}_a")
    residual = build.conv(residual, features, _KERNEL_PX, bias=bias, name=f"{name}_conv_b")
    residual = build.norm(residual, name=f"{name}_b_norm")
    return layers.Add(dtype=build.dtype, name=name)([x, residual])


def _d_block(build: Builder, x: Any, features: int, *, name: str) -> keras.KerasTensor:
    """(B, H, W, C) -> (B, H, W, C): two convolutions, and an activation after the sum."""
    residual = build.conv(x, features, _KERNEL_PX, name=f"{name}_conv_a")
    residual = build.activated(residual, name=f"{name}_a")
    residual = build.conv(residual, features, _KERNEL_PX, name=f"{name}_conv_b")
    x = layers.Add(dtype=build.dtype, name=name)([x, residual])
    return build.activated(x, name=f"{name}_b")
