import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.networks.layers.attention import SelfAttention2D
from tfgan_kit.networks.layers.spectral import Spectral, power_iterate
from tfgan_kit.networks.parts import Initializers

SHAPE = (3, 5, 16)


def images(n=2, shape=SHAPE):
    return np.random.default_rng(0).normal(size=(n, *shape)).astype(np.float32)


def model(shape=SHAPE, gamma=0.7, **fields):
    x = keras.Input(shape)
    made = keras.Model(x, SelfAttention2D(init=Initializers(1), name="attention", **fields)(x))
    made.get_layer("attention").gamma.assign(gamma)
    return made


def by_hand(x, query, key, value, gamma):
    flat = x.reshape(len(x), -1, x.shape[-1]).astype(np.float64)
    out = np.empty_like(flat)
    for n, picture in enumerate(flat):
        for j, looking in enumerate(picture):
            scores = np.array([(seen @ key) @ (looking @ query) for seen in picture])
            share = np.exp(scores - scores.max())
            out[n, j] = looking + gamma * (share / share.sum()) @ (picture @ value)
    return out.reshape(x.shape)


def kernels(made):
    layer = made.get_layer("attention")
    pick = [
        one.normalised() if isinstance(one, Spectral) else one.kernel for one in (layer.query, layer.key, layer.value)
    ]
    return [np.asarray(kernel)[0, 0] for kernel in pick]


@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize("shape", [SHAPE, (1, 1, 8), (4, 2, 5)])
def test_values_by_hand(shape, spectral):
    made, x = model(shape, spectral=spectral), images(2, shape)
    assert kernels(made)[0].shape == kernels(made)[1].shape == (shape[-1], max(shape[-1] // 8, 1))
    expected = by_hand(x, *kernels(made), 0.7)
    np.testing.assert_allclose(made(x), expected, atol=1e-5)
    np.testing.assert_allclose(tf.function(made, jit_compile=True)(tf.constant(x)), expected, atol=1e-5)


def test_it_starts_as_the_identity_that_can_learn():
    x = keras.Input(SHAPE)
    layer = SelfAttention2D(init=Initializers(1))
    made = keras.Model(x, layer(x))
    with tf.GradientTape() as tape:
        y = made(images())
        total = tf.reduce_sum(y**2)
    np.testing.assert_array_equal(y, images())
    assert abs(float(tape.gradient(total, layer.gamma))) > 1e-3


def test_pixels_may_be_permuted():
    made, x = model(), images()
    order = np.random.default_rng(1).permutation(15)
    shuffled = x.reshape(2, 15, 16)[:, order].reshape(x.shape)
    expected = made(x).numpy().reshape(2, 15, 16)[:, order].reshape(x.shape)
    np.testing.assert_allclose(made(shuffled), expected, atol=1e-5)


def test_weights_follow_the_seed_and_are_different_ones():
    one, same = kernels(model()), kernels(model())
    for a, b in zip(one, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (one[0] != one[1]).any()
    assert len({variable.path for variable in model().variables}) == 4


def test_power_iterations_reach_the_convolutions():
    made = model(spectral=True)
    layer = made.get_layer("attention")
    layer.value.kernel.assign(np.random.default_rng(2).normal(size=layer.value.kernel.shape))
    before = layer.value.u.numpy()
    power_iterate(made)
    assert (layer.value.u.numpy() != before).any()


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("spectral", [False, True])
def test_mixed_precision(dtype, spectral):
    half, full = model(spectral=spectral, dtype=dtype), model(spectral=spectral)
    found = half(images())
    assert found.dtype == dtype.removeprefix("mixed_")
    assert {variable.dtype for variable in half.variables} == {"float32"}
    np.testing.assert_allclose(tf.cast(found, tf.float32), full(images()), atol=6e-2)


def test_scores_beyond_half_precision_stay_finite():
    assert np.isfinite(tf.cast(model(dtype="mixed_float16")(1000.0 * images()), tf.float32)).all()


@pytest.mark.parametrize("spectral", [False, True])
def test_onnx(spectral, assert_onnx_equal):
    operators = assert_onnx_equal(model(spectral=spectral), images_at)
    assert "Shape" not in operators


def images_at(n):
    return [images(n)]
