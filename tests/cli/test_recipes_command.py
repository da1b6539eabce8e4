import dataclasses

import pytest
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe
from tfgan_kit.recipes import RECIPES

WIDE = {"COLUMNS": "400"}


def test_every_recipe_is_listed_with_what_was_measured():
    shown = CliRunner().invoke(app, ["recipes"], env=WIDE)
    assert shown.exit_code == 0
    for name, row in RECIPES.items():
        assert name in shown.stdout
        assert row.about in shown.stdout
        assert row.source in shown.stdout
        assert row.result in shown.stdout


def test_a_narrow_terminal_gets_a_list_that_can_be_read():
    shown = CliRunner().invoke(app, ["recipes"], env={"COLUMNS": "80"}).stdout
    assert shown.count("\n") < 4 * len(RECIPES)
    assert "need a wider terminal" in " ".join(shown.split())
    assert "…" not in shown


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_shown_with_every_field_and_its_meaning(name):
    shown = CliRunner().invoke(app, ["recipes", name], env=WIDE)
    assert shown.exit_code == 0
    for field in dataclasses.fields(Recipe):
        assert field.name in shown.stdout
        assert field.metadata["doc"] in shown.stdout


def test_an_unknown_recipe_is_named_with_the_nearest():
    result = CliRunner().invoke(app, ["recipes", "mnst"])
    assert isinstance(result.exception, RecipeError)
    assert "did you mean 'mnist'?" in str(result.exception)
