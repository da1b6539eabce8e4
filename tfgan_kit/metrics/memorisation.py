"""Whether a generator gives its training pictures back: nearest training rows, against those of held-out real data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError

Indices = NDArray[np.int64]
Distances = NDArray[np.float64]
Report = Callable[[float], None]

# One in so many real pictures counts as near to a training picture.
_ONE_IN = 100
# What `verdict` asks: so much more than real pictures show, and so seldom by chance.
_EXCESS, _SIGNIFICANCE = 0.04, 0.01

_QUERY_BLOCK, _ROW_BLOCK = 512, 4096
_BLOCK_VALUES = 2**23  # of either block at most, 32 MiB as float32


class Memorisation(NamedTuple):
    """How near samples lie to training rows; every figure but the indices depends on the space and the numbers of rows.

    share: of the samples as near to a training row as the nearest 1 % of the held-out rows are, in [0, 1]. Real
        pictures give 0.01.
    held_out_share: the same of the held-out rows: 0.01, or more where many of them are equally near.
    share_p: probability that chance alone gives such a share or a larger one (Fisher's exact test, one-sided).
    ratio: median nearest distance of the samples over that of the held-out rows. About 1 is right, 0 is copying.
    z: Mann-Whitney statistic of the two sets of distances, in standard deviations; negative: samples are nearer.
    p: probability of a z as low or lower by chance, one-sided.
    nearest_indices: (N,) int64, the nearest training row of each sample.
    nearest_distances: (N,) float64, how far it is.
    pairs: (P, 2) int64, sample and training row of the closest pairs, the closest first.
    """

    share: float
    held_out_share: float
    share_p: float
    ratio: float
    z: float
    p: float
    nearest_indices: Indices
    nearest_distances: Distances
    pairs: Indices


class Verdict(NamedTuple):
    """Whether a generator copies, and the figures that say so, as a sentence."""

    copies: bool
    reason: str


def memorisation(
    fake: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    *,
    pairs: int = 16,
    on_progress: Report = lambda share: None,
) -> Memorisation:
    """How near samples lie to their training data, measured by real data of the same kind that was not trained on.

    A z or ratio says how all samples lie on the whole; a poor generator hides some copies there, since its other
    samples are far. The share finds these. Both take no account of classes: a generator that makes too many of the
    plain pictures, which lie near to others anyway, looks a little like one that copies. Look at the pairs.

    Differs from Meehan et al.: their statistic is the weighted mean of z over the cells of a partition of the space;
    here it is z over the whole space, and the share is beside it.

    Args:
        fake: (N, F) features, or pixels in any shape (N, ...), of samples.
        train: (M, F) of all training pictures.
        held_out: (K, F) of real pictures of the same kind that are not among them, K >= 100.
        pairs: number of closest pairs to give, at most N.
        on_progress: told the share that is done, in (0, 1].

    Raises:
        DataError: no samples, too few held-out rows, other sizes, values that are not finite, or held-out rows of
            which half and more are training rows.

    Source: Meehan, Chaudhuri and Dasgupta, "A non-parametric test to detect data-copying in generative models" (2020),
    Section 4; Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the
    other" (1947).
    """
    if len(fake) == 0 or len(held_out) < _ONE_IN:
        raise DataError(
            f"memorisation needs samples and at least {_ONE_IN} held-out rows; got {len(fake)} and {len(held_out)}"
        )
    total = len(fake) + len(held_out)
    indices, distances = nearest(fake, train, on_progress=lambda done: on_progress(done * len(fake) / total))
    _, real = nearest(held_out, train, on_progress=lambda done: on_progress((len(fake) + done * len(held_out)) / total))
    median = float(np.median(real))
    if median == 0.0:
        raise DataError("half of the held-out rows or more are training rows; give real data that was not trained on")
    bound = np.sort(real)[-(-len(real) // _ONE_IN) - 1]
    near, real_near = int((distances <= bound).sum()), int((real <= bound).sum())
    z, p = _mann_whitney(distances, real)
    closest = np.argsort(distances, kind="stable")[:pairs]
    return Memorisation(
        share=near / len(distances),
        held_out_share=real_near / len(real),
        share_p=_fisher(near, len(distances), real_near, len(real)),
        ratio=float(np.median(distances)) / median,
        z=z,
        p=p,
        nearest_indices=indices,
        nearest_distances=distances,
        pairs=np.stack([closest, indices[closest]], axis=1),
    )


def verdict(figures: Memorisation) -> Verdict:
    """Whether the generator copies: its share exceeds that of held-out rows by more than 0.04, with share_p < 0.01.

    The rule asks the share and not p: with many samples p is tiny for any difference between generator and data, even
    between two halves of real data, and it is large where a poor generator returns some training pictures.
    """
    copies = figures.share - figures.held_out_share > _EXCESS and figures.share_p < _SIGNIFICANCE
    return Verdict(
        copies,
        f"{figures.share:.1%} of the samples lie as near to a training picture as {figures.held_out_share:.1%} of "
        f"held-out pictures do (p = {figures.share_p:.2g}): " + ("it copies" if copies else "no sign of copying"),
    )


def nearest(
    queries: np.ndarray, rows: np.ndarray, *, on_progress: Report = lambda share: None
) -> tuple[Indices, Distances]:
    """The nearest of `rows` to each query, by Euclidean distance.

    The search is in float32 about the mean of the rows, so that of rows whose distances agree to about 1e-6 of their
    lengths either may be given; the distance is then taken anew in float64, and that of an equal row is exactly 0.
    Memory beside the arguments is below 200 MiB: neither is copied, nor held as floats.

    Args:
        queries: (N, F) of any real type, finite; or (N, ...), of which F is the product. uint8 pictures go as they are.
        rows: (M, F), alike, M > 0.
        on_progress: told the share that is done, in (0, 1].

    Returns:
        indices: (N,) int64 in [0, M).
        distances: (N,) float64.

    Raises:
        DataError: no rows, other sizes, or values that are not finite.
    """
    queries, rows = _flat("queries", queries), _flat("rows", rows)
    if queries.shape[1] != rows.shape[1]:
        raise DataError(f"queries have size {queries.shape[1]}; rows have {rows.shape[1]}")
    if not len(rows):
        raise DataError("there are no rows that a query could be near to")
    centre = _mean(rows)
    indices = np.zeros(len(queries), np.int64)
    lowest = np.full(len(queries), np.inf, np.float32)
    for row_part in _parts(rows, _ROW_BLOCK):
        y = rows[row_part].astype(np.float32) - centre
        # |x - y|^2 - |x|^2 = |y|^2 - 2 <x, y>, and |x|^2 does not decide which y is the nearest.
        offsets = np.einsum("ij,ij->i", y, y)
        y *= -2.0
        for part in _parts(queries, _QUERY_BLOCK):
            scores = (queries[part].astype(np.float32) - centre) @ y.T
            scores += offsets
            best = scores.argmin(axis=1)
            score = scores[np.arange(len(best)), best]
            better = score < lowest[part]
            indices[part][better] = best[better] + row_part.start
            lowest[part][better] = score[better]
        on_progress(row_part.stop / len(rows))
    return indices, _distances(queries, rows, indices)


def _mann_whitney(a: Distances, b: Distances) -> tuple[float, float]:
    """z and one-sided p that values of `a` are lower than those of `b`: normal approximation, corrected for ties."""
    n, m = len(a), len(b)
    total = n + m
    _, places, counts = np.unique(np.concatenate([a, b]), return_inverse=True, return_counts=True)
    # Equal values share the mean of the ranks that they take up.
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[places]
    u = ranks[:n].sum() - n * (n + 1) / 2.0
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * (total - 1.0))
    variance = n * m / 12.0 * (total + 1.0 - ties)
    z = float((u - n * m / 2.0) / math.sqrt(variance)) if variance > 0.0 else 0.0
    return z, 0.5 * math.erfc(-z / math.sqrt(2.0))


def _fisher(k: int, n: int, r: int, m: int) -> float:
    """Probability of k or more near ones among n, and so r or fewer among m, when k + r of all n + m are near."""

    def log_choose(of: int, take: int) -> float:
        return math.lgamma(of + 1) - math.lgamma(take + 1) - math.lgamma(of - take + 1)

    whole = log_choose(n + m, k + r)
    terms = (log_choose(m, i) + log_choose(n, k + r - i) - whole for i in range(max(0, k + r - n), r + 1))
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _distances(queries: np.ndarray, rows: np.ndarray, indices: Indices) -> Distances:
    """The distance (N,) of each query to the row of its index."""
    distances = np.empty(len(queries))
    for part in _parts(queries, _QUERY_BLOCK):
        gaps = queries[part].astype(np.float64) - rows[indices[part]]
        distances[part] = np.sqrt(np.einsum("ij,ij->i", gaps, gaps))
    return distances


def _mean(rows: np.ndarray) -> NDArray[np.float32]:
    """The mean row (F,)."""
    total = np.zeros(rows.shape[1])
    for part in _parts(rows, _ROW_BLOCK):
        total += rows[part].sum(axis=0, dtype=np.float64)
    return (total / len(rows)).astype(np.float32)


def _flat(name: str, values: np.ndarray) -> np.ndarray:
    """`values` as (N, F), checked."""
    values = np.asarray(values)
    if values.ndim < 2 or values.dtype.kind not in "uif" or not math.prod(values.shape[1:]):
        raise DataError(f"{name} must be real numbers (N, F) with F > 0; got {values.dtype} {values.shape}")
    rows = values.reshape(len(values), math.prod(values.shape[1:]))
    if rows.dtype.kind == "f":
        bad = sum(int((~np.isfinite(rows[part])).any(axis=1).sum()) for part in _parts(rows, _ROW_BLOCK))
        if bad:
            raise DataError(f"{bad} of {len(rows)} rows of {name} are not finite; look for NaN in the images")
    return rows


def _parts(rows: np.ndarray, most: int) -> Iterator[slice]:
    """Blocks of at most `most` rows (N, F), fewer where rows are wide."""
    size = max(1, min(most, _BLOCK_VALUES // rows.shape[1]))
    return (slice(start, min(start + size, len(rows))) for start in range(0, len(rows), size))
