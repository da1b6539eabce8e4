import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_inputs import inputs, labels, latents, pictures

from tfgan_kit.calling import without_updates
from tfgan_kit.errors import RecipeError
from tfgan_kit.networks import progressive
from tfgan_kit.networks.progressive import Growth, growth_at, level_count, level_starts_kimg, set_growth

SMALL = {"width": 4, "max_width": 8}


def generator(**changes):
    return progressive.generator(**{"resolution": (16, 16), "channels": 1, "z_dim": 5, **SMALL, **changes})


def discriminator(**changes):
    return progressive.discriminator(**{"resolution": (16, 16), "channels": 1, **SMALL, **changes})


def blocky(images, px):
    """Whether every square of `px` pixels is of one colour."""
    means = images[:, ::px, ::px]
    return np.array_equal(images, np.repeat(np.repeat(means, px, 1), px, 2))


@pytest.mark.parametrize(("channels", "classes"), [(1, ()), (3, (10,))])
@pytest.mark.parametrize("side", [8, 16, 64])
def test_images_and_outputs_at_any_growth(side, channels, classes):
    sizes = {"resolution": (side, side), "channels": channels, "classes": classes}
    G, D = generator(**sizes), discriminator(**sizes)
    for grown in (0.0, 0.5, level_count((side, side)) - 1.0):
        set_growth(G, tf.constant(grown))
        set_growth(D, tf.constant(grown))
        images = G(inputs(G, 10.0 * latents(3), labels(3, classes)))
        assert images.shape == (3, side, side, channels)
        assert images.dtype == tf.float32
        assert np.abs(images).max() <= 1.0
        assert np.std(images) > 0.0
        outputs = D(inputs(D, images, labels(3, classes)))
        assert outputs["logits"].shape == (3,)
        assert outputs["features"].shape == (3, 8)
        assert {value.dtype for value in outputs.values()} == {tf.float32}


@pytest.mark.parametrize("resolution", [(28, 28), (4, 4), (16, 8), (6, 6), (48, 48)])
@pytest.mark.parametrize("build", [generator, discriminator])
def test_other_resolutions_are_refused(build, resolution):
    with pytest.raises(RecipeError, match=r"squares of 8, 16, 32, .* px; got resolution=\(\d+, \d+\): choose"):
        build(resolution=resolution)


@pytest.mark.parametrize(("side", "count"), [(8, 2), (16, 3), (64, 5), (1024, 9)])
def test_levels_by_hand(side, count):
    assert level_count((side, side)) == count


def test_the_schedule_by_hand():
    # Four levels, fades of 10 kimg: 0 to 10, (10 to 20), 20 to 30, (30 to 40), 40 to 50, (50 to 60), 60 on.
    assert level_starts_kimg(10.0, 4) == (0.0, 10.0, 30.0, 50.0)
    points = {0: 0, 9_999: 0, 10_000: 0, 12_500: 0.25, 20_000: 1, 25_000: 1, 30_000: 1, 35_000: 1.5, 40_000: 2,
              49_000: 2, 57_000: 2.7, 60_000: 3, 10**7: 3}  # fmt: skip
    for nimg, grown in points.items():
        found = growth_at(tf.constant(float(nimg)), 10.0, 4)
        assert found.shape == ()
        assert found.dtype == tf.float32
        assert float(found) == pytest.approx(grown, abs=1e-5)
    assert float(growth_at(15_000, 10.0, 2)) == pytest.approx(0.5)


@pytest.mark.parametrize("fade_kimg", [0.3, 40.0])
def test_a_level_is_not_needed_before_it_starts(fade_kimg):
    for level, start in list(enumerate(level_starts_kimg(fade_kimg, 5)))[1:]:
        assert float(growth_at(start * 1000 - 1, fade_kimg, 5)) == pytest.approx(level - 1, abs=1e-5)
        assert float(growth_at(start * 1000 + fade_kimg * 500, fade_kimg, 5)) == pytest.approx(level - 0.5, abs=1e-4)


@pytest.mark.parametrize("build", [generator, discriminator])
@pytest.mark.parametrize("classes", [(), (3, 2)], ids=str)
def test_a_level_is_the_network_while_it_has_not_grown_further(build, classes):
    model = build(classes=classes, channels=3)
    x = latents(6) if build is generator else pictures(6, (16, 16, 3))
    arguments = inputs(model, x, labels(6, classes))
    assert len(model.levels) == 3
    assert model.levels[-1] is model
    seen = []
    for grown in (0.0, 0.3, 1.0, 1.6, 2.0):
        set_growth(model, tf.constant(grown))
        whole = tf.nest.flatten(model(arguments))
        for level, part in enumerate(model.levels):
            equal = [
                np.allclose(a, b, rtol=1e-4, atol=1e-6)
                for a, b in zip(tf.nest.flatten(part(arguments)), whole, strict=True)
            ]
            # Beyond its level it is the network no more.
            assert all(equal) == (grown <= level), (grown, level)
        seen.append(np.asarray(whole[0]))
    assert all(np.abs(one - other).max() > 1e-4 for one, other in itertools.pairwise(seen))


def test_images_of_a_level_have_its_resolution():
    G = generator(channels=3)
    z = tf.constant(latents(2))
    for grown, px in ((0.0, 4), (1.0, 2)):
        set_growth(G, tf.constant(grown))
        assert blocky(G(z).numpy(), px)
        assert not blocky(G(z).numpy(), 2 * px)
    for grown, px in ((0.5, 2), (1.5, 1)):
        set_growth(G, tf.constant(grown))
        assert blocky(G(z).numpy(), px)
        assert not blocky(G(z).numpy(), 2 * px)


def test_d_sees_only_what_its_level_has():
    D = discriminator()
    x = tf.constant(pictures(4, (16, 16, 1)))
    coarse = tf.image.resize(tf.nn.avg_pool2d(x, 4, 4, "VALID"), (16, 16), "nearest")
    set_growth(D, tf.constant(0.0))
    np.testing.assert_allclose(D(coarse)["logits"], D(x)["logits"], rtol=1e-4, atol=1e-5)
    set_growth(D, tf.constant(0.2))
    assert np.abs(D(coarse)["logits"] - D(x)["logits"]).max() > 1e-4


def test_the_image_fades_in_linearly():
    G = generator(resolution=(8, 8))
    z = tf.constant(latents(3))

    def at(grown):
        set_growth(G, tf.constant(grown))
        return np.arctanh(G(z).numpy().astype(np.float64))

    start, quarter, end = at(0.0), at(0.25), at(1.0)
    np.testing.assert_allclose(quarter, 0.75 * start + 0.25 * end, atol=1e-4)
    np.testing.assert_array_equal(at(1.5), end)


def flops(model):
    shapes = [tf.TensorSpec((1, *one.shape[1:]), one.dtype) for one in model.inputs]
    graph = tf.function(model).get_concrete_function(*shapes).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops


@pytest.mark.parametrize("build", [generator, discriminator])
def test_early_levels_are_much_cheaper(build):
    model = build(resolution=(64, 64), width=8, max_width=64)
    costs = [flops(level) for level in model.levels]
    # Every level but the first costs as much as the next one: half the channels at twice the side.
    shares = [cost / costs[-1] for cost in costs]
    assert shares == pytest.approx([0.03, 0.2, 0.47, 0.73, 1.0], abs=0.02)


@pytest.mark.parametrize("build", [generator, discriminator])
def test_levels_share_their_variables_and_are_no_layers(build):
    model = build(classes=(3,))
    own = {id(variable) for variable in model.variables}
    assert len(own) == len(model.variables)
    counts = [len(level.trainable_variables) for level in model.levels]
    assert counts == sorted(set(counts))
    assert all(id(variable) in own for level in model.levels for variable in level.variables)
    assert not [layer for layer in model.layers if isinstance(layer, keras.Model) and layer.name != "tail"]


@pytest.mark.parametrize("build", [generator, discriminator])
def test_growth_is_the_only_variable_that_is_not_trained(build):
    model = build()
    (grown,) = model.non_trainable_variables
    assert grown.path.endswith("growth/grown")
    assert (grown.shape, grown.dtype) == ((), "float32")
    assert float(grown) == 0.0
    assert len({variable.path for variable in model.variables}) == len(model.variables)


@pytest.mark.parametrize("build", [generator, discriminator])
def test_growth_moves_in_a_jitted_step_and_travels_with_the_weights(build):
    model, copy = build(), build(seed=1)
    tf.function(set_growth, jit_compile=True)(model, growth_at(tf.constant(13_000.0), 10.0, 3))
    assert float(model.get_layer("growth").grown) == pytest.approx(0.3)
    copy.set_weights(model.get_weights())
    x = tf.constant(latents(4) if build is generator else pictures(4, (16, 16, 1)))
    for one, other in zip(tf.nest.flatten(copy(x)), tf.nest.flatten(model(x)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_growth_of_replaced_variables_counts():
    D, other = discriminator(), discriminator(seed=1)
    set_growth(other, tf.constant(1.5))
    x = tf.constant(pictures(4, (16, 16, 1)))
    np.testing.assert_allclose(without_updates(D, other)(x)["logits"], other(x)["logits"], rtol=1e-5, atol=1e-6)
    level = without_updates(D.levels[1], other.levels[1])
    set_growth(other, tf.constant(0.5))
    np.testing.assert_allclose(level(x)["logits"], other(x)["logits"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_the_fade_by_hand(dtype):
    fade = Growth(dtype=dtype)
    old, new = tf.constant([[1.0, -2.0]]), tf.constant([[3.0, 4.0]])
    fade([old, new], level=1)
    for grown, share in ((0.0, 0), (1.5, 0), (2.0, 0), (2.25, 0.25), (3.0, 1), (7.0, 1)):
        fade.grown.assign(grown)
        np.testing.assert_allclose(fade([old, new], level=3), (1 - share) * old + share * new, rtol=1e-6)


def test_layers_are_those_of_the_paper():
    sizes = {"resolution": (64, 64), "width": 4, "max_width": 32}
    G, D = generator(**sizes), discriminator(**sizes)
    shapes = {v.path.split("/")[-2]: tuple(v.shape) for v in G.trainable_variables if len(v.shape) > 1}
    assert shapes == {
        "start": (5, 512), "level0_conv": (3, 3, 32, 32), "level0_image": (1, 1, 32, 1),
        "level1_conv0": (3, 3, 32, 32), "level1_conv1": (3, 3, 32, 32), "level1_image": (1, 1, 32, 1),
        "level2_conv0": (3, 3, 32, 16), "level2_conv1": (3, 3, 16, 16), "level2_image": (1, 1, 16, 1),
        "level3_conv0": (3, 3, 16, 8), "level3_conv1": (3, 3, 8, 8), "level3_image": (1, 1, 8, 1),
        "level4_conv0": (3, 3, 8, 4), "level4_conv1": (3, 3, 4, 4), "level4_image": (1, 1, 4, 1),
    }  # fmt: skip
    shapes = {v.path.split("/")[-2]: tuple(v.shape) for v in D.trainable_variables if len(v.shape) > 1}
    assert shapes == {
        "level4_entry": (1, 1, 1, 4), "level4_conv0": (3, 3, 4, 4), "level4_conv1": (3, 3, 4, 8),
        "level3_entry": (1, 1, 1, 8), "level3_conv0": (3, 3, 8, 8), "level3_conv1": (3, 3, 8, 16),
        "level2_entry": (1, 1, 1, 16), "level2_conv0": (3, 3, 16, 16), "level2_conv1": (3, 3, 16, 32),
        "level1_entry": (1, 1, 1, 32), "level1_conv0": (3, 3, 32, 32), "level1_conv1": (3, 3, 32, 32),
        "level0_entry": (1, 1, 1, 32), "level0_conv": (3, 3, 33, 32), "end": (512, 32), "logit": (32, 1),
    }  # fmt: skip


def test_maps_keep_their_variance_at_the_start():
    D = discriminator(resolution=(32, 32), width=32, max_width=64)
    set_growth(D, tf.constant(3.0))
    assert 0.1 < np.std(D(tf.constant(pictures(8, (32, 32, 1))))["features"]) < 3.0
    G = generator(resolution=(32, 32), width=32, max_width=64)
    set_growth(G, tf.constant(3.0))
    assert 0.3 < np.std(np.arctanh(np.clip(G(tf.constant(latents(8))), -0.99, 0.99))) < 1.5


@pytest.mark.parametrize(("grown", "classes"), [(0.0, ()), (2.0, (3, 2))])
def test_the_export_is_equal_at_any_moment(assert_onnx_equal, grown, classes):
    G = generator(classes=classes, channels=3)
    set_growth(G, tf.constant(grown))
    assert_onnx_equal(G, lambda n: [x for x in (latents(n), labels(n, classes)) if x is not None])
