"""Networks that turn pictures into features; none loads TensorFlow."""

from tfgan_kit.extractors.base import Extractor
from tfgan_kit.extractors.registry import NAMED, open_extractor

__all__ = ["NAMED", "Extractor", "open_extractor"]
