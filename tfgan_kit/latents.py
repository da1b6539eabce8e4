"""Latents from seeds: numpy only, so that training previews, ONNX sampling and other programs draw the same z.

A seed is the key of the counter-based generator Philox-4x32-10; the position within z is its counter. So z of a seed
does not depend on the batch it is drawn in, nor on the numpy version, and a longer normal or uniform z begins with the
shorter one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PRIORS = ("normal", "uniform", "spherical")

_LOW = np.uint64(0xFFFFFFFF)
_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
_WEYL = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_ROUNDS = 10


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
    keys = _checked_seeds(seeds)
    blocks = -(-z_dim // 4)
    words = philox_4x32(keys[:, None], np.arange(blocks, dtype=np.uint64)[None, :])
    # In (0, 1): half a step above the integer, so that the logarithm below is finite.
    unit = (words.reshape(len(keys), blocks * 4).astype(np.float64) + 0.5) * 2.0**-32
    if prior == "uniform":
        return (2.0 * unit[:, :z_dim] - 1.0).astype(np.float32)
    radius = np.sqrt(-2.0 * np.log(unit[:, 0::2]))
    angle = 2.0 * np.pi * unit[:, 1::2]
    z = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    z = z.reshape(len(keys), blocks * 4)[:, :z_dim]
    if prior == "spherical":
        z *= np.sqrt(z_dim) / np.linalg.norm(z, axis=1, keepdims=True)
    return z.astype(np.float32)


def philox_4x32(key: np.ndarray, counter: np.ndarray) -> np.ndarray:
    """Philox-4x32-10 words of 64-bit `key` at 64-bit `counter` (the upper 64 bits of the counter are 0).

    Args:
        key, counter: uint64, broadcast against each other to shape S.

    Returns:
        S + (4,) uint64 holding 32-bit words.
    """
    key, counter = np.broadcast_arrays(key, counter)
    k0, k1 = key & _LOW, key >> np.uint64(32)
    c0, c1 = counter & _LOW, counter >> np.uint64(32)
    c2 = c3 = np.zeros_like(c0)
    for _ in range(_ROUNDS):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> np.uint64(32)) ^ c1 ^ k0, p1 & _LOW, (p0 >> np.uint64(32)) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return np.stack([c0, c1, c2, c3], axis=-1)


def _checked_seeds(seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    array = np.asarray(seeds)
    if array.size == 0:
        return np.zeros(0, np.uint64)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= 2**63:
        raise ValueError(f"seeds must be a flat list of integers in [0, 2**63); got {seeds!r:.80}")
    return array.astype(np.uint64)
