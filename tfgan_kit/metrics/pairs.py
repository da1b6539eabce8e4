"""Which pairs of rows are near: a matrix product in float32 settles most pairs, float64 the rest."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

_BLOCK_ENTRIES = 2_500_000  # of the matrix of distances, which is never whole in memory
_GROUP = 16
_CHUNK_FLOATS = 500_000  # of the rows whose exact distances are taken at a time


class Pairs:
    """The squared distances |x - y|^2 of all rows x of `a` to all rows y of `b`.

    Each has two bounds in float32, U above it and L below: (1 +- c)(|x|^2 + |y|^2) - 2 <x, y>, where c covers all
    rounding on the way there. Where they leave a question open, the distance is taken in float64 from the difference of
    the rows. So answers are float64's, a pair's distance is the same wherever it stands, and equal rows are at 0.
    """

    def __init__(self, a: np.ndarray, b: np.ndarray) -> None:
        """Prepare the rows; memory is 4 F bytes for each.

        Args:
            a, b: (N, F) and (M, F), finite.
        """
        kind = np.float32 if a.dtype == b.dtype == np.float32 else np.float64
        self._a, self._b = a.astype(kind, copy=False), b.astype(kind, copy=False)
        self._a_names, self._b_names = _names(self._a), _names(self._b)
        # Distances do not change with the origin. About the mean, the bounds are the closest.
        origin = self._b.mean(axis=0, dtype=np.float64)
        reach = max(np.max(np.maximum(rows.max(axis=0) - origin, origin - rows.min(axis=0))) for rows in (a, b))
        scale = float(reach) or 1.0
        self._unit = scale**2  # of the bounds
        # 2^-24 is float32's rounding of one operation: F of the product, and some of the rows, norms and limits.
        self._slack = 1.1 * (2.0 * a.shape[1] + 32.0) * 2.0**-24
        self._left, self._a_norms = _centred(self._a, origin, scale)
        self._right, norms = _centred(self._b, origin, scale)
        # A last column brings |y|^2 into the product.
        self._left[:, -1] = 1.0
        self._right *= -2.0
        self._right[:, -1] = (1.0 + self._slack) * norms
        self._gap = (2.0 * self._slack * norms).astype(np.float32)

    def blocks(self) -> Iterator[Block]:
        """Some rows of `a` at a time, in order, to all rows of `b`."""
        size = max(1, _BLOCK_ENTRIES // len(self._b))
        for start in range(0, len(self._a), size):
            yield Block(self, slice(start, min(start + size, len(self._a))))

    def exact(self, i: Indices, j: Indices) -> Floats:
        """The distances of rows `i` of `a` to rows `j` of `b`: (P,) each."""
        distances = np.zeros(len(i))
        # Sets with many equal rows, as of a collapsed generator, leave many pairs open; names settle those at once.
        differ = np.flatnonzero(self._a_names[i] != self._b_names[j])
        size = max(1, _CHUNK_FLOATS // self._a.shape[1])
        for start in range(0, len(differ), size):
            some = differ[start : start + size]
            gaps = np.subtract(self._a[i[some]], self._b[j[some]], dtype=np.float64)
            distances[some] = np.square(gaps, out=gaps).sum(axis=1)
        return distances


class Block:
    """The distances of some rows of `a` to all rows of `b`.

    rows: those rows of `a`.
    """

    def __init__(self, pairs: Pairs, rows: slice) -> None:
        self.rows = rows
        self._pairs = pairs
        self._norms = pairs._a_norms[rows, None]
        # U or L, in the scaled unit, without the terms of `a` alone.
        self._bounds = pairs._left[rows] @ pairs._right.T
        self._is_upper = True

    def smallest(self, count: int) -> tuple[Indices, Floats]:
        """The `count` smallest distances of each row, and some others.

        Returns:
            their rows within the block, ascending, and the distances: (P,) each.
        """
        self._turn(upper=True)
        # At least `count` distances are at most the `count`-th smallest of what is above some of them.
        few = _thinned(self._bounds, count)
        limit = np.partition(few, count - 1, axis=1)[:, count - 1, None] + 2.0 * self._pairs._slack * self._norms
        self._turn(upper=False)
        near = np.flatnonzero(self._bounds <= limit.astype(np.float32))
        return near // len(self._pairs._b), self._exact(near)

    def at_most(self, *limits: Floats) -> list[Mask]:
        """Whether the distances are at most a limit, for each limit.

        Args:
            limits: (rows, 1) or (1, M) each.

        Returns:
            (rows, M) each.
        """
        self._turn(upper=True)
        masks = [self._bounds_at_most(limit) for limit in limits]
        self._turn(upper=False)
        for limit, mask in zip(limits, masks, strict=True):
            unsure = np.flatnonzero(mask ^ self._bounds_at_most(limit))
            if len(unsure):
                mask.flat[unsure] = self._exact(unsure) <= np.broadcast_to(limit, mask.shape).flat[unsure]
        return masks

    def _bounds_at_most(self, limit: Floats) -> Mask:
        sign = 1.0 if self._is_upper else -1.0
        of_a = (1.0 + sign * self._pairs._slack) * self._norms
        limit = limit / self._pairs._unit
        if limit.shape[1] == 1:
            return np.asarray(self._bounds <= (limit - of_a).astype(np.float32))
        return np.asarray(self._bounds - limit.astype(np.float32) <= -of_a.astype(np.float32))

    def _turn(self, *, upper: bool) -> None:
        if upper != self._is_upper:
            (np.add if upper else np.subtract)(self._bounds, self._pairs._gap, out=self._bounds)
            self._is_upper = upper

    def _exact(self, places: Indices) -> Floats:
        """The distances at these places of the flattened block."""
        i, j = np.divmod(places, len(self._pairs._b))
        return self._pairs.exact(i + self.rows.start, j)


def _thinned(bounds: Singles, count: int) -> Singles:
    """The smallest of each `_GROUP` columns, nearly always with the `count` smallest of a row; quicker to order."""
    width = bounds.shape[1] // _GROUP
    if width < 10 * count:
        return bounds
    return np.asarray(bounds[:, : _GROUP * width].reshape(len(bounds), _GROUP, width).min(axis=1))


def _centred(rows: np.ndarray, origin: Floats, scale: float) -> tuple[Singles, Floats]:
    """The rows about `origin` over `scale`, with a column to spare, and their squared norms: (N, F + 1), (N,)."""
    centred = np.zeros((len(rows), rows.shape[1] + 1), np.float32)
    norms = np.empty(len(rows))
    size = max(1, _CHUNK_FLOATS // rows.shape[1])
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        some = (rows[part] - origin) / scale
        centred[part, :-1] = some
        norms[part] = np.square(some, out=some).sum(axis=1)
    return centred, norms


def _names(rows: np.ndarray) -> NDArray[np.uint64]:
    """The same number (N,) for rows of the same bytes, and others for others but once in 2^64."""
    return np.frombuffer(b"".join(blake2b(row.tobytes(), digest_size=8).digest() for row in rows), np.uint64)
