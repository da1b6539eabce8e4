"""Layers that the families share and Keras lacks. Each takes a Keras dtype policy, is jittable and has an ONNX form."""

from tfgan_kit.networks.layers.spectral import (
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
    SpectralEmbedding,
    power_iterate,
)

__all__ = [
    "SpectralConv2D",
    "SpectralConv2DTranspose",
    "SpectralDense",
    "SpectralEmbedding",
    "power_iterate",
]
