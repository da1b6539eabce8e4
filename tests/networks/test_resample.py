import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.networks.layers.resample import (
    bilinear_2x,
    bilinear_2x_in_one,
    downsample,
    nearest_2x,
    pixel_shuffle,
    upsample,
    upsample_bilinear,
)

KINDS = {"nearest": upsample, "bilinear": upsample_bilinear, "average": downsample, "shuffle": pixel_shuffle}
SHAPES = [(4, 6, 8), (5, 3, 4), (1, 1, 4), (7, 2, 12)]


def images(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def model(kind, shape, dtype="float32"):
    x = keras.Input(shape)
    return keras.Model(x, KINDS[kind](x, dtype=dtype, name="layer"))


def bilinear_by_hand(x):
    for axis in (1, 2):
        n = x.shape[axis]
        out = []
        for i in range(2 * n):
            # The centre of the new pixel in old pixels.
            at = (i + 0.5) / 2.0 - 0.5
            low, share = int(np.floor(at)), at - np.floor(at)
            left, right = (np.take(x, np.clip(low + j, 0, n - 1), axis) for j in (0, 1))
            out.append((1.0 - share) * left + share * right)
        x = np.stack(out, axis)
    return x


def average_by_hand(x):
    n, height, width, channels = x.shape
    y = np.empty((n, -(-height // 2), -(-width // 2), channels), np.float32)
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            y[:, i, j] = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(axis=(1, 2))
    return y


def shuffle_by_hand(x):
    n, height, width, channels = x.shape
    y = x.reshape(n, height, width, 2, 2, channels // 4).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(n, 2 * height, 2 * width, channels // 4)


BY_HAND = {
    "nearest": lambda x: x.repeat(2, axis=1).repeat(2, axis=2),
    "bilinear": bilinear_by_hand,
    "average": average_by_hand,
    "shuffle": shuffle_by_hand,
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_values_by_hand(kind, shape, training):
    x, resampled = images(2, *shape), model(kind, shape)
    expected = BY_HAND[kind](x)
    assert resampled.output_shape[1:] == expected.shape[1:]
    np.testing.assert_allclose(resampled(x, training=training), expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_torch(kind):
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    x = images(2, 6, 4, 8)
    # Torch's shuffle has the sub-pixel as the fastest part of the channel, TensorFlow's as the slowest.
    mine = x.reshape(2, 6, 4, 2, 4).transpose(0, 1, 2, 4, 3).reshape(x.shape) if kind == "shuffle" else x
    theirs = {
        "nearest": lambda x: f.interpolate(x, scale_factor=2, mode="nearest"),
        "bilinear": lambda x: f.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
        "average": lambda x: f.avg_pool2d(x, 2),
        "shuffle": lambda x: f.pixel_shuffle(x, 2),
    }[kind]
    expected = theirs(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(model(kind, (6, 4, 8))(mine), expected, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_a_linear_map_jitted_and_not(kind, training):
    # <a, Lx> has the gradient L^T a: for each basis picture e, its scalar product with e is <a, Le>.
    shape = (3, 2, 4)
    resampled = model(kind, shape)
    a = tf.constant(images(*resampled.output_shape[1:], seed=1))

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(a * resampled(x, training=training))
        return tape.gradient(total, x)

    basis = np.eye(24, dtype=np.float32).reshape(24, *shape)
    expected = np.sum(a * BY_HAND[kind](basis), axis=(1, 2, 3)).reshape(1, *shape)
    x = tf.constant(images(1, *shape))
    np.testing.assert_allclose(gradient(x), expected, atol=1e-5)
    np.testing.assert_allclose(tf.function(gradient, jit_compile=True)(x), expected, atol=1e-5)


@pytest.mark.parametrize("resample", [nearest_2x, bilinear_2x, bilinear_2x_in_one])
def test_gradients_of_gradients(resample):
    x = tf.constant(images(2, 3, 2, 2))
    basis = np.eye(12, dtype=np.float32).reshape(12, 3, 2, 2)
    matrix = BY_HAND["nearest" if resample is nearest_2x else "bilinear"](basis).reshape(12, -1)

    def second(f):
        def run():
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    total = tf.reduce_sum(f(x) ** 3) / 3.0
                penalty = tf.reduce_sum(tf.square(inner.gradient(total, x))) / 2.0
            return outer.gradient(penalty, x)

        return tf.function(run, jit_compile=True)()

    expected = second(lambda x: tf.matmul(tf.reshape(x, (2, 12)), matrix))
    np.testing.assert_allclose(second(resample), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_mixed_precision(kind, training, dtype):
    x = images(2, 5, 3, 4)
    found = model(kind, (5, 3, 4), dtype)(x, training=training)
    assert found.dtype == dtype.removeprefix("mixed_")
    np.testing.assert_allclose(tf.cast(found, tf.float32), BY_HAND[kind](x), atol=4e-2)


@pytest.mark.parametrize("shape", [(4, 6, 8), (5, 3, 4)])
@pytest.mark.parametrize(
    ("kind", "operator"),
    [("nearest", "Resize"), ("bilinear", "Resize"), ("average", "AveragePool"), ("shuffle", "DepthToSpace")],
)
def test_onnx_is_one_operator_between_two_transposes(kind, operator, shape, assert_onnx_equal):
    operators = assert_onnx_equal(model(kind, shape), lambda n: [images(n, *shape)])
    # A transpose of one channel is a reshape.
    assert [name for name in operators if name not in {"Transpose", "Reshape"}] == [operator]
    assert len(operators) <= 3
