"""A generator controlled by style, and its residual discriminator. Karras et al. 2020 (StyleGAN2).

G is two networks, of which it has the names: `mapping`, from z and the classes to w, and `synthesis`, from w to images.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgan_kit import replicas
from tfgan_kit.networks.karras import EqualizedBuilder
from tfgan_kit.networks.layers.modulated import ModulatedConv2D
from tfgan_kit.networks.layers.resample import downsample, upsample_bilinear
from tfgan_kit.networks.parts import batch_statistics, d_inputs, g_inputs, halved, halvings, to_images, widths

# Section B of the paper: how much slower than the rest the mapping learns, and what each step leaves of w's average.
_MAPPING_LR = 0.01
_AVERAGE_DECAY = 0.995


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    classes: tuple[int, ...] = (),
    width: int = 64,
    max_width: int = 512,
    start_px: int = 7,
    mapping: int = 4,
    leak: float = 0.2,
    noise: float = 0.0,
    dropout: float = 0.0,
    truncation: float = 1.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """z, and c with classes, to images.

    Args:
        resolution: height and width, px; any, the last map is cropped to it.
        channels: of the images.
        z_dim: length of z and of w.
        classes: values of each label attribute; () for an unconditional generator.
        width: channels of the map of the image's size, doubled at each halving.
        max_width: upper bound of the channels.
        start_px: the first map's shorter side is at most this, px.
        mapping: dense layers from z to w.
        leak: slope of LeakyReLU for negative values.
        noise: deviation of the noise after every convolution.
        dropout: share of units dropped there.
        truncation: psi; w is drawn towards its average by 1 - psi, out of training only.
        dtype: Keras dtype policy of the layers of the synthesis; the rest and the images are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from z (B, z_dim) float32 [, c (B, A) int32] [, noise] to (B, H, W, C) float32 in [-1, 1]; with `mapping`,
        from z [and c] to w (B, z_dim) float32, and `synthesis`, from w [and noise] to the images.
    """
    mapper = EqualizedBuilder(dtype="float32", seed=seed, leak=leak)
    build = EqualizedBuilder(dtype=dtype, seed=seed, leak=leak, noise=noise, dropout=dropout)
    # Seeds of one row, so that no two layers begin alike.
    build.init = mapper.init
    to_w = _mapping(mapper, z_dim, classes, mapping)
    to_image = _synthesis(
        build, resolution, channels, z_dim, widths(width, halvings(resolution, start_px) + 1, max_width)
    )

    z, c = g_inputs(z_dim, classes)
    w = to_w([z, c] if classes else z)
    w = Truncation(truncation, dtype="float32", name="truncation")(w)
    draws = layers.Input((to_image.noise_dim,), name="noise") if to_image.noise_dim else None
    images = to_image(w if draws is None else [w, draws])
    there = [tensor for tensor in (z, c, draws) if tensor is not None]
    G = keras.Model(there if len(there) > 1 else z, images, name="generator")
    # Past Keras, which has both among the layers already.
    for name, value in (("mapping", to_w), ("synthesis", to_image), ("noise_dim", to_image.noise_dim)):
        object.__setattr__(G, name, value)
    return G


def discriminator(
    *,
    resolution: tuple[int, int],
    channels: int,
    classes: tuple[int, ...] = (),
    condition: str = "projection",
    width: int = 64,
    max_width: int = 512,
    end_px: int = 4,
    leak: float = 0.2,
    down: str = "strided",
    dropout: float = 0.0,
    minibatch: str = "stddev",
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
        leak: slope of LeakyReLU for negative values.
        down: how a map is halved beside the skip, "strided" or "average_pool".
        dropout: share of units dropped after every convolution.
        minibatch: what is compared within a batch, "none", "stddev" or "discrimination".
        dtype: Keras dtype policy of the layers; the outputs are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from (B, H, W, C) float32 in [-1, 1] [, c (B, A) int32] [, noise] to `tfgan_kit.terms.Outputs`.
    """
    build = EqualizedBuilder(dtype=dtype, seed=seed, leak=leak, dropout=dropout)
    images, c = d_inputs((*resolution, channels), classes, condition)
    maps = widths(width, halvings(resolution, end_px) + 1, max_width)

    def conv(x: Any, features: int, kernel_px: int, name: str, how: str = "") -> Any:
        x = build.conv(x, features, kernel_px, stride=2 if how == "strided" else 1, gain=build.act_gain, name=name)
        if how == "average_pool":
            x = downsample(x, dtype=dtype, name=f"{name}_pool")
        return build.randomly(build.act(x, name=f"{name}_act"), name=name)

    # Residual blocks, each to half the map.
    x = conv(images, maps[0], 1, "from_image")
    for i, features in enumerate(maps[1:]):
        # Differs from the paper, which blurs before it takes every other pixel: here the skip is a mean of 2 x 2.
        skip = downsample(x, dtype=dtype, name=f"block{i}_skip_pool")
        skip = build.conv(skip, features, 1, bias=False, name=f"block{i}_skip")
        x = conv(x, x.shape[-1], 3, f"block{i}_conv0")
        x = conv(x, features, 3, f"block{i}_conv1", down)
        x = layers.Add(dtype=dtype, name=f"block{i}_sum")([x, skip])
        x = layers.Rescaling(math.sqrt(0.5), dtype=dtype, name=f"block{i}")(x)

    x = batch_statistics(x, minibatch, dtype=dtype)
    x = conv(x, maps[-1], 3, "last_conv")
    x = layers.Flatten(dtype=dtype, name="flat")(x)
    x = build.act(build.dense(x, maps[-1], gain=build.act_gain, name="end"), name="end_act")
    return build.model(
        [images, c], build.outputs(x, c, classes, condition=condition, minibatch=minibatch), "discriminator"
    )


@keras.saving.register_keras_serializable("tfgan_kit")
class Truncation(layers.Layer):
    """Keeps the average of w, and draws w towards it: w' = average + psi (w - average). Karras et al. 2019, section B.

    Its one variable `w_average`, float32 (w_dim,), is not trainable; a pass in training moves it and leaves w alone,
    any other pass leaves it alone and moves w.
    """

    batchwise = "the average of w"

    def __init__(self, psi: float, decay: float = _AVERAGE_DECAY, **options: Any) -> None:
        """Take psi, 1 to leave w alone, and what a pass in training keeps of the average."""
        super().__init__(**options)
        self.psi, self.decay = psi, decay

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the average."""
        self.w_average = self.add_weight(
            shape=input_shape[-1:], initializer="zeros", dtype="float32", trainable=False, autocast=False,
            name="w_average",
        )  # fmt: skip

    def call(self, w: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """(B, w_dim) to the same."""
        average = tf.convert_to_tensor(self.w_average)
        if training:
            mean = replicas.mean(tf.stop_gradient(tf.reduce_mean(tf.cast(w, tf.float32), 0)))
            self.w_average.assign(self.decay * average + (1.0 - self.decay) * mean)
            return w
        return w if self.psi == 1.0 else tf.cast(average, w.dtype) * (1.0 - self.psi) + self.psi * w

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Like the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {**super().get_config(), "psi": self.psi, "decay": self.decay}


@keras.saving.register_keras_serializable("tfgan_kit")
class Start(layers.Layer):
    """The learned map that every picture begins with, standard normal at first."""

    def __init__(self, shape: tuple[int, int, int], *, seed: int, **options: Any) -> None:
        """Say height, width and channels, and the seed of the initial map."""
        super().__init__(**options)
        self.shape, self.seed = tuple(shape), seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the map."""
        normal = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        self.map = self.add_weight(shape=self.shape, initializer=normal, name="map")

    def call(self, w: tf.Tensor) -> tf.Tensor:
        """(B, w_dim), of which only B is read, to (B, height, width, channels)."""
        return tf.tile(tf.convert_to_tensor(self.map)[None], (tf.shape(w)[0], 1, 1, 1))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, w_dim) to (B, height, width, channels)."""
        return input_shape[0], *self.shape

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {**super().get_config(), "shape": self.shape, "seed": self.seed}


def _mapping(build: EqualizedBuilder, z_dim: int, classes: tuple[int, ...], count: int) -> keras.Model:
    """z [and c] to w."""
    z, c = g_inputs(z_dim, classes)
    x = build.latent(z, c, classes, z_dim)
    for i in range(count):
        x = build.dense(x, z_dim, gain=build.act_gain, lr_multiplier=_MAPPING_LR, name=f"mapping{i}")
        x = build.act(x, name=f"mapping{i}_act")
    return build.model([z, c], x, "mapping")


def _synthesis(
    build: EqualizedBuilder, resolution: tuple[int, int], channels: int, w_dim: int, maps: list[int]
) -> keras.Model:
    """w [and noise] to images; `maps` are the channels from the largest map to the smallest."""
    w = layers.Input((w_dim,), name="w")

    def modulated(x: Any, features: int, kernel_px: int, name: str, **options: Any) -> Any:
        style = build.dense(w, x.shape[-1], bias_init=1.0, dtype="float32", name=f"{name}_style")
        return ModulatedConv2D(
            features, kernel_px, seed=build.init.next_seed(), dtype=build.dtype, name=name, **options
        )(x, style)  # fmt: skip

    def conv(x: Any, features: int, name: str, **options: Any) -> Any:
        x = modulated(x, features, 3, name, **options)
        # Differs from the paper, where the noise has a learned deviation, one for each layer.
        x = build.act(build.randomly(x, name=name), name=f"{name}_act")
        # Demodulation takes any gain out of the kernel.
        return layers.Rescaling(build.act_gain, dtype=build.dtype, name=f"{name}_gain")(x)

    # Two convolutions at each size but one at the first; the image is the sum of each size's.
    ups, smallest_first = len(maps) - 1, maps[::-1]
    x = Start((*halved(resolution, ups), maps[-1]), seed=build.init.next_seed(), dtype=build.dtype, name="start")(w)
    x = conv(x, maps[-1], "size0_conv")
    image = modulated(x, channels, 1, "size0_image", demodulate=False)
    for i, features in enumerate(smallest_first[1:], 1):
        x = conv(x, features, f"size{i}_conv0", upsample=True)
        x = conv(x, features, f"size{i}_conv1")
        image = upsample_bilinear(image, dtype=build.dtype, name=f"size{i}_image_up")
        own = modulated(x, channels, 1, f"size{i}_image", demodulate=False)
        image = layers.Add(dtype=build.dtype, name=f"size{i}_sum")([image, own])
    # Differs from the paper, whose images are not bounded: ours are in [-1, 1], by tanh.
    return build.model([w], to_images(image, resolution, dtype=build.dtype), "synthesis")
