import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.calling import inputs_of, latent_view, noise_dim, without_updates
from tfgan_kit.networks import style
from tfgan_kit.networks.style import Truncation

RESOLUTIONS = [(28, 28), (7, 5), (33, 20), (64, 48)]
SMALL = {"width": 4, "max_width": 8}
CLASSES = [(), (3,), (3, 2)]


def generator(**changes):
    sizes = {"resolution": (8, 8), "channels": 1, "z_dim": 5, "start_px": 4, "mapping": 2}
    return style.generator(**{**sizes, **SMALL, **changes})


def discriminator(**changes):
    return style.discriminator(**{"resolution": (8, 8), "channels": 1, **SMALL, **changes})


def normal(n, size=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, size)).astype(np.float32)


def pictures(n, resolution=(8, 8), channels=1):
    return np.random.default_rng(1).uniform(-1, 1, size=(n, *resolution, channels)).astype(np.float32)


def labels(n, classes):
    return np.stack([np.arange(n) % count for count in classes], 1).astype(np.int32) if classes else None


def inputs(*parts):
    return inputs_of(*(None if part is None else tf.convert_to_tensor(part) for part in parts))


def average_of(G):
    return G.get_layer("truncation").w_average


@pytest.mark.parametrize(("channels", "classes"), [(1, ()), (3, (10,))])
@pytest.mark.parametrize("resolution", RESOLUTIONS, ids=str)
def test_any_resolution_gives_images_and_outputs(resolution, channels, classes):
    sizes = {"resolution": resolution, "channels": channels, "classes": classes}
    G, D = generator(**sizes), discriminator(**sizes)
    images = G(inputs(10.0 * normal(3), labels(3, classes)))
    assert images.shape == (3, *resolution, channels)
    assert images.dtype == tf.float32
    assert np.abs(images).max() <= 1.0
    assert np.std(images) > 0.0
    outputs = D(inputs(images, labels(3, classes)))
    assert set(outputs) == {"logits", "features"}
    assert outputs["logits"].shape == (3,)
    assert outputs["features"].shape[0] == 3
    assert {value.dtype for value in outputs.values()} == {tf.float32}


@pytest.mark.parametrize("classes", CLASSES, ids=str)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_g_is_its_synthesis_of_its_mapping(classes, noise):
    G = generator(classes=classes, noise=noise)
    assert [one.name for one in G.inputs] == ["z", "c", "noise"][: 1 + bool(classes)] + ["noise"] * bool(noise)
    c = None if not classes else tf.constant(labels(4, classes))
    z = tf.constant(normal(4))
    draws = tf.constant(normal(4, noise_dim(G))) if noise else None
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
    np.testing.assert_allclose(G.mapping(3.0 * normal(2)), G.mapping(normal(2)), rtol=1e-4, atol=1e-6)


def test_the_average_of_w_by_hand():
    layer = Truncation(0.7)
    w = tf.constant(normal(6))
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
    arguments = inputs(normal(4), labels(4, (3,)))
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
        average_of(G).assign(normal(1, seed=3)[0])
    z = tf.constant(normal(5))
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
    z, none = tf.constant(normal(2)), tf.zeros((2, G.noise_dim))
    np.testing.assert_allclose(G([z, none]), quiet(z), rtol=1e-5, atol=1e-6)
    assert np.abs(G([z, tf.constant(normal(2, G.noise_dim))]) - quiet(z)).max() > 1e-3


@pytest.mark.parametrize("minibatch", ["none", "stddev", "discrimination"])
@pytest.mark.parametrize("down", ["strided", "average_pool"])
def test_switches_of_d(minibatch, down):
    D = discriminator(resolution=(9, 7), minibatch=minibatch, down=down)
    x = tf.constant(pictures(4, (9, 7)))
    logits = D(x)["logits"]
    alone = D(tf.concat([x[:1]] * 4, 0))["logits"]
    assert (np.abs(alone[0] - logits[0]) > 1e-5) == (minibatch != "none")
    assert D.get_layer("block0_conv1").strides == (2 if down == "strided" else 1)
    assert D.get_layer("block0").output.shape[1:3] == (5, 4)


def test_maps_keep_their_variance_at_the_start():
    G = generator(resolution=(64, 64), width=32, max_width=64, z_dim=32)
    last = keras.Model(G.synthesis.input, G.synthesis.get_layer("size4_conv1_gain").output)
    # Interpolation takes some of it each time.
    assert 0.3 < np.sqrt(np.mean(np.square(last(G.mapping(normal(4, 32)))))) < 2.0
    D = discriminator(resolution=(64, 64), width=32, max_width=64)
    assert 0.1 < np.std(D(tf.constant(pictures(4, (64, 64))))["features"]) < 3.0


@pytest.mark.parametrize("classes", CLASSES, ids=str)
@pytest.mark.parametrize("condition", ["projection", "auxiliary"])
def test_every_weight_gets_a_gradient_and_classes_reach_both_networks(classes, condition):
    G, D = generator(classes=classes), discriminator(classes=classes, condition=condition)
    asked = bool(classes) and condition == "projection"
    assert [tensor.name for tensor in D.inputs] == ["images", "c"][: 1 + asked]
    c = labels(6, classes)

    def outputs(c):
        return D(inputs(G(inputs(normal(6), c), training=True), c if asked else None))

    with tf.GradientTape() as tape:
        found = outputs(c)
        loss = sum(tf.reduce_sum(tf.square(value)) for value in found.values())
    assert ("classes" in found) == (bool(classes) and not asked)
    weights = G.trainable_variables + D.trainable_variables
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        assert gradient is not None, weight.path
        assert np.any(tf.convert_to_tensor(gradient)), weight.path
    for a in range(len(classes)):
        other = c.copy()
        other[:, a] = (other[:, a] + 1) % classes[a]
        assert np.abs(outputs(other)["logits"] - found["logits"]).max() > 1e-4


@pytest.mark.parametrize("build", [generator, discriminator])
def test_jitted_is_the_same_and_so_are_its_gradients(build):
    model = build(classes=(3,), resolution=(8, 6))
    x = tf.constant(normal(4) if build is generator else pictures(4, (8, 6)))
    c = tf.constant(labels(4, (3,)))

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = model([x, c], training=True)
            y = tf.nest.flatten(outputs)[-1]
        return y, tape.gradient(y, x)

    for jitted, eager in zip(tf.function(run, jit_compile=True)(x), run(x), strict=True):
        np.testing.assert_allclose(jitted, eager, rtol=1e-3, atol=1e-4)
        assert np.any(eager)


def test_path_length_has_a_gradient():
    G = generator()
    latent, synthesize = latent_view(G, tf.constant(normal(3)), None, None)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            tape.watch(latent)
            total = tf.reduce_sum(synthesize(latent) * pictures(3))
        length = tf.reduce_sum(tf.square(tape.gradient(total, latent)))
    gradients = outer.gradient(length, G.synthesis.trainable_variables)
    assert sum(gradient is not None and np.any(gradient) for gradient in gradients) > len(gradients) // 2


@pytest.mark.parametrize("build", [generator, discriminator])
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policies_give_float32_outputs_of_float32_weights(build, dtype):
    model, plain = build(dtype=dtype, classes=(3,)), build(classes=(3,))
    arguments = inputs(normal(2) if build is generator else pictures(2), labels(2, (3,)))
    outputs = model(arguments)
    assert {value.dtype for value in tf.nest.flatten(outputs)} == {tf.float32}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    for half, full in zip(tf.nest.flatten(outputs), tf.nest.flatten(plain(arguments)), strict=True):
        np.testing.assert_allclose(half, full, atol=0.1)
        assert np.any(np.asarray(half) != np.asarray(full))


@pytest.mark.parametrize("build", [generator, discriminator])
def test_initial_weights_follow_the_seed(build):
    one, same, other = (build(seed=seed, classes=(3,)).get_weights() for seed in (1, 1, 2))
    for first, second in zip(one, same, strict=True):
        np.testing.assert_array_equal(first, second)
    assert all((a != b).any() for a, b in zip(one, other, strict=True) if a.std() > 0)
    assert len({a.tobytes() for a in one if a.std() > 0}) == [a.std() > 0 for a in one].count(True)


@pytest.mark.parametrize(
    ("classes", "changes"),
    [((), {}), ((3, 2), {"truncation": 0.7, "resolution": (9, 6)}), ((), {"noise": 0.2})],
)
def test_the_export_is_equal(assert_onnx_equal, classes, changes):
    G = generator(classes=classes, channels=3, **changes)
    average_of(G).assign(normal(1, seed=3)[0])

    def feeds(n):
        draws = normal(n, noise_dim(G), seed=5) if noise_dim(G) else None
        return [x for x in (normal(n), labels(n, classes), draws) if x is not None]

    assert_onnx_equal(G, feeds)
