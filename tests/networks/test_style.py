import keras
import numpy as np
import pytest
import tensorflow as tf
from network_inputs import inputs, labels, latents, pictures

from tfgan_kit.calling import inputs_of, latent_view, noise_dim, without_updates
from tfgan_kit.networks import style
from tfgan_kit.networks.style import Truncation

SMALL = {"width": 4, "max_width": 8}
CLASSES = [(), (3,), (3, 2)]


def generator(**changes):
    sizes = {"resolution": (8, 8), "channels": 1, "z_dim": 5, "start_px": 4, "mapping": 2}
    return style.generator(**{**sizes, **SMALL, **changes})


def discriminator(**changes):
    return style.discriminator(**{"resolution": (8, 8), "channels": 1, **SMALL, **changes})


def average_of(G):
    return G.get_layer("truncation").w_average


@pytest.mark.parametrize("classes", CLASSES, ids=str)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_g_is_its_synthesis_of_its_mapping(classes, noise):
    G = generator(classes=classes, noise=noise)
    assert [one.name for one in G.inputs] == ["z", "c", "noise"][: 1 + bool(classes)] + ["noise"] * bool(noise)
    c = None if not classes else tf.constant(labels(4, classes))
    z = tf.constant(latents(4))
    draws = tf.constant(latents(4, noise_dim(G))) if noise else None
    w = G.mapping(inputs_of(z, c))
    assert w.shape == (4, 5)
    images = G(inputs_of(z, c, draws))
    np.testing.assert_allclose(G.synthesis(inputs_of(w, draws)), images, rtol=1e-5, atol=1e-6)

    latent, synthesize = latent_view(G, z, c, draws)
    np.testing.assert_allclose(latent, w, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(synthesize(latent), images, rtol=1e-4, atol=1e-5)
    assert not np.any(average_of(G))


def test_the_variables_are_counted_once():
    G = generator(classes=(3,))
    assert len({variable.path for variable in G.variables}) == len(G.variables) == len(G.get_weights())
    parts = G.mapping.trainable_variables + G.synthesis.trainable_variables
    assert {id(variable) for variable in parts} == {id(variable) for variable in G.trainable_variables}
    assert [variable.path for variable in G.non_trainable_variables] == ["truncation/w_average"]


def test_the_layers_are_those_of_the_paper():
    G = generator(resolution=(32, 32), mapping=3, width=4, max_width=16, channels=3)
    D = discriminator(resolution=(32, 32), width=4, max_width=16, channels=3)
    kernels = {v.path.split("/")[-2]: tuple(v.shape) for v in G.trainable_variables if len(v.shape) > 1}
    assert {name: shape for name, shape in kernels.items() if not name.endswith("_style")} == {
        "mapping0": (5, 5), "mapping1": (5, 5), "mapping2": (5, 5), "start": (4, 4, 16),
        "size0_conv": (3, 3, 16, 16), "size0_image": (1, 1, 16, 3),
        "size1_conv0": (3, 3, 16, 16), "size1_conv1": (3, 3, 16, 16), "size1_image": (1, 1, 16, 3),
        "size2_conv0": (3, 3, 16, 8), "size2_conv1": (3, 3, 8, 8), "size2_image": (1, 1, 8, 3),
        "size3_conv0": (3, 3, 8, 4), "size3_conv1": (3, 3, 4, 4), "size3_image": (1, 1, 4, 3),
    }  # fmt: skip
    # Each has a style, from w, of its inputs.
    for name, shape in kernels.items():
        if name.startswith("size") and not name.endswith("_style"):
            assert kernels[f"{name}_style"] == (5, shape[2])
    kernels = {v.path.split("/")[-2]: tuple(v.shape) for v in D.trainable_variables if len(v.shape) > 1}
    assert kernels == {
        "from_image": (1, 1, 3, 4),
        "block0_conv0": (3, 3, 4, 4), "block0_conv1": (3, 3, 4, 8), "block0_skip": (1, 1, 4, 8),
        "block1_conv0": (3, 3, 8, 8), "block1_conv1": (3, 3, 8, 16), "block1_skip": (1, 1, 8, 16),
        "block2_conv0": (3, 3, 16, 16), "block2_conv1": (3, 3, 16, 16), "block2_skip": (1, 1, 16, 16),
        "last_conv": (3, 3, 17, 16), "end": (256, 16), "logit": (16, 1),
    }  # fmt: skip


def test_styles_begin_around_one_and_the_mapping_learns_slowly():
    G = generator()
    assert {layer.bias_init for layer in G.synthesis.layers if layer.name.endswith("_style")} == {1.0}
    dense = [layer for layer in G.mapping.layers if layer.name in ("mapping0", "mapping1")]
    assert [layer.lr_multiplier for layer in dense] == [0.01, 0.01]
    colours = {layer.name: layer.demodulate for layer in G.synthesis.layers if hasattr(layer, "demodulate")}
    assert colours == {name: not name.endswith("_image") for name in colours}
    assert len(colours) == 5


def test_w_does_not_depend_on_the_length_of_z():
    G = generator()
    np.testing.assert_allclose(G.mapping(3.0 * latents(2)), G.mapping(latents(2)), rtol=1e-4, atol=1e-6)


def test_the_average_of_w_by_hand():
    layer = Truncation(0.7)
    w = tf.constant(latents(6))
    assert layer(w, training=True) is w
    layer(w, training=True)
    mean = w.numpy().mean(0)
    expected = 0.005 * mean + 0.995 * 0.005 * mean
    np.testing.assert_allclose(layer.w_average, expected, rtol=1e-5)
    np.testing.assert_allclose(layer(w, training=False), expected + 0.7 * (w - expected), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.w_average, expected, rtol=1e-5)
    again = Truncation.from_config(layer.get_config())
    assert (again.psi, again.decay) == (0.7, 0.995)


@pytest.mark.parametrize("jit", [False, True])
def test_the_average_moves_in_training_alone_and_not_where_updates_are_dropped(jit):
    G = generator(classes=(3,))
    arguments = inputs(G, latents(4), labels(4, (3,)))
    G(arguments, training=False)
    without_updates(G)(arguments)
    latent, synthesize = latent_view(G, *arguments, None)
    synthesize(latent)
    assert not np.any(average_of(G))
    tf.function(lambda x: G(x, training=True), jit_compile=jit)(arguments)
    np.testing.assert_allclose(
        average_of(G), 0.005 * tf.reduce_mean(G.mapping(arguments), 0), rtol=1e-4, atol=1e-7
    )  # fmt: skip


def test_truncation_draws_images_together_and_only_out_of_training():
    plain, drawn, at_average = (generator(truncation=psi) for psi in (1.0, 0.5, 0.0))
    for G in (plain, drawn, at_average):
        average_of(G).assign(latents(1, seed=3)[0])
    z = tf.constant(latents(5))
    spread = [float(np.std(G(z), 0).mean()) for G in (plain, drawn, at_average)]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] == pytest.approx(0.0, abs=1e-6)
    w = drawn.mapping(z)
    half = average_of(drawn) + 0.5 * (w - average_of(drawn))
    np.testing.assert_allclose(drawn(z), drawn.synthesis(half), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(drawn(z, training=True), plain(z, training=True), rtol=1e-5, atol=1e-6)


def test_noise_is_an_input_of_every_convolution_and_free_of_weights():
    G, quiet = generator(noise=0.2, resolution=(7, 5)), generator(resolution=(7, 5))
    # A map of 4 x 3 px, then two of 8 x 6.
    assert G.noise_dim == G.synthesis.noise_dim == 4 * 3 * 8 + 2 * 8 * 6 * 4
    assert noise_dim(quiet) == 0
    for one, other in zip(G.get_weights(), quiet.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    z, none = tf.constant(latents(2)), tf.zeros((2, G.noise_dim))
    np.testing.assert_allclose(G([z, none]), quiet(z), rtol=1e-5, atol=1e-6)
    assert np.abs(G([z, tf.constant(latents(2, G.noise_dim))]) - quiet(z)).max() > 1e-3


@pytest.mark.parametrize("down", ["strided", "average_pool"])
def test_every_way_down_halves_the_map(down):
    D = discriminator(resolution=(9, 7), down=down)
    assert np.isfinite(D(tf.constant(pictures(4, (9, 7, 1))))["logits"]).all()
    assert D.get_layer("block0_conv1").strides == (2 if down == "strided" else 1)
    assert D.get_layer("block0").output.shape[1:3] == (5, 4)


def test_maps_keep_their_variance_at_the_start():
    G = generator(resolution=(64, 64), width=32, max_width=64, z_dim=32)
    last = keras.Model(G.synthesis.input, G.synthesis.get_layer("size4_conv1_gain").output)
    # Interpolation takes some of it each time.
    assert 0.3 < np.sqrt(np.mean(np.square(last(G.mapping(latents(4, 32)))))) < 2.0
    D = discriminator(resolution=(64, 64), width=32, max_width=64)
    assert 0.1 < np.std(D(tf.constant(pictures(4, (64, 64, 1))))["features"]) < 3.0


def test_path_length_has_a_gradient():
    G = generator()
    latent, synthesize = latent_view(G, tf.constant(latents(3)), None, None)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            tape.watch(latent)
            total = tf.reduce_sum(synthesize(latent) * pictures(3))
        length = tf.reduce_sum(tf.square(tape.gradient(total, latent)))
    gradients = outer.gradient(length, G.synthesis.trainable_variables)
    assert sum(gradient is not None and np.any(gradient) for gradient in gradients) > len(gradients) // 2
