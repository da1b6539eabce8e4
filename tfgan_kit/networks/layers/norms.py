"""Normalisation of features, by one name a kind."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgan_kit import replicas
from tfgan_kit.errors import RecipeError, nearest

KINDS = ("batch", "group", "instance", "none", "pixel")
_EPSILON = 1e-5


def normalise(x: keras.KerasTensor, kind: str, *, momentum: float, dtype: str, name: str) -> keras.KerasTensor:
    """`x` after normalisation.

    Args:
        x: maps (B, H, W, C) or vectors (B, C).
        kind: what has mean 0 and variance 1 afterwards, before a learned scale and offset for each channel:
            "batch", each channel of a batch (Ioffe and Szegedy 2015); "instance", each channel of a picture (Ulyanov
            et al. 2016), maps only; "group", the channels of a picture in at most 32 groups of at least 2 (Wu and He
            2018). Or "pixel", a mean square of 1 over the channels of each pixel, nothing learned (Karras et al. 2018,
            section 4.2). Or "none", `x` itself.
        momentum: of the running statistics of "batch".
        dtype: Keras dtype policy of the layer.
        name: of the layer.

    Raises:
        RecipeError: a kind that is unknown, or one that leaves nothing of an `x` of this shape.
    """
    if kind not in KINDS:
        raise RecipeError(f"{name!r}: the normalisation {kind!r} is unknown; {nearest(kind, KINDS)}")
    *_, channels = x.shape
    pixels = math.prod(x.shape[1:-1])
    if kind == "instance" and pixels == 1:
        raise _nothing_left(
            kind, name, x.shape, "one number a channel of a picture", {"batch", "group", "none", "pixel"}
        )
    if kind == "group" and pixels * channels == 1:
        raise _nothing_left(kind, name, x.shape, "one number a picture", {"batch", "none"})

    if kind == "batch":
        return layers.BatchNormalization(
            momentum=momentum, epsilon=_EPSILON, synchronized=replicas.count() > 1, dtype=dtype, name=name
        )(x)
    if kind == "pixel":
        return PixelNorm(dtype=dtype, name=name)(x)
    if kind in {"group", "instance"}:
        groups = channels if kind == "instance" else group_count(channels)
        return GroupNorm(groups, dtype=dtype, name=name)(x)
    return x


def group_count(channels: int) -> int:
    """The groups of so many channels: the largest power of two up to 32 that leaves at least 2 in each, or 1."""
    return math.gcd(32, channels // 2) if channels % 2 == 0 else 1


def _nothing_left(kind: str, name: str, shape: tuple[int, ...], what: str, legal: set[str]) -> RecipeError:
    """The error of a normalisation that would make zeros of everything."""
    return RecipeError(
        f"{name!r}: {kind!r} normalisation needs maps; {tuple(shape[1:])} has {what}; "
        f"legal here: {', '.join(sorted(legal))}"
    )


@keras.saving.register_keras_serializable("tfgan_kit")
class GroupNorm(layers.Layer):
    """Mean 0 and variance 1 over the pixels and channels of each group, computed in float32, then scale and offset.

    As keras.layers.GroupNormalization, but without the arithmetic of shapes that it leaves in an ONNX file.
    """

    def __init__(self, groups: int, **kwargs: Any) -> None:
        """Take a divisor of the channels; the channels themselves for instance normalisation."""
        super().__init__(**kwargs)
        self.groups = groups

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the scale `gamma` and the offset `beta`, one number a channel."""
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(shape=shape, initializer="ones", autocast=False, name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", autocast=False, name="beta")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Like `x`."""
        *pixels, channels = x.shape[1:]
        grouped = tf.reshape(tf.cast(x, tf.float32), (-1, math.prod(pixels), self.groups, channels // self.groups))
        centred = grouped - tf.reduce_mean(grouped, (1, 3), keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), (1, 3), keepdims=True)
        normal = tf.reshape(centred * tf.math.rsqrt(variance + _EPSILON), (-1, *x.shape[1:]))
        return tf.cast(normal * self.gamma + self.beta, x.dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Like `x`."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {**super().get_config(), "groups": self.groups}


@keras.saving.register_keras_serializable("tfgan_kit")
class PixelNorm(layers.Layer):
    """x / sqrt(mean of x^2 over the last axis + 1e-8), computed in float32."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Like `x`."""
        full = tf.cast(x, tf.float32)
        return tf.cast(full * tf.math.rsqrt(tf.reduce_mean(tf.square(full), -1, keepdims=True) + 1e-8), x.dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Like `x`."""
        return input_shape
