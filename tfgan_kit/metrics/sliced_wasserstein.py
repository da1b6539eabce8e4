"""The sliced Wasserstein distance, of features and of patches of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.features import checked_pair

Singles = NDArray[np.float32]

PATCH_PX = 7
_DIRECTIONS_AT_ONCE = 32
_BATCH_FLOATS = 4_000_000  # of the pictures that are taken apart at a time
# Of the binomial filter that the pyramid blurs with, along each axis.
_TAPS = np.array([1.0, 4.0, 6.0, 4.0, 1.0], np.float32) / 16.0


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, *, projections: int = 512, seed: int = 0) -> float:
    """The mean Wasserstein-1 distance of the projections of two sets on random directions.

    In one dimension the distance is the area between the quantile functions. That is taken exactly, for sets of
    different sizes too. It is in the unit of the features, and falls with F: a shift by s gives about
    |s| sqrt(2 / (pi F)). Sets of the same distribution are not at 0 but near it, the nearer the larger they are.

    Beside the inputs, memory is 512 bytes a row.

    Args:
        a, b: (N, F) and (M, F), finite.
        projections: how many directions, at least 1.
        seed: of the directions.

    Raises:
        DataError: no rows, features of different sizes, or values that are not finite.

    Source: Rabin et al., "Wasserstein barycenter and its application to texture mixing" (2011), Eq. 6, with the
    first power for the second.
    """
    a, b = checked_pair(a, b, least_real=1, least_fake=1)
    if projections < 1:
        raise DataError(f"projections must be at least 1; got {projections}")
    widths, in_a, in_b = _shared_quantiles(len(a), len(b))
    directions = np.random.default_rng(seed).standard_normal((projections, a.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    total = 0.0
    for start in range(0, projections, _DIRECTIONS_AT_ONCE):
        some = directions[start : start + _DIRECTIONS_AT_ONCE]
        x, y = (np.sort(some.astype(rows.dtype, copy=False) @ rows.T, axis=1) for rows in (a, b))
        total += sum(float(widths @ np.abs(p[in_a] - q[in_b])) for p, q in zip(x, y, strict=True))
    return total / projections


def patch_sliced_wasserstein(
    real_images: np.ndarray,
    fake_images: np.ndarray,
    *,
    patches: int = 65_536,
    projections: int = 512,
    smallest_px: int = 14,
    seed: int = 0,
    on_progress: Callable[[float], None] = lambda share: None,
) -> dict[int, float]:
    """The sliced Wasserstein distance between 7x7 patches of pictures, at each scale of their Laplacian pyramids.

    A large scale sees the layout, a small one the texture. Each set's patches are brought to mean 0 and deviation 1 in
    each channel, so that brightness and contrast over all pictures do not count. The published figures are times 1000.

    Beside the pictures, memory is 196 C bytes for each patch, set and scale, and about 100 MB.

    Args:
        real_images: (N, H, W, C) uint8.
        fake_images: (M, H, W, C) uint8.
        patches: how many to draw from each set at each scale, spread evenly over the pictures.
        projections: as for `sliced_wasserstein`.
        smallest_px: the pyramid halves the pictures down to this length of their shorter side, at least 7.
            Differs from Sec. 5: 14 in place of 16, which is the same for powers of 2, and gives 28 px two scales.
        seed: of the patches' places, which are the same for both sets, and of the directions.
        on_progress: called with the share that is done, up to 1.

    Returns:
        the distance by the scale's height in px, the largest first.

    Raises:
        DataError: images of other types or of different shapes, or too small for a patch.

    Source: Karras et al., "Progressive growing of GANs for improved quality, stability, and variation" (2018), Sec. 5.
    """
    _check_images(real_images, fake_images, patches, smallest_px)
    # Half of the time goes by here, half below.
    real = _patches(real_images, patches, smallest_px, seed, lambda share: on_progress(0.25 * share))
    fake = _patches(fake_images, patches, smallest_px, seed, lambda share: on_progress(0.25 + 0.25 * share))
    found = {}
    for scale, height in enumerate(real, start=1):
        found[height] = sliced_wasserstein(
            _normalised(real[height]), _normalised(fake[height]), projections=projections, seed=seed
        )
        on_progress(0.5 + 0.5 * scale / len(real))
    return found


def laplacian_pyramid(images: Singles, smallest_px: int) -> list[Singles]:
    """What each halving of pictures loses, and what is left at last; (N, H, W, C) each, the largest first.

    Each entry and the next, enlarged, add up to a blurred picture of its size; the first to the picture itself.

    Source: Burt and Adelson, "The Laplacian pyramid as a compact image code" (1983).
    """
    pyramid = []
    while (min(images.shape[1:3]) + 1) // 2 >= smallest_px:
        half = _blurred(images, 1.0)[:, ::2, ::2]
        enlarged = np.zeros_like(images)
        enlarged[:, ::2, ::2] = half
        pyramid.append(images - _blurred(enlarged, 2.0))
        images = half
    return [*pyramid, images]


def _blurred(images: Singles, gain: float) -> Singles:
    """Filtered along both axes, mirrored about the edges' pixels; `gain` for each axis."""
    for axis in (1, 2):
        length = images.shape[axis]
        pad = [(2, 2) if a == axis else (0, 0) for a in range(4)]
        padded = np.pad(images, pad, mode="reflect")
        images = np.zeros_like(images)
        for tap, weight in enumerate(_TAPS * np.float32(gain)):
            images += weight * (padded[:, tap : tap + length] if axis == 1 else padded[:, :, tap : tap + length])
    return images


def _shared_quantiles(n: int, m: int) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Steps on which the quantile functions of n and of m values are both constant: widths, and the values' ranks."""
    ends = np.union1d(np.arange(1, n + 1, dtype=np.int64) * m, np.arange(1, m + 1, dtype=np.int64) * n)
    return np.diff(ends, prepend=0) / (n * m), (ends - 1) // m, (ends - 1) // n


def _patches(
    images: np.ndarray, count: int, smallest_px: int, seed: int, on_progress: Callable[[float], None]
) -> dict[int, Singles]:
    """`count` patches of each scale, by its height: (count, 7, 7, C)."""
    rng = np.random.default_rng(seed)
    found: dict[int, list[Singles]] = {}
    # The first pictures of a random order have one patch more where they do not come out even.
    each = np.full(len(images), count // len(images))
    each[rng.permutation(len(images))[: count % len(images)]] += 1
    for part in _batches(images):
        owners = np.repeat(np.arange(part.stop - part.start), each[part])
        for level in laplacian_pyramid(images[part].astype(np.float32), smallest_px):
            windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH_PX, PATCH_PX), axis=(1, 2))
            top, left = (rng.integers(0, windows.shape[axis], len(owners)) for axis in (1, 2))
            found.setdefault(level.shape[1], []).append(np.moveaxis(windows[owners, top, left], 1, -1))
        on_progress(part.stop / len(images))
    return {height: np.concatenate(drawn) for height, drawn in found.items()}


def _normalised(patches: Singles) -> Singles:
    """Flattened rows (P, 7 * 7 * C), each channel of mean 0 and deviation 1 over all; a constant one is 0."""
    centred = patches - patches.mean(axis=(0, 1, 2), dtype=np.float64).astype(np.float32)
    deviation = np.sqrt(np.square(centred).mean(axis=(0, 1, 2), dtype=np.float64))
    centred /= np.where(deviation > 1e-3, deviation, 1.0).astype(np.float32)
    return np.asarray(centred.reshape(len(centred), -1))


def _batches(images: np.ndarray) -> Iterator[slice]:
    size = max(1, _BATCH_FLOATS // int(np.prod(images.shape[1:])))
    return (slice(start, min(start + size, len(images))) for start in range(0, len(images), size))


def _check_images(real: np.ndarray, fake: np.ndarray, patches: int, smallest_px: int) -> None:
    for name, images in (("real", real), ("fake", fake)):
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) == 0:
            raise DataError(f"{name} images must be uint8 (N, H, W, C) with N > 0; got {images.dtype} {images.shape}")
    if real.shape[1:] != fake.shape[1:]:
        raise DataError(f"real images are {real.shape[1:]} and fake ones {fake.shape[1:]}; give both one size")
    if min(real.shape[1:3]) < PATCH_PX or smallest_px < PATCH_PX or patches < 1:
        raise DataError(
            f"images and smallest_px must be at least {PATCH_PX} px, and patches at least 1; got images "
            f"{real.shape[1:3]}, smallest_px {smallest_px} and {patches} patches"
        )
