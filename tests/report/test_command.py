"""The command of a run, read back as `tfgan train` reads it."""

import shlex

import pytest

from tfgan_kit.recipe import Recipe, parse_assignment, parse_resolution
from tfgan_kit.recipes import DEFAULT, RECIPES
from tfgan_kit.report.command import changes, command_of, public


def read_back(command: str) -> Recipe:
    """The recipe that a command line stands for, before the data fills anything in."""
    words = shlex.split(command)
    assert words[:2] == ["tfgan", "train"]
    found = {}
    for option, value in zip(words[3::2], words[4::2], strict=True):
        if option == "--set":
            found |= [parse_assignment(value)]
        elif option == "--resolution":
            found["resolution"] = parse_resolution(value)
        else:
            found |= [parse_assignment(f"{option.removeprefix('--')}={value}")]
    return RECIPES[words[2]].recipe.replace(**found)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("mnist", {"kimg": 12.0}),
        ("mnist", {"conditional": False, "resolution": (64, 48), "channels": 3, "data": "folder:/a b/$(x)'s#label"}),
        ("pictures", {"data": "tfds:cycle_gan/horse2zebra@trainA", "minutes": 0.1, "seed": 7, "mirror": False}),
        ("mlp-mnist", {"d_hidden": (), "g_hidden": (7, 8), "alternate_kimg": (1.25, 2.0)}),
        ("r3gan-mnist", {"g_lr": 0.000123456789, "extractor": "pixels", "real_labels": (0.7, 1.2)}),
        ("a name that is not there", {"family": "mlp", "kimg": 3.0}),
    ],
)
def test_a_command_gives_the_recipe_again(name, fields):
    base = RECIPES.get(name, RECIPES[DEFAULT]).recipe
    recipe = base.replace(**fields)
    assert read_back(command_of(recipe, name)) == recipe


def test_a_field_that_was_set_and_is_none_now_is_said():
    # No recipe of the kit has such a pair: one is put in its place.
    recipe = RECIPES["mnist"].recipe.replace(conditional=None, resolution=(28, 28), channels=1)
    assert command_of(recipe, "mnist") == "tfgan train mnist"
    alternating = [name for name, row in RECIPES.items() if row.recipe.alternate_kimg is not None]
    for name in alternating:
        recipe = RECIPES[name].recipe.replace(alternate_kimg=None)
        assert read_back(command_of(recipe, name)) == recipe
    assert alternating


def test_what_mnist_decides_is_left_to_it():
    recipe = RECIPES["mnist"].recipe.replace(conditional=True, resolution=(28, 28), channels=1)
    assert command_of(recipe, "mnist") == "tfgan train mnist"
    assert changes(recipe, "mnist") == {}


def test_classes_that_were_not_used_are_a_difference():
    recipe = RECIPES["mnist"].recipe.replace(conditional=False)
    assert command_of(recipe, "mnist") == "tfgan train mnist --set conditional=false"
    assert changes(recipe, "mnist") == {"conditional": (None, False)}


def test_an_unknown_recipe_has_no_changes():
    assert changes(RECIPES["mnist"].recipe, "mine") == {}


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("folder:/home/me/pets#kind,age", "folder:pets#kind,age"),
        ("npz:C:\\Users\\me\\x.npz", "npz:x.npz"),
        ("folder:pets", "folder:pets"),
        ("tfds:cycle_gan/horse2zebra@trainA", "tfds:cycle_gan/horse2zebra@trainA"),
        ("mnist", "mnist"),
    ],
)
def test_folders_are_not_published(data, shown):
    assert public(data) == shown
    recipe = RECIPES["pictures"].recipe.replace(data=data)
    assert shlex.split(command_of(recipe, "pictures", published=True))[3:5] == ["--data", shown]
