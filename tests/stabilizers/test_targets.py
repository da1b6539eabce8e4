import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.stabilizers.targets import hard_targets, soft_targets

KEY = rng.key(0, rng.Stream.LABELS, 5)
N = 4096


def test_hard_targets_are_1_for_real_and_0_for_fake():
    assert hard_targets(KEY, 3) == (1.0, 0.0)


def test_one_sided_smoothing_is_the_same_number_for_all():
    real, fake = soft_targets(real=(0.9, 0.9), fake=(0.0, 0.0), flips=0.0)(KEY, 5)
    assert real.shape == fake.shape == (5,)
    assert real.dtype == fake.dtype == tf.float32
    np.testing.assert_array_equal(real, np.full(5, np.float32(0.9)))
    np.testing.assert_array_equal(fake, np.zeros(5))


def test_targets_are_drawn_uniformly_from_their_ranges_one_a_picture():
    real, fake = soft_targets(real=(0.7, 1.2), fake=(-0.1, 0.3), flips=0.0)(KEY, N)
    for found, (low, high) in ((real, (0.7, 1.2)), (fake, (-0.1, 0.3))):
        shares = (np.sort(found) - low) / (high - low)
        # The Kolmogorov-Smirnov bound at 1 in 1000.
        assert np.abs(shares - (np.arange(N) + 0.5) / N).max() < 1.95 / np.sqrt(N)
    assert abs(np.corrcoef(real, fake)[0, 1]) < 4.0 / np.sqrt(N)


@pytest.mark.parametrize("flips", [0.0, 0.1, 1.0])
def test_flips_exchange_a_target_for_a_draw_of_the_other_kind(flips):
    real, fake = soft_targets(real=(0.8, 1.0), fake=(0.0, 0.2), flips=flips)(KEY, N)
    flipped = [np.asarray(real) < 0.5, np.asarray(fake) > 0.5]
    for found in flipped:
        assert found.mean() == pytest.approx(flips, abs=4.0 * np.sqrt(flips * (1.0 - flips) / N))
    if 0.0 < flips < 1.0:
        # Real and fake pictures are flipped on their own.
        assert (flipped[0] != flipped[1]).any()


def test_flips_take_nothing_but_what_there_is():
    hard, soft = (soft_targets(real=(1.0, 1.0), fake=(0.0, 0.0), flips=flips)(KEY, N) for flips in (0.0, 0.3))
    assert set(np.unique(soft)) == {0.0, 1.0}
    np.testing.assert_array_equal(hard[0], np.ones(N))


def test_targets_are_the_same_for_the_same_key_and_jitted():
    targets = soft_targets(real=(0.7, 1.2), fake=(0.0, 0.3), flips=0.2)
    plain = targets(KEY, 64)
    for found in (targets(KEY, 64), tf.function(lambda key: targets(key, 64), jit_compile=True)(KEY)):
        np.testing.assert_allclose(found, plain, rtol=1e-6)
    assert (targets(rng.key(0, rng.Stream.LABELS, 6), 64)[0].numpy() != plain[0].numpy()).any()
