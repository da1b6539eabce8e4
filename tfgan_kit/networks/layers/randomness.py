"""Dropout and noise whose draws enter as a model input, so that a network is a function of its inputs alone."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import keras
import tensorflow as tf

from tfgan_kit.errors import RecipeError


class Randomness:
    """The draws of one network, collected from one input `noise` (B, size) float32, standard normal.

    What is built with it is always random, in training and not; a network for plain use is built without.

    Attributes:
        input: the Keras input; None until something random is added.
        size: how many numbers a picture needs so far.
    """

    def __init__(self) -> None:
        """Nothing is drawn yet."""
        self.input: keras.KerasTensor | None = None
        self.size = 0

    def dropout(self, x: keras.KerasTensor, rate: float, *, dtype: str, name: str) -> keras.KerasTensor:
        """`x` with a share `rate` of its numbers, in [0, 1), set to 0 and the others over 1 - rate; `x` itself at 0.

        Raises:
            RecipeError: a rate that is not in [0, 1).

        Source: Srivastava et al. 2014, inverted.
        """
        if not 0.0 <= rate < 1.0:
            raise RecipeError(f"dropout {name!r}: the rate must be in [0, 1); got {rate}")
        return x if rate == 0.0 else NoiseDropout(rate, start=self._take(x), dtype=dtype, name=name)(x, self.input)

    def noise(self, x: keras.KerasTensor, std: float, *, dtype: str, name: str) -> keras.KerasTensor:
        """`x` plus normal noise of deviation `std`; `x` itself at 0.

        Raises:
            RecipeError: a deviation below 0 or not finite.
        """
        if not 0.0 <= std < math.inf:
            raise RecipeError(f"noise {name!r}: the deviation must be at least 0 and finite; got {std}")
        return x if std == 0.0 else AddNoise(std, start=self._take(x), dtype=dtype, name=name)(x, self.input)

    def _take(self, x: keras.KerasTensor) -> int:
        """Set as many numbers aside as a picture of `x` has; where they start."""
        if self.input is None:
            self.input = keras.Input((None,), dtype="float32", name="noise")
        start = self.size
        self.size += math.prod(x.shape[1:])
        return start


class _Drawn(keras.layers.Layer):
    """A layer of (x, noise) that reads the numbers from `start` on as an array like `x`."""

    def __init__(self, *, start: int, **kwargs: Any) -> None:
        # By hand: noise in half precision would shift the rate of a dropout.
        super().__init__(autocast=False, **kwargs)
        self.start = start

    def slice(self, x: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """This layer's numbers, float32, in the shape of `x`."""
        stop = self.start + math.prod(x.shape[1:])
        # A slice that runs over the end would be reshaped to fewer pictures.
        if noise.shape[1] is not None and noise.shape[1] < stop:
            raise ValueError(f"{self.name} reads the noise up to number {stop}; got {noise.shape[1]} a picture")
        return tf.reshape(noise[:, self.start : stop], (-1, *x.shape[1:]))

    def compute_output_spec(self, x: keras.KerasTensor, noise: keras.KerasTensor) -> keras.KerasTensor:
        """Like `x`, in the compute dtype."""
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable("tfgan_kit")
class NoiseDropout(_Drawn):
    """Keeps a number where its draw is below the normal distribution's quantile of 1 - rate, and scales what it keeps.

    Called on x (B, ...) and noise (B, at least start + numbers of a picture) float32.
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        """Take `rate` in (0, 1)."""
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, x: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Like `x`, in the compute dtype."""
        x = tf.cast(x, self.compute_dtype)
        kept = self.slice(x, noise) < NormalDist().inv_cdf(1.0 - self.rate)
        return x * (tf.cast(kept, x.dtype) * (1.0 / (1.0 - self.rate)))

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {**super().get_config(), "rate": self.rate, "start": self.start}


@keras.saving.register_keras_serializable("tfgan_kit")
class AddNoise(_Drawn):
    """Adds `std` times its draws; called as NoiseDropout is."""

    def __init__(self, std: float, **kwargs: Any) -> None:
        """Take `std` above 0."""
        super().__init__(**kwargs)
        self.std = std

    def call(self, x: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Like `x`, in the compute dtype."""
        x = tf.cast(x, self.compute_dtype)
        return x + tf.cast(self.std * self.slice(x, noise), x.dtype)

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {**super().get_config(), "std": self.std, "start": self.start}
