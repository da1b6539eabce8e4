import dataclasses
import json
import math

import pytest

from tfgan_kit.errors import RecipeError
from tfgan_kit.fields import type_name
from tfgan_kit.recipe import Recipe, field_named, parse_assignment, parse_resolution

FIELDS = dataclasses.fields(Recipe)
NAMES = [field.name for field in FIELDS]

# A legal value other than the base's, for every field.
OTHER = {
    "data": "folder:x", "resolution": (16, 24), "channels": 3, "fit": "pad", "crop": (8, 12), "mirror": True,
    "conditional": False, "memory_mb": 1, "family": "mlp", "z_dim": 7, "z_prior": "uniform", "g_width": 8,
    "g_max_width": 600,
    "g_start_px": 4, "g_norm": "none", "g_leak": 0.1, "g_hidden": (3, 4), "d_width": 8, "d_max_width": 600,
    "d_end_px": 2, "d_norm": "batch", "d_leak": 0.1, "d_hidden": (3,), "kernel_px": 3, "norm_momentum": 0.5,
    "loss": "hinge", "r1_gamma": 0.25, "r2_gamma": 0.5, "gp_lambda": 10.0, "d_steps": 2, "batch_size": 3,
    "accumulate": 2,
    "g_optimizer": "sgd", "d_optimizer": "rmsprop", "g_lr": 0.1, "d_lr": 0.1, "beta1": 0.0, "beta2": 0.9,
    "lr_schedule": "cosine", "lr_hold": 0.0, "lr_warmup_kimg": 1.0, "ema_halflife_kimg": 1.0, "ema_rampup": 0.1,
    "precision": "mixed_float16", "jit": False, "steps_per_call": 2, "seed": 5, "kimg": 2.0, "minutes": 3.0,
    "evaluate_kimg": 5.0, "evaluate_samples": 50, "extractor": "pixels", "keep_best": "recall",
    "tick_kimg": 1.0, "preview_ticks": 3, "checkpoint_ticks": 3, "checkpoints_kept": 3, "preview_grid": (2, 3),
    "condition": "auxiliary", "init": "he", "g_blocks": 2, "g_mapping": 2, "g_up": "resize", "g_spectral_norm": True,
    "g_attention_px": 8, "g_noise": 0.2, "g_dropout": 0.2, "g_random_in_use": True, "d_blocks": 2,
    "d_down": "average_pool", "d_spectral_norm": True, "d_attention_px": 8, "d_dropout": 0.2, "d_minibatch": "stddev",
    "fade_kimg": 2.0, "g_adversarial": 0.5, "feature_matching": 1.0, "auxiliary": 0.5, "dragan_lambda": 1.0,
    "drift_lambda": 0.001, "path_lambda": 1.0, "lazy_every": 4, "lecam_lambda": 1.0, "bcr_lambda": 1.0,
    "g_orthogonal": 0.1, "d_orthogonal": 0.1, "weight_clip": 0.01, "augment": "ada", "augment_ops": "colour",
    "ada_target": 0.5, "ada_kimg": 5.0, "ada_max": 0.5, "pretrain_d_kimg": 1.0, "alternate_kimg": (2.0, 1.5),
    "label_smoothing": 0.1, "real_labels": (0.7, 1.2), "fake_labels": (0.0, 0.3), "label_flips": 0.05,
    "instance_noise": 0.1, "instance_noise_until": 0.5, "replay_images": 128, "replay_share": 0.25, "swap": "both",
    "swap_every_kimg": 1.0, "swap_steps": 3, "historical_averaging": 0.1,
    "on_failure": "stop", "rollbacks": 1, "watch_ticks": 2, "watch_from_kimg": 1.0, "watch_d_loss": 0.1,
    "watch_accuracy": 0.9, "watch_chance": 0.1, "watch_grad_norm": 9.0, "watch_deviation": 3.0, "watch_g_fall": 0.2,
    "watch_change": 0.1,
    "watch_contrast": 0.1, "watch_grey": 0.1, "watch_variety": 0.1, "watch_nearest": 0.2, "watch_loss_scale": 2.0,
    "watch_ada_p": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def base():
    # With what some of the other values need beside them.
    return Recipe(kimg=100, r1_gamma=1.0, g_noise=0.1)


def changed(base, name):
    return base.replace(**{name: OTHER[name]})


def test_the_table_of_other_values_knows_every_field():
    assert sorted(OTHER) == sorted(NAMES)


@pytest.mark.parametrize("field", FIELDS, ids=NAMES)
def test_every_field_says_what_it_means(field):
    doc = field.metadata["doc"]
    assert len(doc) > 10
    assert not doc.endswith(".")
    assert type_name(field)


@pytest.mark.parametrize("name", NAMES)
def test_every_unit_in_a_name_is_in_the_meaning(name):
    for unit in ("px", "kimg"):
        if name.endswith(f"_{unit}"):
            assert unit in field_named(name).metadata["doc"]


@pytest.mark.parametrize("name", NAMES)
def test_any_field_changes_the_digest_and_shows_as_a_difference(base, name):
    other = changed(base, name)
    assert other.digest() != base.digest()
    differences = base.differences(other)
    assert differences.pop(name) == (getattr(base, name), OTHER[name])
    assert set(differences) <= {"kimg", "minutes"}
    assert not other.differences(other)


@pytest.mark.parametrize("name", NAMES)
def test_json_round_trip(base, name):
    other = changed(base, name)
    again = Recipe.from_json(json.loads(json.dumps(other.to_json())))
    assert again == other
    assert again.digest() == other.digest()


@pytest.mark.parametrize("name", NAMES)
def test_parse_assignment_reads_what_a_value_prints_as(name):
    assert parse_assignment(f"{name}={OTHER[name]}") == (name, OTHER[name])


def test_digest_is_12_hex_digits_and_the_same_in_every_process(base):
    assert int(base.digest(), 16) < 16**12
    assert len(base.digest()) == 12
    assert base.digest() == Recipe(kimg=100.0, r1_gamma=1, g_noise=0.1).digest()


def test_a_recipe_cannot_be_changed_in_place(base):
    with pytest.raises(dataclasses.FrozenInstanceError):
        base.z_dim = 3


def test_whole_numbers_become_floats_where_those_are_due():
    assert type(Recipe(kimg=1).kimg) is float
    assert type(Recipe(kimg=1, r1_gamma=1).r1_gamma) is float


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("r1_gamma=0.5", 0.5),
        ("r1_gamma=1", 1.0),
        (" g_lr = 2e-3 ", 2e-3),
        ("z_dim=64", 64),
        ("mirror=True", True),
        ("mirror=no", False),
        ("jit=0", False),
        ("conditional=none", None),
        ("conditional=yes", True),
        ("resolution=64x48", (64, 48)),
        ("resolution=64", (64, 64)),
        ("resolution=none", None),
        ("preview_grid=8,10", (8, 10)),
        ("g_hidden=[256, 512]", (256, 512)),
        ("d_hidden=7", (7,)),
        ("d_hidden=()", ()),
        ("alternate_kimg=60,30", (60.0, 30.0)),
        ("real_labels=0.7,1.2", (0.7, 1.2)),
        ("real_labels=0.9", (0.9, 0.9)),
        ("channels=3", 3),
        ("minutes=null", None),
        ("data=folder:a=b", "folder:a=b"),
    ],
)
def test_parse_assignment_reads_every_type(text, value):
    name, parsed = parse_assignment(text)
    assert name == text.partition("=")[0].strip()
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("r1_gamma", ["key=value", "'r1_gamma'"]),
        ("r1_gama=1", ["'r1_gama'", "did you mean 'r1_gamma'?"]),
        ("r1_gamma=much", ["r1_gamma", "a number", "'much'"]),
        ("z_dim=1.5", ["z_dim", "a whole number", "'1.5'"]),
        ("z_dim=none", ["z_dim", "a whole number", "'none'"]),
        ("mirror=maybe", ["mirror", "true or false", "'maybe'"]),
        ("channels=x", ["channels", "a whole number or none", "'x'"]),
        ("resolution=8xq", ["resolution", "whole numbers or none", "'8xq'"]),
    ],
)
def test_parse_assignment_refuses_with_the_field_the_value_and_the_type(text, pieces):
    with pytest.raises(RecipeError) as error:
        parse_assignment(text)
    for piece in pieces:
        assert piece in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "pieces"),
    [
        ("loss", "hing", ["loss='hing'", "did you mean 'hinge'?", "wasserstein"]),
        ("precision", "float16", ["precision='float16'", "legal: float32, mixed_bfloat16, mixed_float16"]),
        ("z_prior", "gaussian", ["z_prior='gaussian'", "normal", "spherical"]),
        ("channels", 2, ["channels must be one of 1, 3; got 2"]),
        ("resolution", (3, 64), ["resolution must be at least 4; got 3"]),
        ("resolution", (64, 2048), ["resolution must be at most 1024; got 2048"]),
        ("resolution", (64,), ["resolution must be two whole numbers or none; got (64,)"]),
        ("resolution", (64, 64, 3), ["resolution must be two whole numbers"]),
        ("resolution", 64, ["resolution must be two whole numbers or none; got 64"]),
        ("resolution", (64.0, 64), ["resolution must be two whole numbers or none; got (64.0, 64)"]),
        ("resolution", (True, 64), ["resolution must be two whole numbers"]),
        ("alternate_kimg", (1, 2, 3), ["alternate_kimg must be two numbers or none; got (1.0, 2.0, 3.0)"]),
        ("alternate_kimg", (1.0, "2"), ["alternate_kimg must be two numbers or none"]),
        ("alternate_kimg", (1, 0), ["alternate_kimg must be above 0; got 0.0"]),
        ("real_labels", (1.2, 0.7), ["real_labels must go from lower to higher; got 1.2,0.7"]),
        ("g_hidden", (8, 0), ["g_hidden must be at least 1; got 0"]),
        ("g_hidden", [8], ["g_hidden must be whole numbers; got [8]"]),
        ("z_dim", True, ["z_dim must be a whole number; got True"]),
        ("z_dim", 1.0, ["z_dim must be a whole number; got 1.0"]),
        ("z_dim", "8", ["z_dim must be a whole number; got '8'"]),
        ("z_dim", None, ["z_dim must be a whole number; got None"]),
        ("z_dim", 0, ["z_dim must be at least 1; got 0"]),
        ("mirror", 1, ["mirror must be true or false; got 1"]),
        ("mirror", None, ["mirror must be true or false; got None"]),
        ("conditional", 1, ["conditional must be true or false or none; got 1"]),
        ("g_lr", 0, ["g_lr must be above 0; got 0"]),
        ("g_lr", True, ["g_lr must be a number; got True"]),
        ("g_lr", "1", ["g_lr must be a number; got '1'"]),
        ("g_lr", math.nan, ["g_lr must be a finite number; got nan"]),
        ("r1_gamma", math.inf, ["r1_gamma must be a finite number; got inf"]),
        ("r1_gamma", -0.1, ["r1_gamma must be at least 0; got -0.1"]),
        ("beta1", 1.0, ["beta1 must be at most 0.9999; got 1.0"]),
        ("seed", 2**31, ["seed must be at most 2147483647; got 2147483648"]),
        ("seed", -1, ["seed must be at least 0; got -1"]),
        ("data", 3, ["data must be text; got 3"]),
        ("checkpoints_kept", 1, ["checkpoints_kept must be at least 2; got 1"]),
        ("kimg", 0, ["kimg must be above 0"]),
        ("g_width", 1000, ["g_width must be at most g_max_width; got 1000 and 512"]),
        ("d_max_width", 8, ["d_width must be at most d_max_width; got 64 and 8"]),
    ],
)
def test_an_illegal_value_is_refused_by_its_name_with_what_is_legal(base, name, value, pieces):
    with pytest.raises(RecipeError) as error:
        base.replace(**{name: value})
    for piece in pieces:
        assert piece in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("length", [{}, {"kimg": 1, "minutes": 1}])
def test_the_length_is_exactly_one_of_kimg_and_minutes(length):
    with pytest.raises(RecipeError, match=r"either kimg or minutes; got kimg=.*, minutes=.*set exactly one"):
        Recipe(**length)


def test_setting_one_length_clears_the_other(base):
    by_time = base.replace(minutes=2)
    assert (by_time.kimg, by_time.minutes) == (None, 2.0)
    by_images = by_time.replace(kimg=3)
    assert (by_images.kimg, by_images.minutes) == (3.0, None)
    assert by_images.replace(z_dim=3).kimg == 3.0


def test_replace_refuses_both_lengths_and_no_length(base):
    for changes in ({"kimg": 1, "minutes": 1}, {"kimg": None}):
        with pytest.raises(RecipeError, match="exactly one"):
            base.replace(**changes)


def test_unknown_fields_are_refused_with_the_nearest(base):
    for call in (lambda: base.replace(r1_gama=1), lambda: Recipe.from_json({"kimg": 1, "r1_gama": 1})):
        with pytest.raises(
            RecipeError, match=r"unknown recipe field 'r1_gama': did you mean 'r1_gamma'\? `tfgan recipes mnist`"
        ):
            call()


@pytest.mark.parametrize(
    ("text", "resolution"), [("64", (64, 64)), ("64x48", (64, 48)), ("7X5", (7, 5)), ("100x75", (100, 75))]
)
def test_parse_resolution(text, resolution):
    assert parse_resolution(text) == resolution


@pytest.mark.parametrize("text", ["", "x", "64x", "x64", "64x64x3", "-4", "6.4", "big", "6²", "64 x 64"])
def test_parse_resolution_refuses_with_an_example(text):
    with pytest.raises(RecipeError, match=r"HEIGHTxWIDTH.*64x64; got"):
        parse_resolution(text)
