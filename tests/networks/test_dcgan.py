import keras
import numpy as np
import pytest
import tensorflow as tf
from network_inputs import inputs, kinds, labels, latents, pictures

from tfgan_kit.errors import RecipeError
from tfgan_kit.networks import dcgan
from tfgan_kit.networks.parts import halvings

RESOLUTIONS = [(28, 28), (7, 5), (33, 20), (64, 48), (100, 75)]
SMALL = {"width": 4, "max_width": 8, "kernel_px": 3}


def generator(**changes):
    return dcgan.generator(**{"resolution": (8, 8), "channels": 1, "z_dim": 5, **SMALL, **changes})


def discriminator(**changes):
    return dcgan.discriminator(**{"resolution": (8, 8), "channels": 1, **SMALL, **changes})


def strided(model):
    return [layer for layer in model.layers if getattr(layer, "strides", None) == (2, 2)]


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


@pytest.mark.parametrize("build", [generator, discriminator])
def test_there_is_no_pooling(build):
    assert not [kind for kind in kinds(build(classes=(3, 2), norm="batch", resolution=(33, 20))) if "Pool" in kind]


def test_channels_double_at_each_halving_up_to_the_bound():
    sizes = {"resolution": (64, 64), "width": 4, "max_width": 12}
    downs = [layer.filters for layer in strided(discriminator(**sizes, end_px=4))]
    assert downs == [4, 8, 12, 12]
    G = generator(**sizes, start_px=4)
    assert [G.get_layer("start_map").output.shape[-1], *[layer.filters for layer in strided(G)]] == [12, 12, 8, 4, 1]


@pytest.mark.parametrize("build", [generator, discriminator])
def test_batch_norm_is_where_it_is_asked_for_and_a_bias_where_it_is_not(build):
    plain, normed = build(norm="none", resolution=(28, 28)), build(norm="batch", resolution=(28, 28))
    assert "BatchNormalization" not in kinds(plain)
    assert kinds(normed).count("BatchNormalization") >= 2
    assert all(layer.use_bias for layer in plain.layers if hasattr(layer, "use_bias"))
    # D's input layer has no norm, nor has G's output.
    biased = {layer.name for layer in normed.layers if getattr(layer, "use_bias", False)}
    assert biased == ({"image"} if build is generator else {"down0", "logit"})


def test_the_slope_and_the_momentum_reach_the_layers():
    D = discriminator(norm="batch", leak=0.3, norm_momentum=0.7, resolution=(28, 28))
    slopes = [layer.negative_slope for layer in D.layers if isinstance(layer, keras.layers.LeakyReLU)]
    assert slopes == pytest.approx([0.3] * 3)
    assert {layer.momentum for layer in D.layers if isinstance(layer, keras.layers.BatchNormalization)} == {0.7}


# Switches


@pytest.mark.parametrize("up", ["transposed", "pixel_shuffle", "resize"])
@pytest.mark.parametrize("resolution", [(28, 28), (33, 20)], ids=str)
def test_every_way_up_ends_at_the_resolution(up, resolution):
    G = generator(resolution=resolution, up=up)
    assert G(latents(3)).shape == (3, *resolution, 1)
    assert len(strided(G)) == (halvings(resolution, 7) if up == "transposed" else 0)


def test_average_pooling_takes_the_place_of_strides():
    D = discriminator(resolution=(28, 28), down="average_pool")
    assert not [layer for layer in strided(D) if layer.weights]
    assert kinds(D).count("AveragePooling2D") == 3
    assert D.get_layer("flat").output.shape == discriminator(resolution=(28, 28)).get_layer("flat").output.shape


@pytest.mark.parametrize("build", [generator, discriminator])
def test_attention_is_on_the_map_asked_for(build):
    assert kinds(build(resolution=(28, 28), attention_px=14)).count("SelfAttention2D") == 1
    assert "SelfAttention2D" not in kinds(build(resolution=(28, 28)))
    with pytest.raises(RecipeError, match=r"_attention_px=5 is the side of none of its maps; legal: 0, "):
        build(resolution=(28, 28), attention_px=5)


def test_randomness_is_after_every_layer_and_only_where_it_is_asked_for():
    G, D = generator(resolution=(28, 28), noise=0.1, dropout=0.5), discriminator(resolution=(28, 28), dropout=0.5)
    assert (kinds(G).count("AddNoise"), kinds(G).count("NoiseDropout")) == (2, 2)
    assert (kinds(D).count("AddNoise"), kinds(D).count("NoiseDropout")) == (0, 3)
    assert (G.inputs[-1].name, D.inputs[-1].name) == ("noise", "noise")
    z = tf.constant(latents(1))
    one, other = (G([z, tf.random.stateless_normal((1, G.noise_dim), (0, seed))]) for seed in (1, 2))
    assert (one != other).numpy().any()
    assert [model.noise_dim for model in (generator(), discriminator())] == [0, 0]


@pytest.mark.parametrize("kind", ["instance", "group", "pixel"])
@pytest.mark.parametrize("build", [generator, discriminator])
def test_other_norms_take_batch_norm_s_place(build, kind):
    model = build(norm=kind, resolution=(28, 28))
    assert "BatchNormalization" not in kinds(model)
    names = [layer.name for layer in build(norm="batch", resolution=(28, 28)).layers if layer.name.startswith("norm")]
    assert [layer.name for layer in model.layers if layer.name.startswith("norm")] == names


@pytest.mark.parametrize(
    ("build", "switches"),
    [
        (generator, {"noise": 0.1, "dropout": 0.2, "attention_px": 4, "norm": "batch", "start_px": 4}),
        (generator, {"up": "pixel_shuffle", "spectral_norm": True, "norm": "instance", "leak": 0.1}),
        (generator, {"up": "resize", "norm": "group"}),
        (
            discriminator,
            {"dropout": 0.2, "attention_px": 4, "norm": "batch", "minibatch": "discrimination", "end_px": 2},
        ),
        (discriminator, {"down": "average_pool", "spectral_norm": True, "minibatch": "stddev", "end_px": 2}),
        (discriminator, {"condition": "auxiliary"}),
    ],
)
def test_every_weight_gets_a_gradient(build, switches):
    classes = (3, 2)
    model = build(classes=classes, **switches)
    x = latents(6) if build is generator else pictures(6)
    # The gain of an attention is 0 at first, which hides what is behind it.
    for weight in model.trainable_variables:
        if not weight.shape or float(tf.reduce_max(tf.abs(weight.value))) == 0.0:
            weight.assign(tf.fill(weight.shape, 0.1))
    with tf.GradientTape() as tape:
        out = model(inputs(model, x, labels(6, classes)), training=True)
        outs = list(out.values()) if isinstance(out, dict) else [out]
        loss = tf.add_n(
            [tf.reduce_sum(value * tf.reshape(tf.cos(tf.range(float(tf.size(value)))), value.shape)) for value in outs]
        )
    for weight, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True):
        assert gradient is not None, weight.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0.0, weight.path
