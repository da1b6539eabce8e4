import keras
import numpy as np
import pytest
import tensorflow as tf
from network_inputs import inputs, kinds, labels, latents, pictures

from tfgan_kit.networks import mlp


def generator(**changes):
    return mlp.generator(**{"resolution": (7, 5), "channels": 1, "z_dim": 5, "hidden": (6, 8), **changes})


def discriminator(**changes):
    return mlp.discriminator(**{"resolution": (7, 5), "channels": 1, "hidden": (8, 6), **changes})


def test_the_hidden_layers_are_those_asked_for():
    G, D = generator(hidden=(3, 4, 5)), discriminator(hidden=(4,))
    assert [layer.units for layer in G.layers if isinstance(layer, keras.layers.Dense)] == [3, 4, 5, 35]
    assert [layer.units for layer in D.layers if isinstance(layer, keras.layers.Dense)] == [4, 1]


def test_g_by_hand():
    G = generator(hidden=(6,), norm="none", leak=0.1)
    z = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    w1, b1, w2, b2 = G.get_weights()
    h = z @ w1 + b1
    expected = np.tanh(np.where(h > 0, h, 0.1 * h) @ w2 + b2).reshape(3, 7, 5, 1)
    np.testing.assert_allclose(G(z), expected, rtol=1e-5, atol=1e-6)


def test_d_by_hand():
    D = discriminator(hidden=(6,), leak=0.2)
    x = np.random.default_rng(0).normal(size=(3, 7, 5, 1)).astype(np.float32)
    w1, b1, w2, b2 = D.get_weights()
    h = x.reshape(3, -1) @ w1 + b1
    features = np.where(h > 0, h, 0.2 * h)
    found = D(x)
    np.testing.assert_allclose(found["features"], features, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["logits"], (features @ w2 + b2)[:, 0], rtol=1e-5, atol=1e-6)


def test_without_hidden_layers_d_is_linear_in_the_pixels():
    D = discriminator(hidden=())
    x = np.random.default_rng(0).normal(size=(3, 7, 5, 1)).astype(np.float32)
    kernel, bias = D.get_weights()
    np.testing.assert_allclose(D(x)["logits"], (x.reshape(3, -1) @ kernel + bias)[:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("build", "count"), [(generator, 2), (discriminator, 1)])
def test_batch_norm_is_where_it_is_asked_for(build, count):
    assert [kinds(build(norm=norm)).count("BatchNormalization") for norm in ("none", "batch")] == [0, count]


# Switches


def test_randomness_is_after_every_hidden_layer_and_only_where_it_is_asked_for():
    G, D = generator(noise=0.1, dropout=0.5), discriminator(dropout=0.5)
    assert (kinds(G).count("AddNoise"), kinds(G).count("NoiseDropout")) == (2, 2)
    assert (kinds(D).count("AddNoise"), kinds(D).count("NoiseDropout")) == (0, 2)
    assert (G.noise_dim, D.noise_dim) == (2 * (6 + 8), 8 + 6)
    assert [x.name for x in G.inputs] == ["z", "noise"]
    assert (generator().noise_dim, discriminator().noise_dim) == (0, 0)


@pytest.mark.parametrize(
    ("build", "switches"),
    [
        (generator, {"noise": 0.1, "dropout": 0.2}),
        (generator, {"spectral_norm": True, "norm": "none"}),
        (discriminator, {"dropout": 0.2, "norm": "batch", "minibatch": "discrimination"}),
        (discriminator, {"spectral_norm": True, "condition": "auxiliary"}),
    ],
)
def test_every_weight_gets_a_gradient(build, switches):
    classes = (3, 2)
    model = build(classes=classes, **switches)
    x = latents(6) if build is generator else pictures(6, (7, 5, 1))
    with tf.GradientTape() as tape:
        out = model(inputs(model, x, labels(6, classes)), training=True)
        outs = list(out.values()) if isinstance(out, dict) else [out]
        weighted = [value * tf.reshape(tf.cos(tf.range(float(tf.size(value)))), value.shape) for value in outs]
        loss = tf.add_n([tf.reduce_sum(value) for value in weighted])
    for weight, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True):
        assert gradient is not None, weight.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0.0, weight.path
