"""A picture of a sum of latents: a row for each term, its pictures and their mean, and below what comes of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfgan_kit.pictures import grid

_WHITE, _BLACK = 255, 0


def sum_sheet(terms: Sequence[tuple[str, np.ndarray, np.ndarray]], results: np.ndarray, *, zoom: int = 1) -> np.ndarray:
    """Draw a sum.

    Args:
        terms: sign, "+" or "-"; pictures (n, H, W, C) uint8 of the term's latents; and (H, W, C) of their mean.
        results: (9, H, W, C) uint8, the sum in the middle and its neighbours around it.
        zoom: each pixel becomes so many in a row and column.

    Returns:
        (height, width, C) uint8: each row a sign, pictures and, apart from them, the mean; the first has no sign. Last,
        behind a sign of equality, the results three by three.
    """
    _, height, width, channels = results.shape
    columns = max(len(images) for _, images, _ in terms)
    gap = max(2, height // 14)
    apart = np.full((height, width // 2, channels), _WHITE, np.uint8)
    rows = []
    for i, (sign, images, mean) in enumerate(terms):
        blank = np.full((columns - len(images), *images.shape[1:]), _WHITE, np.uint8)
        tiles = grid(np.concatenate([images, blank]), columns, gap)
        rows.append(
            _beside([_sign("" if i == 0 and sign == "+" else sign, height, width, channels), tiles, apart, mean])
        )
    sheet = grid(results, 3, gap)
    rows.append(_beside([_sign("=", len(sheet), width, channels), sheet]))
    whole = max(row.shape[1] for row in rows)
    spaced = []
    for i, row in enumerate(rows):
        # The result stands apart from its terms.
        below = 4 * gap if i == len(rows) - 2 else gap
        spaced.append(np.pad(row, ((0, below), (0, whole - row.shape[1]), (0, 0)), constant_values=_WHITE))
    page = np.pad(np.concatenate(spaced), ((gap, 0), (0, gap), (0, 0)), constant_values=_WHITE)
    return np.repeat(np.repeat(page, zoom, axis=0), zoom, axis=1)


def _beside(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts, axis=1)


def _sign(sign: str, height: int, width: int, channels: int) -> np.ndarray:
    """A tile with a sign of bars in its middle."""
    tile = np.full((height, width, channels), _WHITE, np.uint8)
    y, x, arm, half = height // 2, width // 2, max(2, width // 6), max(1, width // 28)
    bars = {"": [], "+": [0], "-": [0], "=": [-2 * half - 1, 2 * half + 1]}[sign]
    for offset in bars:
        tile[y + offset - half : y + offset + half, x - arm : x + arm] = _BLACK
    if sign == "+":
        tile[y - arm : y + arm, x - half : x + half] = _BLACK
    return tile
