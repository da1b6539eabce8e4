import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.errors import RecipeError
from tfgan_kit.networks.layers.randomness import AddNoise, NoiseDropout, Randomness


def draws(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def network(rate=0.25, std=0.5, dtype="float32"):
    """Dropout on a (3, 2) map, noise on its flat form, dropout again."""
    randomness = Randomness()
    x = keras.Input((3, 2))
    y = randomness.dropout(x, rate, dtype=dtype, name="drop0")
    y = keras.layers.Flatten(dtype=dtype)(y)
    y = randomness.noise(y, std, dtype=dtype, name="noise1")
    y = randomness.dropout(y, 2.0 * rate, dtype=dtype, name="drop2")
    return keras.Model([x, randomness.input], y), randomness


def test_nothing_random_makes_no_input():
    randomness, x = Randomness(), keras.Input((4,))
    assert randomness.dropout(x, 0.0, dtype="float32", name="a") is x
    assert randomness.noise(x, 0.0, dtype="float32", name="b") is x
    assert randomness.input is None
    assert randomness.size == 0


def test_one_input_holds_the_numbers_of_every_layer():
    model, randomness = network()
    assert randomness.input.shape == (None, None)
    assert randomness.input.dtype == "float32"
    assert randomness.input.name == "noise"
    assert randomness.size == 18
    assert [model.get_layer(name).start for name in ("drop0", "noise1", "drop2")] == [0, 6, 12]


@pytest.mark.parametrize("training", [True, False])
def test_the_output_is_that_of_numpy_on_the_same_noise(training):
    stats = pytest.importorskip("scipy.special")
    model, randomness = network()
    x, noise = draws(5, 3, 2), draws(5, randomness.size, seed=1)
    y = x.reshape(5, 6) * (noise[:, :6] < stats.ndtri(0.75)) / 0.75
    y += 0.5 * noise[:, 6:12]
    y *= (noise[:, 12:] < 0.0) / 0.5
    np.testing.assert_allclose(model([x, noise], training=training), y, atol=1e-6)
    jitted = tf.function(model, jit_compile=True)([tf.constant(x), tf.constant(noise)])
    np.testing.assert_allclose(jitted, y, atol=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_its_share_and_the_mean(rate):
    n = 200_000
    kept = NoiseDropout(rate, start=0)(tf.ones((2, n // 2)), draws(2, n // 2)).numpy()
    assert set(np.unique(kept)) == {np.float32(0.0), np.float32(1.0 / (1.0 - rate))}
    # Five deviations of the share of n draws.
    assert (kept > 0.0).mean() == pytest.approx(1.0 - rate, abs=5.0 * np.sqrt(rate * (1.0 - rate) / n))


def test_noise_has_its_deviation():
    noisy = AddNoise(0.3, start=0)(tf.fill((2, 50_000), 2.0), draws(2, 50_000)).numpy()
    assert noisy.mean() == pytest.approx(2.0, abs=0.005)
    assert noisy.std() == pytest.approx(0.3, rel=0.01)


def test_pictures_of_a_batch_have_draws_of_their_own():
    model, randomness = network()
    x, noise = draws(4, 3, 2), draws(4, randomness.size)
    whole = model([x, noise]).numpy()
    for i in range(4):
        np.testing.assert_array_equal(model([x[i : i + 1], noise[i : i + 1]])[0], whole[i])


def test_the_gradient_passes_what_is_kept():
    x, noise = tf.ones((2, 50)), tf.constant(draws(2, 50))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = NoiseDropout(0.4, start=0)(x, noise)
    np.testing.assert_allclose(tape.gradient(y, x), y, rtol=1e-6)


def test_too_little_noise_is_refused():
    model, randomness = network()
    with pytest.raises(ValueError, match="reads the noise up to number 18; got 17"):
        model([draws(2, 3, 2), draws(2, randomness.size - 1)])


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_the_same_units(dtype):
    (half, randomness), (full, _) = network(dtype=dtype), network()
    x, noise = draws(64, 3, 2), draws(64, randomness.size, seed=1)
    found, expected = half([x, noise]), full([x, noise]).numpy()
    assert found.dtype == dtype.removeprefix("mixed_")
    found = tf.cast(found, tf.float32).numpy()
    np.testing.assert_array_equal(found == 0.0, expected == 0.0)
    np.testing.assert_allclose(found, expected, atol=0.1)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_that_is_not_legal_is_refused(rate):
    with pytest.raises(RecipeError, match=r"'drop': the rate must be in \[0, 1\)"):
        Randomness().dropout(keras.Input((4,)), rate, dtype="float32", name="drop")


@pytest.mark.parametrize("std", [-1.0, float("inf"), float("nan")])
def test_a_deviation_that_is_not_legal_is_refused(std):
    with pytest.raises(RecipeError, match="'more': the deviation must be"):
        Randomness().noise(keras.Input((4,)), std, dtype="float32", name="more")


def test_onnx(assert_onnx_equal):
    model, randomness = network()
    operators = assert_onnx_equal(model, lambda n: [draws(n, 3, 2), draws(n, randomness.size, seed=1)])
    assert not {"RandomNormal", "RandomNormalLike", "Shape"} & set(operators)
