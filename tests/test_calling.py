import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.calling import at_level, inputs_of, latent_view, noise_dim, noise_for, takes, without_updates
from tfgan_kit.networks import mlp, progressive, style

KEY = rng.key(0, rng.Stream.G_NOISE, 0)
SIZES = {"resolution": (8, 8), "channels": 1}


def generator(**changes):
    return mlp.generator(**{**SIZES, "z_dim": 5, "hidden": (6,), **changes})


def discriminator(**changes):
    return mlp.discriminator(**{**SIZES, "hidden": (6,), **changes})


def normal(seed, *shape):
    return tf.random.stateless_normal(shape, (0, seed))


def values(model):
    return {variable.path: variable.numpy().copy() for variable in model.variables}


def assert_bit_equal(found, expected):
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_a_single_part_is_bare_and_several_are_a_list():
    z, c, noise = normal(0, 2, 5), tf.zeros((2, 1), tf.int32), normal(1, 2, 3)
    assert inputs_of(z) is z
    assert inputs_of(z, None, None) is z
    assert inputs_of(z, c, noise) == [z, c, noise]
    assert inputs_of(z, None, noise) == [z, noise]
    assert inputs_of(z, c, None) == [z, c]


@pytest.mark.parametrize(
    "changes", [{}, {"classes": (3, 2)}, {"noise": 0.1}, {"classes": (3,), "dropout": 0.5}], ids=str
)
def test_a_network_s_inputs_are_known_by_name(changes):
    G = generator(**changes)
    assert takes(G, "z")
    assert not takes(G, "images")
    assert takes(G, "c") == ("classes" in changes)
    assert takes(G, "noise") == bool({"noise", "dropout"} & changes.keys())
    assert noise_dim(G) == (6 if takes(G, "noise") else 0)


def test_a_network_gets_as_many_draws_as_it_takes_and_the_key_decides_them():
    G = generator(noise=0.1)
    drawn = noise_for(G, KEY, 4)
    assert drawn.shape == (4, 6)
    assert drawn.dtype == tf.float32
    np.testing.assert_array_equal(drawn, noise_for(G, KEY, 4))
    assert (drawn != noise_for(G, rng.split(KEY, 1), 4)).numpy().any()
    assert noise_for(generator(), KEY, 4) is None


def test_a_call_without_updates_is_a_training_call_that_leaves_batch_norm_as_it_is():
    G, z = generator(norm="batch"), normal(0, 4, 5)
    before = values(G)
    images = without_updates(G)(z)
    assert_bit_equal(values(G), before)
    np.testing.assert_allclose(images, G(z, training=True), rtol=1e-6, atol=1e-6)
    moved = {name for name, value in values(G).items() if (value != before[name]).any()}
    assert moved == {"norm0/moving_mean", "norm0/moving_variance"}
    # In training mode it is the batch that is normalised, not by the moving statistics.
    assert (images != G(z, training=False)).numpy().any()


def test_gradients_flow_through_it():
    D, x = discriminator(), normal(0, 3, 8, 8, 1)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(without_updates(D)(x)["logits"])
    by_x, *by_weights = tape.gradient(loss, [x, *(weight.value for weight in D.trainable_variables)])
    assert np.abs(by_x).max() > 0.0
    assert all(gradient is not None for gradient in by_weights)


def test_another_model_s_weights_take_the_place_of_its_own():
    D, other, x = discriminator(seed=1), discriminator(seed=2), normal(0, 3, 8, 8, 1)
    found = without_updates(D, weights_of=other)(x)
    np.testing.assert_array_equal(found["logits"], other(x)["logits"])
    assert (found["logits"] != D(x)["logits"]).numpy().any()


def test_a_half_precision_d_is_judged_in_float32_with_its_own_weights():
    half, whole, x = discriminator(dtype="mixed_bfloat16"), discriminator(seed=9), normal(0, 3, 8, 8, 1)
    twin = discriminator()
    np.testing.assert_array_equal(without_updates(whole, weights_of=half)(x)["logits"], twin(x)["logits"])


def test_the_gradient_of_another_model_s_weights_is_theirs():
    D, other, x = discriminator(seed=1), discriminator(seed=2), normal(0, 3, 8, 8, 1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(without_updates(D, weights_of=other)(x)["logits"])
    own = [weight.value for weight in D.trainable_variables]
    theirs = [weight.value for weight in other.trainable_variables]
    by_own, by_theirs = tape.gradient(loss, [own, theirs])
    assert all(gradient is None for gradient in by_own)
    assert all(gradient is not None for gradient in by_theirs)


def test_values_by_path_take_the_place_of_the_variables():
    G, other, z = generator(seed=1, norm="batch"), generator(seed=2, norm="batch"), normal(0, 4, 5)
    weights = {path: tf.constant(value) for path, value in values(other).items()}
    before = values(G)
    np.testing.assert_array_equal(without_updates(G, weights=weights)(z), without_updates(other)(z))
    assert_bit_equal(values(G), before)
    # The order of the mapping does not matter, and each must be there.
    backwards = dict(reversed(weights.items()))
    np.testing.assert_array_equal(without_updates(G, weights=backwards)(z), without_updates(other)(z))
    with pytest.raises(KeyError):
        without_updates(G, weights={})(z)


def test_values_by_path_fit_a_part_of_a_growing_network():
    G = progressive.generator(**SIZES, z_dim=5, width=4, max_width=8)
    weights, z = {path: tf.constant(value) for path, value in values(G).items()}, normal(0, 2, 5)
    for level in (0, 1, None):
        part = at_level(G, level)
        np.testing.assert_array_equal(without_updates(part, weights=weights)(z), part(z, training=True))


def test_a_level_is_a_part_of_a_growing_network():
    G = progressive.generator(**SIZES, z_dim=5, width=4, max_width=8)
    assert at_level(G, None) is G
    assert at_level(G, 1) is G.levels[1]
    assert len(at_level(G, 0).trainable_variables) < len(G.trainable_variables)


# Latents


@pytest.mark.parametrize("classes", [(), (3, 2)], ids=str)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_latent_of_a_plain_generator_is_z(classes, noise):
    G, z = generator(classes=classes, noise=noise, norm="batch"), normal(0, 4, 5)
    c = tf.constant([[0, 1], [1, 0], [2, 1], [0, 0]]) if classes else None
    drawn = noise_for(G, KEY, 4)
    before = values(G)
    latent, synthesize = latent_view(G, z, c, drawn)
    assert latent is z
    images = synthesize(latent)
    assert_bit_equal(values(G), before)
    np.testing.assert_allclose(images, G(inputs_of(z, c, drawn), training=True), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("classes", [(), (3, 2)], ids=str)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_latent_of_a_style_generator_is_w(classes, noise):
    G = style.generator(
        **SIZES, z_dim=5, classes=classes, width=4, max_width=8, start_px=4, mapping=2, noise=noise
    )  # fmt: skip
    z = normal(0, 4, 5)
    c = tf.constant([[0, 1], [1, 0], [2, 1], [0, 0]]) if classes else None
    drawn = noise_for(G, KEY, 4)
    before = values(G)
    latent, synthesize = latent_view(G, z, c, drawn)
    assert latent.shape == (4, 5)
    assert (latent != z).numpy().any()
    np.testing.assert_allclose(latent, G.mapping(inputs_of(z, c)), rtol=1e-6, atol=1e-6)
    images = synthesize(latent)
    assert_bit_equal(values(G), before)
    np.testing.assert_allclose(images, G(inputs_of(z, c, drawn), training=True), rtol=1e-5, atol=1e-5)


def test_pictures_move_with_the_latent_and_the_weights_get_a_gradient():
    G, z = generator(), normal(0, 4, 5)
    latent, synthesize = latent_view(G, z, None, None)
    with tf.GradientTape() as tape:
        tape.watch(latent)
        loss = tf.reduce_sum(synthesize(latent))
    gradients = tape.gradient(loss, [latent, *(weight.value for weight in G.trainable_variables)])
    assert all(gradient is not None for gradient in gradients)
    assert (synthesize(latent) != synthesize(latent + 1.0)).numpy().any()
