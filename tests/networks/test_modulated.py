import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.networks.layers.modulated import ModulatedConv2D

SHAPE, OUT = (5, 4, 6), 3
SWITCHES = [
    {"demodulate": demodulate, "upsample": upsample} for demodulate in (True, False) for upsample in (False, True)
]


def feeds(n):
    generator = np.random.default_rng(n)
    x = generator.normal(size=(n, *SHAPE)).astype(np.float32)
    return [x, (1.0 + generator.normal(size=(n, SHAPE[-1]))).astype(np.float32)]


def model(kernel_px=3, **fields):
    x, style = keras.Input(SHAPE), keras.Input(SHAPE[-1:])
    made = keras.Model([x, style], ModulatedConv2D(OUT, kernel_px, seed=2, name="layer", **fields)(x, style))
    made.get_layer("layer").bias.assign(np.linspace(-1.0, 1.0, OUT))
    return made


def modulated_kernels(layer, style):
    """Eqs. 1 and 3 for each picture: (B, h, w, in, out)."""
    kernel = layer.kernel.numpy().astype(np.float64)
    kernel = kernel * layer.gain * layer.lr_multiplier / np.sqrt(kernel[..., 0].size)
    own = style[:, None, None, :, None] * kernel
    if layer.demodulate:
        own = own / np.sqrt((own**2).sum(axis=(1, 2, 3), keepdims=True) + 1e-8)
    return own


def by_hand(layer, x, style):
    if layer.upsample:
        x = tf.image.resize(x, (2 * SHAPE[0], 2 * SHAPE[1])).numpy()
    n, height, width, _ = x.shape
    kernels = modulated_kernels(layer, style)
    side = layer.kernel_px
    before = (side - 1) // 2
    padded = np.pad(x, ((0, 0), (before, side - 1 - before), (before, side - 1 - before), (0, 0)))
    y = np.zeros((n, height, width, OUT))
    for i in range(side):
        for j in range(side):
            y += np.einsum("bhwc,bco->bhwo", padded[:, i : i + height, j : j + width], kernels[:, i, j])
    return y + layer.bias.numpy() * layer.lr_multiplier


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kernel_px", [1, 3, 4])
@pytest.mark.parametrize("switches", SWITCHES)
def test_values_are_those_of_a_kernel_for_each_picture(switches, kernel_px, training):
    made = model(kernel_px, gain=2.0**0.5, lr_multiplier=0.5, **switches)
    x, style = feeds(3)
    expected = by_hand(made.get_layer("layer"), x, style)
    assert made.output_shape[1:] == expected.shape[1:]
    np.testing.assert_allclose(made([x, style], training=training), expected, atol=1e-5)


def test_values_are_those_of_torch_s_grouped_convolution():
    torch = pytest.importorskip("torch")
    made, (x, style) = model(), feeds(3)
    layer = made.get_layer("layer")
    # A group a picture: (B * out, in, h, w) on (1, B * in, H, W).
    kernels = modulated_kernels(layer, style).transpose(0, 4, 3, 1, 2).reshape(3 * OUT, SHAPE[-1], 3, 3)
    grouped = torch.nn.functional.conv2d(
        torch.from_numpy(x.transpose(0, 3, 1, 2).reshape(1, 3 * SHAPE[-1], *SHAPE[:2]).copy()),
        torch.from_numpy(kernels.astype(np.float32)), padding=1, groups=3,
    )  # fmt: skip
    expected = grouped.numpy().reshape(3, OUT, *SHAPE[:2]).transpose(0, 2, 3, 1) + layer.bias.numpy()
    np.testing.assert_allclose(made([x, style]), expected, atol=1e-5)


@pytest.mark.parametrize("switches", SWITCHES)
def test_jitted_with_gradients(switches):
    made, (x, style) = model(**switches), (tf.constant(array) for array in feeds(2))
    weights = made.trainable_variables

    def run(x, style):
        with tf.GradientTape() as tape:
            tape.watch([x, style])
            y = made([x, style], training=True)
            total = tf.reduce_sum(y**3)
        return [y, *tape.gradient(total, [x, style, *weights])]

    plain, jitted = run(x, style), tf.function(run, jit_compile=True)(x, style)
    for a, b in zip(jitted, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("upsample", [True, False])
def test_a_penalty_on_the_gradient_by_the_style_has_a_gradient(upsample, training):
    made, (x, style) = model(upsample=upsample), (tf.constant(array) for array in feeds(2))

    @tf.function(jit_compile=True)
    def run():
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(style)
                total = tf.reduce_sum(made([x, style], training=training) ** 2)
            penalty = tf.reduce_sum(tf.square(inner.gradient(total, style)))
        return outer.gradient(penalty, made.get_layer("layer").kernel)

    gradient = run().numpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 1e-3


def test_demodulated_outputs_have_deviation_1_whatever_the_style():
    layer = ModulatedConv2D(64, 3, seed=1)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 32, 32, 16)).astype(np.float32)
    style = np.stack([generator.uniform(0.5, 2.0, 16), 100.0 * generator.uniform(0.5, 2.0, 16)]).astype(np.float32)
    y = layer(x, style).numpy()[:, 1:-1, 1:-1]
    np.testing.assert_allclose(y.std(axis=(1, 2, 3)), np.ones(2), rtol=0.03)


def test_a_style_of_zeros_is_finite():
    layer = ModulatedConv2D(2, 3, seed=1)
    np.testing.assert_array_equal(layer(tf.ones((1, 4, 4, 3)), tf.zeros((1, 3))), np.zeros((1, 4, 4, 2)))


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("switches", SWITCHES)
def test_mixed_precision(switches, dtype):
    half, full = model(dtype=dtype, **switches), model(**switches)
    found = half(feeds(3))
    assert found.dtype == dtype.removeprefix("mixed_")
    assert {variable.dtype for variable in half.variables} == {"float32"}
    np.testing.assert_allclose(tf.cast(found, tf.float32), full(feeds(3)), atol=8e-2)


def test_squares_beyond_half_precision_stay_right():
    # Styles of 1000: their squares are no float16.
    x, style = feeds(2)
    found = model(dtype="mixed_float16")([x, 1000.0 * style])
    np.testing.assert_allclose(tf.cast(found, tf.float32), model()([x, style]), atol=2e-2)


@pytest.mark.parametrize("switches", SWITCHES)
def test_onnx(switches, assert_onnx_equal):
    operators = assert_onnx_equal(model(**switches), feeds)
    assert operators.count("Conv") == 1
    assert operators.count("Resize") == switches["upsample"]
    assert "Shape" not in operators
