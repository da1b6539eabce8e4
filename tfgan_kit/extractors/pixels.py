"""The pictures themselves as features."""

from __future__ import annotations

import hashlib

import numpy as np

from tfgan_kit.extractors.base import Attributes, ImageShape, check_images


class Pixels:
    """The pixels in [0, 1], in one row; see `Extractor`.

    Nothing is resized or converted: features of pictures of another size or channels are of another size too.
    """

    name = "pixels"
    digest = hashlib.sha256(b"pixels: x / 255, float32").hexdigest()[:16]
    image_shape: ImageShape | None = None
    resize = "none"
    feature_size: int | None = None

    def __init__(self) -> None:
        self.attributes: Attributes = {}

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The pixels (N, H * W * C) float32 of pictures (N, H, W, C) uint8, and no logits."""
        check_images(images, np.uint8, self.name)
        return self._flat(images), None

    def features(self, images: np.ndarray) -> np.ndarray:
        """The pixels alone."""
        return self.run(images)[0]

    def features_of_floats(self, images: np.ndarray) -> np.ndarray:
        """The same of float32 pictures in [0, 255]."""
        check_images(images, np.float32, self.name)
        return self._flat(images)

    @staticmethod
    def _flat(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), int(np.prod(images.shape[1:]))) / np.float32(255)
