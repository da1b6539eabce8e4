"""What a run takes from its data: the facts, what the data decides of the recipe, and the inputs of its previews."""

import numpy as np
import pytest

from tfgan_kit.data.source import ArraySource
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.resolve import chosen_by_data, resolve

IMAGES = np.zeros((6, 8, 10, 3), np.uint8)
LABELS = np.stack([np.arange(6) % 3, np.arange(6) % 2], axis=1).astype(np.int32)
ATTRIBUTES = {"hair": ("red", "green", "blue"), "glasses": ("none", "round")}
RECIPE = Recipe(kimg=1, z_dim=4)


@pytest.mark.parametrize(
    ("labels", "attributes", "classes"),
    [(None, {}, ()), (LABELS[:, :1], {"class": ("a", "b", "c")}, (3,)), (LABELS, ATTRIBUTES, (3, 2))],
)
def test_the_data_decides(labels, attributes, classes):
    source = ArraySource("here", IMAGES, labels, attributes)
    recipe, facts = resolve(RECIPE, source)
    assert (recipe.resolution, recipe.channels, recipe.conditional) == ((8, 10), 3, labels is not None)
    assert (facts.spec, facts.images, facts.shape, facts.digest) == ("here", 6, (8, 10, 3), source.digest)
    assert (facts.attributes, facts.classes) == (attributes, classes)
    assert facts.counts == ((2, 2, 2), (3, 3))[: len(classes)]


@pytest.mark.parametrize(
    ("labels", "attributes"), [(LABELS[:, 0], {"class": ("a", "b", "c")}), (LABELS, {}), (LABELS[:4], ATTRIBUTES)]
)
def test_labels_without_their_attributes_are_refused(labels, attributes):
    with pytest.raises(DataError, match=r"here: labels must be \(N, A\), .*; got labels of shape \("):
        resolve(RECIPE, ArraySource("here", IMAGES, labels, attributes))


@pytest.mark.parametrize(
    ("images", "loss", "augment"),
    [
        (500, "nonsaturating", "diffaugment"),
        (2000, "nonsaturating", "diffaugment"),
        (2001, "nonsaturating", "ada"),
        # ADA goes by the sign of D's output, which this loss leaves open.
        (2001, "relativistic_average", "diffaugment"),
        (50_000, "nonsaturating", "ada"),
        (50_001, "nonsaturating", "none"),
    ],
)
def test_few_pictures_are_augmented_by_themselves(images, loss, augment):
    source = ArraySource("here", np.zeros((images, 4, 4, 1), np.uint8), None, {})
    asked = RECIPE.replace(augment="auto", loss=loss, conditional=None)
    recipe, facts = resolve(asked, source)
    assert recipe.augment == augment
    (line,) = chosen_by_data(asked, recipe, facts)
    assert line.startswith(f"{images:,} pictures: augment={augment};")
    assert chosen_by_data(asked.replace(augment="none"), recipe, facts) == []
