import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.networks.layers.minibatch import MinibatchDiscrimination, MinibatchStddev


def features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def stddev_by_hand(x, size):
    apart = len(x) // size
    y = np.empty((*x.shape[:3], 1), np.float32)
    for first in range(apart):
        group = x[first::apart]
        assert len(group) == size
        y[first::apart] = np.sqrt(group.var(axis=0) + 1e-8).mean()
    return np.concatenate([x, y], axis=-1)


def discrimination_by_hand(x, kernel, kernels, kernel_dim):
    closeness = np.zeros((len(x), kernels))
    rows = (x.astype(np.float64) @ kernel).reshape(len(x), kernels, kernel_dim)
    for i in range(len(x)):
        for j in range(len(x)):
            for b in range(kernels):
                closeness[i, b] += np.exp(-np.abs(rows[i, b] - rows[j, b]).sum())
    return np.concatenate([x, closeness], axis=-1)


# Batch, group size, the size that is used.
SIZES = [(8, 4, 4), (4, 4, 4), (6, 4, 3), (5, 4, 1), (3, 4, 3), (1, 4, 1), (2, 4, 2), (12, 6, 6), (10, 8, 5), (7, 1, 1)]


@pytest.mark.parametrize(("batch", "group_size", "size"), SIZES)
def test_stddev_by_hand(batch, group_size, size):
    x = features(batch, 3, 2, 4)
    layer = MinibatchStddev(group_size)
    expected = stddev_by_hand(x, size)
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)
    np.testing.assert_allclose(tf.function(layer, jit_compile=True)(tf.constant(x)), expected, atol=1e-6)
    # The batch size unknown when traced, as in an exported model.
    traced = tf.function(layer, input_signature=[tf.TensorSpec((None, 3, 2, 4))])
    np.testing.assert_allclose(traced(x), expected, atol=1e-6)


def test_stddev_of_equal_pictures_is_0_with_a_finite_gradient():
    x = tf.repeat(tf.constant(features(1, 2, 2, 3)), 4, 0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = MinibatchStddev()(x)
    assert float(tf.reduce_max(y[..., 3])) == pytest.approx(1e-4)
    assert np.isfinite(tape.gradient(y, x)).all()


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_discrimination_by_hand(batch):
    x = features(batch, 7)
    layer = MinibatchDiscrimination(4, 3)
    found = layer(x)
    assert layer.kernel.shape == (7, 12)
    expected = discrimination_by_hand(x, layer.kernel.numpy(), 4, 3)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(tf.function(layer, jit_compile=True)(tf.constant(x)), expected, atol=1e-5)


def test_discrimination_counts_equal_pictures():
    x = np.repeat(features(1, 5), 3, axis=0)
    np.testing.assert_allclose(MinibatchDiscrimination(2, 4)(x)[:, 5:], np.full((3, 2), 3.0))


def test_discrimination_has_a_finite_gradient_where_pictures_are_equal():
    x, layer = tf.ones((3, 4)), MinibatchDiscrimination(2, 3)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    assert np.isfinite(tape.gradient(y, x)).all()


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_in_float32(dtype):
    # Squares beyond float16.
    x = 300.0 * features(4, 3, 2, 4)
    found = MinibatchStddev(dtype=dtype)(x)
    assert found.dtype == dtype.removeprefix("mixed_")
    np.testing.assert_allclose(tf.cast(found, tf.float32), stddev_by_hand(x, 4), rtol=1e-2)
    layer = MinibatchDiscrimination(3, 2, dtype=dtype)
    found = layer(features(4, 6))
    assert layer.kernel.dtype == "float32"
    assert found.dtype == dtype.removeprefix("mixed_")
    expected = discrimination_by_hand(features(4, 6), layer.kernel.numpy(), 3, 2)
    np.testing.assert_allclose(tf.cast(found, tf.float32), expected, atol=3e-2)


def test_shapes_are_known_before_the_batch_is():
    assert MinibatchStddev()(keras.Input((5, 7, 3))).shape == (None, 5, 7, 4)
    assert MinibatchDiscrimination(6, 2)(keras.Input((9,))).shape == (None, 15)


@pytest.mark.parametrize(
    ("layer", "shape"), [(MinibatchStddev(), (5, 4, 3)), (MinibatchDiscrimination(4, 3), (6,))], ids=["stddev", "disc"]
)
def test_onnx(layer, shape, assert_onnx_equal):
    x = keras.Input(shape)
    assert_onnx_equal(keras.Model(x, layer(x)), lambda n: [features(n, *shape)])
