import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.networks import mlp


def generator(**changes):
    return mlp.generator(**{"resolution": (7, 5), "channels": 1, "z_dim": 5, "hidden": (6, 8), **changes})


def discriminator(**changes):
    return mlp.discriminator(**{"resolution": (7, 5), "channels": 1, "hidden": (8, 6), **changes})


def inputs(x, num_classes):
    return [x, tf.range(x.shape[0]) % num_classes] if num_classes else x


@pytest.mark.parametrize(("channels", "num_classes"), [(1, 0), (3, 10)])
@pytest.mark.parametrize("resolution", [(28, 28), (7, 5), (33, 20), (64, 48), (100, 75)], ids=str)
def test_any_resolution_gives_images_and_logits(resolution, channels, num_classes):
    sizes = {"resolution": resolution, "channels": channels, "num_classes": num_classes}
    z = tf.constant(np.random.default_rng(0).normal(size=(3, 5)) * 10.0, tf.float32)
    images = generator(**sizes)(inputs(z, num_classes))
    assert images.shape == (3, *resolution, channels)
    assert images.dtype == tf.float32
    assert np.abs(images).max() <= 1.0
    logits = discriminator(**sizes)(inputs(images, num_classes))
    assert logits.shape == (3,)
    assert logits.dtype == tf.float32


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


@pytest.mark.parametrize(("build", "count"), [(generator, 2), (discriminator, 1)])
def test_batch_norm_is_where_it_is_asked_for(build, count):
    kinds = [[type(layer).__name__ for layer in build(norm=norm).layers] for norm in ("none", "batch")]
    assert [kind.count("BatchNormalization") for kind in kinds] == [0, count]


@pytest.mark.parametrize("build", [generator, discriminator])
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policies_give_float32_outputs_of_float32_weights(build, dtype):
    model = build(dtype=dtype, num_classes=3, norm="batch")
    assert model(inputs(tf.zeros((2, *model.inputs[0].shape[1:])), 3)).dtype == tf.float32
    assert {weight.dtype for weight in model.weights} == {"float32"}


@pytest.mark.parametrize("build", [generator, discriminator])
def test_every_layer_has_a_name_of_ours_and_weights_follow_the_seed(build):
    one, same, other = (build(seed=seed, num_classes=3, norm="batch") for seed in (1, 1, 2))
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
        model = build(num_classes=3, norm="batch")
    finally:
        keras.config.set_dtype_policy("float32")
    computed = {layer.compute_dtype for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)}
    assert computed == {"float32"}
