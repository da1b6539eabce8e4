"""Densities on a grid over [-1, 1]^2: of samples, by a kernel estimate; and how far two of them are apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import MissingPackageError

Floats = NDArray[np.float64]

# Cells a side.
SIDE = 256
CELL = 2.0 / SIDE
# Positions of the cells' middles.
AXIS: Floats = ((np.arange(SIDE) + 0.5) * CELL - 1.0).astype(np.float64)


def grid_points() -> Floats:
    """(SIDE * SIDE, 2) middles of the cells, x and y, row by row from the smallest y on."""
    return np.stack(np.meshgrid(AXIS, AXIS), axis=-1).reshape(-1, 2)


def kernel_density(points: Floats, bandwidth: float) -> Floats:
    """The density of points by Gaussian kernels, on the grid.

    The points are counted by cell before, which adds CELL^2 / 12 to the kernel's variance.

    Args:
        points: (N, 2); what lies outside of [-1, 1]^2 is left out.
        bandwidth: deviation of the kernel on each axis.

    Returns:
        (SIDE, SIDE), row by y, that sums to 1 / CELL^2 less what lies outside.

    Raises:
        MissingPackageError: no scipy.

    Source: Silverman, "Density estimation for statistics and data analysis" (1986), Section 4.2.
    """
    try:
        from scipy.ndimage import gaussian_filter
    except ImportError as error:
        raise MissingPackageError("the toys need scipy: pip install 'tfgan-kit[train]'") from error
    edges = np.linspace(-1.0, 1.0, SIDE + 1)
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=(edges, edges))
    found: Floats = gaussian_filter(counts, bandwidth / CELL, mode="constant") / (len(points) * CELL**2)
    return found


def at(field: Floats, points: Floats) -> Floats:
    """The values (N,) of a field (SIDE, SIDE) in the cells of points (N, 2); beyond the grid, of its edge."""
    columns, rows = (np.clip(((axis + 1.0) / CELL).astype(np.int64), 0, SIDE - 1) for axis in points.T)
    found: Floats = field[rows, columns]
    return found


def jensen_shannon(p: Floats, q: Floats) -> float:
    """The Jensen-Shannon divergence of two densities on the grid, nats, in [0, log 2].

    Source: Lin, "Divergence measures based on the Shannon entropy" (1991).
    """
    p, q = p / p.sum(), q / q.sum()
    middle = 0.5 * (p + q)
    return 0.5 * (_kl(p, middle) + _kl(q, middle))


def _kl(p: Floats, q: Floats) -> float:
    there = p > 0.0
    return float((p[there] * np.log(p[there] / q[there])).sum())
