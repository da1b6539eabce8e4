"""What is proposed is legal: as a value of the field, beside the other fields, and for the family."""

import contextlib

import pytest

from tfgan_kit.build import SWITCHES, families_with
from tfgan_kit.doctor.alarms import ALARMS
from tfgan_kit.doctor.remedies import MOST, legal, more
from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import FAMILIES, LOSSES, Recipe, parse_assignment
from tfgan_kit.recipes import RECIPES

OTHERS = (
    {}, {"precision": "mixed_float16"}, {"augment": "ada"}, {"gp_lambda": 10.0}, {"weight_clip": 0.01},
    {"label_flips": 0.5}, {"r1_gamma": 1.0, "lazy_every": 4}, {"d_minibatch": "discrimination"},
)  # fmt: skip


@pytest.fixture(scope="module")
def recipes():
    """Those of the kit, and one of each family and of each loss with other switches, as far as they go together."""
    found = [row.recipe for row in RECIPES.values()]
    of_families = [{"family": family} | other for family in FAMILIES for other in OTHERS]
    for changes in of_families + [{"loss": loss} | other for loss in LOSSES for other in OTHERS]:
        with contextlib.suppress(RecipeError):
            found.append(Recipe(kimg=100, **changes))
    return found


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_what_is_proposed_is_legal_and_a_change(alarm, recipes):
    families = {name: families_with(name) for name in SWITCHES}
    seen = 0
    for recipe in recipes:
        if alarm.watched(recipe):
            continue
        proposed = legal(recipe, alarm.try_)
        assert 0 < len(proposed) <= MOST, recipe
        for text in proposed:
            name, value = parse_assignment(text)
            changed = recipe.replace(**{name: value})
            assert getattr(changed, name) != getattr(recipe, name), text
            assert recipe.family in families.get(name, FAMILIES), (text, recipe.family)
            seen += 1
    assert seen


def test_a_number_is_raised_or_begun():
    raise_r1 = more("r1_gamma", 10.0, first=1.0)
    assert legal(Recipe(kimg=1), [raise_r1]) == ("r1_gamma=1",)
    assert legal(Recipe(kimg=1, r1_gamma=0.5), [raise_r1]) == ("r1_gamma=5",)
    assert legal(Recipe(kimg=1), [more("d_steps", 2)]) == ("d_steps=2",)
    assert legal(Recipe(kimg=1), [more("label_flips", 2)]) == ()
