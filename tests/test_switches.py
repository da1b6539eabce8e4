"""Every switch of the recipe: it changes what is computed, keeps to finite numbers, and a restart changes nothing."""

import inspect
import re
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import build
from tfgan_kit.build import build_gan
from tfgan_kit.calling import inputs_of, noise_dim
from tfgan_kit.recipe import LOSSES, Recipe
from tfgan_kit.training.state import numpy_state, restore

SHAPE = (8, 8, 1)
BOTH = ((), (3, 2))
LABELLED = ((3, 2),)
POOL = np.random.default_rng(0).integers(0, 256, (64, *SHAPE), np.uint8)
LABELS = np.stack([np.arange(64) % 3, np.arange(64) // 3 % 2], axis=1).astype(np.int32)


class Switch(NamedTuple):
    """A change of the recipe, and against what it is one.

    Attributes:
        on: the fields that the row is about.
        base: what they need to have a meaning, on both sides.
        classes: of the data; one run for each.
        half: steps before the restart, and again after it.
    """

    on: dict
    base: dict = {}  # noqa: RUF012
    classes: tuple = ((),)
    half: int = 1


# A step of 4 images is 0.004 kimg.
DCGAN = {"family": "dcgan"}
ADA = {"augment": "ada", "ada_kimg": 0.004, "ada_target": -1.0, "d_steps": 2}
SWAP = {"swap": "both", "swap_every_kimg": 0.012, "swap_steps": 1}
AUXILIARY = {"condition": "auxiliary"}
TABLE = {
    # Networks
    "g_norm": Switch({"g_norm": "group"}),
    "g_norm none": Switch({"g_norm": "none"}, half=2),
    "g_norm instance": Switch({"g_norm": "instance"}, DCGAN),
    "g_norm pixel": Switch({"g_norm": "pixel"}),
    "g_leak": Switch({"g_leak": 0.3}),
    "g_up": Switch({"g_up": "pixel_shuffle"}, DCGAN),
    "g_up resize": Switch({"g_up": "resize"}, DCGAN),
    "g_spectral_norm": Switch({"g_spectral_norm": True}),
    "g_spectral_norm of maps": Switch({"g_spectral_norm": True}, DCGAN | {"g_attention_px": 4}),
    "g_attention_px": Switch({"g_attention_px": 4}, DCGAN),
    "g_noise": Switch({"g_noise": 0.5}),
    "g_dropout": Switch({"g_dropout": 0.5}),
    "g_random_in_use": Switch({"g_random_in_use": True}, {"g_noise": 0.5}),
    "d_norm": Switch({"d_norm": "batch"}, {"d_hidden": (8, 8)}),
    "d_leak": Switch({"d_leak": 0.0}),
    "d_down": Switch({"d_down": "average_pool"}, DCGAN),
    "d_spectral_norm": Switch({"d_spectral_norm": True}, classes=BOTH, half=2),
    "d_spectral_norm of maps": Switch({"d_spectral_norm": True}, DCGAN | {"d_attention_px": 4}),
    "d_attention_px": Switch({"d_attention_px": 4}, DCGAN),
    "d_dropout": Switch({"d_dropout": 0.5}),
    "d_minibatch": Switch({"d_minibatch": "discrimination"}),
    "d_minibatch stddev": Switch({"d_minibatch": "stddev"}, DCGAN, half=2),
    "init": Switch({"init": "orthogonal"}),
    "condition": Switch(AUXILIARY, classes=LABELLED),
    "family style": Switch({"family": "style"}, {"g_mapping": 1}, classes=LABELLED),
    "fade_kimg": Switch({"fade_kimg": 0.006}, {"family": "progressive", "fade_kimg": 0.004}, half=2),
    # Objective
    **{f"loss {loss}": Switch({"loss": loss}) for loss in LOSSES if loss != "nonsaturating"},
    "g_adversarial": Switch({"g_adversarial": 0.5}, {"feature_matching": 1.0}),
    "feature_matching": Switch({"feature_matching": 1.0}),
    "auxiliary": Switch({"auxiliary": 0.5}, AUXILIARY, classes=LABELLED),
    "r1_gamma": Switch({"r1_gamma": 1.0}, classes=BOTH),
    "r2_gamma": Switch({"r2_gamma": 1.0}),
    "gp_lambda": Switch({"gp_lambda": 10.0}, classes=BOTH),
    "dragan_lambda": Switch({"dragan_lambda": 10.0}),
    "drift_lambda": Switch({"drift_lambda": 1.0}),
    "path_lambda": Switch({"path_lambda": 2.0}, half=2),
    "lazy_every": Switch({"lazy_every": 3}, {"r1_gamma": 1.0, "r2_gamma": 1.0, "path_lambda": 2.0}, half=2),
    "lecam_lambda": Switch({"lecam_lambda": 0.3}, half=2),
    "bcr_lambda": Switch({"bcr_lambda": 10.0}),
    "g_orthogonal": Switch({"g_orthogonal": 0.1}),
    "d_orthogonal": Switch({"d_orthogonal": 0.1}),
    "weight_clip": Switch({"weight_clip": 0.01}),
    # Small data
    "augment": Switch({"augment": "diffaugment"}),
    "augment_ops": Switch({"augment_ops": "geometry"}, {"augment": "diffaugment"}),
    "augment ada": Switch(ADA, {"d_steps": 2}, half=2),
    "ada_target": Switch({"ada_target": 1.0}, ADA, half=2),
    "ada_kimg": Switch({"ada_kimg": 0.05}, ADA, half=2),
    "ada_max": Switch({"ada_max": 0.3}, ADA, half=2),
    # Stabilisers
    "d_steps": Switch({"d_steps": 2}),
    "pretrain_d_kimg": Switch({"pretrain_d_kimg": 0.012}, half=2),
    "alternate_kimg": Switch({"alternate_kimg": (0.004, 0.008)}, half=2),
    "label_smoothing": Switch({"label_smoothing": 0.1}),
    "real_labels": Switch({"real_labels": (0.7, 1.2)}),
    "fake_labels": Switch({"fake_labels": (0.0, 0.3)}),
    "label_flips": Switch({"label_flips": 0.3}),
    "instance_noise": Switch({"instance_noise": 0.1}),
    "instance_noise_until": Switch({"instance_noise_until": 0.01}, {"instance_noise": 0.1}),
    "replay_images": Switch({"replay_images": 6}, classes=BOTH, half=2),
    "replay_share": Switch({"replay_share": 0.25}, {"replay_images": 6}, half=2),
    "swap": Switch(SWAP, half=2),
    "swap g": Switch(SWAP | {"swap": "g"}, half=2),
    "swap d": Switch(SWAP | {"swap": "d"}, half=2),
    "swap_every_kimg": Switch({"swap_every_kimg": 0.008}, SWAP, half=2),
    "swap_steps": Switch({"swap_steps": 2}, SWAP, half=2),
    "historical_averaging": Switch({"historical_averaging": 1.0}, half=2),
}  # fmt: skip
# What can be on at once.
EVERYTHING = {
    "d_hidden": (8, 8), "g_noise": 0.1, "g_dropout": 0.2, "d_dropout": 0.2, "d_norm": "batch",
    "d_minibatch": "discrimination", "feature_matching": 0.1, "r1_gamma": 1.0, "r2_gamma": 1.0, "dragan_lambda": 1.0,
    "drift_lambda": 0.1, "path_lambda": 1.0, "lecam_lambda": 0.1, "bcr_lambda": 1.0, "g_orthogonal": 0.01,
    "d_orthogonal": 0.01, "g_spectral_norm": True, "d_spectral_norm": True, "instance_noise": 0.1,
    "real_labels": (0.7, 1.2), "fake_labels": (0.0, 0.3), "label_flips": 0.1, "replay_images": 6,
    "historical_averaging": 0.1, **SWAP, **(ADA | {"d_steps": 1}),
}  # fmt: skip
# One row a field is for every day.
VARIANTS = {
    "g_norm none", "g_norm instance", "g_norm pixel", "g_up resize", "g_spectral_norm of maps",
    "d_spectral_norm of maps", "d_minibatch stddev", "swap g", "swap d",
    *(f"loss {loss}" for loss in LOSSES if loss != "relativistic_average"),
}  # fmt: skip
ROWS = [
    pytest.param(
        name,
        classes,
        id=f"{name} {classes or ''}".strip().replace(" ", "-"),
        marks=[pytest.mark.slow] * (name in VARIANTS),
    )
    for name, row in TABLE.items()
    for classes in row.classes
]


def section(title):
    """The fields of one section of the recipe, which its comments name."""
    source = inspect.getsource(Recipe)
    (body,) = re.findall(rf"^    # {title}\n(.*?)(?:\n\n|\Z)", source, flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"^    (\w+): ", body, flags=re.MULTILINE))


def test_the_table_knows_every_switch():
    known = {field for row in TABLE.values() for field in row.on}
    wanted = {*build.SWITCHES, "condition", "g_random_in_use", "fade_kimg"}
    wanted |= section("Objective") | section("Small data") | section("Stabilisers")
    assert len(wanted) > 50
    assert not wanted - known
    assert not known - vars(Recipe(kimg=1)).keys()


@pytest.fixture(scope="module")
def make(tiny_recipe):
    def make(changes, classes=(), jit=False):
        base = tiny_recipe.replace(family="mlp", kimg=0.064, jit=jit, ema_halflife_kimg=0.01)
        return build_gan(base.replace(**changes), SHAPE, classes)

    return make


def batch(gan, step):
    """The data of a step."""
    n = 4 * gan.d_steps
    rows = (np.arange(n) + step * n) % len(POOL)
    return (tf.constant(POOL[rows]), tf.constant(LABELS[rows])) if gan.conditional else tf.constant(POOL[rows])


def train(gan, steps):
    """So many more steps; the statistics, as they are afterwards."""
    stats = {}
    for _ in range(steps):
        stats = gan.train_step(batch(gan, int(gan.step)))
    return {name: float(value) for name, value in stats.items()}


def copied(gan):
    return {name: array.copy() for name, array in numpy_state(gan).items()}


def pictures(gan):
    """Of the average, for given inputs."""
    drawn = np.random.default_rng(1).normal(size=(3, gan.z_dim + noise_dim(gan.G_ema))).astype(np.float32)
    z, noise = drawn[:, : gan.z_dim], drawn[:, gan.z_dim :]
    c = tf.constant(LABELS[:3]) if gan.conditional else None
    return gan(inputs_of(tf.constant(z), c, tf.constant(noise) if noise.size else None)).numpy()


def assert_bit_equal(found, expected):
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def differ(one, other):
    """Whether any weight that both have, or any picture, differs."""
    shared = {name for name in one.keys() & other.keys() if name.startswith(("G/", "D/", "G_ema/", "pictures"))}
    assert shared
    return any(one[name].shape != other[name].shape or (one[name] != other[name]).any() for name in shared)


@pytest.fixture(scope="module")
def plain(make):
    """A function: what some steps come to without the switch. Rows share what they can."""
    found = {}

    def run(changes, classes, steps):
        key = (tuple(sorted(changes.items())), classes, steps)
        if key not in found:
            gan = make(changes, classes)
            train(gan, steps)
            found[key] = copied(gan) | {"pictures": pictures(gan)}
        return found[key]

    return run


@pytest.mark.parametrize(("name", "classes"), ROWS)
def test_a_switch_changes_what_is_computed_and_a_restart_does_not(make, plain, name, classes):
    on, base, _, half = TABLE[name]
    gan, second = (make(base | on, classes) for _ in range(2))
    train(gan, half)
    halfway = copied(gan)
    stats = train(gan, half)
    whole = copied(gan)

    restore(second, halfway)
    train(second, half)
    assert_bit_equal(copied(second), whole)

    assert np.isfinite(list(stats.values())).all(), stats
    assert all(np.isfinite(array).all() for array in whole.values())
    np.testing.assert_array_equal(gan.first_nonfinite, -1)
    shown = pictures(gan)
    assert np.abs(shown).max() <= 1.0
    assert differ(whole | {"pictures": shown}, plain(base, classes, 2 * half))


# Jitted


def assert_jitted_restart(make, changes, classes):
    gan = make(changes, classes, jit=True)
    start = copied(gan)
    train(gan, 2)
    halfway = copied(gan)
    train(gan, 2)
    whole = copied(gan)
    assert all(np.isfinite(array).all() for array in whole.values())
    # To another state and back, so that nothing but the state can carry over.
    restore(gan, start)
    train(gan, 1)
    restore(gan, halfway)
    train(gan, 2)
    assert_bit_equal(copied(gan), whole)
    return whole


def test_what_remembers_is_jitted_and_goes_on_after_a_restart(make):
    remembering = {
        "lecam_lambda": 0.1, "historical_averaging": 0.1, "replay_images": 6, "label_flips": 0.2, "instance_noise": 0.1,
        "d_dropout": 0.2, **SWAP,
    }  # fmt: skip
    assert_jitted_restart(make, remembering, (3, 2))


@pytest.mark.slow
def test_everything_at_once_is_jitted_and_goes_on_after_a_restart(make):
    assert_jitted_restart(make, EVERYTHING, (3, 2))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "classes"), ROWS)
def test_a_jitted_switch_goes_on_after_a_restart(make, name, classes):
    on, base, *_ = TABLE[name]
    assert_jitted_restart(make, base | on, classes)


# The two phases


@pytest.fixture(scope="module", params=[((), "projection"), ((3, 2), "projection"), ((3, 2), "auxiliary")], ids=str)
def everything(request, make):
    """A GAN with all that can be on, after three steps, at the swap of the next."""
    classes, condition = request.param
    gan = make(EVERYTHING | {"condition": condition}, classes)
    stats = train(gan, 3)
    assert np.isfinite(list(stats.values())).all(), stats
    return gan


def of(state, owner):
    return {name: array for name, array in state.items() if name.startswith(f"{owner}/")}


def real(gan):
    data = batch(gan, 3)
    images, c = data if gan.conditional else (data, None)
    return tf.cast(images, tf.float32) / 127.5 - 1.0, c


def test_with_everything_on_a_d_step_leaves_g_bit_equal(everything):
    before = copied(everything)
    everything.d_step(*real(everything))
    after = copied(everything)
    for owner in ("G", "G_ema", "g_optimizer", "g_terms", "past_g"):
        assert_bit_equal(of(after, owner), of(before, owner))
    trained = {f"D/{weight.path}" for weight in everything.D.trainable_variables}
    still = {name for name in trained if (after[name] == before[name]).all()}
    assert not still


def test_with_everything_on_a_g_step_leaves_d_bit_equal(everything):
    before = copied(everything)
    everything.g_step(*real(everything))
    after = copied(everything)
    for owner in ("D", "d_optimizer", "d_terms", "shown", "replay", "past_d"):
        assert_bit_equal(of(after, owner), of(before, owner))
    trained = {f"G/{weight.path}" for weight in everything.G.trainable_variables}
    still = {name for name in trained if (after[name] == before[name]).all()}
    assert not still


def test_everything_has_a_state_by_unique_names(everything):
    state = everything.state()
    assert len({id(variable) for variable in state.values()}) == len(state)
    owners = {name.split("/")[0] for name in state}
    assert owners >= {"G", "D", "G_ema", "d_terms", "g_terms", "shown", "replay", "past_g", "past_d", "step"}


# Past fakes bring their classes


def test_past_fakes_are_shown_with_their_own_classes(make):
    gan = make({"replay_images": 4, "replay_share": 1.0}, (3, 2))
    train(gan, 1)
    remembered = gan.plugs.replay.state["classes"].numpy()
    np.testing.assert_array_equal(remembered, LABELS[:4])
    seen = []
    draw = gan.plugs.replay.draw

    def spy(fake, c, key):
        found = draw(fake, c, key)
        seen.append(found[1].numpy())
        return found

    object.__setattr__(gan.plugs.replay, "draw", spy)
    train(gan, 1)
    rows = {tuple(row) for row in LABELS[:4]}
    assert {tuple(row) for row in seen[0]} <= rows
