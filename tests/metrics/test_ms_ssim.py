"""Multi-scale similarity against the paper's formula on scipy's two-dimensional filters, and what it says of sets."""

import numpy as np
import pytest
from scipy import ndimage

from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.errors import DataError
from tfgan_kit.metrics.ms_ssim import WEIGHTS, ms_ssim, ms_ssim_diversity, scales


def direct(a, b):
    """One pair (H, W, C), with whole windows and centred moments; scipy pads, and the padded rim is cut away."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    weights = np.array(WEIGHTS[: scales(*a.shape[:2])])
    total = 1.0
    for scale, weight in enumerate(weights / weights.sum()):
        size = min(11, *x.shape[:2])
        row = np.exp(-((np.arange(size) - (size - 1) / 2) ** 2) / (2 * (1.5 * size / 11) ** 2))
        window = np.outer(row, row)[:, :, None] / row.sum() ** 2
        low, high = size // 2, (size - 1) // 2

        def mean(values, window=window, rows=slice(low, x.shape[0] - high), columns=slice(low, x.shape[1] - high)):
            return ndimage.correlate(values, window, mode="constant")[rows, columns]

        mx, my = mean(x), mean(y)
        vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
        value = (2 * cov + 58.5225) / (vx + vy + 58.5225)
        if scale == len(weights) - 1:
            value *= (2 * mx * my + 6.5025) / (mx**2 + my**2 + 6.5025)
        total *= value.mean() if len(weights) == 1 else max(value.mean(), 0.0) ** weight
        x, y = (
            (v[0:-1:2, 0:-1:2] + v[1::2, 0:-1:2] + v[0:-1:2, 1::2] + v[1::2, 1::2]) / 4
            for v in (v[: v.shape[0] // 2 * 2, : v.shape[1] // 2 * 2] for v in (x, y))
        )
    return total


def blobs(rng, shape):
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), (0, 2, 2, 0))
    return np.clip(128 + 400 * noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "shape", [(5, 28, 28, 1), (4, 32, 32, 3), (3, 64, 48, 3), (2, 131, 117, 1), (2, 176, 180, 3), (4, 9, 8, 2)]
)
def test_agrees_with_the_formula(shape):
    rng = np.random.default_rng(0)
    a = blobs(rng, shape)
    b = np.clip(0.7 * a + 0.3 * blobs(rng, shape) + rng.normal(0, 8, shape), 0, 255).astype(np.uint8)
    expected = [direct(x, y) for x, y in zip(a, b, strict=True)]
    assert min(expected) > 0.1
    np.testing.assert_allclose(ms_ssim(a, b), expected, rtol=1e-9)


def test_scales_by_size():
    assert [scales(size, size) for size in (1, 7, 13, 14, 28, 32, 56, 64, 111, 112, 1024)] == [
        1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 5,
    ]  # fmt: skip
    assert scales(512, 28) == 3


def test_equal_pictures_are_1_and_worse_ones_lower():
    rng = np.random.default_rng(1)
    a = blobs(rng, (3, 64, 64, 3))
    np.testing.assert_allclose(ms_ssim(a, a), 1.0, rtol=1e-12)
    noisy = [np.clip(a + rng.normal(0, s, a.shape), 0, 255).astype(np.uint8) for s in (5, 20, 80)]
    figures = np.array([ms_ssim(a, b) for b in noisy])
    assert (np.diff(figures, axis=0) < 0.0).all()
    np.testing.assert_allclose(ms_ssim(a, noisy[1]), ms_ssim(noisy[1], a), rtol=1e-12)


def test_flat_pictures_differ_by_luminance_alone():
    a, b = np.full((1, 28, 28, 1), 100, np.uint8), np.full((1, 28, 28, 1), 50, np.uint8)
    luminance = (2 * 100 * 50 + 6.5025) / (100**2 + 50**2 + 6.5025)
    assert ms_ssim(a, b)[0] == pytest.approx(luminance ** (0.3001 / (0.0448 + 0.2856 + 0.3001)), rel=1e-12)


def test_opposite_pictures_are_0_and_no_nan():
    a = blobs(np.random.default_rng(2), (2, 32, 32, 1))
    np.testing.assert_array_equal(ms_ssim(a, 255 - a), 0.0)


def test_pairs_do_not_depend_on_the_others():
    rng = np.random.default_rng(3)
    a, b = blobs(rng, (400, 28, 28, 1)), blobs(rng, (400, 28, 28, 1))  # more than a block
    whole = ms_ssim(a, b)
    for k in (0, 170, 399):
        assert whole[k] == ms_ssim(a[k : k + 1], b[k : k + 1])[0]


def test_diversity_is_the_mean_over_pairs():
    images = blobs(np.random.default_rng(4), (4, 16, 16, 1))
    first, second = np.triu_indices(4, 1)
    exact = ms_ssim(images[first], images[second]).mean()
    assert ms_ssim_diversity(images, pairs=8000, seed=0) == pytest.approx(exact, abs=0.005)
    two = ms_ssim(images[:1], images[1:2])[0]  # no picture is paired with itself
    assert ms_ssim_diversity(images[:2], pairs=50, seed=0) == pytest.approx(two, rel=1e-12)


def test_diversity_by_seed():
    images = blobs(np.random.default_rng(5), (50, 16, 16, 1))
    assert ms_ssim_diversity(images, pairs=90, seed=1) == ms_ssim_diversity(images, pairs=90, seed=1)
    assert ms_ssim_diversity(images, pairs=90, seed=1) != ms_ssim_diversity(images, pairs=90, seed=2)


def test_one_class_is_less_diverse_than_all_and_one_picture_not_at_all():
    images, labels = (part[:2000] for part in load_mnist("test"))
    every, ones = (ms_ssim_diversity(x, pairs=1000, seed=0) for x in (images, images[labels == 1]))
    assert every + 0.1 < ones < 0.9
    assert ms_ssim_diversity(images[:1].repeat(5, axis=0), pairs=20, seed=0) == pytest.approx(1.0)


def test_refusals():
    x = np.zeros((2, 8, 8, 1), np.uint8)
    with pytest.raises(DataError, match=r"uint8 \(N, H, W, C\) of one shape; got float32"):
        ms_ssim(x.astype(np.float32), x)
    with pytest.raises(DataError, match=r"got uint8 \(2, 8, 8, 1\), uint8 \(1, 8, 8, 1\)"):
        ms_ssim(x, x[:1])
    with pytest.raises(DataError, match="at least 2 pictures and 1 pair; got 1 and 10"):
        ms_ssim_diversity(x[:1], pairs=10, seed=0)
    with pytest.raises(DataError, match="got 2 and 0"):
        ms_ssim_diversity(x, pairs=0, seed=0)
