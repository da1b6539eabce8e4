"""The sliced Wasserstein distance against scipy's and closed forms; its pyramid against scipy's filters."""

import math

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.sliced_wasserstein import laplacian_pyramid, patch_sliced_wasserstein, sliced_wasserstein


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def pictures(seed, count, *shape):
    """Smooth noise, uint8."""
    noise = scipy.ndimage.gaussian_filter(normal(seed, count, *shape), (0, 1.5, 1.5, 0), mode="wrap")
    return np.clip(128 + 250 * noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (50, 50), (50, 100), (37, 53), (1, 20), (301, 7)])
def test_in_one_dimension_it_is_scipys(n, m):
    a, b = normal(0, n, 1), 2.0 * normal(1, m, 1) + 0.3
    expected = scipy.stats.wasserstein_distance(a[:, 0], b[:, 0])
    assert sliced_wasserstein(a, b, projections=3) == pytest.approx(expected, rel=1e-9)


def test_is_the_mean_of_scipys_over_the_directions():
    a, b = normal(2, 60, 4), 0.5 * normal(3, 90, 4) + 0.3
    directions = np.random.default_rng(9).standard_normal((40, 4))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    expected = np.mean([scipy.stats.wasserstein_distance(a @ d, b @ d) for d in directions])
    assert sliced_wasserstein(a, b, projections=40, seed=9) == pytest.approx(expected, rel=1e-9)


def test_a_shift_is_its_mean_length_along_a_direction():
    size, shift = 12, np.linspace(-1.0, 2.0, 12)
    a = normal(4, 300, size)
    along = math.gamma(size / 2) / (math.sqrt(math.pi) * math.gamma((size + 1) / 2))
    found = sliced_wasserstein(a, a + shift, projections=20_000)
    assert found == pytest.approx(np.linalg.norm(shift) * along, rel=0.02)


def test_gaussians_of_different_widths():
    """Along every direction N(0, 1) against N(0, 9): the mean of |3 x - x| over a normal x."""
    found = sliced_wasserstein(normal(5, 20_000, 3), 3.0 * normal(6, 20_000, 3), projections=64)
    assert found == pytest.approx(2.0 * math.sqrt(2.0 / math.pi), rel=0.02)


def test_is_a_symmetric_distance_that_order_does_not_change():
    rng = np.random.default_rng(7)
    a, b = normal(7, 200, 5).astype(np.float32), normal(8, 150, 5).astype(np.float32)
    assert sliced_wasserstein(a, a[::-1]) == 0.0
    assert sliced_wasserstein(a, b) == pytest.approx(sliced_wasserstein(b, rng.permutation(a)), rel=1e-5)


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1), (30, 45, 1), (57, 31, 2)])
def test_the_pyramid_is_that_of_scipys_filters(shape):
    images = normal(9, 2, *shape).astype(np.float32)
    taps = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
    kernel = np.outer(taps, taps)[None, :, :, None]

    expected, now = [], images.astype(np.float64)
    while min(now.shape[1:3]) / 2 > 13:
        half = scipy.ndimage.convolve(now, kernel, mode="mirror")[:, ::2, ::2]
        spread = np.zeros_like(now)
        spread[:, ::2, ::2] = half
        expected.append(now - scipy.ndimage.convolve(spread, 4.0 * kernel, mode="mirror"))
        now = half
    expected.append(now)

    found = laplacian_pyramid(images, 14)
    assert [level.shape for level in found] == [level.shape for level in expected]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_scales_of_pictures():
    def scales(*shape):
        return list(patch_sliced_wasserstein(*np.zeros((2, 2, *shape), np.uint8), patches=4, projections=2))

    assert scales(28, 28, 1) == [28, 14]
    assert scales(64, 64, 3) == [64, 32, 16]
    assert scales(20, 20, 1) == [20]
    assert scales(40, 30, 1) == [40, 20]


def test_a_patch_that_is_the_whole_picture_is_normalised_and_compared_as_rows():
    """7x7 pictures have one patch each, and one scale."""
    real, fake = pictures(0, 50, 7, 7, 3), pictures(1, 50, 7, 7, 3)[:, ::-1] // 2
    rows = []
    for images in (real, fake):
        x = images.astype(np.float64)
        x = (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2))
        rows.append(x.reshape(50, -1))
    expected = sliced_wasserstein(*rows, projections=16)
    found = patch_sliced_wasserstein(real, fake, patches=50, projections=16, smallest_px=7)
    assert found == {7: pytest.approx(expected, rel=1e-4)}


def test_equal_pictures_are_at_zero_and_brightness_does_not_count():
    images = pictures(2, 40, 32, 32, 3) // 2
    assert patch_sliced_wasserstein(images, images, patches=500, projections=16) == {32: 0.0, 16: 0.0}
    brighter = patch_sliced_wasserstein(images, images + 40, patches=500, projections=16)
    assert max(brighter.values()) < 1e-4


def test_noise_shows_in_the_fine_scale_and_layout_in_the_coarse():
    images, others = pictures(3, 200, 32, 32, 1), pictures(4, 200, 32, 32, 1)
    options = {"patches": 4000, "projections": 64}
    same = patch_sliced_wasserstein(images, others, **options)
    noise = np.random.default_rng(5).integers(-20, 21, others.shape)
    noisy = patch_sliced_wasserstein(images, np.clip(others + noise, 0, 255).astype(np.uint8), **options)
    assert noisy[32] / same[32] > 1.5 * noisy[16] / same[16]
    # A step across each picture: smooth but where it is, and large.
    step = np.where(np.arange(32) < 16, -60, 60)[:, None]
    stepped = patch_sliced_wasserstein(images, np.clip(others + step, 0, 255).astype(np.uint8), **options)
    assert stepped[16] / same[16] > 2.0 * stepped[32] / same[32]


def test_batches_and_numbers_of_pictures(monkeypatch):
    images, others = pictures(6, 30, 28, 28, 1), pictures(7, 50, 28, 28, 1)
    shares = []
    whole = patch_sliced_wasserstein(images, others, patches=7, projections=8)
    monkeypatch.setattr("tfgan_kit.metrics.sliced_wasserstein._BATCH_FLOATS", 4 * 28 * 28)
    found = patch_sliced_wasserstein(images, others, patches=7, projections=8, on_progress=shares.append)
    assert set(found) == set(whole)
    assert all(math.isfinite(value) and value > 0.0 for value in found.values())
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert found == patch_sliced_wasserstein(images, others, patches=7, projections=8)


def test_refusals():
    x, images = np.zeros((5, 2)), np.zeros((3, 28, 28, 1), np.uint8)
    with pytest.raises(DataError, match="size 2; the fake ones have 3"):
        sliced_wasserstein(x, np.zeros((5, 3)))
    with pytest.raises(DataError, match="projections must be at least 1; got 0"):
        sliced_wasserstein(x, x, projections=0)
    with pytest.raises(DataError, match="fake images must be uint8"):
        patch_sliced_wasserstein(images, images.astype(np.float32))
    with pytest.raises(DataError, match=r"real images must be uint8 .* with N > 0"):
        patch_sliced_wasserstein(images[:0], images)
    with pytest.raises(DataError, match="give both one size"):
        patch_sliced_wasserstein(images, images[:, :20])
    with pytest.raises(DataError, match="at least 7 px"):
        patch_sliced_wasserstein(images[:, :6], images[:, :6])
