"""DCGAN: strided convolutions down, transposed ones up, no pooling. Radford et al. 2016."""

from __future__ import annotations

import keras
from keras import layers

from tfgan_kit.networks.parts import Initializers, halvings, logit, normalise, structure, widths, with_class


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    num_classes: int = 0,
    width: int = 64,
    max_width: int = 512,
    start_px: int = 7,
    kernel_px: int = 4,
    norm: str = "batch",
    norm_momentum: float = 0.9,
    leak: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """z, and c with classes, to images.

    Args:
        resolution: height and width, px; any, the last map is cropped to it.
        channels: of the images.
        z_dim: length of z.
        num_classes: 0 for an unconditional generator.
        width: channels of the last map before the image, doubled at each halving.
        max_width: upper bound of the channels.
        start_px: the first map's shorter side is at most this, px.
        kernel_px: side of the kernels, px.
        norm: "batch" or "none", after every layer but the last.
        norm_momentum: of batch norm.
        leak: slope of LeakyReLU for negative values; 0 is ReLU.
        dtype: Keras dtype policy of the layers; the images are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from z (B, z_dim) float32 [and c (B,) int32] to (B, H, W, C) float32 in [-1, 1].
    """
    init = Initializers(seed)
    ups = halvings(resolution, start_px)
    height, breadth = (-(-side // 2**ups) for side in resolution)
    maps = widths(width, max(ups, 1), max_width)[::-1]

    inputs = [layers.Input((z_dim,), name="z")]
    x = inputs[0]
    if num_classes:
        inputs.append(layers.Input((), dtype="int32", name="c"))
        x = with_class(x, inputs[1], num_classes, z_dim, init)

    # A vector to the smallest map.
    bias = norm == "none"
    x = layers.Dense(height * breadth * maps[0], use_bias=bias, kernel_initializer=init(), dtype=dtype, name="start")(x)
    x = layers.Reshape((height, breadth, maps[0]), dtype=dtype, name="start_map")(x)

    # Double the map until it is half the image's size.
    for i, features in enumerate([*maps[1:], None]):
        x = normalise(x, norm, momentum=norm_momentum, dtype=dtype, name=f"norm{i}")
        x = layers.LeakyReLU(leak, dtype=dtype, name=f"act{i}")(x)
        if features:
            x = layers.Conv2DTranspose(
                features, kernel_px, 2, padding="same", use_bias=bias,
                kernel_initializer=init(), dtype=dtype, name=f"up{i}",
            )(x)  # fmt: skip

    # To the image.
    x = layers.Conv2DTranspose(
        channels, kernel_px, 2 if ups else 1, padding="same", kernel_initializer=init(), dtype=dtype, name="image"
    )(x)
    if x.shape[1:3] != tuple(resolution):
        top, left = (x.shape[1] - resolution[0]) // 2, (x.shape[2] - resolution[1]) // 2
        bottom, right = x.shape[1] - resolution[0] - top, x.shape[2] - resolution[1] - left
        x = layers.Cropping2D(((top, bottom), (left, right)), dtype=dtype, name="crop")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(structure(inputs), images, name="generator")


def discriminator(
    *,
    resolution: tuple[int, int],
    channels: int,
    num_classes: int = 0,
    width: int = 64,
    max_width: int = 512,
    end_px: int = 4,
    kernel_px: int = 4,
    norm: str = "none",
    norm_momentum: float = 0.9,
    leak: float = 0.2,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Images, and c with classes, to logits.

    Args:
        resolution: height and width, px; any.
        channels: of the images.
        num_classes: 0 for an unconditional discriminator; else the class enters by projection.
        width: channels of the first map, doubled at each halving.
        max_width: upper bound of the channels.
        end_px: the last map's shorter side is at most this, px.
        kernel_px: side of the kernels, px.
        norm: "batch" or "none", after every convolution but the first.
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
    x = inputs[0]

    # Halve the map; normalise all but the input's.
    for i, features in enumerate(widths(width, max(halvings(resolution, end_px), 1), max_width)):
        kind = norm if i else "none"
        x = layers.Conv2D(
            features, kernel_px, 2, padding="same", use_bias=kind == "none",
            kernel_initializer=init(), dtype=dtype, name=f"down{i}",
        )(x)  # fmt: skip
        x = normalise(x, kind, momentum=norm_momentum, dtype=dtype, name=f"norm{i}")
        x = layers.LeakyReLU(leak, dtype=dtype, name=f"act{i}")(x)

    x = layers.Flatten(dtype=dtype, name="flat")(x)
    logits = logit(x, inputs[1] if num_classes else None, num_classes, init)
    return keras.Model(structure(inputs), logits, name="discriminator")
