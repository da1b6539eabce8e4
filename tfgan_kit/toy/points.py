"""The data of the toys: mixtures of equal Gaussians, in rings, grids and along curves, so that densities are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError, nearest

Floats = NDArray[np.float64]

# Half the side of the square in which the centres lie; the rest, up to 1, is for tails, as G ends in a tanh.
_REACH = 0.7
# Gaussians along a curve: closer to each other than their deviation.
_ALONG = 240


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """A mixture of K Gaussians of equal weight and deviation, within [-1, 1]^2.

    Attributes:
        name: of the toy.
        centres: (K, 2).
        deviation: of each Gaussian on each axis.
        modes: K where the Gaussians lie apart and can be counted; 0 along a curve.
    """

    name: str
    centres: Floats
    deviation: float
    modes: int

    def draw(self, n: int, seed: int) -> Floats:
        """(n, 2) points."""
        rng = np.random.default_rng(seed)
        at = rng.integers(0, len(self.centres), n)
        return self.centres[at] + self.deviation * rng.standard_normal((n, 2))

    def density(self, x: Floats, y: Floats, blur: float = 0.0) -> Floats:
        """The density on a grid, after noise of deviation `blur` on each axis.

        Args:
            x: (W,) positions of the columns.
            y: (H,) positions of the rows.
            blur: at least 0.

        Returns:
            (H, W).
        """
        deviation = math.hypot(self.deviation, blur)
        along_x, along_y = (
            np.exp(-0.5 * ((axis[:, None] - centre) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
            for axis, centre in ((x, self.centres[:, 0]), (y, self.centres[:, 1]))
        )
        found: Floats = along_y @ along_x.T / len(self.centres)
        return found


def _ring8() -> Points:
    angles = 2 * math.pi * np.arange(8) / 8
    centres = _REACH * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Points(name="ring8", centres=centres, deviation=0.03, modes=8)


def _grid25() -> Points:
    axis = np.linspace(-_REACH, _REACH, 5)
    centres = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return Points(name="grid25", centres=centres, deviation=0.03, modes=25)


def _spiral() -> Points:
    """Two arms of Archimedes' spiral, each once around."""
    turn = 2 * math.pi * np.sqrt(np.linspace(0.02, 1.0, _ALONG // 2))
    arm = np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1) * _REACH / (2 * math.pi)
    return Points(name="spiral", centres=np.concatenate([arm, -arm]), deviation=0.03, modes=0)


def _swissroll() -> Points:
    """One arm, once and a half around, as the roll seen from its end."""
    turn = np.linspace(1.5 * math.pi, 4.5 * math.pi, _ALONG)
    centres = np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1) * _REACH / (4.5 * math.pi)
    return Points(name="swissroll", centres=centres, deviation=0.03, modes=0)


TOYS: dict[str, Callable[[], Points]] = {
    "ring8": _ring8,
    "grid25": _grid25,
    "spiral": _spiral,
    "swissroll": _swissroll,
}


def points_named(name: str) -> Points:
    """The toy of that name.

    Raises:
        DataError: there is none.
    """
    if name not in TOYS:
        raise DataError(f"unknown toy {name!r}: {nearest(name, TOYS)}")
    return TOYS[name]()
