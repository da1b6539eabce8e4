"""A recipe with what the data decides filled in."""

from __future__ import annotations

import numpy as np

from tfgan_kit.data import Source
from tfgan_kit.data.crop import check_window, whole_of
from tfgan_kit.data.few import with_augment
from tfgan_kit.errors import DataError, RecipeError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.run_folder import DataFacts


def resolve(recipe: Recipe, source: Source) -> tuple[Recipe, DataFacts]:
    """The recipe with what the data decides filled in, and the data's facts.

    Raises:
        DataError: labels that are not (N, A), with an attribute for each of the A columns, or a source that does not
            show the recipe's windows.
        RecipeError: an auxiliary classifier without labels to learn.
    """
    check_window(source, recipe.crop)
    # Windows are cut of pictures of that resolution: with it the source is opened again.
    height, width, channels = whole_of(source).shape
    conditional = source.labels is not None
    wanted = (len(source), len(source.attributes))
    if source.labels is not None and (source.labels.shape != wanted or not source.attributes):
        raise DataError(
            f"{source.spec}: labels must be (N, A), with a name in attributes for each column; got labels of shape "
            f"{source.labels.shape} and the attributes {', '.join(source.attributes) or '(none)'}"
        )
    if recipe.condition == "auxiliary" and not conditional:
        raise RecipeError(
            f"condition=auxiliary needs classes to learn, and {source.spec} has no labels: set condition=projection, "
            "or choose data with labels"
        )
    facts = DataFacts(
        spec=source.spec,
        images=len(source),
        shape=source.shape,
        attributes=dict(source.attributes) if conditional else {},
        counts=_counts(source),
        digest=source.digest,
    )
    shaped = with_augment(recipe, len(source)).replace(
        resolution=(height, width), channels=channels, conditional=conditional
    )
    return shaped, facts


def chosen_by_data(asked: Recipe, recipe: Recipe, facts: DataFacts) -> list[str]:
    """A line on each switch that the number of pictures has set; none if there are none."""
    if asked.augment != "auto":
        return []
    return [f"{facts.images:,} pictures: augment={recipe.augment}; --set augment=none or another decides otherwise"]


def _counts(source: Source) -> tuple[tuple[int, ...], ...]:
    """For each attribute the pictures with each of its values."""
    if source.labels is None:
        return ()
    columns = zip(source.labels.T, source.attributes.values(), strict=True)
    return tuple(tuple(np.bincount(column, minlength=len(names)).tolist()) for column, names in columns)
