"""Perceptrons for G and D, as in Goodfellow et al. 2014."""

from __future__ import annotations

import math

import keras
from keras import layers

from tfgan_kit.networks.parts import Initializers, logit, normalise, structure, with_class


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    num_classes: int = 0,
    hidden: tuple[int, ...] = (256, 512, 1024),
    norm: str = "batch",
    norm_momentum: float = 0.9,
    leak: float = 0.2,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """z, and c with classes, to images.

    Args:
        resolution: height and width, px.
        channels: of the images.
        z_dim: length of z.
        num_classes: 0 for an unconditional generator.
        hidden: units of the hidden layers.
        norm: "batch" or "none", after every hidden layer.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values; 0 is ReLU.
        dtype: Keras dtype policy of the layers; the images are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from z (B, z_dim) float32 [and c (B,) int32] to (B, H, W, C) float32 in [-1, 1].
    """
    init = Initializers(seed)
    inputs = [layers.Input((z_dim,), name="z")]
    x = inputs[0]
    if num_classes:
        inputs.append(layers.Input((), dtype="int32", name="c"))
        x = with_class(x, inputs[1], num_classes, z_dim, init)
    for i, units in enumerate(hidden):
        x = layers.Dense(units, use_bias=norm == "none", kernel_initializer=init(), dtype=dtype, name=f"hidden{i}")(x)
        x = normalise(x, norm, momentum=norm_momentum, dtype=dtype, name=f"norm{i}")
        x = layers.LeakyReLU(leak, dtype=dtype, name=f"act{i}")(x)
    shape = (*resolution, channels)
    x = layers.Dense(math.prod(shape), kernel_initializer=init(), dtype=dtype, name="pixels")(x)
    x = layers.Reshape(shape, dtype=dtype, name="image")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(structure(inputs), images, name="generator")


def discriminator(
    *,
    resolution: tuple[int, int],
    channels: int,
    num_classes: int = 0,
    hidden: tuple[int, ...] = (512, 256),
    norm: str = "none",
    norm_momentum: float = 0.9,
    leak: float = 0.2,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Images, and c with classes, to logits.

    Args:
        resolution: height and width, px.
        channels: of the images.
        num_classes: 0 for an unconditional discriminator; else the class enters by projection.
        hidden: units of the hidden layers.
        norm: "batch" or "none", after every hidden layer but the first.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values.
        dtype: Keras dtype policy of the layers; the logits are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from (B, H, W, C) float32 in [-1, 1] [and c (B,) int32] to logits (B,) float32.
    """
    init = Initializers(seed)
    inputs = [layers.Input((*resolution, channels), name="images")]
    if num_classes:
        inputs.append(layers.Input((), dtype="int32", name="c"))
    x = layers.Flatten(dtype=dtype, name="flat")(inputs[0])
    for i, units in enumerate(hidden):
        kind = norm if i else "none"
        x = layers.Dense(units, use_bias=kind == "none", kernel_initializer=init(), dtype=dtype, name=f"hidden{i}")(x)
        x = normalise(x, kind, momentum=norm_momentum, dtype=dtype, name=f"norm{i}")
        x = layers.LeakyReLU(leak, dtype=dtype, name=f"act{i}")(x)
    logits = logit(x, inputs[1] if num_classes else None, num_classes, init)
    return keras.Model(structure(inputs), logits, name="discriminator")
