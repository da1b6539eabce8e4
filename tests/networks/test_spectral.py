import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgan_kit.networks.layers.spectral import (
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
    SpectralEmbedding,
    power_iterate,
)

INIT = {"kernel_initializer": keras.initializers.GlorotUniform(seed=3)}
EMBED = {"embeddings_initializer": keras.initializers.RandomNormal(seed=3)}

# By kind: our layer, Keras's, arguments, the shape of an input, the axis of the outputs.
KINDS = {
    "conv": (SpectralConv2D, layers.Conv2D, {"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same"} | INIT,
             (7, 6, 3), 3),
    "wide conv": (SpectralConv2D, layers.Conv2D, {"filters": 40, "kernel_size": 3, "use_bias": False} | INIT,
                  (5, 5, 2), 3),
    "transposed": (SpectralConv2DTranspose, layers.Conv2DTranspose,
                   {"filters": 4, "kernel_size": 4, "strides": 2, "padding": "same", "activation": "relu"} | INIT,
                   (3, 5, 6), 2),
    "dense": (SpectralDense, layers.Dense, {"units": 7} | INIT, (9,), 1),
    "embedding": (SpectralEmbedding, layers.Embedding, {"input_dim": 6, "output_dim": 4} | EMBED, (), 1),
}  # fmt: skip


def inputs_of(kind, n=4):
    generator = np.random.default_rng(1)
    if kind == "embedding":
        return generator.integers(0, 6, n).astype(np.int32)
    return generator.normal(size=(n, *KINDS[kind][3])).astype(np.float32)


def built(kind, dtype="float32"):
    ours, _, arguments, shape, _ = KINDS[kind]
    layer = ours(**arguments, dtype=dtype)
    layer.build((None, *shape))
    return layer


def matrix(weight, axis):
    return np.moveaxis(np.asarray(weight), axis, 0).reshape(weight.shape[axis], -1)


def largest(weight, axis):
    return np.linalg.svd(matrix(weight, axis).astype(np.float64), compute_uv=False)[0]


def model_of(layer, kind):
    x = keras.Input(KINDS[kind][3], dtype="int32" if kind == "embedding" else "float32")
    return keras.Model(x, layer(x))


@pytest.mark.parametrize("kind", KINDS)
def test_sigma_is_the_largest_singular_value_from_the_start(kind):
    layer = built(kind)
    assert layer.sigma().dtype == tf.float32
    assert float(layer.sigma()) == pytest.approx(largest(layer.weight, KINDS[kind][4]), rel=1e-5)
    normalised = layer.normalised()
    assert largest(normalised, KINDS[kind][4]) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_power_iterations_find_sigma_of_new_weights(kind):
    layer = built(kind)
    axis = KINDS[kind][4]
    left, _, right = np.linalg.svd(np.random.default_rng(0).normal(size=matrix(layer.weight, axis).shape))
    values = 4.0 * 0.7 ** np.arange(min(len(left), len(right)))
    new = (left[:, : len(values)] * values) @ right[: len(values)]
    moved = np.moveaxis(np.asarray(layer.weight), axis, 0)
    layer.weight.assign(np.moveaxis(new.reshape(moved.shape), 0, axis))
    jitted = tf.function(lambda: power_iterate(layer), jit_compile=True)
    for _ in range(60):
        jitted()
    assert float(layer.sigma()) == pytest.approx(4.0, rel=1e-5)
    for vector in (layer.u, layer.v):
        assert float(tf.norm(vector)) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_output_is_that_of_keras_with_the_weights_over_sigma(kind):
    layer = built(kind)
    _, theirs, arguments, shape, axis = KINDS[kind]
    if getattr(layer, "bias", None) is not None:
        layer.bias.assign(np.linspace(-1.0, 1.0, layer.bias.shape[0]))
    reference = theirs(**arguments)
    reference.build((None, *shape))
    weights = [weight.numpy() for weight in layer.trainable_variables]
    assert [weight.shape for weight in reference.weights] == [weight.shape for weight in weights]
    reference.set_weights([weights[0] / largest(weights[0], axis), *weights[1:]])
    x = inputs_of(kind)
    expected = reference(x)
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)
    np.testing.assert_allclose(tf.function(layer, jit_compile=True)(tf.constant(x)), expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_keep_their_name_and_only_they_are_trained(kind):
    layer = built(kind)
    assert layer.trainable_variables[0] is layer.weight
    assert layer.weight.name == ("embeddings" if kind == "embedding" else "kernel")
    assert [(v.name, v.dtype, v.trainable) for v in layer.non_trainable_variables] == [
        ("u", "float32", False), ("v", "float32", False),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_flows_through_sigma(kind):
    # d/dW sum(A * W / sigma) = A / sigma - sum(A * W) / sigma^2 * u v^T.
    layer = built(kind)
    axis = KINDS[kind][4]
    a = np.random.default_rng(2).normal(size=layer.weight.shape)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.constant(a, tf.float32) * layer.normalised())
    found = matrix(tf.convert_to_tensor(tape.gradient(total, layer.weight)), axis)
    weight, flat = matrix(layer.weight, axis).astype(np.float64), matrix(a, axis)
    left, values, right = np.linalg.svd(weight)
    sigma = values[0]
    expected = flat / sigma - np.sum(flat * weight) / sigma**2 * np.outer(left[:, 0], right[0])
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_the_gradient_of_a_pass_agrees_with_finite_differences():
    layer = built("dense")
    x = inputs_of("dense")

    def loss():
        return tf.reduce_sum(tf.square(layer(x)))

    with tf.GradientTape() as tape:
        total = loss()
    found = tape.gradient(total, layer.kernel).numpy()
    start, step = layer.kernel.numpy(), 1e-2
    for index in ((0, 0), (3, 2), (8, 6)):
        sides = []
        for sign in (1.0, -1.0):
            moved = start.copy()
            moved[index] += sign * step
            layer.kernel.assign(moved)
            sides.append(float(loss()))
        assert found[index] == pytest.approx((sides[0] - sides[1]) / (2.0 * step), rel=1e-2, abs=1e-2)


def test_the_output_does_not_depend_on_the_scale_of_the_weights():
    layer = built("conv")
    x = inputs_of("conv")
    before = layer(x).numpy()
    layer.kernel.assign(7.0 * layer.kernel)
    np.testing.assert_allclose(layer(x), before, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_passes_leave_every_variable_as_it_is(kind, training):
    layer = built(kind)
    model = model_of(layer, kind)
    before = [variable.numpy() for variable in model.variables]
    first = model(inputs_of(kind), training=training).numpy()
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(inputs_of(kind), training=training))
    tape.gradient(total, layer.weight)
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable)
    np.testing.assert_array_equal(model(inputs_of(kind), training=training), first)


def test_a_power_iteration_reaches_nested_models_and_layers_and_only_u_and_v():
    inner_input = keras.Input((4, 4, 2))
    inner = keras.Model(inner_input, SpectralConv2D(3, 3, name="deep")(inner_input))
    x = keras.Input((4, 4, 2))
    y = layers.Flatten()(inner(x))
    model = keras.Model(x, layers.TimeDistributed(SpectralDense(2, name="wrapped"))(layers.Reshape((3, 4))(y)))
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(5).normal(size=variable.shape))
    before = {variable.path: variable.numpy() for variable in model.variables}
    power_iterate(model)
    changed = {path for path, old in before.items() if (old != by_path(model, path).numpy()).any()}
    assert {path.rsplit("/", 1)[-1] for path in changed} == {"u", "v"}
    assert len(changed) == 4


def by_path(model, path):
    (found,) = [variable for variable in model.variables if variable.path == path]
    return found


def test_zero_weights_stay_zero():
    layer = SpectralDense(3, kernel_initializer="zeros")
    x = tf.ones((2, 4))
    np.testing.assert_array_equal(layer(x), np.zeros((2, 3)))
    power_iterate(layer)
    np.testing.assert_array_equal(layer(x), np.zeros((2, 3)))


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_sigma_is_of_full_precision_in_mixed_precision(kind, dtype):
    half, full = built(kind, dtype), built(kind)
    model = model_of(half, kind)
    assert half.weight.dtype == "float32"
    assert half.compute_dtype == dtype.removeprefix("mixed_")
    output = model(inputs_of(kind))
    assert output.dtype == half.compute_dtype
    np.testing.assert_allclose(tf.cast(output, tf.float32), full(inputs_of(kind)), atol=5e-2)
    # Sigma within a pass, where Keras would cast the weights that are read.
    seen = []
    half.normalised = lambda: seen.append(half.sigma()) or type(half).normalised(half)
    half(inputs_of(kind))
    assert float(seen[0]) == float(full.sigma())


@pytest.mark.parametrize("kind", KINDS)
def test_onnx(kind, assert_onnx_equal):
    operators = assert_onnx_equal(model_of(built(kind), kind), lambda n: [inputs_of(kind, n)])
    # Sigma is a number by then.
    assert not {"Div", "ReduceSum", "MatMul", "Max"} & set(operators) - ({"MatMul"} if kind == "dense" else set())
