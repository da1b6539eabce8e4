"""One picture of any size and kind to uint8 (H, W, C) of the resolution and channels that are wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tfgan_kit.data.parallel import map_in_order
from tfgan_kit.errors import DataError

Images = NDArray[np.uint8]

_GREY_MODES = ("1", "L", "LA", "La")
_PAPER = "white"


def is_grey(image: Image.Image) -> bool:
    """Whether the kind of picture has no colour: grey, black and white, or a palette of greys."""
    if image.mode == "P":
        palette = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in _GREY_MODES or image.mode.startswith("I")


def flatten(image: Image.Image) -> Image.Image:
    """The picture as mode L or RGB: transparent parts become white, 16 bits become 8.

    Raises:
        ValueError: floating-point pixels, whose range is not known.
    """
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.int64)
        if wide.min() < 0 or wide.max() > 65535:
            raise ValueError("its pixels have more than 16 bits")
        return Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    target = "L" if is_grey(image) else "RGB"
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, _PAPER)
        return Image.alpha_composite(paper, image.convert("RGBA")).convert(target)
    return image if image.mode == target else image.convert(target)


def fit_picture(image: Image.Image, resolution: tuple[int, int], channels: int, fit: str) -> Images:
    """The picture at a resolution, resampled once, antialiased (Lanczos).

    Args:
        image: of any size and mode.
        resolution: height and width, px.
        channels: 1 or 3.
        fit: "crop" fills the frame and cuts what stands out on two sides alike; "pad" shows the whole picture between
            white margins; "stretch" changes its proportions.

    Returns:
        (H, W, channels) uint8.

    Raises:
        ValueError: floating-point pixels.
    """
    height, width = resolution
    image = flatten(image)
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if image.size != (width, height):
        image = _resampled(image, width, height, fit)
    return np.asarray(image).reshape(height, width, channels)


def fit_stack(images: Images, resolution: tuple[int, int] | None, channels: int | None, fit: str) -> Images:
    """An array of pictures at a resolution; the same array where there is nothing to change.

    Args:
        images: (N, h, w, c) uint8; c is 1 grey, 2 grey and alpha, 3 RGB or 4 RGBA.
        resolution: height and width, px; None: as they are.
        channels: 1 or 3; None: 1 where c is 1 or 2, else 3.
        fit: as in `fit_picture`.

    Returns:
        (N, H, W, channels) uint8.
    """
    c = images.shape[3]
    resolution = resolution or (images.shape[1], images.shape[2])
    channels = channels or (1 if c <= 2 else 3)
    if images.shape[1:] == (*resolution, channels):
        return images
    if images.shape[1:3] == resolution and c == 1:
        return np.repeat(images, channels, axis=3)
    fitted = np.empty((len(images), *resolution, channels), np.uint8)

    def picture(index: int) -> Images:
        return fit_picture(array_picture(images[index]), resolution, channels, fit)

    for index, pixels in enumerate(map_in_order(picture, range(len(images)))):
        fitted[index] = pixels
    return fitted


def array_picture(pixels: Images) -> Image.Image:
    """A (h, w, c) uint8 array, c from 1 to 4, as a picture of mode L, LA, RGB or RGBA.

    Raises:
        DataError: another shape.
    """
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4:
        raise DataError(f"a picture is (height, width, channels) with 1 to 4 channels; got shape {pixels.shape}")
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _resampled(image: Image.Image, width: int, height: int, fit: str) -> Image.Image:
    if fit == "stretch":
        return image.resize((width, height), Image.Resampling.LANCZOS)
    if fit == "crop":
        scale = min(image.width / width, image.height / height)
        left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
        box = (left, top, left + width * scale, top + height * scale)
        return image.resize((width, height), Image.Resampling.LANCZOS, box=box)
    scale = min(width / image.width, height / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    frame = Image.new(image.mode, (width, height), _PAPER)
    position = ((width - inner[0]) // 2, (height - inner[1]) // 2)
    frame.paste(image.resize(inner, Image.Resampling.LANCZOS), position)
    return frame
