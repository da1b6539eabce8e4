import json

import pytest

from tfgan_kit.build import SWITCHES, families_with
from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import FAMILIES, Recipe, field_named
from tfgan_kit.recipes import DEFAULT, FOR_PICTURES, RECIPES, recipe_row


@pytest.mark.parametrize("name", RECIPES)
def test_every_row_holds_a_recipe_and_says_what_it_is(name):
    row = recipe_row(name)
    assert isinstance(row.recipe, Recipe)
    assert row.about
    assert row.source
    assert row.command.startswith(f"tfgan train {name}")
    assert "\n" not in row.about
    assert name == name.lower()


def test_no_two_rows_are_the_same_recipe():
    assert len({row.recipe.digest() for row in RECIPES.values()}) == len(RECIPES)


def test_the_defaults_are_there():
    assert DEFAULT in RECIPES
    assert FOR_PICTURES in RECIPES
    assert RECIPES[DEFAULT].recipe.data == "mnist"


def test_every_family_has_a_recipe():
    assert {row.recipe.family for row in RECIPES.values()} == set(FAMILIES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_its_json(name):
    recipe = recipe_row(name).recipe
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_sets_no_switch_that_its_family_ignores(name):
    recipe = recipe_row(name).recipe
    for switch in SWITCHES:
        if recipe.family not in families_with(switch):
            assert getattr(recipe, switch) == field_named(switch).default, switch


def test_an_unknown_recipe_is_refused_with_the_nearest():
    with pytest.raises(RecipeError, match="unknown recipe 'mnits': did you mean 'mnist'"):
        recipe_row("mnits")


def test_a_data_source_in_place_of_a_recipe_is_said():
    with pytest.raises(RecipeError, match="a data source is given as --data folder:my-pictures"):
        recipe_row("folder:my-pictures")
