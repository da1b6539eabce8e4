import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgan_kit.networks import keras_dcgan


def generator(**changes):
    return keras_dcgan.generator(**{"resolution": (6, 5), "channels": 1, "z_dim": 5, **changes})


def discriminator(**changes):
    return keras_dcgan.discriminator(**{"resolution": (6, 5), "channels": 1, **changes})


def inputs(model, x, classes=()):
    """What the model takes beside `x`."""
    rng = np.random.default_rng(1)
    c = np.stack([np.arange(len(x)) % count for count in classes], axis=1).astype(np.int32) if classes else None
    noise = rng.normal(size=(len(x), model.noise_dim)).astype(np.float32)
    parts = [x, *({"c": c, "noise": noise}[tensor.name] for tensor in model.inputs[1:])]
    return parts if len(parts) > 1 else parts[0]


def latents(n, z_dim=5):
    return np.random.default_rng(0).normal(size=(n, z_dim)).astype(np.float32)


def pictures(n, shape=(6, 5, 1)):
    return np.random.default_rng(0).uniform(-1, 1, size=(n, *shape)).astype(np.float32)


@pytest.mark.parametrize(("channels", "classes"), [(1, ()), (3, (3,)), (1, (3, 2))])
@pytest.mark.parametrize("resolution", [(8, 8), (7, 5), (13, 16)], ids=str)
def test_any_resolution_gives_images_and_outputs(resolution, channels, classes):
    sizes = {"resolution": resolution, "channels": channels, "classes": classes}
    G, D = generator(**sizes), discriminator(**sizes)
    images = G(inputs(G, latents(3) * 10, classes))
    assert images.shape == (3, *resolution, channels)
    assert images.dtype == tf.float32
    assert np.abs(images).max() <= 1.0
    assert np.std(images) > 0.0
    outputs = D(inputs(D, np.asarray(images), classes))
    height, width = (-(-side // 8) for side in resolution)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "logits": (3,), "features": (3, height * width * 256),
    }  # fmt: skip
    assert {value.dtype for value in outputs.values()} == {tf.float32}


def test_an_auxiliary_classifier_sees_the_pictures_alone():
    D = discriminator(classes=(3, 2), condition="auxiliary")
    outputs = D(inputs(D, pictures(4)))
    assert outputs["classes"].shape == (4, 5)
    assert [tensor.name for tensor in D.inputs] == ["images", "noise"]


def test_the_pair_of_the_system_at_28_px():
    G, D = generator(resolution=(28, 28), z_dim=100), discriminator(resolution=(28, 28))
    start = 100 * 28 * 28 * 128 + 28 * 28 * 128
    convolutions = 9 * (128 * 128 + 128 * 64 + 64 * 1) + 1
    # Scale and shift of batch norm stand for the biases of its convolutions.
    assert count(G.trainable_weights) == start + convolutions + 2 * (128 + 64)
    convolutions = 9 * (1 * 32 + 32 * 64 + 64 * 128 + 128 * 256) + 32
    assert count(D.trainable_weights) == convolutions + 2 * (64 + 128 + 256) + (4 * 4 * 256 + 1)

    transposed = [layer for layer in G.layers if isinstance(layer, layers.Conv2DTranspose)]
    assert [(layer.filters, layer.kernel_size, layer.strides) for layer in transposed] == [
        (128, (3, 3), (1, 1)), (64, (3, 3), (1, 1)), (1, (3, 3), (1, 1)),
    ]  # fmt: skip
    assert [tuple(layer.output.shape[1:]) for layer in transposed] == [(28, 28, 128), (28, 28, 64), (28, 28, 1)]
    strided = [layer for layer in D.layers if isinstance(layer, layers.Conv2D)]
    assert [(layer.filters, layer.kernel_size, layer.strides) for layer in strided] == [
        (32, (3, 3), (2, 2)), (64, (3, 3), (2, 2)), (128, (3, 3), (2, 2)), (256, (3, 3), (1, 1)),
    ]  # fmt: skip
    # Numbers that a picture's dropout takes: one for each unit.
    assert G.noise_dim == 28 * 28 * (128 + 64)
    assert D.noise_dim == 14 * 14 * 32 + 7 * 7 * 64 + 4 * 4 * (128 + 256)


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def test_the_order_of_the_layers():
    names = [layer.name for layer in generator().layers if not isinstance(layer, layers.InputLayer)]
    assert names == [
        "start", "start_act", "start_map",
        "conv0", "norm0", "act0", "random0_dropout",
        "conv1", "norm1", "act1", "random1_dropout",
        "image", "images",
    ]  # fmt: skip
    names = [layer.name for layer in discriminator().layers if not isinstance(layer, layers.InputLayer)]
    assert names[:15] == [
        "conv0", "act0", "random0_dropout",
        "conv1", "norm1", "act1", "random1_dropout",
        "conv2", "norm2", "act2", "random2_dropout",
        "conv3", "norm3", "act3", "random3_dropout",
    ]  # fmt: skip


def test_slopes_momenta_and_rates_reach_the_layers():
    G, D = generator(norm_momentum=0.7, dropout=0.5), discriminator(norm_momentum=0.6, dropout=0.125, leak=0.3)
    for model, momentum, rate, slope in ((G, 0.7, 0.5, 0.0), (D, 0.6, 0.125, 0.3)):
        assert {layer.momentum for layer in model.layers if isinstance(layer, layers.BatchNormalization)} == {momentum}
        assert {layer.rate for layer in model.layers if hasattr(layer, "rate")} == {rate}
        slopes = [layer.negative_slope for layer in model.layers if isinstance(layer, layers.LeakyReLU)]
        assert slopes == pytest.approx([slope] * len(slopes))


def test_without_dropout_there_is_no_noise_and_the_weights_are_the_same():
    for build in (generator, discriminator):
        plain, random = build(dropout=0.0), build(dropout=0.25)
        assert (plain.noise_dim, len(plain.inputs)) == (0, 1)
        assert [weight.path for weight in plain.weights] == [weight.path for weight in random.weights]
        for one, other in zip(plain.get_weights(), random.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_g_by_hand():
    G = generator(resolution=(1, 1), dropout=0.0)
    w = {weight.path: np.asarray(weight) for weight in G.weights}
    # A 3x3 kernel on one pixel is its middle.
    z = latents(3)
    x = np.maximum(z @ w["start/kernel"] + w["start/bias"], 0)
    for i in range(2):
        x = x @ w[f"conv{i}/kernel"][1, 1].T / np.sqrt(1 + G.get_layer(f"norm{i}").epsilon)
        x = np.maximum(x, 0)
    expected = np.tanh(x @ w["image/kernel"][1, 1].T + w["image/bias"])
    np.testing.assert_allclose(np.asarray(G(z))[:, 0, 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", [generator, discriminator])
def test_every_weight_gets_a_gradient_in_a_jitted_step(build):
    model = build(classes=(3, 2))
    x = inputs(model, latents(6) if build is generator else pictures(6), (3, 2))

    @tf.function(jit_compile=True)
    def gradients():
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = tf.reduce_sum(tf.square((outputs if build is generator else outputs["logits"]) - 0.3))
        return [tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_variables)]

    for variable, gradient in zip(model.trainable_variables, gradients(), strict=True):
        assert np.isfinite(gradient).all(), variable.path
        assert np.abs(gradient).max() > 1e-8, variable.path


@pytest.mark.parametrize("build", [generator, discriminator])
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policies_give_float32_outputs_of_float32_weights(build, dtype):
    model = build(dtype=dtype, classes=(3,))
    outputs = model(inputs(model, latents(2) if build is generator else pictures(2), (3,)))
    outputs = outputs if isinstance(outputs, dict) else {"images": outputs}
    assert {value.dtype for value in outputs.values()} == {tf.float32}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.get_layer("conv1").compute_dtype == dtype.removeprefix("mixed_")


@pytest.mark.parametrize("build", [generator, discriminator])
def test_initial_weights_follow_the_seed(build):
    one, same, other = (build(seed=seed, classes=(3, 2)) for seed in (1, 1, 2))
    assert [layer.name for layer in one.layers] == [layer.name for layer in same.layers]
    for first, second in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    pairs = [(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True) if a.std() > 0]
    assert len(pairs) >= 6
    assert all((a != b).any() for a, b in pairs)


def test_export_is_equal(assert_onnx_equal):
    G = generator(classes=(3, 2))

    assert_onnx_equal(G, lambda n: inputs(G, latents(n), (3, 2)))


@pytest.mark.parametrize("build", [generator, discriminator])
def test_the_global_policy_changes_nothing(build):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in model.layers if layer.weights} == {"float32"}
