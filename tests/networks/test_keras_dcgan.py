import numpy as np
import pytest
from keras import layers
from network_inputs import count, latents

from tfgan_kit.networks import keras_dcgan


def generator(**changes):
    return keras_dcgan.generator(**{"resolution": (6, 5), "channels": 1, "z_dim": 5, **changes})


def discriminator(**changes):
    return keras_dcgan.discriminator(**{"resolution": (6, 5), "channels": 1, **changes})


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
