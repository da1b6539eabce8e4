"""The recipes that come with the kit, one row each: what it is and what was measured. No TensorFlow here."""

from __future__ import annotations

from dataclasses import dataclass

from tfgan_kit.errors import RecipeError, nearest
from tfgan_kit.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class RecipeRow:
    """A named recipe and what is known of it.

    Attributes:
        recipe: the recipe itself.
        about: one line on what it is.
        result: what it reached, where and in what time.
    """

    recipe: Recipe
    about: str
    result: str


DEFAULT = "mnist"

RECIPES: dict[str, RecipeRow] = {
    "mnist": RecipeRow(
        # tfgan train mnist; two x86-64 cores, 290 s; artifacts/gallery/mnist says how to make the figures again.
        about="digits from nothing in five minutes on two CPU cores",
        result="124 kimg; Frechet distance 1.48 in mnist-cnn features (real test images: 0.57)",
        recipe=Recipe(
            minutes=4.7, z_dim=64, g_width=40, g_max_width=80, d_width=32, d_max_width=128,
            loss="nonsaturating", r1_gamma=0.5, g_lr=2e-3, d_lr=2e-3, beta1=0.0, beta2=0.99,
            lr_schedule="linear", lr_hold=0.5, ema_halflife_kimg=10.0,
        ),
    ),
}  # fmt: skip


def recipe_row(name: str) -> RecipeRow:
    """The row called `name`.

    Raises:
        RecipeError: there is none; the message names the nearest.
    """
    if name not in RECIPES:
        raise RecipeError(f"unknown recipe {name!r}: {nearest(name, RECIPES)}")
    return RECIPES[name]
