"""Progressive growing: networks that begin at 4 px and fade in one resolution after another. Karras et al. 2018.

Level l has maps of 4 * 2^l px. How far a network has grown is a variable of it, `grown`: 2.3 says that levels 0, 1 and
2 are there and level 3 is faded in by 30 %. The network is a function of whole images at any time. Its `levels` are the
same function without the layers that have not begun: levels[l] equals the network while `grown` is at most l.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgan_kit.errors import RecipeError
from tfgan_kit.networks.karras import EqualizedBuilder
from tfgan_kit.networks.layers.resample import downsample, upsample
from tfgan_kit.networks.parts import batch_statistics, d_inputs, g_inputs, to_images, widths

_START_PX = 4


def generator(
    *,
    resolution: tuple[int, int],
    channels: int,
    z_dim: int,
    classes: tuple[int, ...] = (),
    width: int = 64,
    max_width: int = 512,
    leak: float = 0.2,
    noise: float = 0.0,
    dropout: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """z, and c with classes, to images; grown to level 0.

    Args:
        resolution: height and width, px: a square of 8, 16, 32, ...
        channels: of the images.
        z_dim: length of z.
        classes: values of each label attribute; () for an unconditional generator.
        width: channels of the map of the image's size, doubled at each halving.
        max_width: upper bound of the channels.
        leak: slope of LeakyReLU for negative values.
        noise: deviation of the noise after every layer but those to images.
        dropout: share of units dropped there.
        dtype: Keras dtype policy of the layers; the images are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from z (B, z_dim) float32 [, c (B, A) int32] [, noise] to (B, H, W, C) float32 in [-1, 1]; with
        `levels`.

    Raises:
        RecipeError: another resolution.
    """
    count = level_count(resolution)
    build = EqualizedBuilder(dtype=dtype, seed=seed, leak=leak, noise=noise, dropout=dropout)
    maps = widths(width, count, max_width)[::-1]
    growth = Growth(dtype=dtype, name="growth")
    z, c = g_inputs(z_dim, classes)

    def conv(x: Any, features: int, name: str) -> Any:
        x = build.conv(x, features, 3, gain=build.act_gain, name=name)
        x = build.norm(build.act(x, name=f"{name}_act"), kind="pixel", name=f"{name}_norm")
        return build.randomly(x, name=name)

    # The smallest map.
    x = build.latent(z, c, classes, z_dim)
    # The gain of the convolution of 4 x 4 px that this layer stands for.
    x = build.dense(x, _START_PX**2 * maps[0], gain=build.act_gain / _START_PX, name="start")
    x = layers.Reshape((_START_PX, _START_PX, maps[0]), dtype=dtype, name="start_map")(x)
    x = build.norm(build.act(x, name="start_act"), kind="pixel", name="start_norm")
    x = build.randomly(x, name="start")
    x = conv(x, maps[0], "level0_conv")
    image = build.conv(x, channels, 1, name="level0_image")

    # Each level doubles the map, and its image takes over from the one before.
    images = [image]
    for level, features in enumerate(maps[1:], 1):
        x = upsample(x, dtype=dtype, name=f"level{level}_up")
        x = conv(x, features, f"level{level}_conv0")
        x = conv(x, features, f"level{level}_conv1")
        image = upsample(image, dtype=dtype, name=f"level{level}_image_up")
        image = growth([image, build.conv(x, channels, 1, name=f"level{level}_image")], level=level)
        images.append(image)

    def whole(level: int) -> keras.Model:
        # Differs from the paper, whose images are not bounded: ours are in [-1, 1], by tanh, for a clip has no gradient
        # outside of them.
        x = images[level]
        for i in range(level + 1, count):
            x = upsample(x, dtype=dtype, name=f"whole_up{i}")
        return build.model([z, c], to_images(x, resolution, dtype=dtype), "generator")

    return _with_levels([whole(level) for level in range(count)])


def discriminator(
    *,
    resolution: tuple[int, int],
    channels: int,
    classes: tuple[int, ...] = (),
    condition: str = "projection",
    width: int = 64,
    max_width: int = 512,
    leak: float = 0.2,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Images, and c with classes, to D's outputs; grown to level 0.

    Args:
        resolution: height and width, px: a square of 8, 16, 32, ...
        channels: of the images.
        classes: values of each label attribute; () for an unconditional discriminator.
        condition: how classes are used, "projection" or "auxiliary".
        width: channels of the map of the image's size, doubled at each halving.
        max_width: upper bound of the channels.
        leak: slope of LeakyReLU for negative values.
        dtype: Keras dtype policy of the layers; the outputs are float32 in any case.
        seed: of the initial weights.

    Returns:
        Model from (B, H, W, C) float32 in [-1, 1] [, c (B, A) int32] to `tfgan_kit.terms.Outputs`; with `levels`.

    Raises:
        RecipeError: another resolution.
    """
    count = level_count(resolution)
    build = EqualizedBuilder(dtype=dtype, seed=seed, leak=leak)
    maps = widths(width, count, max_width)[::-1]
    growth = Growth(dtype=dtype, name="growth")
    images, c = d_inputs((*resolution, channels), classes, condition)

    def conv(features: int, kernel_px: int, name: str) -> Callable[[Any], Any]:
        layer = build.conv_layer(features, kernel_px, gain=build.act_gain, name=name)
        return lambda x: build.act(layer(x), name=f"{name}_act")

    # The image at each level's size, and as a map.
    seen = [images]
    for level in range(count - 1, 0, -1):
        seen.insert(0, downsample(seen[0], dtype=dtype, name=f"image_down{level}"))
    entries = [conv(maps[level], 1, f"level{level}_entry")(seen[level]) for level in range(count)]

    # Layers that every network from one of the levels on shares.
    pairs = [
        (conv(maps[level], 3, f"level{level}_conv0"), conv(maps[level - 1], 3, f"level{level}_conv1"))
        for level in range(1, count)
    ]
    tail = _tail(build, (_START_PX, _START_PX, maps[0]), c, classes, condition)

    def from_level(top: int) -> keras.Model:
        x = entries[top]
        for level in range(top, 0, -1):
            first, second = pairs[level - 1]
            x = downsample(second(first(x)), dtype=dtype, name=f"level{level}_down")
            x = growth([entries[level - 1], x], level=level)
        return build.model([images, c], tail([x, c] if c is not None else x), "discriminator")

    return _with_levels([from_level(level) for level in range(count)])


def level_count(resolution: tuple[int, int]) -> int:
    """How many levels images of a resolution have: 2 for 8 px, 5 for 64 px.

    Raises:
        RecipeError: not a square of 8, 16, 32, ... px.
    """
    side = resolution[0]
    if resolution[1] != side or side < 2 * _START_PX or side & (side - 1):
        raise RecipeError(
            f"family progressive makes squares of 8, 16, 32, ... px; got resolution={tuple(resolution)}: "
            "choose one of these, for example 32x32"
        )
    return (side // _START_PX).bit_length()


def growth_at(nimg: tf.Tensor, fade_kimg: float, levels: int) -> tf.Tensor:
    """How far networks have grown: level 0 for `fade_kimg`; then each fades in over as long, and holds as long.

    Args:
        nimg: images seen, number or scalar.
        fade_kimg: length of a fade and of a hold, kimg.
        levels: of the networks.

    Returns:
        Float32 scalar in [0, levels - 1].
    """
    spans = tf.cast(nimg, tf.float32) / (1000.0 * fade_kimg)
    faded = tf.clip_by_value(spans[None] - [2.0 * level - 1.0 for level in range(1, levels)], 0.0, 1.0)
    return tf.reduce_sum(faded)


def level_starts_kimg(fade_kimg: float, levels: int) -> tuple[float, ...]:
    """When each level begins to fade in, kimg; 0 for level 0, which is there from the start."""
    return (0.0, *((2 * level - 1) * fade_kimg for level in range(1, levels)))


def set_growth(model: keras.Model, value: tf.Tensor) -> None:
    """Grow a network of this family to `value`, a float scalar of at least 0; its levels with it."""
    model.get_layer("growth").grown.assign(tf.cast(value, tf.float32))


@keras.saving.register_keras_serializable("tfgan_kit")
class Growth(layers.Layer):
    """Fades from what a level replaces to that level: old at `grown` = level - 1, new from `grown` = level on.

    Its one variable `grown`, float32, is not trainable: 0.0 when built, and `set_growth` moves it.
    """

    def build(self, input_shape: Any) -> None:
        """Make the variable."""
        # Read as float32 under any policy: half precision has too few digits between two levels.
        self.grown = self.add_weight(
            shape=(), initializer="zeros", dtype="float32", trainable=False, autocast=False,
            name="grown",
        )  # fmt: skip

    def call(self, pair: list[tf.Tensor], level: int) -> tf.Tensor:
        """[old, new], of one shape, to the same."""
        old, new = pair
        share = tf.clip_by_value(tf.convert_to_tensor(self.grown) - (level - 1.0), 0.0, 1.0)
        share = tf.cast(share, self.compute_dtype)
        return (1 - share) * old + share * new

    def compute_output_spec(self, pair: list[keras.KerasTensor], level: int) -> keras.KerasTensor:
        """Like both, in the compute dtype."""
        return keras.KerasTensor(pair[0].shape, dtype=self.compute_dtype)


def _tail(
    build: EqualizedBuilder, shape: tuple[int, int, int], c: Any, classes: tuple[int, ...], condition: str
) -> keras.Model:
    """The smallest map (B, 4, 4, C), and the classes where D takes them, to D's outputs."""
    smallest = layers.Input(shape, dtype=keras.DTypePolicy(build.dtype).compute_dtype, name="map")
    asked = None if c is None else layers.Input(c.shape[1:], dtype="int32", name="c")
    x = batch_statistics(smallest, "stddev", dtype=build.dtype)
    x = build.conv(x, shape[-1], 3, gain=build.act_gain, name="level0_conv")
    x = build.act(x, name="level0_conv_act")
    x = layers.Flatten(dtype=build.dtype, name="flat")(x)
    x = build.act(build.dense(x, shape[-1], gain=build.act_gain, name="end"), name="end_act")
    return build.model([smallest, asked], build.outputs(x, asked, classes, condition=condition), "tail")


def _with_levels(levels: list[keras.Model]) -> keras.Model:
    """The last of the levels, with all of them as `levels`."""
    model = levels[-1]
    # Past Keras, which would take them for layers of the model, and the model for a layer of its own.
    object.__setattr__(model, "levels", tuple(levels))
    return model
