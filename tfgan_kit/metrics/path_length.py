"""Perceptual path length: how much the picture changes for a small step between two latents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError

Floats = NDArray[np.float64]

_SHORTEST, _LONGEST = 1.0, 99.0  # percentiles of the lengths; those beyond are dropped


class PathLength(NamedTuple):
    """The mean of the squared lengths, lower is smoother; deviation: the standard error of the mean; used: lengths."""

    value: float
    deviation: float
    used: int


def perceptual_path_length(
    synthesize: Callable[[np.ndarray], np.ndarray],
    features: Callable[[np.ndarray], np.ndarray],
    starts: np.ndarray,
    ends: np.ndarray,
    *,
    space: Literal["z", "w"],
    seed: int,
    epsilon: float = 1e-4,
    batch: int = 100,
) -> PathLength:
    """The mean of |f(t + epsilon) - f(t)|^2 / epsilon^2 at one uniform t in [0, 1) on the way between two latents.

    In z the way is the great circle, in w the straight line. Lengths below their 1st and above their 99th percentile
    are dropped. `synthesize` runs on the points at t and then on those at t + epsilon, row by row of the same pairs:
    where it takes noise or classes, both calls must give a row the same.

    Differs from Karras et al.: features are any extractor's and not weighted as LPIPS is, so figures compare within
    one extractor only; pictures are not cropped; and z keeps its length, see `slerp`.

    Args:
        synthesize: latents (B, D) float32, B <= batch, to pictures (B, H, W, C) float32 in [0, 255], not rounded.
        features: such pictures to (B, F).
        starts, ends: (N, D) latents, N > 0.
        space: what the latents are.
        seed: of the t; the same seed and N draw the same.
        epsilon: step in t. In float32 much smaller ones measure rounding.
        batch: pairs at a time.

    Raises:
        DataError: latents of other shapes, an unknown space, an epsilon or batch that is not positive, z of length 0
            or opposite to each other, or features that are not finite.

    Source: Karras, Laine and Aila, "A style-based generator architecture for generative adversarial networks" (2019),
    Section 4.1; the percentiles are those of their code.
    """
    if starts.ndim != 2 or starts.shape != ends.shape or starts.size == 0:
        raise DataError(f"starts and ends must both be latents (N, D); got {starts.shape} and {ends.shape}")
    if space not in {"z", "w"}:
        raise DataError(f"space {space!r} is unknown; legal: z, w")
    if not epsilon > 0.0 or batch < 1:
        raise DataError(f"epsilon must be above 0 and batch at least 1; got {epsilon} and {batch}")
    way = slerp if space == "z" else lerp
    a, b = starts.astype(np.float64), ends.astype(np.float64)
    t = np.random.default_rng(seed).uniform(size=(len(a), 1))
    lengths = np.empty(len(a))
    for start in range(0, len(a), batch):
        part = slice(start, start + batch)
        here, there = (
            np.asarray(features(synthesize(way(a[part], b[part], at).astype(np.float32))), np.float64)
            for at in (t[part], t[part] + epsilon)
        )
        lengths[part] = ((there - here) ** 2).sum(axis=1) / epsilon**2
    bad = int((~np.isfinite(lengths)).sum())
    if bad:
        raise DataError(f"{bad} of {len(lengths)} path lengths are not finite; look for NaN in the pictures")
    # The bounds are lengths that occur, so that of a few none is dropped.
    low = np.percentile(lengths, _SHORTEST, method="lower")
    high = np.percentile(lengths, _LONGEST, method="higher")
    used = lengths[(lengths >= low) & (lengths <= high)]
    error = float(used.std(ddof=1) / np.sqrt(len(used))) if len(used) > 1 else 0.0
    return PathLength(float(used.mean()), error, len(used))


def lerp(a: Floats, b: Floats, t: Floats) -> Floats:
    """The points (N, D) at t (N, 1) of the straight lines from `a` to `b`, (N, D)."""
    return a + t * (b - a)


def slerp(a: Floats, b: Floats, t: Floats) -> Floats:
    """The points (N, D) at t (N, 1) of the ways from `a` to `b`, (N, D), on great circles at constant speed.

    The direction is that of Karras et al. The length goes linearly from that of `a` to that of `b`, where theirs is 1:
    a generator that normalises z sees no difference, and one with a Gaussian prior needs z of a Gaussian's length.

    Raises:
        DataError: a row of length 0, or two that are opposite, between which no great circle is the shortest way.
    """
    radii_a, radii_b = (np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    if not (radii_a > 0.0).all() or not (radii_b > 0.0).all():
        raise DataError("a z of length 0 has no direction; draw others")
    u, v = a / radii_a, b / radii_b
    cosine = (u * v).sum(axis=1, keepdims=True)
    if (cosine <= -1.0 + 1e-12).any():
        raise DataError("two z are opposite to each other, and so no one way is the shortest; draw others")
    across = v - cosine * u
    sine = np.linalg.norm(across, axis=1, keepdims=True)
    angle = t * np.arctan2(sine, cosine)
    # Where the two agree in direction there is no angle, and nothing to add.
    unit = u * np.cos(angle) + across / np.where(sine > 0.0, sine, 1.0) * np.sin(angle)
    return np.asarray(unit * lerp(radii_a, radii_b, t))
