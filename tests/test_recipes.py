import pytest

from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe
from tfgan_kit.recipes import DEFAULT, RECIPES, recipe_row


@pytest.mark.parametrize("name", RECIPES)
def test_every_row_holds_a_recipe_and_says_what_it_is(name):
    row = recipe_row(name)
    assert isinstance(row.recipe, Recipe)
    assert row.about
    assert "\n" not in row.about
    assert name == name.lower()


def test_no_two_rows_are_the_same_recipe():
    assert len({row.recipe.digest() for row in RECIPES.values()}) == len(RECIPES)


def test_the_default_is_there():
    assert DEFAULT in RECIPES


def test_an_unknown_recipe_is_refused_with_the_nearest():
    with pytest.raises(RecipeError, match="unknown recipe 'mnits': did you mean 'mnist'"):
        recipe_row("mnits")
