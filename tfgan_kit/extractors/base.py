"""What an extractor is, and what all of them do alike: check pictures and take them in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from tfgan_kit.errors import DataError

ImageShape = tuple[int, int, int]
Attributes = dict[str, tuple[str, ...]]

# Numbers of a block's pictures together, and pictures of one at most: what bounds memory.
_BLOCK_NUMBERS = 2**21
_BLOCK_PICTURES = 500


class Extractor(Protocol):
    """A fixed function from pictures to features, and perhaps to the logits of what it was trained to tell apart.

    Attributes:
        name: "mnist-cnn", "inception", "pixels", "random-conv", ..., or the stem of a file.
        digest: 16 hex digits of a sha256 that changes with the numbers that it gives.
        image_shape: (H, W, C) that it takes after resizing; None: pictures of any size.
        resize: how pictures of another size get there, in words.
        feature_size: F; None where it depends on the pictures.
        attributes: what the logits are of: attribute -> names of its values, in the order of the logits' columns;
            {} where it has no logits. A classifier of one label has {"class": (...)}.
    """

    name: str
    digest: str
    image_shape: ImageShape | None
    resize: str
    feature_size: int | None
    attributes: Attributes

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The features and the logits of pictures, which it resizes and turns to grey or RGB as it needs.

        Args:
            images: (N, H, W, C) uint8, of any size, C 1 or 3.

        Returns:
            features: (N, F) float32.
            logits: (N, K) float32, the attributes side by side; None: it has none.

        Raises:
            DataError: images of another type or shape.
        """

    def features(self, images: np.ndarray) -> np.ndarray:
        """The features (N, F) float32 of pictures, as `run` takes them."""

    def features_of_floats(self, images: np.ndarray) -> np.ndarray:
        """The features (N, F) float32 of pictures that were not rounded to whole numbers.

        Args:
            images: (N, H, W, C) float32 in [0, 255], of any size, C 1 or 3.

        Raises:
            DataError: images of another type or shape.
            MissingPackageError: an ONNX file with uint8 input, and no `onnx` package to open it for floats with.
        """


def check_images(images: np.ndarray, dtype: type[np.generic], name: str) -> None:
    """That `images` are (N, H, W, C) of `dtype` with 1 or 3 channels.

    Raises:
        DataError: they are not.
    """
    if images.dtype != dtype or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape[1:]:
        raise DataError(
            f"extractor {name!r} takes {np.dtype(dtype)} images (N, H, W, C) with 1 or 3 channels; "
            f"got {images.dtype} {images.shape}"
        )


def blocks(count: int, shape: tuple[int, ...], most: int | None = None) -> Iterator[slice]:
    """Slices that cover `count` pictures of `shape`, (H, W, C), as many at a time as memory is to hold, or `most`."""
    size = max(1, min(most or _BLOCK_PICTURES, _BLOCK_NUMBERS // int(np.prod(shape))))
    return (slice(start, min(start + size, count)) for start in range(0, count, size))
