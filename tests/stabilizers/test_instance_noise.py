import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.stabilizers.instance_noise import instance_noise

KEY = rng.key(0, rng.Stream.REAL_SHOWN, 5)
X = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 3, 4, 1)), tf.float32)


@pytest.mark.parametrize(
    ("progress", "until", "share"), [(0.0, 1.0, 1.0), (0.25, 1.0, 0.75), (0.25, 0.5, 0.5), (0.5, 0.5, 0.0)]
)
def test_the_noise_is_normal_and_fades_linearly(progress, until, share):
    found = instance_noise(0.2, until).apply(X, KEY, tf.constant(progress))
    np.testing.assert_allclose(found, X + 0.2 * share * rng.normal(KEY, (2, 3, 4, 1)), atol=1e-6)


@pytest.mark.parametrize("progress", [0.5, 0.75, 1.0])
def test_after_its_end_there_is_no_noise_at_all(progress):
    np.testing.assert_array_equal(instance_noise(0.2, 0.5).apply(X, KEY, tf.constant(progress)), X)


def test_it_keeps_no_state_and_lets_gradients_through():
    noise = instance_noise(0.2, 1.0)
    assert noise.update is None
    assert not noise.state
    with tf.GradientTape() as tape:
        tape.watch(X)
        total = tf.reduce_sum(noise.apply(X, KEY, tf.constant(0.0)))
    np.testing.assert_array_equal(tape.gradient(total, X), np.ones(X.shape))


def test_it_is_the_same_jitted():
    apply = instance_noise(0.2, 1.0).apply
    plain, jitted = (tf.function(apply, jit_compile=jit)(X, KEY, tf.constant(0.25)) for jit in (False, True))
    np.testing.assert_allclose(plain, jitted, atol=1e-6)
