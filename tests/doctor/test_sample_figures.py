"""Figures of sets of pictures against closed forms."""

import numpy as np
import pytest

from tfgan_kit.doctor.samples import PROBES, Against, pooled, set_figures


class Pictures:
    """A source of pictures in memory."""

    def __init__(self, images, labels=None, attributes=None):
        self.images, self.labels, self.attributes = images, labels, attributes or {}

    def __len__(self):
        return len(self.images)

    def read(self, indices):
        return self.images[indices]


def noise(n, side=8, seed=0, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (n, side, side, 1)).astype(np.uint8)


def test_small_pictures_are_not_pooled_and_large_ones_by_means():
    images = noise(3, side=32)
    np.testing.assert_array_equal(pooled(images), images.astype(np.float32) / np.float32(255))
    large = noise(3, side=96)
    by_hand = (large / 255).reshape(3, 32, 3, 32, 3, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(pooled(large), by_hand, atol=1e-6)
    # Cells of unequal sizes: 40 rows into 32.
    wide = np.full((1, 40, 8, 3), 51, np.uint8)
    assert pooled(wide).shape == (1, 32, 8, 3)
    np.testing.assert_allclose(pooled(wide), 0.2, atol=1e-6)


def test_the_figures_by_hand():
    # Half black, half white; the other all at 51, which is 0.2.
    first = np.zeros((2, 2, 1), np.uint8)
    first[0] = 255
    found = set_figures(np.stack([first, np.full((2, 2, 1), 51, np.uint8)]))
    assert found.contrast == pytest.approx((0.5 + 0.0) / 2)
    assert found.grey == pytest.approx(0.5)
    assert found.variety == pytest.approx((0.8**2 + 0.2**2) / 2 / 2, rel=1e-5)
    assert found.distance == pytest.approx((0.8 + 0.2) / 2, rel=1e-5)
    assert found.nearest == pytest.approx(np.sqrt((0.8**2 + 0.2**2) / 2), rel=1e-4)


def test_the_nearest_is_that_of_a_plain_search():
    images = noise(20)
    flat = images.reshape(20, -1) / 255
    apart = np.sqrt(((flat[:, None] - flat[None]) ** 2).mean(axis=2)) + np.diag(np.full(20, np.inf))
    assert set_figures(images).nearest == pytest.approx(apart.min(axis=1).mean(), rel=1e-4)


def test_real_pictures_against_real_ones_are_about_1():
    found = Against(Pictures(noise(600)))(noise(PROBES, seed=1))
    assert found.keys() == {"fake_contrast", "fake_grey", "fake_variety", "fake_nearest"}
    assert all(value == pytest.approx(1.0, abs=0.05) for value in found.values())


@pytest.mark.parametrize(
    ("fake", "zero"),
    [
        (np.repeat(noise(1), PROBES, axis=0), {"fake_variety", "fake_nearest"}),  # one picture
        (np.repeat(noise(8), PROBES // 8, axis=0), {"fake_nearest"}),  # eight of them
        (np.full((PROBES, 8, 8, 1), 90, np.uint8), {"fake_contrast", "fake_variety", "fake_nearest"}),  # one shade
        (noise(PROBES, high=2) * 255, {"fake_grey"}),  # black and white
    ],
)
def test_each_kind_of_bad_samples_has_its_figure(fake, zero):
    found = Against(Pictures(noise(600)))(fake.astype(np.uint8))
    assert {name for name, value in found.items() if value < 0.01} == zero


def test_the_change_is_a_share_of_that_between_real_pictures():
    against = Against(Pictures(noise(600)))
    images = noise(PROBES, seed=1)
    before = pooled(images).astype(np.float16)
    assert against(images, before)["fake_change"] < 1e-3
    assert against(noise(PROBES, seed=2), before)["fake_change"] == pytest.approx(1.0, abs=0.05)
    half = images.copy()
    half[: PROBES // 2] = noise(PROBES // 2, seed=2)
    assert against(half, before)["fake_change"] == pytest.approx(0.5, abs=0.05)


def test_the_class_that_lost_its_variety_is_named():
    labels = np.stack([np.arange(600) % 3, np.arange(600) // 3 % 2], axis=1).astype(np.int32)
    source = Pictures(noise(600), labels, {"a": ("x", "y", "z"), "b": ("u", "v")})
    asked = labels[:PROBES]
    against = Against(source, asked)
    fake = noise(PROBES, seed=1)
    assert against(fake)["fake_class_variety"] == pytest.approx(1.0, abs=0.2)
    group = (asked == [2, 1]).all(axis=1)
    fake[group] = fake[group][:1]
    found = against(fake)
    assert found["fake_class_variety"] < 1e-9
    assert found["fake_class"] == 2 * 2 + 1
    # Of all samples the variety hardly changes.
    assert found["fake_variety"] > 0.8


def test_few_or_equal_pictures_say_nothing():
    assert Against(Pictures(noise(3)))(noise(3)) == {}
    equal = np.full((50, 8, 8, 1), 7, np.uint8)
    assert Against(Pictures(equal))(noise(50)).keys() == {"fake_grey"}


def test_the_same_pictures_are_looked_at_again():
    source = Pictures(noise(600))
    fake = noise(PROBES, seed=1)
    assert Against(source)(fake) == Against(source)(fake)
