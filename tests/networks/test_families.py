"""What holds for the networks of every family."""

import importlib
import inspect
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_inputs import inputs, labels, latents, layers_of, pictures, shake

from tfgan_kit.networks.layers.spectral import Spectral
from tfgan_kit.networks.parts import Attribute
from tfgan_kit.networks.progressive import set_growth
from tfgan_kit.recipe import FAMILIES

# Sizes of G and of D.
SMALL = {
    "dcgan": ({"width": 4, "max_width": 8, "kernel_px": 3, "start_px": 4}, {"width": 4, "max_width": 8}),
    "mlp": ({"hidden": (6, 8)}, {"hidden": (8, 6)}),
    "keras_dcgan": ({}, {}),
    "resnet": ({"width": 3, "max_width": 5}, {"width": 3, "max_width": 5, "norm": "batch"}),
    "srresnet": ({"width": 3, "start_px": 4, "blocks": 2}, {"width": 3, "max_width": 5, "blocks": 1}),
    "progressive": ({"width": 4, "max_width": 8}, {"width": 4, "max_width": 8}),
    "style": ({"width": 4, "max_width": 8, "start_px": 4, "mapping": 2}, {"width": 4, "max_width": 8}),
    "r3gan": ({"width": 4, "max_width": 8, "start_px": 4}, {"width": 4, "max_width": 8}),
}
# Weights that no gradient reaches, and why.
STILL = {
    # The norm after the blocks takes the offset of the last one away.
    "srresnet": {"block1_b_norm/beta"},
}


def network(family, which, **changes):
    """The generator or the discriminator, of 8 px and small; half grown if it grows."""
    module = importlib.import_module(f"tfgan_kit.networks.{family}")
    sizes = {"resolution": (8, 8), "channels": 1, **({"z_dim": 5} if which == "generator" else {})}
    model = getattr(module, which)(**{**sizes, **SMALL[family][which == "discriminator"], **changes})
    if family == "progressive":
        set_growth(model, tf.constant(0.5))
    return model


generator, discriminator = (partial(network, which=which) for which in ("generator", "discriminator"))
BOTH = ("generator", "discriminator")


def having(switch):
    """The families whose D has a switch."""
    return [
        family
        for family in FAMILIES
        if switch in inspect.signature(importlib.import_module(f"tfgan_kit.networks.{family}").discriminator).parameters
    ]


def first_input(model, n):
    return latents(n) if model.inputs[0].name == "z" else pictures(n, model.inputs[0].shape[1:])


def test_no_family_is_left_out():
    assert set(SMALL) == set(FAMILIES)


@pytest.mark.parametrize(
    ("resolution", "channels", "classes"),
    [((28, 28), 1, ()), ((7, 5), 3, (10,)), ((33, 20), 1, (3, 2)), ((100, 75), 3, ()), ((3, 3), 1, (3,))],
    ids=str,
)
@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "progressive"])
def test_any_resolution_gives_images_and_outputs(family, resolution, channels, classes):
    sizes = {"resolution": resolution, "channels": channels, "classes": classes}
    G, D = generator(family, **sizes), discriminator(family, **sizes, condition="projection")
    c = labels(3, classes)
    images = G(inputs(G, 10.0 * latents(3), c))
    assert images.shape == (3, *resolution, channels)
    assert images.dtype == tf.float32
    assert np.abs(images).max() <= 1.0
    assert np.std(images) > 0.0
    outputs = D(inputs(D, np.asarray(images), c))
    assert outputs.keys() == {"logits", "features"}
    assert outputs["logits"].shape == (3,)
    assert outputs["features"].shape == (3, D.get_layer("features").output.shape[1])
    assert {value.dtype for value in outputs.values()} == {tf.float32}


@pytest.mark.parametrize(
    ("classes", "condition"), [((), "projection"), ((3,), "projection"), ((3, 2), "projection"), ((3, 2), "auxiliary")]
)
@pytest.mark.parametrize("family", FAMILIES)
def test_classes_reach_both_networks_and_every_weight_gets_a_gradient(family, classes, condition):
    G, D = generator(family, classes=classes), discriminator(family, classes=classes, condition=condition)
    shake(G, 0.1), shake(D, 0.1)
    asked = bool(classes) and condition == "projection"
    assert [tensor.name for tensor in G.inputs if tensor.name != "noise"] == ["z", "c"][: 1 + bool(classes)]
    assert [tensor.name for tensor in D.inputs if tensor.name != "noise"] == ["images", "c"][: 1 + asked]
    c = labels(6, classes)

    with tf.GradientTape() as tape:
        images = G(inputs(G, latents(6), c), training=True)
        outputs = D(inputs(D, images, c), training=True)
        loss = surface(outputs)
    expected = {"logits": (6,), "features": outputs["features"].shape}
    if classes and not asked:
        expected["classes"] = (6, sum(classes))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == expected
    assert_all_move(family, G.trainable_variables + D.trainable_variables, tape, loss)

    for a in range(len(classes)):
        other = c.copy()
        other[:, a] = (other[:, a] + 1) % classes[a]
        assert np.abs(G(inputs(G, latents(6), other), training=True) - images).max() > 1e-4
        if asked:
            assert np.abs(D(inputs(D, images, other), training=True)["logits"] - outputs["logits"]).max() > 1e-4


def surface(outputs):
    """A scalar whose slope differs from number to number."""
    flat = [tf.reshape(value, (-1,)) for value in tf.nest.flatten(outputs)]
    return tf.add_n([tf.reduce_sum(value * tf.cos(tf.range(float(value.shape[0])))) for value in flat])


def slopes(tape, loss, weights):
    found = tape.gradient(loss, [weight.value for weight in weights], unconnected_gradients="zero")
    return [tf.convert_to_tensor(gradient) for gradient in found]


def assert_all_move(family, weights, tape, loss):
    still = set()
    for weight, gradient in zip(weights, slopes(tape, loss, weights), strict=True):
        assert np.isfinite(gradient).all(), weight.path
        if np.abs(gradient).max() < 1e-5:
            still.add(weight.path)
    assert still == STILL.get(family, set())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_jitted_step_is_the_plain_one_and_so_are_its_gradients(family):
    G, D = generator(family, classes=(3,)), discriminator(family, classes=(3,), condition="projection")
    shake(G, 0.1), shake(D, 0.1)
    c = labels(4, (3,))

    def step():
        with tf.GradientTape() as tape:
            images = G(inputs(G, latents(4), c), training=True)
            outputs = D(inputs(D, images, c), training=True)
            loss = surface(outputs)
        return [images, *outputs.values(), *slopes(tape, loss, G.trainable_variables + D.trainable_variables)]

    for jitted, plain in zip(tf.function(step, jit_compile=True)(), step(), strict=True):
        np.testing.assert_allclose(jitted, plain, rtol=1e-3, atol=1e-3 * max(np.abs(plain).max(), 1e-2))


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_mixed_policies_give_nearly_the_same_float32_outputs_of_float32_weights(family, dtype, which):
    model, plain = (
        network(family, which, dtype=policy, classes=(3,), resolution=(8, 8)) for policy in (dtype, "float32")
    )
    taken = inputs(model, first_input(model, 4), labels(4, (3,)))
    outputs, exact = tf.nest.flatten(model(taken)), tf.nest.flatten(plain(taken))
    assert {value.dtype for value in outputs} == {tf.float32}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    half = {layer.compute_dtype for layer in layers_of(model) if layer.weights} - {"float32"}
    assert half == {dtype.removeprefix("mixed_")}
    for found, expected in zip(outputs, exact, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.1 * np.std(expected))
        assert (found != expected).numpy().any()


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_global_policy_changes_nothing(family, which):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = network(family, which, classes=(3,))
    finally:
        keras.config.set_dtype_policy("float32")
    # Those hold whole numbers.
    whole = (keras.layers.InputLayer, Attribute)
    assert {layer.compute_dtype for layer in layers_of(model) if not isinstance(layer, whole)} == {"float32"}


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("family", FAMILIES)
def test_names_are_ours_and_initial_weights_follow_the_seed(family, which):
    one, same, other = (network(family, which, seed=seed, classes=(3, 2)) for seed in (1, 1, 2))
    # Names that Keras makes up count on from model to model.
    names = [layer.name for layer in layers_of(one)]
    assert [layer.name for layer in layers_of(same)] == names
    assert len({layer.name for layer in one.layers}) == len(one.layers)
    assert len({weight.path for weight in one.weights}) == len(one.weights)
    for first, second in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    drawn = [(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True) if a.std() > 0]
    assert len(drawn) >= 3
    assert all((a != b).any() for a, b in drawn)
    assert len({a.tobytes() for a, _ in drawn}) == len(drawn)


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("family", having("spectral_norm"))
def test_spectral_norm_is_on_every_kernel(family, which):
    model = network(family, which, spectral_norm=True, classes=(3,))
    weighty = [layer for layer in model.layers if hasattr(layer, "kernel") or isinstance(layer, keras.layers.Embedding)]
    assert len(weighty) >= 3
    assert all(isinstance(layer, Spectral) for layer in weighty)


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("family", having("init"))
def test_the_distribution_of_the_weights_is_the_one_asked_for(family, which):
    drawn = np.concatenate([
        np.ravel(layer.kernel) for layer in network(family, which, init="normal").layers if hasattr(layer, "kernel")
    ])  # fmt: skip
    assert drawn.std() == pytest.approx(0.02, rel=0.15)


# A perceptron has no map whose deviation could be taken.
@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (family, kind)
        for family in having("minibatch")
        for kind in ("none", "stddev", "discrimination")
        if (family, kind) != ("mlp", "stddev")
    ],
)
def test_a_picture_is_compared_with_its_batch_where_that_is_asked_for(family, kind):
    D, x = discriminator(family, minibatch=kind), pictures(4)
    company, alone = D(x)["logits"], D(np.repeat(x[:1], 4, axis=0))["logits"]
    assert (np.abs(alone[0] - company[0]) > 1e-5) == (kind != "none")
    there = {"stddev", "minibatch"} & {layer.name for layer in D.layers}
    assert there == {"none": set(), "stddev": {"stddev"}, "discrimination": {"minibatch"}}[kind]


@pytest.mark.parametrize(
    ("family", "changes", "operators"),
    [
        ("dcgan", {"resolution": (9, 6)}, {"ConvTranspose": 1}),
        ("mlp", {"resolution": (9, 6), "noise": 0.1}, {}),
        ("keras_dcgan", {"resolution": (6, 5)}, {"ConvTranspose": 3}),
        ("resnet", {"resolution": (12, 10), "noise": 0.1}, {"Resize": 2 * 2}),
        ("srresnet", {"resolution": (12, 10), "noise": 0.1}, {"DepthToSpace": 2}),
        ("progressive", {}, {}),
        ("style", {"resolution": (9, 6), "truncation": 0.7, "noise": 0.2}, {}),
        ("r3gan", {"resolution": (9, 6)}, {"Resize": 1}),
    ],
)
def test_the_export_is_equal(assert_onnx_equal, family, changes, operators):
    G = generator(family, classes=(3, 2), channels=3, **changes)
    shake(G, 0.05)
    found = assert_onnx_equal(G, lambda n: [x.numpy() for x in inputs(G, latents(n), labels(n, (3, 2)))])
    assert {name: found.count(name) for name in operators} == operators
