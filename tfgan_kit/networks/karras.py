"""What the families of Karras et al. share: layers of equalised learning rate, and the latent that enters them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from tfgan_kit.networks.layers.equalized import EqualizedConv2D, EqualizedDense
from tfgan_kit.networks.parts import Builder


class EqualizedBuilder(Builder):
    """A Builder whose dense layers and convolutions have an equalised learning rate.

    Their weights are standard normal, and scaled at each use: Karras et al. 2018, section 4.1.
    """

    def __init__(self, *, dtype: str, seed: int, leak: float = 0.2, noise: float = 0.0, dropout: float = 0.0) -> None:
        """Say how the network's layers are made; see Builder."""
        super().__init__(dtype=dtype, seed=seed, leak=leak, noise=noise, dropout=dropout)
        # What keeps the variance through LeakyReLU: He et al. 2015, Eq. 15; sqrt(2) for a ReLU.
        self.act_gain = math.sqrt(2.0 / (1.0 + leak**2))

    def dense(
        self, x: Any, units: int, *, name: str, bias: bool = True, dtype: str | None = None, gain: float = 1.0,
        lr_multiplier: float = 1.0, bias_init: float = 0.0,
    ) -> Any:  # fmt: skip
        """(B, F) -> (B, units); see EqualizedDense."""
        return EqualizedDense(
            units, gain=gain, lr_multiplier=lr_multiplier, use_bias=bias, bias_init=bias_init,
            seed=self.init.next_seed(), dtype=dtype or self.dtype, name=name,
        )(x)  # fmt: skip

    def conv(
        self, x: Any, features: int, kernel_px: int, *, name: str, stride: int = 1, bias: bool = True, gain: float = 1.0
    ) -> keras.KerasTensor:
        """(B, H, W, C) -> (B, ceil(H / stride), ceil(W / stride), features)."""
        return self.conv_layer(features, kernel_px, name=name, stride=stride, bias=bias, gain=gain)(x)

    def conv_layer(
        self, features: int, kernel_px: int, *, name: str, stride: int = 1, bias: bool = True, gain: float = 1.0
    ) -> layers.Layer:
        """The layer that `conv` calls, for one that is called several times."""
        return EqualizedConv2D(
            features, kernel_px, stride, gain=gain, use_bias=bias, seed=self.init.next_seed(), dtype=self.dtype,
            name=name,
        )  # fmt: skip

    def latent(self, z: Any, c: Any, classes: Sequence[int], size: int) -> keras.KerasTensor:
        """z, and an embedding of `size` numbers of each attribute's class behind it, each of mean square 1."""
        parts = [self.norm(z, kind="pixel", name="z_norm")]
        for a, x in enumerate(self.class_embeddings(c, classes, size)):
            # Normalised by itself: beside z, the small initial embedding would be lost.
            parts.append(self.norm(x, kind="pixel", name=f"class_norm{a or ''}"))
        return layers.Concatenate(dtype=self.dtype, name="z_and_class")(parts) if classes else parts[0]
