import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.errors import RecipeError
from tfgan_kit.networks.parts import (
    DISTRIBUTIONS,
    Builder,
    Initializers,
    attribute,
    batch_statistics,
    check_attention,
    d_inputs,
    g_inputs,
    halved,
    halvings,
    to_images,
    widths,
)
from tfgan_kit.recipe import INITS


def builder(**switches):
    return Builder(**{"dtype": "float32", "seed": 0, **switches})


def layer_kinds(model):
    return {layer.name: type(layer).__name__ for layer in model.layers}


def random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("resolution", "smallest_px", "count"),
    [
        ((28, 28), 7, 2), ((28, 28), 4, 3), ((32, 32), 4, 3), ((64, 48), 7, 3), ((48, 64), 6, 3), ((7, 5), 7, 0),
        ((7, 5), 4, 1), ((33, 20), 5, 2), ((100, 75), 7, 4), ((9, 9), 2, 3), ((1024, 1024), 4, 8), ((4, 1024), 4, 0),
    ],
)  # fmt: skip
def test_halvings_by_hand(resolution, smallest_px, count):
    assert halvings(resolution, smallest_px) == count


@pytest.mark.parametrize("resolution", [(28, 28), (33, 20), (7, 5), (100, 75)])
def test_the_last_map_has_the_sides_of_as_many_halvings(resolution):
    assert halved(resolution, 0) == resolution
    assert min(halved(resolution, halvings(resolution, 4))) <= 4
    assert halved(resolution, 3) == halved(halved(halved(resolution, 1), 1), 1)


@pytest.mark.parametrize(
    ("first", "count", "highest", "expected"),
    [
        (64, 4, 512, [64, 128, 256, 512]), (40, 3, 80, [40, 80, 80]), (3, 3, 7, [3, 6, 7]), (8, 1, 512, [8]),
        (8, 0, 9, []),
    ],
)  # fmt: skip
def test_widths_by_hand(first, count, highest, expected):
    assert widths(first, count, highest) == expected


def test_initial_weights_follow_the_seed_and_differ_from_layer_to_layer():
    one, same, other = Initializers(3), Initializers(3), Initializers(4)
    first, second = (one()((5, 7)).numpy() for _ in range(2))
    np.testing.assert_array_equal(same()((5, 7)), first)
    assert (first != second).any()
    assert (other()((5, 7)).numpy() != first).any()


def test_the_largest_seeds_of_a_recipe_have_weights_of_their_own():
    draws = [Initializers(2 * seed)()((8,)).numpy() for seed in (0, 3_000_000, 2**31 - 2, 2**31 - 1)]
    assert len({draw.tobytes() for draw in draws}) == 4


def test_initial_weights_are_glorot_uniform():
    weights = Initializers(0)()((300, 500)).numpy()
    limit = np.sqrt(6.0 / 800.0)
    assert np.abs(weights).max() <= limit
    assert weights.var() == pytest.approx(limit**2 / 3.0, rel=0.02)


def test_the_distributions_are_the_recipe_s():
    assert DISTRIBUTIONS.keys() == set(INITS)


@pytest.mark.parametrize(
    ("kind", "deviation"), [("glorot", (2 / 800) ** 0.5), ("normal", 0.02), ("he", (2 / 300) ** 0.5)]
)
def test_initial_weights_are_of_the_kind_asked_for(kind, deviation):
    weights = Initializers(0, kind)()((300, 500)).numpy()
    assert weights.std() == pytest.approx(deviation, rel=0.02)
    assert abs(weights.mean()) < 0.01 * deviation + 1e-4


def test_orthogonal_weights_are_orthogonal():
    weights = Initializers(0, "orthogonal")()((7, 5)).numpy()
    np.testing.assert_allclose(weights.T @ weights, np.eye(5), atol=1e-5)


# Inputs


def test_a_model_of_one_input_is_called_on_a_tensor():
    z, c = g_inputs(4, ())
    assert c is None
    G = builder().model([z, c], z * 2.0, "generator")
    assert isinstance(G.input, keras.KerasTensor)
    z, c = g_inputs(4, (3, 2))
    G = builder().model([z, c], [z * 2.0, c], "generator")
    assert [(x.name, tuple(x.shape), x.dtype) for x in G.inputs] == [
        ("z", (None, 4), "float32"),
        ("c", (None, 2), "int32"),
    ]
    assert G.noise_dim == 0


@pytest.mark.parametrize(("classes", "condition", "names"), [
    ((), "projection", ["images"]), ((3,), "projection", ["images", "c"]), ((3, 2), "projection", ["images", "c"]),
    ((3, 2), "auxiliary", ["images"]), ((), "auxiliary", ["images"]),
])  # fmt: skip
def test_d_takes_classes_by_projection_alone(classes, condition, names):
    there = [x for x in d_inputs((8, 6, 3), classes, condition) if x is not None]
    assert [x.name for x in there] == names
    assert tuple(there[0].shape) == (None, 8, 6, 3)
    assert [tuple(x.shape) for x in there[1:]] == [(None, len(classes))] * (len(names) - 1)


def test_an_attribute_is_a_column():
    c = keras.Input((3,), dtype="int32")
    model = keras.Model(c, attribute(c, 1, "second"))
    np.testing.assert_array_equal(model(np.array([[1, 2, 3], [4, 5, 6]], np.int32)), [2, 5])


def test_randomness_becomes_the_last_input():
    build = builder(dropout=0.5, noise=0.1)
    z, c = g_inputs(4, (3,))
    x = build.randomly(z, name="random0")
    G = build.model([z, c], [build.randomly(x, name="random1"), c], "generator")
    assert [x.name for x in G.inputs] == ["z", "c", "noise"]
    assert G.noise_dim == 16
    names = ["random0_noise", "random0_dropout", "random1_noise", "random1_dropout"]
    assert [layer.name for layer in G.layers if layer.name.startswith("random")] == names


def test_what_is_switched_off_is_no_layer():
    x, build = keras.Input((6, 4, 2)), builder()
    assert build.norm(x, name="norm") is x
    assert build.randomly(x, name="random") is x
    assert build.attention(x, 0, name="attention") is x
    assert build.attention(x, 6, name="attention") is x
    assert batch_statistics(x, "none", dtype="float32") is x
    assert batch_statistics(x, "discrimination", dtype="float32") is x
    z = keras.Input((5,))
    assert build.with_classes(z, None, (), 5) is z


# Layers


def test_attention_is_at_the_shorter_side():
    x = keras.Input((6, 4, 8))
    model = keras.Model(x, builder().attention(x, 4, name="attention"))
    assert layer_kinds(model)["attention"] == "SelfAttention2D"
    assert model.output.shape == x.shape


def test_the_batch_s_deviation_is_a_channel_more():
    x = keras.Input((6, 4, 8))
    assert batch_statistics(x, "stddev", dtype="float32").shape == (None, 6, 4, 9)


@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize("how", ["transposed", "pixel_shuffle", "resize"])
def test_every_way_up_doubles_the_map(how, spectral):
    x = keras.Input((3, 5, 4))
    model = keras.Model(x, builder(spectral_norm=spectral).up(x, 6, 3, how, name="up"))
    assert model.output.shape == (None, 6, 10, 6)
    assert type(model.get_layer("up")).__name__.startswith("Spectral") == spectral
    assert np.isfinite(model(random(2, 3, 5, 4))).all()


@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize("how", ["strided", "average_pool"])
@pytest.mark.parametrize("side", [8, 7])
def test_every_way_down_halves_the_map_and_rounds_up(how, spectral, side):
    x = keras.Input((side, side, 4))
    model = keras.Model(x, builder(spectral_norm=spectral).down(x, 6, 3, how, name="down"))
    assert model.output.shape == (None, 4, 4, 6)
    assert type(model.get_layer("down")).__name__.startswith("Spectral") == spectral


def test_an_activated_map_is_normalised_first_and_random_last():
    x = keras.Input((4, 4, 2))
    model = keras.Model(x, builder(norm="instance", leak=0.0).activated(x, name="a"))
    values = random(2, 4, 4, 2)
    mean, deviation = values.mean((1, 2), keepdims=True), values.std((1, 2), keepdims=True)
    np.testing.assert_allclose(model(values), np.maximum((values - mean) / deviation, 0.0), rtol=1e-2, atol=1e-2)
    build = builder(norm="batch", noise=0.1, dropout=0.5)
    noisy = build.model([x], build.activated(x, name="b"), "noisy")
    assert list(layer_kinds(noisy).items())[1:] == [
        ("b_norm", "BatchNormalization"), ("b_act", "LeakyReLU"), ("noise", "InputLayer"),
        ("b_random_noise", "AddNoise"), ("b_random_dropout", "NoiseDropout"),
    ]  # fmt: skip
    assert builder().activated(x, name="c").shape == x.shape


def test_the_switches_hold_for_the_whole_network():
    build = builder(norm="batch", norm_momentum=0.7, leak=0.3)
    x = keras.Input((4,))
    model = keras.Model(x, build.act(build.norm(x, name="norm"), name="act"))
    assert model.get_layer("norm").momentum == 0.7
    assert model.get_layer("act").negative_slope == pytest.approx(0.3)
    assert build.norm(x, kind="none", name="none") is x


def test_images_are_the_middle_of_the_map_and_in_range():
    x = keras.Input((7, 8, 1))
    model = keras.Model(x, to_images(x, (4, 5), dtype="float32"))
    values = random(2, 7, 8, 1)
    np.testing.assert_allclose(model(values), np.tanh(values[:, 1:5, 1:6]), rtol=1e-6, atol=1e-6)
    assert "crop" not in layer_kinds(keras.Model(x, to_images(x, (7, 8), dtype="float32")))


# Classes


def test_g_s_classes_stand_behind_z():
    z, c = g_inputs(4, (3, 2))
    model = keras.Model([z, c], builder().with_classes(z, c, (3, 2), 5))
    first, second = (model.get_layer(name).embeddings.numpy() for name in ("class_embedding", "class_embedding1"))
    assert first.shape == (3, 5)
    assert second.shape == (2, 5)
    values, labels = random(4, 4), np.array([[0, 1], [2, 0], [1, 1], [2, 1]], np.int32)
    expected = np.concatenate([values, first[labels[:, 0]], second[labels[:, 1]]], axis=1)
    np.testing.assert_array_equal(model([values, labels]), expected)


def scores(classes, condition, minibatch="none", spectral=False):
    """D of features alone."""
    features, c = keras.Input((4,)), keras.Input((len(classes),), dtype="int32")
    there = condition == "projection" and len(classes) > 0
    outputs = builder(spectral_norm=spectral).outputs(
        features, c if there else None, classes, condition=condition, minibatch=minibatch
    )
    return keras.Model([features, c] if there else features, outputs)


def test_the_class_enters_the_logit_by_projection():
    D, x = scores((3,), "projection"), random(5, 4)
    classes = np.array([[0], [1], [2], [1], [0]], np.int32)
    kernel, bias = D.get_layer("logit").get_weights()
    (rows,) = D.get_layer("class_projection").get_weights()
    assert rows.shape == (3, 4)
    expected = x @ kernel[:, 0] + bias + np.sum(x * rows[classes[:, 0]], axis=1)
    found = D([x, classes])
    np.testing.assert_allclose(found["logits"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["features"], x)
    assert found.keys() == {"logits", "features"}


def test_several_attributes_each_add_their_projection():
    D, x = scores((3, 2), "projection"), random(4, 4)
    classes = np.array([[0, 1], [2, 0], [1, 1], [2, 1]], np.int32)
    kernel, bias = D.get_layer("logit").get_weights()
    first, second = (D.get_layer(name).get_weights()[0] for name in ("class_projection", "class_projection1"))
    expected = x @ kernel[:, 0] + bias + np.sum(x * (first[classes[:, 0]] + second[classes[:, 1]]), axis=1)
    np.testing.assert_allclose(D([x, classes])["logits"], expected, rtol=1e-5, atol=1e-6)


def test_an_auxiliary_classifier_has_a_logit_for_every_class():
    D, x = scores((3, 2), "auxiliary"), random(5, 4)
    found = D(x)
    kernel, bias = D.get_layer("classes").get_weights()
    assert found["classes"].shape == (5, 5)
    np.testing.assert_allclose(found["classes"], x @ kernel + bias, rtol=1e-5, atol=1e-6)
    kernel, bias = D.get_layer("logit").get_weights()
    np.testing.assert_allclose(found["logits"], x @ kernel[:, 0] + bias, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("condition", ["projection", "auxiliary"])
def test_without_classes_there_is_but_the_logit(condition):
    found = scores((), condition)(random(5, 4))
    assert found.keys() == {"logits", "features"}
    assert found["logits"].shape == (5,)


def test_discrimination_is_seen_by_the_logit_alone():
    D, x = scores((3,), "auxiliary", minibatch="discrimination"), random(5, 4)
    found = D(x)
    np.testing.assert_array_equal(found["features"], x)
    assert D.get_layer("logit").kernel.shape == (54, 1)
    assert D.get_layer("classes").kernel.shape == (4, 3)
    # The same picture in other company has another logit.
    assert float(D(x[:2])["logits"][0]) != pytest.approx(float(found["logits"][0]), abs=1e-6)


def test_a_spectral_d_is_so_to_its_outputs():
    D = scores((3,), "projection", spectral=True)
    kinds = layer_kinds(D)
    assert (kinds["logit"], kinds["class_projection"]) == ("SpectralDense", "SpectralEmbedding")
    assert layer_kinds(scores((3,), "auxiliary", spectral=True))["classes"] == "SpectralDense"


def test_outputs_are_float32_whatever_the_features_are():
    features = keras.Input((4,), dtype="float16")
    build = builder(dtype="mixed_float16")
    D = keras.Model(features, build.outputs(features, None, (3,), condition="auxiliary", minibatch="discrimination"))
    assert {out.dtype for out in D(tf.ones((2, 4), tf.float16)).values()} == {tf.float32}


# Attention


def test_attention_on_a_map_that_is_not_there_is_refused_with_those_that_are():
    check_attention("g", 0, [7, 14])
    check_attention("g", 14, [7, 14])
    with pytest.raises(RecipeError, match=r"d_attention_px=8 is the side of none of its maps; legal: 0, 7, 14$"):
        check_attention("d", 8, [14, 7, 7])
