"""A grey extractor run on each colour channel, for pictures that are three grey ones in one, as stacked MNIST's."""

from __future__ import annotations

import hashlib

import numpy as np

from tfgan_kit.errors import DataError
from tfgan_kit.extractors.base import Attributes, Extractor, ImageShape

CHANNELS = ("red", "green", "blue")


class PerChannel:
    """The features of red, green and blue in a row, (N, 3 F), and likewise the logits of an attribute for each.

    Attributes: those of `Extractor`.
    """

    def __init__(self, grey: Extractor, name: str) -> None:
        """Put a grey extractor of one label on each channel.

        Args:
            grey: what each channel is seen by.
            name: of the whole.
        """
        self.name, self._grey = name, grey
        self.digest = hashlib.sha256(f"{name} of {grey.digest}".encode()).hexdigest()[:16]
        self.image_shape: ImageShape | None = (*grey.image_shape[:2], 3) if grey.image_shape else None
        self.resize = grey.resize
        self.feature_size = None if grey.feature_size is None else 3 * grey.feature_size
        (values,) = grey.attributes.values()
        self.attributes: Attributes = dict.fromkeys(CHANNELS, values)

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """See `Extractor.run`; the pictures have three channels."""
        found = [self._grey.run(channel) for channel in self._split(images)]
        features, logits = zip(*found, strict=True)
        return np.concatenate(features, axis=1), np.concatenate(logits, axis=1)

    def features(self, images: np.ndarray) -> np.ndarray:
        """See `Extractor.features`."""
        return np.concatenate([self._grey.features(channel) for channel in self._split(images)], axis=1)

    def features_of_floats(self, images: np.ndarray) -> np.ndarray:
        """See `Extractor.features_of_floats`."""
        return np.concatenate([self._grey.features_of_floats(channel) for channel in self._split(images)], axis=1)

    def _split(self, images: np.ndarray) -> list[np.ndarray]:
        if images.ndim != 4 or images.shape[3] != 3:
            raise DataError(f"extractor {self.name!r} takes RGB pictures (N, H, W, 3); got shape {images.shape}")
        return [np.ascontiguousarray(images[..., i : i + 1]) for i in range(3)]
