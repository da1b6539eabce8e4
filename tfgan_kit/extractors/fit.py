"""Pictures to the size and channels of an extractor: uint8 as data sources are fitted, and floats by the same rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESIZE = "Lanczos, antialiased"

# Of red, green and blue in Pillow's conversion to grey (ITU-R 601-2), in 65536ths.
_GREY_WEIGHTS = np.array([19595, 38470, 7471]) / 65536


def fit_images(images: NDArray[np.uint8], size: tuple[int, int] | None, channels: int) -> NDArray[np.uint8]:
    """Pictures stretched to a size, as data sources do it.

    Args:
        images: (N, h, w, c) uint8, c 1 or 3.
        size: (H, W), px; None: as they are.
        channels: 1 or 3.

    Returns:
        (N, H, W, channels) uint8; the same array where there is nothing to change.
    """
    if images.shape[3] == channels and size in (None, images.shape[1:3]):
        return images
    if images.shape[3] == 1 and size in (None, images.shape[1:3]):
        return np.repeat(images, channels, axis=3)
    from tfgan_kit.data.resize import fit_stack

    return fit_stack(images, size, channels, "stretch")


def fit_floats(images: NDArray[np.float32], size: tuple[int, int] | None, channels: int) -> NDArray[np.float32]:
    """As `fit_images`, of float32 pictures in [0, 255], and nothing is rounded.

    What Lanczos shoots over the range is cut off, as it is in whole numbers.
    """
    from PIL import Image

    if images.shape[3] == 3 and channels == 1:
        images = (images @ _GREY_WEIGHTS[:, None]).astype(np.float32)
    if size is not None and size != images.shape[1:3]:
        height, width = size
        resized = np.empty((len(images), height, width, images.shape[3]), np.float32)
        for index in np.ndindex(len(images), images.shape[3]):
            plane = Image.fromarray(images[index[0], :, :, index[1]])
            resized[index[0], :, :, index[1]] = np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS))
        images = resized.clip(0.0, 255.0)
    return np.repeat(images, channels, axis=3) if images.shape[3] < channels else images
