import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.networks.layers.equalized import EqualizedConv2D, EqualizedDense

CASES = {
    "dense": (lambda **fields: EqualizedDense(5, seed=3, **fields), (7,)),
    "conv": (lambda **fields: EqualizedConv2D(5, 3, seed=3, **fields), (6, 5, 4)),
    "stride": (lambda **fields: EqualizedConv2D(5, 4, 2, seed=3, **fields), (7, 5, 4)),
    "pixel": (lambda **fields: EqualizedConv2D(2, 1, seed=3, **fields), (3, 2, 9)),
}


def inputs(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def model(case, **fields):
    make, shape = CASES[case]
    x = keras.Input(shape)
    made = keras.Model(x, make(name="layer", **fields)(x))
    if fields.get("use_bias", True):
        made.get_layer("layer").bias.assign_add(np.linspace(-1.0, 1.0, made.output_shape[-1]))
    return made


@pytest.mark.parametrize("gain", [1.0, 2.0**0.5])
@pytest.mark.parametrize("lr_multiplier", [1.0, 0.01])
@pytest.mark.parametrize("case", CASES)
def test_the_output_is_that_of_a_keras_layer_with_scaled_weights(case, gain, lr_multiplier):
    made = model(case, gain=gain, lr_multiplier=lr_multiplier)
    layer = made.get_layer("layer")
    kernel = layer.kernel.numpy()
    scaled = kernel * gain * lr_multiplier / np.sqrt(kernel[..., 0].size)
    x = inputs(3, *CASES[case][1])
    if case == "dense":
        expected = x @ scaled
    else:
        keras_layer = keras.layers.Conv2D(
            kernel.shape[-1], kernel.shape[0], layer.strides, padding="same", use_bias=False
        )
        keras_layer.build(made.input_shape)
        keras_layer.set_weights([scaled])
        expected = keras_layer(x).numpy()
    expected = expected + layer.bias.numpy() * lr_multiplier
    assert made.output_shape[1:] == expected.shape[1:]
    np.testing.assert_allclose(made(x), expected, atol=1e-5)
    np.testing.assert_allclose(tf.function(made, jit_compile=True)(tf.constant(x)), expected, atol=1e-5)


def test_weights_are_normal_and_outputs_have_the_gain_as_deviation():
    layer = EqualizedDense(400, seed=1, gain=1.5)
    y = layer(inputs(500, 300)).numpy()
    kernel = layer.kernel.numpy()
    assert kernel.mean() == pytest.approx(0.0, abs=0.01)
    assert kernel.std() == pytest.approx(1.0, abs=0.01)
    assert y.std() == pytest.approx(1.5, rel=0.02)


def test_the_multiplier_changes_the_steps_and_not_the_start():
    x = inputs(4, 7)
    plain, slow = (EqualizedDense(5, seed=1, bias_init=0.5, lr_multiplier=lr) for lr in (1.0, 0.25))
    before = plain(x).numpy()
    np.testing.assert_allclose(slow(x), before, atol=1e-5)
    # The same step of every weight, as Adam makes it.
    for layer in (plain, slow):
        for variable in layer.trainable_variables:
            variable.assign_add(tf.ones(variable.shape))
    np.testing.assert_allclose(slow(x) - before, 0.25 * (plain(x) - before), atol=1e-5)


def test_bias_starts_where_it_is_told():
    layer = EqualizedDense(3, seed=0, bias_init=1.0, lr_multiplier=0.01)
    np.testing.assert_allclose(layer(tf.zeros((2, 4))), np.ones((2, 3)), rtol=1e-6)


def test_no_bias_is_no_variable():
    made = model("conv", use_bias=False)
    assert [variable.name for variable in made.variables] == ["kernel"]


def test_weights_follow_the_seed():
    kernels = []
    for seed in (1, 1, 2):
        layer = EqualizedDense(3, seed=seed)
        layer.build((None, 4))
        kernels.append(layer.kernel.numpy())
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[0] != kernels[2]).any()


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("case", CASES)
def test_mixed_precision(case, dtype):
    x = inputs(3, *CASES[case][1])
    half = model(case, dtype=dtype, lr_multiplier=0.01)
    found = half(x)
    assert found.dtype == dtype.removeprefix("mixed_")
    assert {variable.dtype for variable in half.variables} == {"float32"}
    np.testing.assert_allclose(tf.cast(found, tf.float32), model(case, lr_multiplier=0.01)(x), atol=5e-2)


@pytest.mark.parametrize("case", CASES)
def test_onnx(case, assert_onnx_equal):
    operators = assert_onnx_equal(model(case, lr_multiplier=0.5), lambda n: [inputs(n, *CASES[case][1])])
    # The scale is in the kernel by then.
    assert "Mul" not in operators
