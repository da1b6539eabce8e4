"""Improved precision and recall: how much of the fakes looks real, and how much of the real is covered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError

Floats = NDArray[np.float64]

_BLOCK_ROWS = 500  # of the distance matrix, which is never whole in memory


class PrecisionRecall(NamedTuple):
    """Both in [0, 1], higher is better."""

    precision: float  # share of the fakes that lie within the real manifold
    recall: float  # share of the real that lies within the fake manifold


def precision_recall(real: np.ndarray, fake: np.ndarray, *, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall of `fake` against `real`.

    The manifold of a set is the union of balls about its rows, each as wide as the distance to the row's k-th
    neighbour in the same set. Both figures depend on the numbers of rows and on k: compare only equal ones.

    Args:
        real: (N, F) features, finite, N > k.
        fake: (M, F) features, finite, M > k.
        k: the neighbour that sets the width of a ball, at least 1.

    Raises:
        DataError: too few rows for k, features of different sizes, or values that are not finite.

    Source: Kynkaanniemi et al., "Improved precision and recall metric for assessing generative models" (2019),
    Eq. 1 and 2; k = 3 is theirs.
    """
    if k < 1:
        raise DataError(f"k must be at least 1; got {k}")
    real, fake = _checked("real", real, k), _checked("fake", fake, k)
    if real.shape[1] != fake.shape[1]:
        raise DataError(f"real features have size {real.shape[1]}; the fake ones have {fake.shape[1]}")
    # Distances do not change with the origin; about the mean, the identity in `_blocks` loses the fewest digits.
    centre = real.mean(axis=0)
    real, fake = real - centre, fake - centre
    return PrecisionRecall(
        precision=float(_inside(fake, real, _radii(real, k)).mean()),
        recall=float(_inside(real, fake, _radii(fake, k)).mean()),
    )


def _radii(rows: Floats, k: int) -> Floats:
    """The squared distance (N,) of each row to its k-th neighbour among the others."""
    radii = np.empty(len(rows))
    for part, distances in _blocks(rows, rows):
        # The row itself is the nearest of all, so the k-th of the others is at index k.
        distances[np.arange(len(distances)), np.arange(part.start, part.start + len(distances))] = 0.0
        radii[part] = np.partition(distances, k, axis=1)[:, k]
    return radii


def _inside(points: Floats, centres: Floats, radii: Floats) -> NDArray[np.bool_]:
    """Whether each point (N,) is in the ball of some centre, its edge included."""
    inside = np.empty(len(points), np.bool_)
    for part, distances in _blocks(points, centres):
        inside[part] = (distances <= radii).any(axis=1)
    return inside


def _blocks(a: Floats, b: Floats) -> Iterator[tuple[slice, Floats]]:
    """Squared distances of all rows of `b` to some rows of `a` at a time: those rows, and (rows, M)."""
    b_norms = (b**2).sum(axis=1)
    for start in range(0, len(a), _BLOCK_ROWS):
        part = slice(start, start + _BLOCK_ROWS)
        # |x - y|^2 = |x|^2 + |y|^2 - 2 <x, y>
        distances = a[part] @ (-2.0 * b.T)
        distances += (a[part] ** 2).sum(axis=1)[:, None]
        distances += b_norms
        yield part, np.maximum(distances, 0.0, out=distances)


def _checked(name: str, features: np.ndarray, k: int) -> Floats:
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or len(rows) <= k:
        raise DataError(f"{name} features must be (N, F) with N > k = {k}; got shape {rows.shape}")
    bad = int((~np.isfinite(rows)).any(axis=1).sum())
    if bad:
        raise DataError(f"{bad} of {len(rows)} rows of {name} features are not finite; look for NaN in the images")
    return rows
