"""Changes of a recipe to try, and which of them are legal for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe

# recipe -> (field, value) to set there, or None where it does not apply.
Remedy = Callable[[Recipe], tuple[str, Any] | None]

# How many are proposed.
MOST = 2
# Families whose D cannot compare the pictures of a batch.
_NO_MINIBATCH = ("keras_dcgan", "progressive", "r3gan")


def put(field: str, value: Any) -> Remedy:
    """Set a field to a value."""
    return lambda recipe: (field, value) if getattr(recipe, field) != value else None


def exchange(field: str, old: Any, new: Any) -> Remedy:
    """One value for another."""
    return lambda recipe: (field, new) if getattr(recipe, field) == old else None


def more(field: str, factor: float, first: float = 0.0) -> Remedy:
    """Raise a number; from 0 to `first`."""

    def change(recipe: Recipe) -> tuple[str, Any] | None:
        value = getattr(recipe, field)
        raised = type(value)(value * factor) if value else first
        return (field, raised) if raised else None

    return change


def less(field: str, factor: float) -> Remedy:
    """Lower a number that is not 0."""

    def change(recipe: Recipe) -> tuple[str, Any] | None:
        value = getattr(recipe, field)
        return (field, value / factor) if value else None

    return change


def legal(recipe: Recipe, remedies: Sequence[Remedy]) -> tuple[str, ...]:
    """The first of the changes that the recipe may take, as --set takes them, such as "r1_gamma=10"."""
    found: dict[str, str] = {}
    for remedy in remedies:
        change = remedy(recipe)
        if change is None or change[0] in found or len(found) == MOST:
            continue
        field, value = change
        if field == "d_minibatch" and (recipe.family in _NO_MINIBATCH or recipe.d_minibatch != "none"):
            continue
        try:
            recipe.replace(**{field: value})
        except RecipeError:
            continue
        found[field] = f"{field}={_typed(value)}"
    return tuple(found.values())


def _typed(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value).lower()
