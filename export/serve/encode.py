"""Pictures as the bytes of a file, without loss."""

from __future__ import annotations

import io
import math

import numpy as np

from tfgan_kit.pictures import grid, to_pillow

# Between the pictures of a grid.
GAP_PX = 2


def grid_columns(n: int) -> int:
    """The least for which a grid of n pictures has no more rows than columns."""
    return math.isqrt(n - 1) + 1


def encode(images: np.ndarray, form: str) -> bytes:
    """The content of a file.

    Args:
        images: (n, H, W, C) uint8, C of 1 or 3, n of at least 1.
        form: "png" or "webp": one picture as it is, several as a grid, row by row; "npy": the array.
    """
    stream = io.BytesIO()
    if form == "npy":
        np.save(stream, np.ascontiguousarray(images), allow_pickle=False)
        return stream.getvalue()
    sheet = images[0] if len(images) == 1 else grid(images, grid_columns(len(images)), GAP_PX)
    options = {"lossless": True, "method": 2} if form == "webp" else {}
    to_pillow(sheet).save(stream, format=form, **options)
    return stream.getvalue()
