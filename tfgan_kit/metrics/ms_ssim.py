"""Multi-scale structural similarity of pairs of pictures, and the diversity of a set by it: numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError

Floats = NDArray[np.float64]

# The exponents of the scales, the finest first.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

_WINDOW_PX, _SIGMA_PX = 11, 1.5
_SMALLEST_PX = 7  # the narrowest map that is a scale of its own
_C1, _C2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
_BLOCK_VALUES = 2**17  # of the pairs that are worked on at a time; 1 MiB an array, which a cache holds


def ms_ssim(a: np.ndarray, b: np.ndarray) -> Floats:
    """The similarity of each pair of pictures: 1 for equal ones, lower the more they differ.

    Each scale halves the last by the mean of 2x2 pixels, an odd last row or column left out. Only maps of at least
    7 px are scales: five from 112 px on, three at 28 and 32 px, and one, which is plain SSIM, below 14 px. The weights
    of the scales that are left are divided by their sum. Figures of other sizes are therefore not comparable.

    The window is a Gaussian of 11 px, deviation 1.5 px, without padding. On a narrower map it is as wide as the
    map's shorter side, and its deviation shrinks in proportion.

    Args:
        a, b: (N, H, W, C) uint8, the same shape; channels are averaged.

    Returns:
        (N,) float64 in [0, 1]; of one scale in [-1, 1].

    Raises:
        DataError: arrays of other types or shapes.

    Source: Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment" (2003), Eq. 7.
    """
    if a.dtype != np.uint8 or b.dtype != np.uint8 or a.ndim != 4 or a.shape != b.shape or not a[:1].size:
        raise DataError(
            f"pairs of pictures must be uint8 (N, H, W, C) of one shape; got {a.dtype} {a.shape}, {b.dtype} {b.shape}"
        )
    size = max(1, _BLOCK_VALUES // a[0].size)
    parts = [slice(start, start + size) for start in range(0, len(a), size)]
    return np.concatenate([_similarity(a[part].astype(np.float64), b[part].astype(np.float64)) for part in parts])


def ms_ssim_diversity(images: np.ndarray, *, pairs: int = 5000, seed: int) -> float:
    """The mean similarity of random pairs of different pictures; lower is more diverse.

    It says nothing of quality: noise is very diverse. Compare with the figure of real pictures of the same size, and
    within a class where there are classes, since a class that is missing hardly shows.

    Args:
        images: (N, H, W, C) uint8, N > 1.
        pairs: pairs to draw, each of two different pictures; a pair may come up twice.
        seed: of the draw; the same seed and N draw the same pairs.

    Raises:
        DataError: fewer than two pictures or fewer than one pair.

    Source: Odena, Olah and Shlens, "Conditional image synthesis with auxiliary classifier GANs" (2017), Section 4.2.
    """
    if len(images) < 2 or pairs < 1:
        raise DataError(f"diversity needs at least 2 pictures and 1 pair; got {len(images)} and {pairs}")
    rng = np.random.default_rng(seed)
    first = rng.integers(len(images), size=pairs)
    second = (first + rng.integers(1, len(images), size=pairs)) % len(images)
    size = max(1, _BLOCK_VALUES // images[0].size)
    parts = [slice(start, start + size) for start in range(0, pairs, size)]
    return float(sum(ms_ssim(images[first[part]], images[second[part]]).sum() for part in parts) / pairs)


def scales(height: int, width: int) -> int:
    """How many scales pictures of that size have, from 1 to 5."""
    halvings = (min(height, width) // _SMALLEST_PX).bit_length() - 1
    return min(max(halvings, 0) + 1, len(WEIGHTS))


def _similarity(x: Floats, y: Floats) -> Floats:
    """Eq. 7 of a few pairs (B, H, W, C)."""
    weights = np.array(WEIGHTS[: scales(*x.shape[1:3])])
    weights /= weights.sum()
    result = np.ones(len(x))
    for scale, weight in enumerate(weights):
        if scale:
            x, y = _halved(x), _halved(y)
        luminance, structure = _terms(x, y)
        last = scale == len(weights) - 1
        mean = (luminance * structure if last else structure).mean(axis=(1, 2, 3))
        # Differs from Eq. 7: a mean below 0 counts as 0, since it has no real power.
        result *= mean if len(weights) == 1 else np.maximum(mean, 0.0) ** weight
    return result


def _terms(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Luminance, and contrast times structure, at each place of the window (B, H', W', C)."""
    window = _window(min(_WINDOW_PX, *x.shape[1:3]))
    mean_x, mean_y = _blurred(x, window), _blurred(y, window)
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance = _blurred(x * y, window) - product
    variances = _blurred(x**2 + y**2, window) - squares
    return (2.0 * product + _C1) / (squares + _C1), (2.0 * covariance + _C2) / (variances + _C2)


def _window(size: int) -> Floats:
    """A Gaussian (size,) of sum 1."""
    offsets = np.arange(size) - (size - 1) / 2.0
    values = np.exp(-0.5 * (offsets * _WINDOW_PX / (_SIGMA_PX * size)) ** 2)
    return np.asarray(values / values.sum())


def _blurred(x: Floats, window: Floats) -> Floats:
    """The weighted means of (B, H, W, C) under the window, at the places where it lies within the map."""
    for axis in (1, 2):
        places = x.shape[axis] - len(window) + 1
        moved = (x[:, k : k + places] if axis == 1 else x[:, :, k : k + places] for k in range(len(window)))
        total = next(moved) * window[0]
        for part, value in zip(moved, window[1:], strict=True):
            total += part * value
        x = total
    return x


def _halved(x: Floats) -> Floats:
    """Means of 2x2 pixels, (B, H // 2, W // 2, C)."""
    batch, height, width, channels = x.shape
    even = x[:, : height // 2 * 2, : width // 2 * 2]
    return np.asarray(even.reshape(batch, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4)))
