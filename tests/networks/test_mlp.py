import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.calling import inputs_of
from tfgan_kit.networks import mlp
from tfgan_kit.networks.parts import Attribute


def generator(**changes):
    return mlp.generator(**{"resolution": (7, 5), "channels": 1, "z_dim": 5, "hidden": (6, 8), **changes})


def discriminator(**changes):
    return mlp.discriminator(**{"resolution": (7, 5), "channels": 1, "hidden": (8, 6), **changes})


def inputs(x, classes):
    n = x.shape[0]
    return inputs_of(x, tf.stack([tf.range(n) % count for count in classes], axis=1) if classes else None)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


@pytest.mark.parametrize(("channels", "classes"), [(1, ()), (3, (10,)), (1, (3, 2))], ids=str)
@pytest.mark.parametrize("resolution", [(28, 28), (7, 5), (33, 20), (64, 48), (100, 75)], ids=str)
def test_any_resolution_gives_images_and_outputs(resolution, channels, classes):
    sizes = {"resolution": resolution, "channels": channels, "classes": classes}
    z = tf.constant(np.random.default_rng(0).normal(size=(3, 5)) * 10.0, tf.float32)
    images = generator(**sizes)(inputs(z, classes))
    assert images.shape == (3, *resolution, channels)
    assert images.dtype == tf.float32
    assert np.abs(images).max() <= 1.0
    outputs = discriminator(**sizes)(inputs(images, classes))
    assert outputs.keys() == {"logits", "features"}
    assert outputs["logits"].shape == (3,)
    assert outputs["features"].shape == (3, 6)
    assert {out.dtype for out in outputs.values()} == {tf.float32}


@pytest.mark.parametrize("classes", [(3,), (3, 2)])
def test_an_auxiliary_d_guesses_the_classes_and_takes_none(classes):
    D = discriminator(classes=classes, condition="auxiliary")
    assert [x.name for x in D.inputs] == ["images"]
    outputs = D(tf.zeros((3, 7, 5, 1)))
    assert outputs.keys() == {"logits", "features", "classes"}
    assert outputs["classes"].shape == (3, sum(classes))


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


@pytest.mark.parametrize("build", [generator, discriminator])
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policies_give_float32_outputs_of_float32_weights(build, dtype):
    model = build(dtype=dtype, classes=(3,), norm="batch")
    out = model(inputs(tf.zeros((2, *model.inputs[0].shape[1:])), (3,)))
    assert {value.dtype for value in (out.values() if isinstance(out, dict) else [out])} == {tf.float32}
    assert {weight.dtype for weight in model.weights} == {"float32"}


@pytest.mark.parametrize("build", [generator, discriminator])
def test_every_layer_has_a_name_of_ours_and_weights_follow_the_seed(build):
    one, same, other = (build(seed=seed, classes=(3,), norm="batch") for seed in (1, 1, 2))
    names = [layer.name for layer in one.layers]
    assert [layer.name for layer in same.layers] == names
    assert len(set(names)) == len(names)
    for first, second in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    kernels = [(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True) if a.std() > 0]
    assert len(kernels) >= 3
    assert all((a != b).any() for a, b in kernels)


@pytest.mark.parametrize("build", [generator, discriminator])
def test_the_global_policy_changes_nothing(build):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(classes=(3,), norm="batch")
    finally:
        keras.config.set_dtype_policy("float32")
    # Those hold whole numbers.
    whole = (keras.layers.InputLayer, Attribute)
    computed = {layer.compute_dtype for layer in model.layers if not isinstance(layer, whole)}
    assert computed == {"float32"}


# Switches


@pytest.mark.parametrize("build", [generator, discriminator])
def test_spectral_norm_is_in_every_layer_with_a_kernel(build):
    model = build(spectral_norm=True, classes=(3,), norm="none")
    weighted = {type(layer).__name__ for layer in model.layers if layer.trainable_weights}
    assert weighted == {"SpectralDense", "SpectralEmbedding"}


def test_randomness_is_after_every_hidden_layer_and_only_where_it_is_asked_for():
    G, D = generator(noise=0.1, dropout=0.5), discriminator(dropout=0.5)
    assert (kinds(G).count("AddNoise"), kinds(G).count("NoiseDropout")) == (2, 2)
    assert (kinds(D).count("AddNoise"), kinds(D).count("NoiseDropout")) == (0, 2)
    assert (G.noise_dim, D.noise_dim) == (2 * (6 + 8), 8 + 6)
    assert [x.name for x in G.inputs] == ["z", "noise"]
    assert (generator().noise_dim, discriminator().noise_dim) == (0, 0)


def test_d_compares_within_a_batch_where_it_is_asked_to():
    assert "MinibatchDiscrimination" in kinds(discriminator(minibatch="discrimination"))
    assert "MinibatchDiscrimination" not in kinds(discriminator())


@pytest.mark.parametrize("build", [generator, discriminator])
def test_the_distribution_of_the_weights_is_the_one_asked_for(build):
    kernel = build(hidden=(500,), init="normal").get_layer("hidden0").kernel.numpy()
    assert kernel.std() == pytest.approx(0.02, rel=0.05)


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
    names = [x.name for x in model.inputs]
    x = tf.random.stateless_normal((6, *model.inputs[0].shape[1:]), (0, 1))
    c = tf.stack([tf.range(6) % count for count in classes], axis=1) if "c" in names else None
    noise = tf.random.stateless_normal((6, model.noise_dim), (0, 2)) if "noise" in names else None
    with tf.GradientTape() as tape:
        out = model(inputs_of(x, c, noise), training=True)
        outs = list(out.values()) if isinstance(out, dict) else [out]
        weighted = [value * tf.reshape(tf.cos(tf.range(float(tf.size(value)))), value.shape) for value in outs]
        loss = tf.add_n([tf.reduce_sum(value) for value in weighted])
    for weight, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True):
        assert gradient is not None, weight.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0.0, weight.path
