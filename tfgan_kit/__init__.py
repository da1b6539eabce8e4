"""tfgan-kit: train Generative Adversarial Networks with TensorFlow and give their generators away as ONNX."""

from tfgan_kit._version import __version__

__all__ = ["__version__"]
