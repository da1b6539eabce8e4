"""DCGAN: strided convolutions down, transposed ones up, no pooling. Radford et al. 2016; with the usual variations."""

from __future__ import annotations

import keras
from keras import layers

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


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    classes: tuple[int, ...] = (),
    width: int = 64,
    max_width: int = 512,
    start_px: int = 7,
    kernel_px: int = 4,
    norm: str = "batch",
    norm_momentum: float = 0.9,
    leak: float = 0.0,
    up: str = "transposed",
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
        max_width: upper bound of the channels.
        start_px: the first map's shorter side is at most this, px.
        kernel_px: side of the kernels, px.
        norm: normalisation after every layer but the last.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values; 0 is ReLU.
        up: how a map is doubled, "transposed", "pixel_shuffle" or "resize".
        spectral_norm: divide every kernel by its largest singular value.
        attention_px: side of the map that gets self-attention, px; 0: none.
        noise: deviation of the noise after every layer but the last.
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
    maps = widths(width, max(ups, 1), max_width)[::-1]
    check_attention("g", attention_px, [min(height, breadth) * 2**i for i in range(max(ups, 1))])
    z, c = g_inputs(z_dim, classes)

    # A vector to the smallest map.
    bias = needs_bias(norm)
    x = build.with_classes(z, c, classes, z_dim)
    x = build.dense(x, height * breadth * maps[0], bias=bias, name="start")
    x = layers.Reshape((height, breadth, maps[0]), dtype=dtype, name="start_map")(x)

    # Double the map until it is half the image's size.
    for i, features in enumerate([*maps[1:], None]):
        x = build.norm(x, name=f"norm{i}")
        x = build.act(x, name=f"act{i}")
        x = build.randomly(x, name=f"random{i}")
        x = build.attention(x, attention_px, name=f"attention{i}")
        if features:
            x = build.up(x, features, kernel_px, up, bias=bias, name=f"up{i}")

    # To the image.
    x = build.up(x, channels, kernel_px, up, name="image") if ups else build.conv(x, channels, kernel_px, name="image")
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
    kernel_px: int = 4,
    norm: str = "none",
    norm_momentum: float = 0.9,
    leak: float = 0.2,
    down: str = "strided",
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
        kernel_px: side of the kernels, px.
        norm: normalisation after every convolution but the first.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values.
        down: how a map is halved, "strided" or "average_pool".
        spectral_norm: divide every kernel by its largest singular value.
        attention_px: side of the map that gets self-attention, px; 0: none.
        dropout: share of units dropped after every convolution.
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

    # Halve the map; normalise all but the input's.
    x = images
    for i, features in enumerate(maps):
        kind = norm if i else "none"
        x = build.down(x, features, kernel_px, down, bias=needs_bias(kind), name=f"down{i}")
        x = build.norm(x, kind=kind, name=f"norm{i}")
        x = build.act(x, name=f"act{i}")
        x = build.randomly(x, name=f"random{i}")
        x = build.attention(x, attention_px, name=f"attention{i}")

    x = batch_statistics(x, minibatch, dtype=dtype)
    x = layers.Flatten(dtype=dtype, name="flat")(x)
    outputs = build.outputs(x, c, classes, condition=condition, minibatch=minibatch)
    return build.model([images, c], outputs, "discriminator")
