import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import penalties, rng
from tfgan_kit.penalties import at_fake, at_mix, at_real, one_centred, zero_centred

SHAPE = (5, 3, 2, 2)
KEY = rng.key(0, rng.Stream.PENALTY, 3)


@pytest.fixture(scope="module")
def x():
    return tf.constant(np.random.default_rng(0).normal(size=SHAPE), tf.float32)


@pytest.fixture(scope="module")
def a():
    return tf.constant(np.random.default_rng(1).normal(size=SHAPE[1:]), tf.float32)


def dot(a, x):
    return tf.reduce_sum(a * x, axis=[1, 2, 3])


def test_r1_of_a_linear_d_is_the_square_of_its_slope_in_every_example(a, x):
    r1 = zero_centred(lambda x: dot(a, x), x)
    assert r1.shape == (5,)
    assert r1.dtype == tf.float32
    np.testing.assert_allclose(r1, np.full(5, np.sum(np.square(a))), rtol=1e-6)


def test_r1_of_a_quadratic_d_is_four_times_the_square_of_x(x):
    np.testing.assert_allclose(
        zero_centred(lambda x: dot(x, x), x), 4.0 * np.sum(np.square(x), axis=(1, 2, 3)), rtol=1e-5
    )


@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
def test_one_centred_is_the_square_of_the_distance_of_the_norm_from_1(a, x, norm):
    unit = a / tf.norm(a)
    np.testing.assert_allclose(
        one_centred(lambda x: dot(norm * unit, x), x), np.full(5, (norm - 1.0) ** 2), rtol=1e-5, atol=1e-10
    )


def test_one_centred_of_a_constant_d_is_1(x):
    np.testing.assert_allclose(one_centred(lambda x: dot(0.0 * x, x), x), np.ones(5), atol=1e-5)


@pytest.mark.parametrize("value", [zero_centred, one_centred])
def test_the_gradient_is_finite_where_d_is_constant(a, x, value):
    weight = tf.Variable(tf.zeros_like(a))
    with tf.GradientTape() as tape:
        total = tf.reduce_mean(value(lambda x: dot(weight, x), x))
    np.testing.assert_array_equal(tape.gradient(total, weight), np.zeros(SHAPE[1:]))


@pytest.mark.parametrize("value", [zero_centred, one_centred])
def test_the_gradient_by_d_s_weights_agrees_with_finite_differences(value):
    generator = np.random.default_rng(2)
    x = tf.constant(generator.normal(size=(4, 2, 2, 1)), tf.float64)
    w1, w2 = (tf.Variable(generator.normal(size=shape), dtype=tf.float64) for shape in ((4, 3), (3, 1)))

    def D(x):
        return tf.reshape(tf.tanh(tf.reshape(x, (4, 4)) @ w1) @ w2, (-1,))

    def penalty():
        return tf.reduce_mean(value(D, x))

    with tf.GradientTape() as tape:
        total = penalty()
    for weight, found in zip((w1, w2), tape.gradient(total, (w1, w2)), strict=True):
        start, step = weight.numpy(), 1e-2
        for index in np.ndindex(*start.shape):
            sides = []
            for sign in (1.0, -1.0):
                moved = start.copy()
                moved[index] += sign * step
                weight.assign(moved)
                sides.append(float(penalty()))
            weight.assign(start)
            # The value is float32 by contract, so the difference carries its rounding.
            assert float(found[index]) == pytest.approx((sides[0] - sides[1]) / (2.0 * step), rel=5e-3, abs=1e-3)


def test_half_precision_gradients_are_squared_in_float32(a, x):
    # 300^2 is beyond float16.
    half = tf.cast(x, tf.float16)
    value = zero_centred(lambda x: dot(tf.fill(SHAPE[1:], tf.constant(300.0, tf.float16)), x), half)
    np.testing.assert_allclose(value, np.full(5, 12 * 300.0**2))


def test_real_and_fake_are_taken_as_they_are(x):
    assert at_real(x, -x, KEY) is x
    assert at_fake(-x, x, KEY) is x


def test_a_mix_lies_on_the_line_from_real_to_fake_with_one_draw_a_picture(x):
    real, fake = tf.zeros_like(x), tf.ones_like(x)
    shares = at_mix(real, fake, KEY).numpy().reshape(5, -1)
    assert (shares == shares[:, :1]).all()
    assert len(set(shares[:, 0])) == 5
    assert ((shares >= 0.0) & (shares < 1.0)).all()
    ends = at_mix(x, x + 2.0, KEY).numpy() - x.numpy()
    np.testing.assert_allclose(ends.reshape(5, -1), 2.0 * shares, rtol=1e-4, atol=1e-5)


def test_a_mix_is_drawn_uniformly():
    n = 4096
    shares = at_mix(tf.zeros((n, 1, 1, 1)), tf.ones((n, 1, 1, 1)), KEY).numpy().ravel()
    # The Kolmogorov-Smirnov bound at 1 in 1000.
    assert np.abs(np.sort(shares) - (np.arange(n) + 0.5) / n).max() < 1.95 / np.sqrt(n)


def test_a_mix_is_the_same_for_the_same_key_and_another_for_another(x):
    np.testing.assert_array_equal(at_mix(x, -x, KEY), at_mix(x, -x, KEY))
    other = rng.key(0, rng.Stream.PENALTY, 4)
    assert (at_mix(x, -x, KEY).numpy() != at_mix(x, -x, other).numpy()).any()


def test_a_penalty_says_where_and_what(a, x):
    penalty = penalties.Penalty("r1", 0.5, at_real, zero_centred)
    value = penalty.value(lambda x: dot(a, x), penalty.at(x, -x, KEY))
    np.testing.assert_allclose(penalty.weight * tf.reduce_mean(value), 0.5 * np.sum(np.square(a)), rtol=1e-6)
