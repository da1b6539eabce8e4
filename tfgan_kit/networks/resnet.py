"""ResNets whose residual blocks change the map's size. Miyato et al. 2018, Tables 3 and 4; Gulrajani et al. 2017."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from tfgan_kit.networks.layers.resample import downsample, upsample
from tfgan_kit.networks.parts import (
    Builder,
    batch_statistics,
    check_attention,
    d_inputs,
    g_inputs,
    halved,
    halvings,
    needs_bias,
    to_images,
    widths,
)

_KERNEL_PX = 3


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    classes: tuple[int, ...] = (),
    width: int = 64,
    max_width: int = 512,
    start_px: int = 4,
    norm: str = "batch",
    norm_momentum: float = 0.9,
    leak: float = 0.0,
    spectral_norm: bool = False,
    attention_px: int = 0,
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
        width: channels of the last map before the image, doubled at each halving.
        max_width: upper bound of the channels; equal to `width` they are the same everywhere, as in Table 4.
        start_px: the first map's shorter side is at most this, px.
        norm: normalisation before every activation.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values; 0 is ReLU.
        spectral_norm: divide every kernel by its largest singular value.
        attention_px: side of the map that gets self-attention, px; 0: none.
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
    first, *others = widths(width, ups + 1, max_width)[::-1]
    check_attention("g", attention_px, [min(height, breadth) * 2**i for i in range(ups + 1)])
    z, c = g_inputs(z_dim, classes)

    # A vector to the smallest map.
    # Differs from Miyato and Koyama 2018: classes enter beside z and not in batch norm, so that any norm will do.
    x = build.with_classes(z, c, classes, z_dim)
    x = build.dense(x, height * breadth * first, name="start")
    x = layers.Reshape((height, breadth, first), dtype=dtype, name="start_map")(x)
    x = build.attention(x, attention_px, name="start_attention")

    # Double the map up to the image's size.
    for i, features in enumerate(others):
        x = _up_block(build, x, features, bias=needs_bias(norm), name=f"block{i}")
        x = build.attention(x, attention_px, name=f"attention{i}")

    # To the image.
    x = build.activated(x, name="last")
    x = build.conv(x, channels, _KERNEL_PX, name="image")
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
    norm: str = "none",
    norm_momentum: float = 0.9,
    leak: float = 0.0,
    spectral_norm: bool = False,
    attention_px: int = 0,
    dropout: float = 0.0,
    minibatch: str = "none",
    init: str = "glorot",
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Images, and c with classes, to D's outputs.

    Args:
        resolution: height and width, px; any.
        channels: of the images.
        classes: values of each label attribute; () for an unconditional discriminator.
        condition: how classes are used, "projection" or "auxiliary".
        width: channels of the first map, doubled at each halving.
        max_width: upper bound of the channels.
        end_px: the last map's shorter side is at most this, px.
        blocks: residual blocks on the last map, after those that halve; 2 in Table 4, 1 in Table 3.
        norm: normalisation before every activation but those of the first block and the last.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values; 0 is ReLU.
        spectral_norm: divide every kernel by its largest singular value.
        attention_px: side of the map that gets self-attention, px; 0: none.
        dropout: share of units dropped after every activation but the last.
        minibatch: what is compared within a batch, "none", "stddev" or "discrimination".
        init: distribution of the initial weights.
        dtype: Keras dtype policy of the layers; the outputs are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from (B, H, W, C) float32 in [-1, 1] [, c (B, A) int32] [, noise] to `tfgan_kit.terms.Outputs`.
    """
    build = Builder(
        dtype=dtype, seed=seed, init=init, norm=norm, norm_momentum=norm_momentum, leak=leak,
        spectral_norm=spectral_norm, dropout=dropout,
    )  # fmt: skip
    images, c = d_inputs((*resolution, channels), classes, condition)
    maps = widths(width, max(halvings(resolution, end_px), 1), max_width)
    check_attention("d", attention_px, [min(halved(resolution, i + 1)) for i in range(len(maps))])

    # Halve the map; the first block meets the pixels themselves.
    x = _first_block(build, images, maps[0], name="block0")
    x = build.attention(x, attention_px, name="attention0")
    for i, features in enumerate(maps[1:], start=1):
        x = _down_block(build, x, features, bias=needs_bias(norm), half=True, name=f"block{i}")
        x = build.attention(x, attention_px, name=f"attention{i}")
    for i in range(len(maps), len(maps) + blocks):
        x = _down_block(build, x, maps[-1], bias=needs_bias(norm), half=False, name=f"block{i}")

    # The sum of the last map's pixels.
    x = build.act(x, name="last_act")
    x = batch_statistics(x, minibatch, dtype=dtype)
    pixels = x.shape[1] * x.shape[2]
    x = layers.GlobalAveragePooling2D(dtype=dtype, name="mean")(x)
    # In float32: the sum of a large map is beyond half precision.
    x = layers.Rescaling(float(pixels), dtype="float32", name="sum")(x)
    outputs = build.outputs(x, c, classes, condition=condition, minibatch=minibatch)
    return build.model([images, c], outputs, "discriminator")


def _up_block(build: Builder, x: Any, features: int, *, bias: bool, name: str) -> keras.KerasTensor:
    """(B, H, W, C) -> (B, 2H, 2W, features), with a pre-activation residual."""
    residual = build.activated(x, name=f"{name}_a")
    residual = upsample(residual, dtype=build.dtype, name=f"{name}_resize")
    residual = build.conv(residual, features, _KERNEL_PX, bias=bias, name=f"{name}_conv_a")
    residual = build.activated(residual, name=f"{name}_b")
    residual = build.conv(residual, features, _KERNEL_PX, bias=bias, name=f"{name}_conv_b")
    # A 1x1 convolution and the resize commute: this order takes a quarter of the time.
    shortcut = build.conv(x, features, 1, bias=bias, name=f"{name}_shortcut")
    shortcut = upsample(shortcut, dtype=build.dtype, name=f"{name}_shortcut_resize")
    return layers.Add(dtype=build.dtype, name=name)([residual, shortcut])


def _down_block(build: Builder, x: Any, features: int, *, bias: bool, half: bool, name: str) -> keras.KerasTensor:
    """(B, H, W, C) -> (B, ceil(H / 2), ceil(W / 2), features) if `half`, else (B, H, W, features)."""
    residual = build.activated(x, name=f"{name}_a")
    residual = build.conv(residual, x.shape[-1], _KERNEL_PX, bias=bias, name=f"{name}_conv_a")
    residual = build.activated(residual, name=f"{name}_b")
    residual = build.conv(residual, features, _KERNEL_PX, name=f"{name}_conv_b")
    shortcut = x
    if half:
        residual = downsample(residual, dtype=build.dtype, name=f"{name}_pool")
        shortcut = downsample(shortcut, dtype=build.dtype, name=f"{name}_shortcut_pool")
        # After the pooling, with which it commutes.
        shortcut = build.conv(shortcut, features, 1, name=f"{name}_shortcut")
    return layers.Add(dtype=build.dtype, name=name)([residual, shortcut])


def _first_block(build: Builder, images: Any, features: int, *, name: str) -> keras.KerasTensor:
    """(B, H, W, C) -> (B, ceil(H / 2), ceil(W / 2), features), with no norm and no activation of the pixels."""
    residual = build.conv(images, features, _KERNEL_PX, name=f"{name}_conv_a")
    residual = build.act(residual, name=f"{name}_b_act")
    residual = build.randomly(residual, name=f"{name}_b_random")
    residual = build.conv(residual, features, _KERNEL_PX, name=f"{name}_conv_b")
    residual = downsample(residual, dtype=build.dtype, name=f"{name}_pool")
    shortcut = downsample(images, dtype=build.dtype, name=f"{name}_shortcut_pool")
    shortcut = build.conv(shortcut, features, 1, name=f"{name}_shortcut")
    return layers.Add(dtype=build.dtype, name=name)([residual, shortcut])
