import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.networks import dcgan
from tfgan_kit.networks.parts import halvings

RESOLUTIONS = [(28, 28), (7, 5), (33, 20), (64, 48), (100, 75)]
SMALL = {"width": 4, "max_width": 8, "kernel_px": 3}


def generator(**changes):
    return dcgan.generator(**{"resolution": (8, 8), "channels": 1, "z_dim": 5, **SMALL, **changes})


def discriminator(**changes):
    return dcgan.discriminator(**{"resolution": (8, 8), "channels": 1, **SMALL, **changes})


def inputs(x, num_classes):
    return [x, tf.range(x.shape[0]) % num_classes] if num_classes else x


def strided(model):
    return [layer for layer in model.layers if getattr(layer, "strides", None) == (2, 2)]


@pytest.mark.parametrize(("channels", "num_classes"), [(1, 0), (3, 10)])
@pytest.mark.parametrize("resolution", RESOLUTIONS, ids=str)
def test_any_resolution_gives_images_and_logits(resolution, channels, num_classes):
    sizes = {"resolution": resolution, "channels": channels, "num_classes": num_classes}
    G, D = generator(**sizes), discriminator(**sizes)
    z = tf.constant(np.random.default_rng(0).normal(size=(3, 5)) * 10.0, tf.float32)
    images = G(inputs(z, num_classes))
    assert images.shape == (3, *resolution, channels)
    assert images.dtype == tf.float32
    assert np.abs(images).max() <= 1.0
    assert np.std(images) > 0.0
    logits = D(inputs(images, num_classes))
    assert logits.shape == (3,)
    assert logits.dtype == tf.float32


@pytest.mark.parametrize("resolution", RESOLUTIONS, ids=str)
@pytest.mark.parametrize("px", [4, 7])
def test_maps_are_halved_by_strides_as_often_as_it_takes(resolution, px):
    count = max(1, halvings(resolution, px))
    G, D = generator(resolution=resolution, start_px=px), discriminator(resolution=resolution, end_px=px)
    assert len(strided(D)) == count
    assert min(strided(D)[-1].output.shape[1:3]) <= px
    assert len(strided(G)) == halvings(resolution, px)
    start = G.get_layer("start_map").output.shape[1:3]
    assert min(start) <= px
    assert start == tuple(-(-side // 2 ** halvings(resolution, px)) for side in resolution)


@pytest.mark.parametrize("num_classes", [0, 3])
def test_there_is_no_pooling_and_every_layer_has_a_name_of_ours(num_classes):
    for build in (generator, discriminator):
        first, second = (build(num_classes=num_classes, norm="batch", resolution=(33, 20)) for _ in range(2))
        names = [layer.name for layer in first.layers]
        # Names that Keras makes up count on from model to model.
        assert [layer.name for layer in second.layers] == names
        assert len(set(names)) == len(names)
        assert not [layer for layer in first.layers if "Pool" in type(layer).__name__]


def test_channels_double_at_each_halving_up_to_the_bound():
    sizes = {"resolution": (64, 64), "width": 4, "max_width": 12}
    downs = [layer.filters for layer in strided(discriminator(**sizes, end_px=4))]
    assert downs == [4, 8, 12, 12]
    G = generator(**sizes, start_px=4)
    assert [G.get_layer("start_map").output.shape[-1], *[layer.filters for layer in strided(G)]] == [12, 12, 8, 4, 1]


@pytest.mark.parametrize("build", [generator, discriminator])
def test_batch_norm_is_where_it_is_asked_for_and_a_bias_where_it_is_not(build):
    plain, normed = build(norm="none", resolution=(28, 28)), build(norm="batch", resolution=(28, 28))
    kinds = [[type(layer).__name__ for layer in model.layers] for model in (plain, normed)]
    assert "BatchNormalization" not in kinds[0]
    assert kinds[1].count("BatchNormalization") >= 2
    assert all(layer.use_bias for layer in plain.layers if hasattr(layer, "use_bias"))
    # D's input layer has no norm, nor has G's output.
    biased = {layer.name for layer in normed.layers if getattr(layer, "use_bias", False)}
    assert biased == ({"image"} if build is generator else {"down0", "logit"})


def test_the_slope_and_the_momentum_reach_the_layers():
    D = discriminator(norm="batch", leak=0.3, norm_momentum=0.7, resolution=(28, 28))
    slopes = [layer.negative_slope for layer in D.layers if isinstance(layer, keras.layers.LeakyReLU)]
    assert slopes == pytest.approx([0.3] * 3)
    assert {layer.momentum for layer in D.layers if isinstance(layer, keras.layers.BatchNormalization)} == {0.7}


@pytest.mark.parametrize("build", [generator, discriminator])
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policies_give_float32_outputs_of_float32_weights(build, dtype):
    model = build(dtype=dtype, num_classes=3, norm="batch", resolution=(9, 8))
    x = tf.zeros((2, *model.inputs[0].shape[1:]))
    assert model(inputs(x, 3)).dtype == tf.float32
    assert {weight.dtype for weight in model.weights} == {"float32"}
    half = {layer.compute_dtype for layer in model.layers if layer.weights} - {"float32"}
    assert half == {dtype.removeprefix("mixed_")}


@pytest.mark.parametrize("build", [generator, discriminator])
def test_the_global_policy_changes_nothing(build):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(num_classes=3, norm="batch")
    finally:
        keras.config.set_dtype_policy("float32")
    computed = {layer.compute_dtype for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)}
    assert computed == {"float32"}


@pytest.mark.parametrize("build", [generator, discriminator])
def test_initial_weights_follow_the_seed(build):
    one, same, other = (build(seed=seed, num_classes=3).get_weights() for seed in (1, 1, 2))
    for first, second in zip(one, same, strict=True):
        np.testing.assert_array_equal(first, second)
    assert all((a != b).any() for a, b in zip(one, other, strict=True) if a.std() > 0)
    assert [a.std() > 0 for a in one].count(True) >= 3
