"""Pictures for people: grids and animations of uint8 images. Pillow and numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def grid(images: np.ndarray, columns: int, gap_px: int = 2) -> np.ndarray:
    """Images laid out row by row on white.

    Args:
        images: (N, H, W, C) uint8, C of 1 or 3.
        columns: images a row; the last row may be shorter.
        gap_px: white space between images, px.

    Returns:
        (rows * (H + gap) - gap, columns * (W + gap) - gap, C) uint8.
    """
    n, height, width, channels = images.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap_px), columns * (width + gap_px), channels), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap_px), i % columns * (width + gap_px)
        sheet[top : top + height, left : left + width] = image
    return sheet[: -gap_px or None, : -gap_px or None]


def to_pillow(image: np.ndarray) -> Image.Image:
    """(H, W, C) uint8, C of 1 or 3, as a Pillow image."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def panels(frames: Sequence[Path], count: int, gap_px: int = 4) -> np.ndarray:
    """A row of picture files on white, evenly chosen from first to last.

    Args:
        frames: files of one size, all grey or all in colour, in order; at least one.
        count: pictures in the row, at least 1; one shows the last file. Of fewer files each is shown once.
        gap_px: white space between pictures, px.

    Returns:
        (H, n * (W + gap) - gap, C) uint8 for the n that are shown.
    """
    shown = []
    for frame in evenly(frames, count):
        with Image.open(frame) as picture:
            shown.append(np.atleast_3d(np.asarray(picture)))
    return grid(np.stack(shown), columns=len(shown), gap_px=gap_px)


def evenly(frames: Sequence[Path], count: int) -> list[Path]:
    """At most `count` of the frames in their order, evenly, the first and the last among them; one is the last."""
    if count == 1:
        return [frames[-1]]
    return [frames[i] for i in np.unique(np.linspace(0, len(frames) - 1, count).round().astype(int))]


def save_gif(
    frames: Sequence[Path], path: Path, *, seconds: float = 6.0, most: int = 60, hold_sec: float = 2.0
) -> None:
    """An endless animation of picture files.

    Args:
        frames: files of one size, in order; at least one.
        path: where the GIF goes.
        seconds: length, apart from the held last frame.
        most: evenly thinned to this many frames.
        hold_sec: how long the last frame stays.
    """
    pictures = [Image.open(frame).convert("P", palette=Image.Palette.ADAPTIVE) for frame in evenly(frames, most)]
    durations = [max(40, round(1000 * seconds / len(pictures)))] * (len(pictures) - 1) + [round(1000 * hold_sec)]
    pictures[0].save(path, format="GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0)
