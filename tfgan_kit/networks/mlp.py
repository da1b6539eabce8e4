"""Perceptrons for G and D, as in Goodfellow et al. 2014."""

from __future__ import annotations

import math

import keras
from keras import layers

from tfgan_kit.networks.parts import Builder, d_inputs, g_inputs, needs_bias, to_images


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    classes: tuple[int, ...] = (),
    hidden: tuple[int, ...] = (256, 512, 1024),
    norm: str = "batch",
    norm_momentum: float = 0.9,
    leak: float = 0.2,
    spectral_norm: bool = False,
    noise: float = 0.0,
    dropout: float = 0.0,
    init: str = "glorot",
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """z, and c with classes, to images.

    Args:
        resolution: height and width, px.
        channels: of the images.
        z_dim: length of z.
        classes: values of each label attribute; () for an unconditional generator.
        hidden: units of the hidden layers.
        norm: normalisation after every hidden layer.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values; 0 is ReLU.
        spectral_norm: divide every kernel by its largest singular value.
        noise: deviation of the noise after every hidden layer.
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
    z, c = g_inputs(z_dim, classes)
    x = build.with_classes(z, c, classes, z_dim)
    for i, units in enumerate(hidden):
        x = build.dense(x, units, bias=needs_bias(norm), name=f"hidden{i}")
        x = build.norm(x, name=f"norm{i}")
        x = build.act(x, name=f"act{i}")
        x = build.randomly(x, name=f"random{i}")
    shape = (*resolution, channels)
    x = build.dense(x, math.prod(shape), name="pixels")
    x = layers.Reshape(shape, dtype=dtype, name="image")(x)
    return build.model([z, c], to_images(x, resolution, dtype=dtype), "generator")


def discriminator(
    *,
    resolution: tuple[int, int],
    channels: int,
    classes: tuple[int, ...] = (),
    condition: str = "projection",
    hidden: tuple[int, ...] = (512, 256),
    norm: str = "none",
    norm_momentum: float = 0.9,
    leak: float = 0.2,
    spectral_norm: bool = False,
    dropout: float = 0.0,
    minibatch: str = "none",
    init: str = "glorot",
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Images, and c with classes, to D's outputs.

    Args:
        resolution: height and width, px.
        channels: of the images.
        classes: values of each label attribute; () for an unconditional discriminator.
        condition: how classes are used, "projection" or "auxiliary".
        hidden: units of the hidden layers; () is a linear discriminator.
        norm: normalisation after every hidden layer but the first.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values.
        spectral_norm: divide every kernel by its largest singular value.
        dropout: share of units dropped after every hidden layer.
        minibatch: what is compared within a batch, "none" or "discrimination".
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
    x = layers.Flatten(dtype=dtype, name="flat")(images)
    for i, units in enumerate(hidden):
        kind = norm if i else "none"
        x = build.dense(x, units, bias=needs_bias(kind), name=f"hidden{i}")
        x = build.norm(x, kind=kind, name=f"norm{i}")
        x = build.act(x, name=f"act{i}")
        x = build.randomly(x, name=f"random{i}")
    outputs = build.outputs(x, c, classes, condition=condition, minibatch=minibatch)
    return build.model([images, c], outputs, "discriminator")
