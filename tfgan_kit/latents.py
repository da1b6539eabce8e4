"""What a seed stands for: z, classes and noise. Numpy only, so that previews, ONNX sampling and other programs agree.

A seed is the key of the counter-based generator Philox-4x32-10; the position within a row is its counter, and z,
classes and noise have streams of their own. So what a seed gives does not depend on the batch it is drawn in, nor on
the numpy version, and a longer row begins with the shorter one; only a spherical z does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PRIORS = ("normal", "uniform", "spherical")

# Of Philox-4x32-10; a graph that draws for itself has them too.
PHILOX_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
PHILOX_WEYL = (0x9E3779B9, 0xBB67AE85)
PHILOX_ROUNDS = 10
# The third word of the counter.
Z_STREAM, CLASSES_STREAM, NOISE_STREAM = range(3)

_LOW = np.uint64(0xFFFFFFFF)
_MULTIPLIERS = np.array(PHILOX_MULTIPLIERS, np.uint64)
_WEYL = np.array(PHILOX_WEYL, np.uint64)


def z_from_seeds(seeds: Sequence[int] | np.ndarray, z_dim: int, prior: str = "normal") -> np.ndarray:
    """The latents of `seeds`, one row a seed.

    Args:
        seeds: (N,) integers in [0, 2**63).
        z_dim: length of z, at least 1.
        prior: "normal" (mean 0, deviation 1), "uniform" (in [-1, 1]), or "spherical" (uniform on the sphere of
            radius sqrt(z_dim)).

    Returns:
        (N, z_dim) float32.

    Raises:
        ValueError: a seed that is negative or not an integer, or an unknown prior.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011); Box and Muller (1958).
    """
    if prior not in PRIORS:
        raise ValueError(f"prior {prior!r} is unknown; legal: {', '.join(PRIORS)}")
    if prior == "uniform":
        return (2.0 * _unit(seeds, z_dim, Z_STREAM) - 1.0).astype(np.float32)
    z = _normal(seeds, z_dim, Z_STREAM)
    if prior == "spherical":
        z *= np.sqrt(z_dim) / np.linalg.norm(z, axis=1, keepdims=True)
    return z.astype(np.float32)


def classes_from_seeds(
    seeds: Sequence[int] | np.ndarray, classes: Sequence[int], counts: Sequence[Sequence[int]] = ()
) -> np.ndarray:
    """The class indices of `seeds`, one row a seed and one column an attribute.

    A single attribute goes through its values with the seed, seed % K; several are drawn independently, each value as
    often as it occurs in the data.

    Args:
        seeds: (N,) integers in [0, 2**63).
        classes: A numbers of values, each in [1, 2**31].
        counts: for each attribute the pictures with each of its values, fewer than 2**32 in all; (): all alike.

    Returns:
        (N, A) int64, column a in [0, classes[a]).

    Raises:
        ValueError: a seed that is negative or not an integer.
    """
    if len(classes) == 1:
        return (_checked_seeds(seeds)[:, None] % np.uint64(classes[0])).astype(np.int64)
    words = _words(seeds, len(classes), CLASSES_STREAM)
    columns = []
    for word, of in zip(words.T, counts or [(1,) * size for size in classes], strict=True):
        ends = np.cumsum(of)
        # The upper half of a 64-bit product: which picture, were all of them in a row; uniform up to total / 2**32.
        picture = (word * np.uint64(ends[-1])) >> np.uint64(32)
        columns.append(np.searchsorted(ends, picture.astype(np.int64), side="right"))
    return np.stack(columns, axis=1).astype(np.int64) if columns else np.zeros((len(words), 0), np.int64)


def noise_from_seeds(seeds: Sequence[int] | np.ndarray, n: int) -> np.ndarray:
    """The network noise of `seeds`, standard normal, one row a seed.

    Args:
        seeds: (N,) integers in [0, 2**63).
        n: values a row, at least 1.

    Returns:
        (N, n) float32.

    Raises:
        ValueError: a seed that is negative or not an integer.
    """
    return _normal(seeds, n, NOISE_STREAM).astype(np.float32)


def philox_4x32(key: np.ndarray, counter: np.ndarray, stream: int = 0) -> np.ndarray:
    """Philox-4x32-10 words of 64-bit `key` at the 128-bit counter of `counter` and, above it, `stream`.

    Args:
        key, counter: uint64, broadcast against each other to shape S.
        stream: third word of the counter, in [0, 2**32); the fourth is 0.

    Returns:
        S + (4,) uint64 holding 32-bit words.
    """
    key, counter = np.broadcast_arrays(key, counter)
    k0, k1 = key & _LOW, key >> np.uint64(32)
    c0, c1 = counter & _LOW, counter >> np.uint64(32)
    c2, c3 = np.full_like(c0, stream), np.zeros_like(c0)
    for _ in range(PHILOX_ROUNDS):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> np.uint64(32)) ^ c1 ^ k0, p1 & _LOW, (p0 >> np.uint64(32)) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return np.stack([c0, c1, c2, c3], axis=-1)


def _words(seeds: Sequence[int] | np.ndarray, count: int, stream: int) -> np.ndarray:
    """(N, count) uint64 holding 32-bit words of a stream."""
    keys = _checked_seeds(seeds)
    blocks = -(-count // 4)
    words = philox_4x32(keys[:, None], np.arange(blocks, dtype=np.uint64)[None, :], stream)
    return words.reshape(len(keys), blocks * 4)[:, :count]


def _unit(seeds: Sequence[int] | np.ndarray, count: int, stream: int) -> np.ndarray:
    """(N, count) float64, uniform in (0, 1): half a step above the integer, so that a logarithm is finite."""
    return (_words(seeds, count, stream).astype(np.float64) + 0.5) * 2.0**-32


def _normal(seeds: Sequence[int] | np.ndarray, count: int, stream: int) -> np.ndarray:
    """(N, count) float64, standard normal, in pairs by Box and Muller."""
    unit = _unit(seeds, count + count % 2, stream)
    radius = np.sqrt(-2.0 * np.log(unit[:, 0::2]))
    angle = 2.0 * np.pi * unit[:, 1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return pairs.reshape(unit.shape)[:, :count]


def _checked_seeds(seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    array = np.asarray(seeds)
    if array.size == 0:
        return np.zeros(0, np.uint64)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= 2**63:
        raise ValueError(f"seeds must be a flat list of integers in [0, 2**63); got {seeds!r:.80}")
    return array.astype(np.uint64)
