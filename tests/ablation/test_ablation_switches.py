"""Switches: what they are called, what they are toggled to, and what is refused before anything is trained."""

import dataclasses

import pytest

from tfgan_kit.ablation.budget import check_budget
from tfgan_kit.ablation.switches import ON, parse_switch, parse_switches
from tfgan_kit.ablation.tips import TIPS, tip_switches
from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe
from tfgan_kit.recipes import RECIPES, recipe_row

PLAIN = Recipe(kimg=20, conditional=False)


def test_a_field_without_a_value_goes_on_where_it_is_off_and_off_where_it_is_on():
    assert parse_switch("label_flips", PLAIN).changes == {"label_flips": 0.05}
    assert parse_switch("label_flips", PLAIN.replace(label_flips=0.3)).changes == {"label_flips": 0.0}
    assert parse_switch("mirror", PLAIN).changes == {"mirror": True}
    assert parse_switch("mirror", PLAIN.replace(mirror=True)).changes == {"mirror": False}


@pytest.mark.parametrize(("own", "toggled"), [(False, True), (None, False), (True, False)])
def test_conditional_of_none_is_true(own, toggled):
    assert parse_switch("conditional", PLAIN.replace(conditional=own)).changes == {"conditional": toggled}


def test_values_are_read_as_of_set():
    assert parse_switch("real_labels=0.7,1.2", PLAIN).changes == {"real_labels": (0.7, 1.2)}
    assert parse_switch("g_lr=1e+0", PLAIN).changes == {"g_lr": 1.0}


def test_several_fields_at_once_are_one_switch():
    switch = parse_switch("d_optimizer=sgd+d_lr=0.02", PLAIN)
    assert switch.changes == {"d_optimizer": "sgd", "d_lr": 0.02}
    assert switch.name == "d_optimizer=sgd+d_lr=0.02"


def test_a_name_says_the_values_and_reads_back():
    for text in ("label_flips", "swap", "real_labels=0.7,1.2+fake_labels=0,0.3", "g_dropout", "alternate_kimg=2,3"):
        switch = parse_switch(text, PLAIN)
        assert parse_switch(switch.name, PLAIN).changes == switch.changes


def test_what_depends_on_the_length_fits_into_it():
    assert parse_switch("swap", PLAIN).changes["swap_every_kimg"] == 4.0
    assert parse_switch("alternate_kimg", PLAIN.replace(kimg=100)).changes == {"alternate_kimg": (5.0, 5.0)}
    assert parse_switch("pretrain_d_kimg", PLAIN.replace(minutes=1)).changes == {"pretrain_d_kimg": 1.0}


@pytest.mark.parametrize("name", ON)
def test_every_on_value_is_legal_and_is_no_default(name):
    recipe = Recipe(kimg=40)
    assert getattr(parse_switch(name, recipe).apply(recipe), name) != getattr(recipe, name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("label_flip", "did you mean 'label_flips'"),
        ("label_flips=lots", "must be a number"),
        ("label_flips=2", "at most 1"),
        ("g_width", "--switch g_width=VALUE"),
        ("seed", "no switch"),
        ("kimg=3", "no switch"),
        ("loss=nonsaturating", "changes nothing"),
        ("weight_clip=0.1+d_spectral_norm=true", "contradict each other"),
        ("swap=d", "swap_every_kimg=20"),
    ],
)
def test_what_is_no_switch_is_refused(text, words):
    with pytest.raises(RecipeError, match=words):
        parse_switches([text], PLAIN)


def test_a_switch_that_is_named_twice_is_there_once():
    assert len(parse_switches(["label_flips", "label_flips=0.05"], PLAIN)) == 1


def test_there_are_17_tips_and_each_has_switches_or_says_why_not():
    assert list(TIPS) == list(range(1, 18))
    assert all(bool(tip.switches) != bool(tip.instead) for tip in TIPS.values())


def test_all_tips_apply_to_dcgan_mnist():
    recipe = recipe_row("dcgan-mnist").recipe.replace(kimg=20)
    switches, notes = tip_switches(recipe)
    assert {switch.tip for switch in switches} == {number for number, tip in TIPS.items() if tip.switches}
    assert len(notes) == sum(bool(tip.instead) for tip in TIPS.values())
    assert all(switch.apply(recipe) != recipe for switch in switches)


@pytest.mark.parametrize("name", RECIPES)
def test_tips_that_a_recipe_refuses_are_left_out_with_a_reason(name):
    switches, notes = tip_switches(RECIPES[name].recipe)
    assert switches
    shown = len({switch.name for switch in switches})
    wanted = sum(len(tip.switches) for tip in TIPS.values())
    assert shown + sum("left out" in note for note in notes) == wanted


def test_a_budget_that_no_preview_fits_into_is_refused():
    recipe = dataclasses.replace(PLAIN, tick_kimg=4.0, preview_ticks=2, kimg=8.0)
    check_budget(recipe)
    with pytest.raises(RecipeError, match=r"7\.9 kimg is too short for one preview, which comes after 8 kimg"):
        check_budget(dataclasses.replace(recipe, kimg=7.9))
    check_budget(recipe.replace(minutes=0.01))
