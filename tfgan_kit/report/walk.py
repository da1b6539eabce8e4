"""What a generator gives the report: fresh samples, and walks between latents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from tfgan_kit.evaluation.subject import Latents
from tfgan_kit.metrics.path_length import lerp, slerp
from tfgan_kit.pictures import grid

WALKS = 6
STEPS = 9


class Painter(Protocol):
    """A generator, wherever it runs."""

    def draw(self, seeds: np.ndarray) -> np.ndarray:
        """(N,) seeds to (N, H, W, C) uint8 pictures."""

    def spaces(self) -> Mapping[str, Latents]:
        """Its latent spaces by name, "z" and perhaps "w"; {} where it has none to walk in."""


def samples(painter: Painter, rows: int, columns: int) -> np.ndarray:
    """The pictures of the seeds from 0 on as one sheet, which are those of a preview."""
    return grid(painter.draw(np.arange(rows * columns)), columns)


def walks(latents: Latents, space: str, prior: str) -> np.ndarray:
    """Walks between latents as one sheet: a row a walk, from seed i on its left to seed WALKS + i on its right.

    In w and where z is uniform in a cube the way is the straight line, which does not leave the cube; else it is the
    great circle, on which z keeps the length that the generator was trained on. A row keeps its class and its noise.

    Args:
        latents: the space.
        space: "z" or "w".
        prior: of z.
    """
    starts, ends = (latents.draw(seeds).astype(np.float64) for seeds in np.arange(2 * WALKS).reshape(2, WALKS))
    way = lerp if space == "w" or prior == "uniform" else slerp
    steps = []
    for t in np.linspace(0.0, 1.0, STEPS):
        pictures = latents.synthesize(way(starts, ends, np.full((WALKS, 1), t)).astype(np.float32))
        steps.append(np.rint(np.clip(pictures, 0, 255)).astype(np.uint8))
    rows = np.stack(steps, axis=1)
    return grid(rows.reshape(-1, *rows.shape[2:]), STEPS)
