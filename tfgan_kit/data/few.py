"""Few pictures: which of them D would learn by heart without augmentation."""

from __future__ import annotations

from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe

# Below these numbers of pictures D learns them by heart without help. Zhao et al. 2020 (DiffAugment) show it from 100
# to some thousands; Karras et al. 2020 (ADA) up to some ten thousands.
FEW, MANY = 2_000, 50_000


def augment_for(images: int) -> str:
    """The augmentation of D's pictures that a number of training images asks for: a value of `augment`."""
    if images <= FEW:
        return "diffaugment"
    return "ada" if images <= MANY else "none"


def with_augment(recipe: Recipe, images: int) -> Recipe:
    """The recipe with what `augment=auto` comes to for that number of pictures; any other as it is."""
    if recipe.augment != "auto":
        return recipe
    try:
        return recipe.replace(augment=augment_for(images))
    except RecipeError:  # a loss whose D has no sign that ADA could go by
        return recipe.replace(augment="diffaugment")
