import inspect
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.build import (
    FAMILIES,
    SWITCHES,
    build_discriminator,
    build_gan,
    build_generator,
    families_with,
)
from tfgan_kit.calling import without_updates
from tfgan_kit.errors import RecipeError
from tfgan_kit.losses import LOSSES
from tfgan_kit.networks import progressive
from tfgan_kit.networks.layers import SelfAttention2D
from tfgan_kit.plugs import NOTHING
from tfgan_kit.recipe import FAMILIES as NAMES
from tfgan_kit.recipe import LOSSES as LOSS_NAMES
from tfgan_kit.recipe import Recipe
from tfgan_kit.stabilizers.plan import ALWAYS, Turn
from tfgan_kit.stabilizers.targets import hard_targets

SHAPE = (9, 8, 3)
# Growing networks make squares of powers of two.
SHAPES = {"progressive": (8, 8, 3)}


def shape_of(family):
    return SHAPES.get(family, SHAPE)


def layer_names(model):
    return [layer.name for layer in model.layers]


def config(layer):
    """What made a layer, as far as it says so."""
    if isinstance(layer, keras.Model | SelfAttention2D):
        return layer.name
    return layer.get_config()


def described(recipe, build, **sizes):
    """Everything that a model is, its weights' numbers aside."""
    model = build(recipe, **{"shape": (16, 16, 1), "classes": (3,), **sizes})
    layers = [(type(layer).__name__, layer.dtype_policy.name, config(layer)) for layer in model._flatten_layers()]
    return str(layers) + str([(tuple(weight.shape), weight.path) for weight in model.weights])


# Families


def test_the_registry_is_the_recipe_s():
    assert sorted(FAMILIES) == sorted(NAMES)


@pytest.mark.parametrize("classes", [(), (3,), (3, 2)], ids=str)
@pytest.mark.parametrize("family", NAMES)
def test_every_family_is_built_at_the_data_s_shape_and_classes(tiny_recipe, family, classes):
    shape = shape_of(family)
    gan = build_gan(tiny_recipe.replace(family=family, z_dim=6), shape, classes)
    assert gan.conditional == bool(classes)
    with_c = ["c"] * bool(classes)
    # What the family draws by itself comes last, and not in the average.
    for model, noise in ((gan.G, ["noise"] * bool(gan.G.noise_dim)), (gan.G_ema, [])):
        assert [x.name for x in model.inputs] == ["z", *with_c, *noise]
        assert tuple(model.inputs[0].shape) == (None, 6)
        assert model.output.shape == (None, *shape)
    assert [x.name for x in gan.D.inputs] == ["images", *with_c, *["noise"] * bool(gan.D.noise_dim)]
    assert gan.D.inputs[0].shape == (None, *shape)
    assert gan.D.output["logits"].shape == (None,)
    assert gan.D.output["features"].shape[0] is None
    assert gan.D.output.keys() == {"logits", "features"}
    for model in (gan.G, gan.D):
        assert [tuple(x.shape) for x in model.inputs if x.name == "c"] == [(None, len(classes))] * bool(classes)


@pytest.mark.parametrize("family", NAMES)
def test_every_family_s_d_can_classify(tiny_recipe, family):
    recipe = tiny_recipe.replace(family=family, condition="auxiliary")
    D = build_discriminator(recipe, shape=shape_of(family), classes=(3, 2))
    assert "c" not in [x.name for x in D.inputs]
    assert D.output["classes"].shape == (None, 5)


@pytest.mark.parametrize("family", NAMES)
def test_no_two_variables_of_a_family_s_networks_share_a_path(tiny_recipe, family):
    # By their paths, past weights and checkpoints find them.
    gan = build_gan(tiny_recipe.replace(family=family), shape_of(family), (3, 2))
    for model in (gan.G, gan.D):
        paths = [variable.path for variable in model.variables]
        assert len(set(paths)) == len(paths)


# Fields of the networks


def test_every_field_of_the_networks_reaches_them(tiny_recipe):
    base = tiny_recipe.replace(g_norm="batch", d_norm="batch", g_max_width=64, d_max_width=64)
    both = {"kernel_px": 5, "norm_momentum": 0.5, "precision": "mixed_bfloat16", "seed": 7, "init": "he"}
    g_fields = {
        **both, "z_dim": 9, "g_width": 6, "g_max_width": 5, "g_start_px": 8, "g_norm": "none", "g_leak": 0.3,
        "g_up": "resize", "g_spectral_norm": True, "g_attention_px": 8, "g_noise": 0.1, "g_dropout": 0.1,
    }  # fmt: skip
    d_fields = {
        **both, "d_width": 6, "d_max_width": 5, "d_end_px": 8, "d_norm": "none", "d_leak": 0.3,
        "d_down": "average_pool", "d_spectral_norm": True, "d_attention_px": 4, "d_dropout": 0.1,
        "d_minibatch": "stddev", "condition": "auxiliary",
    }  # fmt: skip
    for build, fields in ((build_generator, g_fields), (build_discriminator, d_fields)):
        plain = described(base, build)
        assert described(base, build) == plain
        for name, value in fields.items():
            assert described(base.replace(**{name: value}), build) != plain, name
    assert {*g_fields, *d_fields} >= set(SWITCHES)


@pytest.mark.parametrize(
    ("family", "build", "name", "value"),
    [
        ("mlp", build_generator, "g_hidden", (5, 6)),
        ("mlp", build_discriminator, "d_hidden", (5, 6)),
        ("r3gan", build_generator, "g_blocks", 2),
        ("r3gan", build_discriminator, "d_blocks", 2),
        ("srresnet", build_generator, "g_blocks", 2),
        ("style", build_generator, "g_mapping", 2),
    ],
)
def test_a_family_s_own_fields_reach_it(tiny_recipe, family, build, name, value):
    base = tiny_recipe.replace(family=family)
    assert described(base.replace(**{name: value}), build) != described(base, build)


# A value of each switch that is not its default; where it stands alone.
VALUES = {
    "g_norm": "instance", "g_leak": 0.3, "g_up": "resize", "g_spectral_norm": True, "g_attention_px": 4, "g_noise": 0.1,
    "g_dropout": 0.1, "d_norm": "instance", "d_leak": 0.3, "d_down": "average_pool", "d_spectral_norm": True,
    "d_attention_px": 4, "d_dropout": 0.1, "d_minibatch": "discrimination", "init": "he",
}  # fmt: skip


def test_every_switch_has_a_value_here_and_a_family():
    assert VALUES.keys() == set(SWITCHES)
    assert all(families_with(switch) for switch in SWITCHES)
    assert set(families_with("g_up")) >= {"dcgan"}
    assert "mlp" not in families_with("g_attention_px")


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("family", NAMES)
def test_a_switch_reaches_its_family_or_is_refused_with_those_that_have_it(family, switch):
    build = build_discriminator if switch.startswith("d_") else build_generator
    changes = {switch: VALUES[switch]}
    if family == "mlp" and "norm" in switch and not switch.endswith("spectral_norm"):
        changes[switch] = "group"
    small = {
        "z_dim": 4,
        "g_width": 4,
        "d_width": 4,
        "g_start_px": 4,
        "d_end_px": 2,
        "g_hidden": (8,),
        "d_hidden": (8, 8),
    }
    base = Recipe(kimg=1, family=family, **small)
    recipe, sizes = base.replace(**changes), {"shape": (8, 8, 1), "classes": ()}
    if family in families_with(switch):
        assert described(recipe, build, **sizes) != described(base, build, **sizes)
        return
    with pytest.raises(RecipeError) as caught:
        build(recipe, **sizes)
    message = str(caught.value)
    assert f"family {family} has no {switch}; got {switch}={changes[switch]}" in message
    assert ", ".join(families_with(switch)) in message
    assert "\n" not in message


@pytest.mark.parametrize("family", NAMES)
def test_a_family_takes_only_fields_of_the_recipe(family):
    fields = set(vars(Recipe(kimg=1))) | {"channels", "classes", "dtype", "seed", "resolution", "truncation"}
    for prefix, name in (("g_", "generator"), ("d_", "discriminator")):
        taken = inspect.signature(vars(FAMILIES[family])[name]).parameters
        assert not {one for one in taken if one not in fields and prefix + one not in fields}


# Precision


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_the_dtype_overrides_the_precision_and_keeps_the_weights(tiny_recipe, build):
    mixed = tiny_recipe.replace(precision="mixed_float16")
    half, full = build(mixed, shape=SHAPE, classes=()), build(mixed, shape=SHAPE, classes=(), dtype="float32")
    assert "float16" in {layer.compute_dtype for layer in half.layers}
    assert {layer.compute_dtype for layer in full.layers} == {"float32"}
    assert layer_names(half) == layer_names(full)
    for one, other in zip(half.get_weights(), full.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_mixed_precision_has_a_second_d(tiny_recipe):
    plain = build_gan(tiny_recipe.replace(family="mlp"), SHAPE)
    assert plain.D_float32 is plain.D
    mixed = build_gan(tiny_recipe.replace(family="mlp", precision="mixed_bfloat16"), SHAPE)
    assert mixed.D_float32 is not mixed.D
    assert {layer.compute_dtype for layer in mixed.D_float32.layers} == {"float32"}


# In use


def test_pictures_are_drawn_without_noise_and_dropout_unless_the_recipe_keeps_them(tiny_recipe):
    recipe = tiny_recipe.replace(family="mlp", g_noise=0.1, g_dropout=0.2)
    sizes = {"shape": SHAPE, "classes": (3,)}
    in_training = build_generator(recipe, **sizes)
    in_use = build_generator(recipe, in_use=True, **sizes)
    kept = build_generator(recipe.replace(g_random_in_use=True), in_use=True, **sizes)
    assert [[x.name for x in G.inputs] for G in (in_training, in_use, kept)] == [
        ["z", "c", "noise"], ["z", "c"], ["z", "c", "noise"],
    ]  # fmt: skip
    assert (in_training.noise_dim, in_use.noise_dim, kept.noise_dim) == (16, 0, 16)
    for one, other in zip(in_training.get_weights(), in_use.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert build_gan(recipe, SHAPE).G_ema.noise_dim == 0
    assert build_gan(recipe.replace(g_random_in_use=True), SHAPE).G_ema.noise_dim == 16


@pytest.mark.parametrize("family", [name for name in NAMES if name != "style"])
def test_truncation_is_refused_where_there_is_no_average_of_w(tiny_recipe, family):
    recipe, sizes = tiny_recipe.replace(family=family), {"shape": shape_of(family), "classes": ()}
    with pytest.raises(RecipeError, match=rf"truncation=0.7 needs an average of w, which family {family} has not"):
        build_generator(recipe, truncation=0.7, **sizes)
    assert build_generator(recipe, truncation=1.0, **sizes).output.shape[1:] == shape_of(family)


def test_truncation_reaches_a_style_generator(tiny_recipe):
    recipe, sizes = tiny_recipe.replace(family="style"), {"shape": (8, 8, 1), "classes": ()}
    whole, average = (build_generator(recipe, truncation=psi, **sizes) for psi in (1.0, 0.0))
    z = tf.random.stateless_normal((4, 4), (0, 1))
    assert np.ptp(whole(z).numpy(), axis=0).max() > 0.0
    assert np.ptp(average(z).numpy(), axis=0).max() == pytest.approx(0.0, abs=1e-6)


# Objective and stabilisers


def test_without_a_switch_nothing_is_plugged_in(tiny_recipe):
    plugs = build_gan(tiny_recipe.replace(family="mlp"), SHAPE, (3,)).plugs
    assert plugged(plugs) == plugged(NOTHING)
    assert plugs.plan.turns == ALWAYS.turns


def plugged(plugs):
    """What is plugged in, as far as it has a name."""
    return {
        "d_terms": [term.name for term in plugs.d_terms],
        "g_terms": [term.name for term in plugs.g_terms],
        "lazy_every": plugs.lazy_every,
        "targets": plugs.targets is not hard_targets,
        "shown": len(plugs.shown),
        "replay": plugs.replay is not None,
        "past_g": plugs.past_g is not None,
        "past_d": plugs.past_d is not None,
        "before_step": len(plugs.before_step),
        "after_d_step": len(plugs.after_d_step),
        "after_g_step": len(plugs.after_g_step),
        "turns": len(plugs.plan.turns),
    }


class Plugged(NamedTuple):
    """A change of the recipe, and what alone it plugs in."""

    changes: dict
    expected: dict


SWAP = {"swap_every_kimg": 0.08, "swap_steps": 3}
PLUGGED = [
    Plugged({"feature_matching": 2.0}, {"g_terms": ["feature_matching"]}),
    Plugged({"condition": "auxiliary"}, {"d_terms": ["d_classes"], "g_terms": ["g_classes"]}),
    Plugged({"condition": "auxiliary", "auxiliary": 0.0}, {}),
    Plugged({"r1_gamma": 3.0}, {"d_terms": ["r1"]}),
    Plugged({"r2_gamma": 3.0}, {"d_terms": ["r2"]}),
    Plugged({"gp_lambda": 3.0}, {"d_terms": ["gp"]}),
    Plugged({"dragan_lambda": 3.0}, {"d_terms": ["dragan"]}),
    Plugged({"path_lambda": 2.0}, {"g_terms": ["path_length"]}),
    Plugged({"r1_gamma": 1.0, "lazy_every": 4}, {"d_terms": ["r1"], "lazy_every": 4, "turns": 2}),
    Plugged({"lecam_lambda": 0.3}, {"d_terms": ["lecam"]}),
    Plugged({"bcr_lambda": 10.0}, {"d_terms": ["bcr"]}),
    Plugged({"g_orthogonal": 1e-4}, {"g_terms": ["g_orthogonal"]}),
    Plugged({"d_orthogonal": 1e-4}, {"d_terms": ["d_orthogonal"]}),
    Plugged({"historical_averaging": 0.1}, {"d_terms": ["d_history"], "g_terms": ["g_history"]}),
    Plugged({"weight_clip": 0.01}, {"after_d_step": 1}),
    Plugged({"d_spectral_norm": True}, {"after_d_step": 1}),
    Plugged({"g_spectral_norm": True}, {"after_g_step": 1}),
    Plugged({"augment": "diffaugment"}, {"shown": 1}),
    Plugged({"augment": "ada"}, {"shown": 1}),
    Plugged({"instance_noise": 0.1}, {"shown": 1}),
    Plugged({"augment": "ada", "instance_noise": 0.1}, {"shown": 2}),
    Plugged({"label_smoothing": 0.1}, {"targets": True}),
    Plugged({"label_flips": 0.1}, {"targets": True}),
    Plugged({"real_labels": (0.7, 1.2)}, {"targets": True}),
    Plugged({"fake_labels": (0.0, 0.3)}, {"targets": True}),
    Plugged({"replay_images": 8}, {"replay": True}),
    Plugged({"swap": "g", **SWAP}, {"past_g": True}),
    Plugged({"swap": "d", **SWAP}, {"past_d": True}),
    Plugged({"swap": "both", **SWAP}, {"past_g": True, "past_d": True}),
    Plugged({"pretrain_d_kimg": 0.1}, {"turns": 2}),
    Plugged({"alternate_kimg": (0.1, 0.1)}, {"turns": 2}),
]


@pytest.mark.parametrize(("changes", "expected"), PLUGGED, ids=lambda value: "-".join(value) or "nothing")
def test_a_field_plugs_in_its_own_and_nothing_else(tiny_recipe, changes, expected):
    gan = build_gan(tiny_recipe.replace(family="mlp", **changes), SHAPE, (3,))
    assert plugged(gan.plugs) == plugged(NOTHING) | expected


@pytest.mark.parametrize(
    ("field", "network", "expected"),
    [
        ("r1_gamma", "d", 1.5), ("r2_gamma", "d", 1.5), ("gp_lambda", "d", 3.0), ("dragan_lambda", "d", 3.0),
        ("lecam_lambda", "d", 3.0), ("d_orthogonal", "d", 3.0), ("g_orthogonal", "g", 3.0), ("path_lambda", "g", 3.0),
        ("feature_matching", "g", 3.0), ("historical_averaging", "d", 3.0), ("historical_averaging", "g", 3.0),
    ],
)  # fmt: skip
def test_a_term_has_its_weight(tiny_recipe, field, network, expected):
    plugs = build_gan(tiny_recipe.replace(**{"family": "mlp", field: 3.0}), SHAPE).plugs
    (term,) = plugs.d_terms if network == "d" else plugs.g_terms
    assert term.weight == expected


def test_only_slopes_and_path_length_may_be_lazy(tiny_recipe):
    every = {
        "r1_gamma": 1.0, "r2_gamma": 1.0, "gp_lambda": 1.0, "lecam_lambda": 1.0, "bcr_lambda": 1.0, "d_orthogonal": 1.0,
        "g_orthogonal": 1.0, "path_lambda": 1.0, "feature_matching": 1.0, "historical_averaging": 1.0,
    }  # fmt: skip
    plugs = build_gan(tiny_recipe.replace(family="mlp", lazy_every=8, **every), SHAPE).plugs
    terms = [*plugs.d_terms, *plugs.g_terms]
    assert len({term.name for term in terms}) == len(terms) == 11
    assert {term.name for term in terms if term.lazy} == {"r1", "r2", "path_length"}


def test_an_auxiliary_classifier_has_its_weight_and_is_gone_without_classes(tiny_recipe):
    recipe = tiny_recipe.replace(family="mlp", condition="auxiliary", auxiliary=0.5)
    plugs = build_gan(recipe, SHAPE, (3,)).plugs
    assert [term.weight for term in (*plugs.d_terms, *plugs.g_terms)] == [0.5, 0.5]
    assert plugged(build_gan(recipe, SHAPE).plugs) == plugged(NOTHING)


@pytest.mark.parametrize(
    ("changes", "real", "fake"),
    [
        ({"label_smoothing": 0.1}, (0.9, 0.9), (0.0, 0.0)),
        ({"real_labels": (0.7, 1.2)}, (0.7, 1.2), (0.0, 0.0)),
        ({"fake_labels": (0.0, 0.3)}, (1.0, 1.0), (0.0, 0.3)),
        ({"label_smoothing": 0.2, "fake_labels": (0.1, 0.3)}, (0.8, 0.8), (0.1, 0.3)),
        ({"label_flips": 1.0}, (0.0, 0.0), (1.0, 1.0)),
        ({"label_flips": 0.5}, (0.0, 1.0), (0.0, 1.0)),
    ],
)
def test_targets_are_those_of_the_recipe(tiny_recipe, changes, real, fake):
    targets = build_gan(tiny_recipe.replace(family="mlp", **changes), SHAPE).plugs.targets
    for found, (low, high) in zip(targets(rng.key(0, rng.Stream.LABELS, 0), 1000), (real, fake), strict=True):
        assert found.shape == (1000,)
        assert float(tf.reduce_min(found)) == pytest.approx(low, abs=0.01)
        assert float(tf.reduce_max(found)) == pytest.approx(high, abs=0.01)


def test_d_is_clipped_after_its_step(tiny_recipe):
    gan = build_gan(tiny_recipe.replace(family="mlp", weight_clip=0.01), SHAPE)
    (clip,) = gan.plugs.after_d_step
    clip(gan.D)
    assert max(float(tf.reduce_max(tf.abs(weight.value))) for weight in gan.D.trainable_variables) == pytest.approx(
        0.01
    )


def test_the_replay_holds_what_the_recipe_says(tiny_recipe):
    state = build_gan(tiny_recipe.replace(family="mlp", replay_images=9), SHAPE, (3, 2)).plugs.replay.state
    assert {name: tuple(variable.shape) for name, variable in state.items()} == {
        "images": (9, *SHAPE), "classes": (9, 2), "count": (),
    }  # fmt: skip


def test_a_swap_counts_its_kimg_in_steps(tiny_recipe):
    # 4 images of 2 D steps: 8 a step, so 0.08 kimg are 10 steps.
    gan = build_gan(tiny_recipe.replace(family="mlp", d_steps=2, swap="d", swap_every_kimg=0.08, swap_steps=3), SHAPE)
    start = gan.D.get_layer("hidden0").kernel.numpy()
    gan.plugs.past_d.update(tf.constant(3, tf.int64))
    gan.D.get_layer("hidden0").kernel.assign(start + 1.0)
    swapped = []
    for step in range(10, 20):
        past = gan.plugs.past_d.weights(tf.constant(step, tf.int64))["hidden0/kernel"].numpy()
        swapped.append(bool((past == start).all()))
    assert swapped == [True] * 3 + [False] * 7


def test_the_plan_is_in_images_of_all_d_steps(tiny_recipe):
    recipe = tiny_recipe.replace(family="mlp", d_steps=2, pretrain_d_kimg=0.016)
    plan = build_gan(recipe, SHAPE).plugs.plan
    assert plan.turns == (Turn(g=False), Turn())
    found = [int(plan.index(tf.constant(step, tf.int64), tf.constant(8.0 * step))) for step in range(4)]
    assert found == [0, 0, 1, 1]


def test_growing_networks_have_turns_by_level_and_are_told_their_size(tiny_recipe):
    gan = build_gan(tiny_recipe.replace(family="progressive", fade_kimg=0.1), (16, 16, 1))
    assert [turn.level for turn in gan.plugs.plan.turns] == [0, 1, 2]
    starts = [
        int(gan.plugs.plan.index(tf.constant(0, tf.int64), tf.constant(nimg))) for nimg in (0.0, 99.0, 100.0, 300.0)
    ]
    assert starts == [0, 0, 1, 2]
    (grow,) = gan.plugs.before_step
    grow(tf.constant(150.0))
    assert float(gan.G.get_layer("growth").grown) == float(gan.D.get_layer("growth").grown) == pytest.approx(0.5)


def test_penalties_in_mixed_precision_see_d_as_it_has_grown(tiny_recipe):
    gan = build_gan(tiny_recipe.replace(family="progressive", fade_kimg=0.1, precision="mixed_bfloat16"), (8, 8, 1))
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1)), tf.float32)
    judge = without_updates(gan.D_float32, weights_of=gan.D)
    small = judge(images)["logits"].numpy()
    (grow,) = gan.plugs.before_step
    grow(tf.constant(150.0))
    grown = judge(images)["logits"].numpy()
    assert (grown != small).all()
    gan.D_float32.set_weights(gan.D.get_weights())
    progressive.set_growth(gan.D_float32, tf.constant(0.5))
    np.testing.assert_allclose(gan.D_float32(images, training=True)["logits"], grown, rtol=1e-5)


# Optimisation


def test_the_optimizers_are_those_of_the_recipe(tiny_recipe):
    gan = build_gan(
        tiny_recipe.replace(
            family="mlp", g_optimizer="adam", d_optimizer="rmsprop", g_lr=0.1, d_lr=0.3, beta1=0.25, beta2=0.75
        ),
        SHAPE,
    )  # fmt: skip
    assert isinstance(gan.g_optimizer, keras.optimizers.Adam)
    assert isinstance(gan.d_optimizer, keras.optimizers.RMSprop)
    assert (gan.g_optimizer.beta_1, gan.g_optimizer.beta_2, gan.d_optimizer.rho) == (0.25, 0.75, 0.75)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(0.1)
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(0.3)
    sgd = build_gan(tiny_recipe.replace(family="mlp", g_optimizer="sgd", beta1=0.25), SHAPE).g_optimizer
    assert isinstance(sgd, keras.optimizers.SGD)
    assert sgd.momentum == 0.25


@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_the_objective_is_the_recipe_s(tiny_recipe, loss):
    gan = build_gan(tiny_recipe.replace(family="mlp", loss=loss, d_steps=3), SHAPE)
    assert gan.adversarial == LOSSES[loss]
    assert gan.d_steps == 3
    assert plugged(gan.plugs) == plugged(NOTHING)


def test_the_rest_of_the_recipe_reaches_the_gan(tiny_recipe):
    gan = build_gan(
        tiny_recipe.replace(
            family="mlp", kimg=2.5, ema_halflife_kimg=3.0, ema_rampup=0.5, z_prior="uniform", seed=9,
            lr_schedule="cosine", lr_hold=0.0, lr_warmup_kimg=1.0, feature_matching=1.0, g_adversarial=0.25,
        ),
        SHAPE,
    )  # fmt: skip
    assert (gan.total_img, gan.ema_halflife_kimg, gan.ema_rampup) == (2500.0, 3.0, 0.5)
    assert (gan.z_dim, gan.z_prior, gan.seed, gan.g_adversarial) == (4, "uniform", 9, 0.25)
    assert float(gan.lr_factor(progress=tf.constant(0.5), nimg=tf.constant(500.0))) == pytest.approx(0.25)


def test_a_recipe_is_jitted_exactly_if_it_says_so(tiny_recipe):
    for jit in (False, True):
        gan = build_gan(tiny_recipe.replace(family="mlp", jit=jit, r1_gamma=1.0, lazy_every=2), SHAPE)
        turns = list(gan._turns.values())
        assert len(turns) == 2
        assert [hasattr(turn, "get_concrete_function") for turn in turns] == [jit] * 2
        # Keras must not jit the whole once more.
        assert not gan.jit_compile


def test_an_unlimited_run_has_no_total(tiny_recipe):
    assert build_gan(tiny_recipe.replace(family="mlp", minutes=1), SHAPE).total_img is None


def test_an_augmentation_that_data_decides_is_not_built(tiny_recipe):
    with pytest.raises(RecipeError, match="augment=auto is decided by the number of pictures"):
        build_gan(tiny_recipe.replace(family="mlp", augment="auto"), SHAPE)
