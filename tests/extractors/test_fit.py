"""Fitting pictures to an extractor: floats by the same rule as whole numbers."""

import numpy as np
import pytest

from tfgan_kit.data.resize import fit_stack
from tfgan_kit.extractors.fit import fit_floats, fit_images


def pictures(channels, side=24):
    # Smooth, so that rounding and not overshoot is what differs.
    grid = np.linspace(0, 6, side)
    waves = 128 + 100 * np.sin(grid[:, None, None] + np.arange(channels)) * np.cos(1.3 * grid[None, :, None])
    return np.stack([waves, waves[::-1]]).astype(np.uint8)


@pytest.mark.parametrize("size", [None, (24, 24), (10, 15), (40, 33)])
@pytest.mark.parametrize("wanted", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_floats_are_fitted_as_whole_numbers_are(channels, wanted, size):
    images = pictures(channels)
    whole = fit_images(images, size, wanted)
    floats = fit_floats(images.astype(np.float32), size, wanted)
    assert floats.dtype == np.float32
    assert floats.shape == whole.shape == (2, *(size or (24, 24)), wanted)
    # Grey is rounded, and each of the two passes of a resize.
    np.testing.assert_allclose(floats, whole, atol=2.0)
    np.testing.assert_array_equal(whole, fit_stack(images, size or (24, 24), wanted, "stretch"))


def test_what_fits_is_not_touched():
    images = pictures(3)
    assert fit_images(images, (24, 24), 3) is images
    floats = images.astype(np.float32)
    assert fit_floats(floats, (24, 24), 3) is floats


def test_overshoot_is_cut_off():
    edge = np.zeros((1, 20, 20, 1), np.float32)
    edge[:, :, 10:] = 255
    fitted = fit_floats(edge, (50, 50), 1)
    assert fitted.min() == 0.0
    assert fitted.max() == 255.0
