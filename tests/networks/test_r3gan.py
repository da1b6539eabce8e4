import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.calling import inputs_of
from tfgan_kit.networks import r3gan

RESOLUTIONS = [(28, 28), (7, 5), (33, 20), (64, 48)]
SMALL = {"width": 4, "max_width": 8}
CLASSES = [(), (3,), (3, 2)]


def generator(**changes):
    return r3gan.generator(**{"resolution": (8, 8), "channels": 1, "z_dim": 5, "start_px": 4, **SMALL, **changes})


def discriminator(**changes):
    return r3gan.discriminator(**{"resolution": (8, 8), "channels": 1, **SMALL, **changes})


def latents(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32)


def labels(n, classes):
    return np.stack([np.arange(n) % count for count in classes], 1).astype(np.int32) if classes else None


def inputs(*parts):
    return inputs_of(*(None if part is None else tf.convert_to_tensor(part) for part in parts))


def shake(model):
    """Give every weight a value that matters; the last layers of the blocks start at 0."""
    rng = np.random.default_rng(0)
    model.set_weights([w + 0.1 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize(("channels", "classes"), [(1, ()), (3, (10,))])
@pytest.mark.parametrize("resolution", RESOLUTIONS, ids=str)
def test_any_resolution_gives_images_and_outputs(resolution, channels, classes):
    sizes = {"resolution": resolution, "channels": channels, "classes": classes}
    G, D = shake(generator(**sizes)), discriminator(**sizes)
    images = G(inputs(10.0 * latents(3), labels(3, classes)))
    assert images.shape == (3, *resolution, channels)
    assert images.dtype == tf.float32
    assert np.abs(images).max() <= 1.0
    assert np.std(images) > 0.0
    outputs = D(inputs(images, labels(3, classes)))
    assert set(outputs) == {"logits", "features"}
    assert outputs["logits"].shape == (3,)
    assert outputs["features"].shape == (3, D.get_layer("basis").output.shape[-1])
    assert {value.dtype for value in outputs.values()} == {tf.float32}


@pytest.mark.parametrize("classes", CLASSES, ids=str)
@pytest.mark.parametrize("condition", ["projection", "auxiliary"])
def test_classes_reach_both_networks(classes, condition):
    G, D = shake(generator(classes=classes)), shake(discriminator(classes=classes, condition=condition))
    assert [tensor.name for tensor in G.inputs] == ["z", "c"][: 1 + bool(classes)]
    asked = bool(classes) and condition == "projection"
    assert [tensor.name for tensor in D.inputs] == ["images", "c"][: 1 + asked]
    images = G(inputs(latents(1), labels(1, classes)))
    outputs = D(inputs(images, labels(1, classes if asked else ())))
    assert ("classes" in outputs) == (bool(classes) and not asked)
    if "classes" in outputs:
        assert outputs["classes"].shape == (1, sum(classes))
    for a in range(len(classes)):
        other = labels(1, classes)
        other[:, a] += 1
        assert np.abs(G(inputs(latents(1), other)) - images).max() > 1e-4
        if asked:
            assert np.abs(D(inputs(images, other))["logits"] - outputs["logits"]).max() > 1e-4


def test_there_is_nothing_but_convolutions_activations_and_resampling():
    G, D = generator(resolution=(16, 16), blocks=2), discriminator(resolution=(16, 16), blocks=2)
    kinds = {type(layer).__name__ for layer in G.layers}
    assert kinds == {
        "InputLayer", "Dense", "Basis", "Conv2D", "LeakyReLU", "Add", "UpsampleBilinear", "Activation"
    }  # fmt: skip
    kinds = {type(layer).__name__ for layer in D.layers} - {"Flatten", "Reshape", "Activation", "InputLayer"}
    assert kinds == {"Conv2D", "LeakyReLU", "Add", "AveragePooling2D", "OntoBasis", "Dense"}


def test_a_block_is_1x1_3x3_1x1_and_only_its_last_layer_has_no_bias():
    for model in (generator(blocks=2), discriminator(blocks=2)):
        blocks = [layer for layer in model.layers if layer.name.startswith("block")]
        convolutions = [layer for layer in blocks if isinstance(layer, keras.layers.Conv2D)]
        # Two sizes, two blocks each.
        assert [layer.kernel_size[0] for layer in convolutions] == [1, 3, 1] * 4
        assert [layer.use_bias for layer in convolutions] == [True, True, False] * 4
        slopes = [layer.negative_slope for layer in blocks if isinstance(layer, keras.layers.LeakyReLU)]
        assert slopes == pytest.approx([0.2] * 8)


def test_widths_double_at_each_halving_up_to_the_bound():
    sizes = {"resolution": (64, 64), "width": 4, "max_width": 12, "blocks": 2}
    for model, order in ((generator(**sizes), -1), (discriminator(**sizes), 1)):
        maps = [layer.output.shape[1:] for layer in model.layers if isinstance(layer, keras.layers.Add)]
        expected = [(64, 64, 4), (32, 32, 8), (16, 16, 12), (8, 8, 12), (4, 4, 12)][::order]
        assert maps == [shape for shape in expected for _ in range(2)]


def test_blocks_are_the_identity_at_the_start_and_not_after():
    G = generator(blocks=2)
    ends = keras.Model(G.input, [G.get_layer("basis").output, G.get_layer("block0_1").output])
    first, last = ends(latents(3))
    np.testing.assert_array_equal(first, last)
    shake(G)
    first, last = ends(latents(3))
    assert np.abs(first - last).max() > 0.01


def test_inner_layers_have_the_scale_of_fixup():
    D = discriminator(width=200, max_width=200, resolution=(8, 8), end_px=4, blocks=8)
    # 16 blocks of 3 layers: deviation sqrt(2 / (1 + 0.2^2)) * 16^(-1 / 4) / sqrt(inputs).
    for name, inputs in (("block0_0_conv0", 200), ("block0_7_conv1", 1800)):
        kernel = D.get_layer(name).kernel.numpy()
        assert kernel.std() == pytest.approx(np.sqrt(2.0 / 1.04) / 2.0 / np.sqrt(inputs), rel=0.03)
    assert not D.get_layer("block1_7_conv2").kernel.numpy().any()
    assert D.get_layer("from_image").kernel.numpy().std() == pytest.approx(1.0, rel=0.2)


def test_the_smallest_maps_by_hand():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype(np.float32)
    basis, onto = r3gan.Basis((3, 5), seed=1), r3gan.OntoBasis(seed=2)
    out = basis(x[:, 0, 0])
    np.testing.assert_allclose(out, x[:, :1, :1] * basis.map.numpy(), rtol=1e-6)
    np.testing.assert_allclose(onto(x), np.einsum("bhwc,hwc->bc", x, onto.map.numpy()), rtol=1e-4, atol=1e-5)
    assert basis.compute_output_shape((None, 4)) == (None, 3, 5, 4)


@pytest.mark.parametrize("layer", [r3gan.Basis((3, 5), seed=1, name="b"), r3gan.OntoBasis(seed=2, name="b")])
def test_the_layers_can_be_made_again_from_their_config(layer):
    again = type(layer).from_config(layer.get_config())
    shape = (2, 4) if isinstance(layer, r3gan.Basis) else (2, 3, 5, 4)
    layer.build(shape), again.build(shape)
    np.testing.assert_array_equal(layer.map, again.map)


def test_maps_keep_their_variance_at_the_start():
    G = generator(width=64, max_width=64, resolution=(16, 16))
    before_tanh = keras.Model(G.input, G.get_layer("image").output)
    assert 0.2 < np.std(before_tanh(latents(64))) < 3.0


@pytest.mark.parametrize("classes", CLASSES, ids=str)
@pytest.mark.parametrize("condition", ["projection", "auxiliary"])
def test_every_weight_gets_a_gradient(classes, condition):
    G, D = shake(generator(classes=classes)), shake(discriminator(classes=classes, condition=condition))
    c = labels(6, classes)
    with tf.GradientTape() as tape:
        outputs = D(inputs(G(inputs(latents(6), c)), c if condition == "projection" else None))
        loss = sum(tf.reduce_sum(tf.square(value)) for value in outputs.values())
    weights = G.trainable_variables + D.trainable_variables
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        assert gradient is not None, weight.path
        assert np.any(tf.convert_to_tensor(gradient)), weight.path


def test_r1_has_a_gradient_under_xla():
    D = shake(discriminator(resolution=(9, 8)))
    x = tf.constant(np.random.default_rng(0).uniform(-1, 1, size=(2, 9, 8, 1)), tf.float32)

    def r1(x):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                logits = D(x)["logits"]
            penalty = tf.reduce_sum(tf.square(inner.gradient(logits, x)))
        return penalty, outer.gradient(penalty, D.get_layer("from_image").kernel)

    for eager, jitted in zip(r1(x), tf.function(r1, jit_compile=True)(x), strict=True):
        np.testing.assert_allclose(jitted, eager, rtol=1e-3, atol=1e-5)
        assert np.any(eager)


@pytest.mark.parametrize("build", [generator, discriminator])
def test_jitted_is_the_same(build):
    model = shake(build(classes=(3, 2), resolution=(9, 8)))
    x = tf.constant(np.random.default_rng(0).normal(size=(2, *model.inputs[0].shape[1:])), tf.float32)
    c = tf.constant(labels(2, (3, 2)))
    run = tf.function(lambda x, c: model([x, c], training=True), jit_compile=True)
    for jitted, eager in zip(tf.nest.flatten(run(x, c)), tf.nest.flatten(model([x, c], training=True)), strict=True):
        np.testing.assert_allclose(jitted, eager, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", [generator, discriminator])
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policies_give_float32_outputs_of_float32_weights(build, dtype):
    model = build(dtype=dtype, classes=(3,), resolution=(9, 8))
    outputs = model(inputs(tf.zeros((2, *model.inputs[0].shape[1:])), labels(2, (3,))))
    assert {value.dtype for value in tf.nest.flatten(outputs)} == {tf.float32}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    half = {layer.compute_dtype for layer in model.layers if layer.weights} - {"float32"}
    assert half == {dtype.removeprefix("mixed_")}


@pytest.mark.parametrize("build", [generator, discriminator])
def test_initial_weights_follow_the_seed_and_names_are_ours(build):
    models = [build(seed=seed, classes=(3,)) for seed in (1, 1, 2)]
    assert [layer.name for layer in models[0].layers if layer.weights] == [
        layer.name for layer in models[1].layers if layer.weights
    ]
    one, same, other = (model.get_weights() for model in models)
    for first, second in zip(one, same, strict=True):
        np.testing.assert_array_equal(first, second)
    assert all((a != b).any() for a, b in zip(one, other, strict=True) if a.std() > 0)
    assert len({a.tobytes() for a in one if a.std() > 0}) == [a.std() > 0 for a in one].count(True)


@pytest.mark.parametrize(("resolution", "classes"), [((8, 8), ()), ((9, 6), (3, 2))])
def test_the_export_is_equal(assert_onnx_equal, resolution, classes):
    G = shake(generator(resolution=resolution, classes=classes, channels=3))
    ops = assert_onnx_equal(G, lambda n: [x for x in (latents(n), labels(n, classes)) if x is not None])
    assert ops.count("Resize") == len([layer for layer in G.layers if layer.name in ("up1", "up2")])
