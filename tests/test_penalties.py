from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import penalties, rng
from tfgan_kit.penalties import around, at_mix, kernels_of, one_centred, path_lengths, skewness, zero_centred

SHAPE = (5, 3, 2, 2)
KEY = rng.key(0, rng.Stream.PENALTY, 3)


@pytest.fixture(scope="module")
def x():
    return tf.constant(np.random.default_rng(0).normal(size=SHAPE), tf.float32)


@pytest.fixture(scope="module")
def a():
    return tf.constant(np.random.default_rng(1).normal(size=SHAPE[1:]), tf.float32)


def dot(a, x):
    return {"logits": tf.reduce_sum(a * x, axis=[1, 2, 3])}


def key_of(stream):
    return rng.key(7, stream, 3)


def view_of(D, real, fake, D_fake=None):
    return SimpleNamespace(D=D, D_fake=D_fake or D, real=real, fake=fake, key=key_of)


# Gradient penalties


def test_r1_of_a_linear_d_is_the_square_of_its_slope_in_every_example(a, x):
    found = zero_centred(lambda x: dot(a, x), x)
    assert found.shape == (5,)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, np.full(5, np.sum(np.square(a))), rtol=1e-6)


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
        return {"logits": tf.reshape(tf.tanh(tf.reshape(x, (4, 4)) @ w1) @ w2, (-1,))}

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


@pytest.mark.parametrize("points", [lambda x, key: at_mix(x, -x, key), around])
def test_the_points_are_the_same_for_the_same_key_and_others_for_another(x, points):
    np.testing.assert_array_equal(points(x, KEY), points(x, KEY))
    other = rng.key(0, rng.Stream.PENALTY, 4)
    assert (points(x, KEY).numpy() != points(x, other).numpy()).any()


def test_points_around_lie_within_half_a_deviation_above_the_pictures(x):
    moved = (around(x, KEY) - x).numpy() / np.std(x)
    assert (moved > -1e-6).all()
    assert (moved < 0.5).all()
    assert len(np.unique(moved)) == moved.size


def test_the_noise_around_has_a_share_a_picture_of_noise_a_value():
    x = tf.constant(np.random.default_rng(3).normal(size=(400, 16, 16, 1)), tf.float32)
    moved = (around(x, KEY) - x).numpy().reshape(400, -1) / (0.5 * np.std(x))
    # A value is a product of two uniform ones, of mean 1/4; a picture's mean is near half of its share.
    assert moved.mean() == pytest.approx(0.25, abs=0.02)
    shares = np.sort(2.0 * moved.mean(axis=1))
    assert np.abs(shares - (np.arange(400) + 0.5) / 400).max() < 0.1


@pytest.mark.parametrize(
    ("term", "name", "weight", "lazy"),
    [
        (penalties.r1(3.0), "r1", 1.5, True),
        (penalties.r2(3.0), "r2", 1.5, True),
        (penalties.gradient_penalty(10.0), "gp", 10.0, False),
        (penalties.dragan(10.0), "dragan", 10.0, False),
        (penalties.lecam(0.3), "lecam", 0.3, False),
        (penalties.path_length(2.0), "path_length", 2.0, True),
        (penalties.orthogonal(1e-4), "orthogonal", 1e-4, False),
        (penalties.orthogonal(1e-4, name="g_orthogonal"), "g_orthogonal", 1e-4, False),
    ],
)
def test_what_a_term_is_called_and_weighted_with(term, name, weight, lazy):
    assert (term.name, term.weight, term.lazy) == (name, weight, lazy)


def test_each_term_takes_the_gradient_where_it_is_to(x):
    # |grad D(x)|^2 of D = <x, x> tells where it was taken.
    view = view_of(lambda x: dot(x, x), x, 3.0 * x, D_fake=lambda x: dot(2.0 * x, x))
    squares = np.sum(np.square(x), axis=(1, 2, 3))
    np.testing.assert_allclose(penalties.r1(1.0).value(view), 4.0 * squares, rtol=1e-5)
    np.testing.assert_allclose(penalties.r2(1.0).value(view), 16.0 * 9.0 * squares, rtol=1e-5)

    key = key_of(rng.Stream.PENALTY)
    for term, points in (
        (penalties.gradient_penalty(1.0), at_mix(x, 3.0 * x, key)),
        (penalties.dragan(1.0), around(x, rng.split(key, 1))),
    ):
        norms = 2.0 * np.sqrt(np.sum(np.square(points), axis=(1, 2, 3)))
        np.testing.assert_allclose(term.value(view), (norms - 1.0) ** 2, rtol=1e-4)


@pytest.mark.parametrize("make", [penalties.gradient_penalty, penalties.dragan])
@pytest.mark.parametrize("norm", [0.5, 1.0, 2.0])
def test_a_one_centred_term_of_a_linear_d(a, x, make, norm):
    unit = a / tf.norm(a)
    value = make(10.0).value(view_of(lambda x: dot(norm * unit, x), x, -x))
    np.testing.assert_allclose(value, np.full(5, (norm - 1.0) ** 2), rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("make", [penalties.r1, penalties.r2, penalties.gradient_penalty, penalties.dragan])
def test_a_term_is_the_same_jitted_and_whatever_came_before(x, make):
    w = tf.Variable(np.random.default_rng(4).normal(size=(12, 1)), dtype=tf.float32)

    def D(x):
        return {"logits": tf.tanh(tf.reshape(x, (5, 12)) @ w)[:, 0]}

    def value_and_gradient(x):
        with tf.GradientTape() as tape:
            value = make(1.0).value(view_of(D, x, -x))
            mean = tf.reduce_mean(value)
        return value, tape.gradient(mean, w)

    plain = tf.function(value_and_gradient)(x)
    penalties.dragan(1.0).value(view_of(D, x, -x))
    for found in (tf.function(value_and_gradient, jit_compile=True)(x), tf.function(value_and_gradient)(x)):
        for ours, expected in zip(found, plain, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)


# LeCam


def test_lecam_by_hand_over_three_updates():
    term = penalties.lecam(1.0, decay=0.75)
    a_real = a_fake = 0.0
    for step in range(3):
        real, fake = np.array([1.0, 3.0]) * (step + 1), np.array([-2.0, 1.0]) - step
        view = SimpleNamespace(real_out={"logits": tf.constant(real)}, fake_out={"logits": tf.constant(fake)})
        value = term.value(view)
        assert value.dtype == tf.float32
        np.testing.assert_allclose(value, (real - a_fake) ** 2 + (fake - a_real) ** 2, rtol=1e-6)
        term.update({"real_logits": tf.constant(real, tf.float32), "fake_logits": tf.constant(fake, tf.float32)})
        a_real, a_fake = 0.75 * a_real + 0.25 * real.mean(), 0.75 * a_fake + 0.25 * fake.mean()
        assert float(term.state["real"]) == pytest.approx(a_real, rel=1e-6)
        assert float(term.state["fake"]) == pytest.approx(a_fake, rel=1e-6)
    assert sorted(term.state) == ["fake", "real"]


def test_lecam_s_gradient_leaves_the_anchors_out():
    term = penalties.lecam(1.0)
    term.state["real"].assign(2.0)
    term.state["fake"].assign(-1.0)
    real, fake = tf.constant([0.5]), tf.constant([1.5])
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        value = term.value(SimpleNamespace(real_out={"logits": real}, fake_out={"logits": fake}))
    to_real, to_fake, *others = tape.gradient(value, [real, fake, *term.state.values()])
    assert (float(to_real[0]), float(to_fake[0])) == (3.0, -1.0)
    assert others == [None, None]


def test_lecam_is_the_same_jitted():
    logits = tf.constant(np.random.default_rng(5).normal(size=(6, 2, 4)), tf.float32)

    def run(jit):
        term = penalties.lecam(1.0)

        @tf.function(jit_compile=jit)
        def step(real, fake):
            view = SimpleNamespace(real_out={"logits": real}, fake_out={"logits": fake})
            value = term.value(view)
            term.update({"real_logits": real, "fake_logits": fake})
            return value

        return [step(real, fake).numpy() for real, fake in logits], [float(v) for v in term.state.values()]

    states = [run(jit) for jit in (False, True)]
    np.testing.assert_allclose(states[0][0], states[1][0], rtol=1e-6)
    np.testing.assert_allclose(states[0][1], states[1][1], rtol=1e-6)


# Path length

LATENT_DIM, PICTURE = 3, (2, 4, 1)
JACOBIAN = np.random.default_rng(6).normal(size=(LATENT_DIM, 8)).astype("float32")


def linear(matrix):
    return lambda latent: tf.reshape(tf.matmul(latent, matrix), (-1, *PICTURE))


def g_view(synthesize, latent, step=0):
    key = partial(rng.key, 7, step=step)
    return SimpleNamespace(synthesize=synthesize, latent=latent, key=key, notes={})


def lengths_by_hand(matrix, n, step=0):
    y = rng.normal(rng.key(7, rng.Stream.PATH, step), (n, *PICTURE)).numpy().reshape(n, 8) / np.sqrt(2 * 4)
    return np.linalg.norm(y @ matrix.T, axis=1)


def test_the_path_length_of_a_linear_generator():
    latent = tf.constant(np.random.default_rng(7).normal(size=(5, LATENT_DIM)), tf.float32)
    found = path_lengths(linear(JACOBIAN), latent, rng.key(7, rng.Stream.PATH, 0))
    assert found.shape == (5,)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, lengths_by_hand(JACOBIAN, 5), rtol=1e-5)


def test_the_mean_length_is_compared_with_and_then_moves():
    term = penalties.path_length(1.0, decay=0.25)
    mean = 0.0
    for step in range(3):
        view = g_view(linear(JACOBIAN), tf.zeros((5, LATENT_DIM)), step)
        value = term.value(view)
        lengths = lengths_by_hand(JACOBIAN, 5, step)
        np.testing.assert_allclose(value, (lengths - mean) ** 2, rtol=1e-4)
        term.update(view.notes)
        mean += 0.25 * (lengths.mean() - mean)
        assert float(term.state["mean"]) == pytest.approx(mean, rel=1e-5)
    # A step without the term leaves it.
    term.update({})
    assert float(term.state["mean"]) == pytest.approx(mean, rel=1e-5)
    assert list(term.state) == ["mean"]


def test_the_mean_length_squared_is_the_jacobian_s_share_of_the_picture():
    # E |J^T y|^2 = |J|^2 / (H W), so that it does not grow with the resolution.
    lengths = path_lengths(linear(JACOBIAN), tf.zeros((4000, LATENT_DIM)), KEY)
    assert np.mean(np.square(lengths)) == pytest.approx(np.sum(JACOBIAN**2) / 8, rel=0.05)


def test_the_path_length_of_a_constant_generator_is_0_with_a_finite_gradient():
    term, matrix = penalties.path_length(1.0), tf.Variable(tf.zeros((LATENT_DIM, 8)))
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(term.value(g_view(linear(matrix), tf.zeros((5, LATENT_DIM)))))
    assert float(value) == pytest.approx(0.0, abs=1e-9)
    assert np.isfinite(tape.gradient(value, matrix)).all()


def test_the_gradient_of_the_path_length_agrees_with_finite_differences():
    latent = tf.constant(np.random.default_rng(8).normal(size=(4, LATENT_DIM)), tf.float32)
    matrix = tf.Variable(JACOBIAN)

    def synthesize(latent):
        return tf.reshape(tf.tanh(tf.matmul(latent, matrix)), (-1, *PICTURE))

    def value(start=1.5):
        term = penalties.path_length(1.0, decay=1e-9)
        term.state["mean"].assign(start)
        return tf.reduce_mean(term.value(g_view(synthesize, latent)))

    with tf.GradientTape() as tape:
        total = value()
    found = tape.gradient(total, matrix)
    for index in [(0, 0), (1, 3), (2, 7)]:
        sides = []
        for sign in (1.0, -1.0):
            moved = JACOBIAN.copy()
            moved[index] += sign * 1e-2
            matrix.assign(moved)
            sides.append(float(value()))
        matrix.assign(JACOBIAN)
        assert float(found[index]) == pytest.approx((sides[0] - sides[1]) / 2e-2, rel=2e-2, abs=1e-3)


def test_the_path_length_is_the_same_jitted():
    latent = tf.constant(np.random.default_rng(9).normal(size=(4, LATENT_DIM)), tf.float32)

    def run(jit):
        term, matrix = penalties.path_length(1.0), tf.Variable(JACOBIAN)

        @tf.function(jit_compile=jit)
        def step(latent):
            view = g_view(linear(matrix), latent)
            with tf.GradientTape() as tape:
                value = term.value(view)
                mean = tf.reduce_mean(value)
            term.update(view.notes)
            return value, tape.gradient(mean, matrix)

        return [*step(latent), term.state["mean"].value()]

    for graph, jitted in zip(run(False), run(True), strict=True):
        np.testing.assert_allclose(graph, jitted, rtol=1e-4, atol=1e-6)


# Orthogonal kernels


def by_hand(w):
    gram = w.T @ w
    return np.sum((gram - np.diag(np.diag(gram))) ** 2)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 5), (1, 1, 2, 7), (5, 1), (1, 5)])
def test_skewness_by_hand(shape):
    kernel = np.random.default_rng(10).normal(size=shape).astype("float32")
    expected = by_hand(kernel.astype("float64").reshape(-1, shape[-1]))
    np.testing.assert_allclose(skewness(tf.constant(kernel)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("lengths", [np.ones(6), np.arange(1.0, 7.0)])
def test_orthogonal_columns_of_any_length_are_not_penalised(lengths):
    q, _ = np.linalg.qr(np.random.default_rng(11).normal(size=(8, 6)))
    kernel = tf.constant((q * lengths).reshape(2, 2, 2, 6), tf.float32)
    assert float(skewness(kernel)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_the_gradient_of_skewness_is_its_closed_form(shape):
    w = np.random.default_rng(12).normal(size=shape)
    kernel = tf.Variable(w, dtype=tf.float32)
    with tf.GradientTape() as tape:
        total = skewness(kernel)
    gram = w.T @ w
    np.testing.assert_allclose(
        tape.gradient(total, kernel), 4.0 * w @ (gram - np.diag(np.diag(gram))), rtol=1e-3, atol=1e-3
    )


def test_the_orthogonal_term_sums_over_kernels_alone():
    initial = keras.initializers.RandomNormal(seed=1)
    inputs = [keras.Input((4, 4, 2)), keras.Input((), dtype="int32")]
    x = keras.layers.Conv2D(3, 3, kernel_initializer=initial)(inputs[0])
    x = keras.layers.Conv2DTranspose(2, 3, kernel_initializer=initial)(x)
    x = keras.layers.Flatten()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dense(5, kernel_initializer=initial)(x)
    x = keras.layers.Add()([x, keras.layers.Embedding(7, 5)(inputs[1])])
    network = keras.Model(inputs, x)

    kernels = kernels_of(network.trainable_variables)
    assert [tuple(kernel.shape) for kernel in kernels] == [(3, 3, 2, 3), (3, 3, 2, 3), (32, 5)]
    expected = sum(by_hand(kernel.numpy().reshape(-1, kernel.shape[-1])) for kernel in kernels)
    term = penalties.orthogonal(1.0)

    @tf.function(jit_compile=True)
    def value_and_gradient():
        with tf.GradientTape() as tape:
            value = term.value(SimpleNamespace(weights=network.trainable_variables))
        return value, tape.gradient(value, [kernel.value for kernel in kernels])

    value, gradients = value_and_gradient()
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    np.testing.assert_allclose(term.value(SimpleNamespace(weights=network.trainable_variables)), value, rtol=1e-5)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)


def test_a_network_without_kernels_pays_nothing():
    assert float(penalties.orthogonal(1.0).value(SimpleNamespace(weights=[]))) == 0.0


def test_drift_is_the_square_of_d_s_output_on_real_pictures():
    view = SimpleNamespace(real_out={"logits": tf.constant([1.0, -2.0, 0.5])})
    term = penalties.drift(1e-3)
    assert (term.name, term.weight, term.lazy) == ("drift", 1e-3, False)
    np.testing.assert_allclose(term.value(view), [1.0, 4.0, 0.25])
