"""Layers that the families share and Keras lacks. Each takes a Keras dtype policy, is jittable and has an ONNX form."""

from tfgan_kit.networks.layers.attention import SelfAttention2D
from tfgan_kit.networks.layers.equalized import EqualizedConv2D, EqualizedDense
from tfgan_kit.networks.layers.minibatch import MinibatchDiscrimination, MinibatchStddev
from tfgan_kit.networks.layers.modulated import ModulatedConv2D
from tfgan_kit.networks.layers.norms import normalise
from tfgan_kit.networks.layers.randomness import Randomness
from tfgan_kit.networks.layers.resample import downsample, pixel_shuffle, upsample, upsample_bilinear
from tfgan_kit.networks.layers.spectral import (
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
    SpectralEmbedding,
    power_iterate,
)

__all__ = [
    "EqualizedConv2D",
    "EqualizedDense",
    "MinibatchDiscrimination",
    "MinibatchStddev",
    "ModulatedConv2D",
    "Randomness",
    "SelfAttention2D",
    "SpectralConv2D",
    "SpectralConv2DTranspose",
    "SpectralDense",
    "SpectralEmbedding",
    "downsample",
    "normalise",
    "pixel_shuffle",
    "power_iterate",
    "upsample",
    "upsample_bilinear",
]
