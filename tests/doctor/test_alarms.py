"""Each alarm on ticks written by hand, on both sides of its threshold."""

import math

import pytest

from tfgan_kit.doctor.alarms import ALARMS
from tfgan_kit.doctor.examine import Examination
from tfgan_kit.recipe import LOSSES, Recipe

RECIPE = Recipe(kimg=100, watch_from_kimg=0.0)
# A run of which nothing is wrong.
WELL = {
    "d_loss": 1.2, "g_loss": 0.9, "d_loss_deviation": 0.1, "d_accuracy": 0.7, "d_grad_norm": 2.0, "g_grad_norm": 1.0,
    "lr_factor": 1.0, "fake_contrast": 1.0, "fake_grey": 1.0, "fake_variety": 0.9, "fake_nearest": 0.9,
    "fake_change": 0.2, "fake_class_variety": 0.8, "fake_class": 3.0,
}  # fmt: skip
FLOAT16, ADA = {"precision": "mixed_float16"}, {"augment": "ada"}
# alarm -> what the recipe needs, figures of a sick tick, and of one just well.
BOTH_SIDES = {
    "D's loss near 0": ({}, {"d_loss": 0.027}, {"d_loss": 0.028}),
    "D's accuracy near 1": ({}, {"d_accuracy": 0.991}, {"d_accuracy": 0.99}),
    "D's accuracy near 0": ({}, {"d_accuracy": 0.009}, {"d_accuracy": 0.011}),
    "D only guesses": ({}, {"d_accuracy": 0.519}, {"d_accuracy": 0.521}),
    "D's gradients": ({}, {"d_grad_norm": 101.0}, {"d_grad_norm": 100.0}),
    "G's gradients": ({}, {"g_grad_norm": 101.0}, {"g_grad_norm": 100.0}),
    "D's gradients explode": ({}, {"d_grad_norm": 1001.0}, {"d_grad_norm": 1000.0}),
    "G's gradients explode": ({}, {"g_grad_norm": math.inf}, {"g_grad_norm": 1000.0}),
    "D's loss jumps": ({}, {"d_loss_deviation": 2.08}, {"d_loss_deviation": 2.07}),
    "flat samples": ({}, {"fake_contrast": 0.049}, {"fake_contrast": 0.05}),
    "saturated samples": ({}, {"fake_grey": 0.019}, {"fake_grey": 0.02}),
    "samples alike": ({}, {"fake_variety": 0.049}, {"fake_variety": 0.05}),
    "a class alike": ({}, {"fake_class_variety": 0.049}, {"fake_class_variety": 0.05}),
    "loss scale": (FLOAT16, {"d_loss_scale": 1024.0, "g_loss_scale": 63.0}, {"g_loss_scale": 64.0}),
    "augmentation": (ADA, {"ada_p": 0.75}, {"ada_p": 0.74}),
}
FOR_NOTHING = "G's loss falls for nothing"


def ticks(figures, count, start=0):
    """`count` ticks of a kimg each; figures may be functions of the tick's number, from 0 on."""
    return [
        {"step": 10 * (start + i + 1), "nimg": 1000 * (start + i + 1)}
        | {name: value(i) if callable(value) else value for name, value in (WELL | figures).items()}
        for i in range(count)
    ]


def raised(recipe, lines):
    return {finding.alarm: finding for finding in Examination(recipe, lines).findings}


def test_every_alarm_is_here():
    assert {alarm.name for alarm in ALARMS} == BOTH_SIDES.keys() | {FOR_NOTHING}
    assert len({alarm.name for alarm in ALARMS}) == len(ALARMS)


def test_a_run_that_is_well_raises_nothing():
    assert not raised(RECIPE, ticks({}, 20))


@pytest.mark.parametrize("name", BOTH_SIDES)
def test_an_alarm_is_raised_beyond_its_threshold_and_not_at_it(name):
    changes, sick, well = BOTH_SIDES[name]
    recipe = RECIPE.replace(**changes)
    needed = next(alarm for alarm in ALARMS if alarm.name == name).ticks(recipe)
    found = raised(recipe, ticks(sick, needed))
    assert name in found
    assert found[name].since_nimg == 0
    assert found[name].told_nimg == 1000 * needed
    assert found[name].until_nimg is None
    assert name not in raised(recipe, ticks(well, 10))
    # One tick fewer is not enough.
    assert name not in raised(recipe, ticks(sick, needed - 1))


@pytest.mark.parametrize("name", BOTH_SIDES)
def test_one_alarm_does_not_raise_another(name):
    changes, sick, _ = BOTH_SIDES[name]
    # The figures that others read are those of a run that is well; what explodes is large too.
    beside = {name.removesuffix(" explode")} if name.endswith(" explode") else set()
    assert set(raised(RECIPE.replace(**changes), ticks(sick, 5))) == {name} | beside


def test_samples_that_repeat_a_few_pictures_are_alike_too():
    assert "samples alike" in raised(RECIPE, ticks({"fake_nearest": 0.09}, 3))
    assert "samples alike" not in raised(RECIPE, ticks({"fake_nearest": 0.1}, 3))


def falling(**changes):
    return ticks({"g_loss": lambda i: 0.9 - 0.05 * i, "fake_change": 0.001} | changes, 4)


def test_a_loss_that_falls_for_nothing():
    (finding,) = raised(RECIPE, falling()).values()
    assert finding.alarm == FOR_NOTHING
    # From the tick on that the first of the falls is measured against.
    assert finding.since_nimg == 1000
    assert "0.9 to 0.75" in finding.evidence


@pytest.mark.parametrize(
    "changes",
    [
        {"fake_change": 0.01},  # samples change
        {"g_loss": lambda i: 0.9 - 0.02 * i},  # not by enough
        {"g_loss": lambda i: [0.9, 0.8, 0.85, 0.7][i]},  # not steadily
        {"lr_factor": 0.09},  # nothing can change any more
    ],
)
def test_a_loss_that_falls_for_a_reason(changes):
    assert not raised(RECIPE, falling(**changes))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_that_is_near_0_is_a_share_of_the_undecided_one(loss):
    recipe = RECIPE.replace(loss=loss)
    undecided = {
        "minimax": 2 * math.log(2), "nonsaturating": 2 * math.log(2), "half_cross_entropy": math.log(2),
        "least_squares": 0.25, "hinge": 2.0, "wasserstein": None, "relativistic": math.log(2),
        "relativistic_average": 2 * math.log(2),
    }[loss]  # fmt: skip
    name = "D's loss near 0"
    if undecided is None:
        assert name not in raised(recipe, ticks({"d_loss": 0.0}, 5))
        assert "no value" in Examination(recipe).left_out()[name]
    else:
        assert name in raised(recipe, ticks({"d_loss": 0.0199 * undecided}, 5))
        assert name not in raised(recipe, ticks({"d_loss": 0.0201 * undecided}, 5))


def test_a_critic_may_order_all_its_pairs():
    recipe = RECIPE.replace(loss="wasserstein")
    assert not raised(recipe, ticks({"d_accuracy": 1.0, "d_loss": -20.0, "g_loss": 5.0, "d_loss_deviation": 8.0}, 9))


def test_a_d_that_guesses_later_is_no_d_that_only_guesses():
    lines = [*ticks({"d_accuracy": 0.6}, 1), *ticks({"d_accuracy": 0.5}, 9, start=1)]
    assert not raised(RECIPE, lines)


def test_a_d_that_is_trained_alone_is_meant_to_win():
    sick = {"d_loss": 0.001, "d_accuracy": 1.0}
    assert not raised(RECIPE.replace(alternate_kimg=(2.0, 2.0)), ticks(sick, 9))
    found = raised(RECIPE.replace(pretrain_d_kimg=4.0), ticks(sick, 9))
    assert found["D's loss near 0"].since_nimg == 4000


@pytest.mark.parametrize(
    ("field", "off", "figures"),
    [
        ("watch_d_loss", 0.0, {"d_loss": 0.0}),
        ("watch_accuracy", 1.0, {"d_accuracy": 1.0}),
        ("watch_chance", 0.0, {"d_accuracy": 0.5}),
        ("watch_grad_norm", 0.0, {"d_grad_norm": 1e9, "g_grad_norm": 1e9}),
        ("watch_deviation", 0.0, {"d_loss_deviation": 1e9}),
        ("watch_contrast", 0.0, {"fake_contrast": 0.0}),
        ("watch_grey", 0.0, {"fake_grey": 0.0}),
        ("watch_variety", 0.0, {"fake_variety": 0.0, "fake_class_variety": 0.0}),
    ],
)
def test_a_threshold_at_its_end_leaves_the_alarm_out(field, off, figures):
    recipe = RECIPE.replace(**{field: off})
    assert raised(RECIPE, ticks(figures, 5))
    assert not raised(recipe, ticks(figures, 5))
    assert any(field in why for why in Examination(recipe).left_out().values())


def test_how_a_run_begins_is_not_judged_but_for_what_explodes():
    sick = {"fake_contrast": 0.0, "d_grad_norm": 2000.0}
    found = raised(RECIPE.replace(watch_from_kimg=2.5), ticks(sick, 8))
    assert {name: (f.since_nimg, f.told_nimg) for name, f in found.items()} == {
        "D's gradients explode": (0, 1000), "flat samples": (3000, 6000), "D's gradients": (3000, 6000),
    }  # fmt: skip


def test_a_threshold_of_the_recipe_is_what_counts():
    assert raised(RECIPE.replace(watch_grad_norm=1.5), ticks({}, 3)).keys() == {"D's gradients"}
    assert raised(RECIPE.replace(watch_ticks=1), ticks({"fake_contrast": 0.0}, 1)).keys() == {"flat samples"}
