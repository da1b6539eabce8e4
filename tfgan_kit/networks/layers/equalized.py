"""Layers of equalized learning rate: weights of deviation 1, scaled when used, so that Adam moves all alike.

Source: Karras et al. 2018, section 4.1; the multiplier of the learning rate: Karras et al. 2019, appendix C.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf


class Equalized(keras.layers.Layer):
    """A layer with a kernel and a bias that are scaled when used."""

    def __init__(
        self,
        *,
        seed: int,
        gain: float = 1.0,
        lr_multiplier: float = 1.0,
        use_bias: bool = True,
        bias_init: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Take what all of these layers take.

        Args:
            seed: of the initial weights.
            gain: deviation of the outputs for inputs of mean square 1; sqrt(2) before a ReLU.
            lr_multiplier: of the learning rate under Adam; the initial function does not depend on it.
            use_bias: whether there is a bias.
            bias_init: the initial bias.
            **kwargs: of keras.layers.Layer, such as dtype and name.
        """
        super().__init__(**kwargs)
        self.seed, self.gain, self.lr_multiplier = seed, gain, lr_multiplier
        self.use_bias, self.bias_init = use_bias, bias_init

    def make_weights(self, kernel_shape: tuple[int, ...]) -> None:
        """Make `kernel`, of normal numbers, and `bias`, both divided by the multiplier."""
        self.scale = self.gain * self.lr_multiplier / math.sqrt(math.prod(kernel_shape[:-1]))
        self.kernel = self.add_weight(
            shape=kernel_shape, autocast=False, name="kernel",
            initializer=keras.initializers.RandomNormal(stddev=1.0 / self.lr_multiplier, seed=self.seed),
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                shape=kernel_shape[-1:], autocast=False, name="bias",
                initializer=keras.initializers.Constant(self.bias_init / self.lr_multiplier),
            )  # fmt: skip

    def scaled_kernel(self) -> tf.Tensor:
        """The kernel as it is used, float32."""
        return tf.convert_to_tensor(self.kernel) * self.scale

    def with_bias(self, y: tf.Tensor) -> tf.Tensor:
        """`y` plus the bias as it is used, where there is one."""
        if not self.use_bias:
            return y
        return y + tf.cast(tf.convert_to_tensor(self.bias) * self.lr_multiplier, y.dtype)

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        names = ("seed", "gain", "lr_multiplier", "use_bias", "bias_init")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("tfgan_kit")
class EqualizedDense(Equalized):
    """y = x (s W) + b, s = gain * lr_multiplier / sqrt(inputs)."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        """Take the number of outputs, and by name what Equalized takes."""
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Make the kernel (in, out) and the bias."""
        self.make_weights((input_shape[-1], self.units))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(B, in) to (B, out) in the compute dtype."""
        return self.with_bias(tf.matmul(x, tf.cast(self.scaled_kernel(), x.dtype)))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, in) to (B, out)."""
        return *input_shape[:-1], self.units

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("tfgan_kit")
class EqualizedConv2D(Equalized):
    """A convolution with s W, s = gain * lr_multiplier / sqrt(inputs * side^2), plus b; "same" padding."""

    def __init__(self, filters: int, kernel_px: int, strides: int = 1, **kwargs: Any) -> None:
        """Take the output channels, the side of the kernel, px, the stride, and by name what Equalized takes."""
        super().__init__(**kwargs)
        self.filters, self.kernel_px, self.strides = filters, kernel_px, strides

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Make the kernel (h, w, in, out) and the bias."""
        self.make_weights((self.kernel_px, self.kernel_px, input_shape[-1], self.filters))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(B, H, W, in) to (B, ceil(H / stride), ceil(W / stride), out) in the compute dtype."""
        return self.with_bias(tf.nn.conv2d(x, tf.cast(self.scaled_kernel(), x.dtype), self.strides, "SAME"))

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """(B, H, W, in) to (B, ceil(H / stride), ceil(W / stride), out)."""
        batch, *sides, _ = input_shape
        return batch, *(-(-side // self.strides) for side in sides), self.filters

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        sizes = {"filters": self.filters, "kernel_px": self.kernel_px, "strides": self.strides}
        return {**super().get_config(), **sizes}
