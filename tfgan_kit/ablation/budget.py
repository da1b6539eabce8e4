"""How long the runs of an ablation must be at least. No TensorFlow here."""

from __future__ import annotations

from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe


def preview_kimg(recipe: Recipe) -> float:
    """How long training takes to its first preview, kimg."""
    return recipe.tick_kimg * recipe.preview_ticks


def check_budget(recipe: Recipe) -> None:
    """Refuse a length that no preview fits into.

    Raises:
        RecipeError: it is shorter; a length in minutes is known to be only when the first run has ended.
    """
    if recipe.kimg is not None and recipe.kimg < preview_kimg(recipe):
        raise too_short(f"{recipe.kimg:g} kimg", recipe)


def too_short(length: str, recipe: Recipe) -> RecipeError:
    """The error that a length is too short, with its way out."""
    return RecipeError(
        f"{length} is too short for one preview, which comes after {preview_kimg(recipe):g} kimg: train longer, or "
        "lower tick_kimg or preview_ticks with --set"
    )
