"""From names and indices to what a model takes, and one clear line where they are not its own."""

import numpy as np
import pytest

from tfgan_kit.errors import SampleError
from tfgan_kit.export.sampling.labels import class_index, labels_for
from tfgan_kit.export.spec import ModelSpec, Parity
from tfgan_kit.latents import classes_from_seeds

SEEDS = np.array([4, 0, 9])


def spec_of(**attributes):
    return ModelSpec(
        z_dim=3, z_prior="normal", attributes=attributes, height=4, width=4, channels=1, layout="nhwc", dtype="uint8",
        recipe_name="", recipe_digest="", recipe={}, data_spec="", data_digest="", data_images=0, nimg=0, tfgan_kit="0",
        weights="ema", parity=Parity(max_abs_error=0.0, batch_sizes=(), tolerance=0.0),
    )  # fmt: skip


ONE = spec_of(**{"class": ("ant", "bee", "2")})
SEVERAL = spec_of(hair=("brown", "black", "red"), glasses=("none", "round"))
DRAWN = classes_from_seeds(SEEDS, (3, 2))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (None, [1, 0, 0]),
        ("bee", [1, 1, 1]),
        ("2", [2, 2, 2]),
        (0, [0, 0, 0]),
        (np.int32(2), [2, 2, 2]),
        (["ant", 1, "1"], [0, 1, 1]),
        (np.array([2, 1, 0]), [2, 1, 0]),
        ({"class": "bee"}, [1, 1, 1]),
        ({}, [1, 0, 0]),
        (np.array([[2], [1], [0]]), [2, 1, 0]),
    ],
)
def test_one_attribute(labels, expected):
    made = labels_for(ONE, labels, SEEDS)
    assert (made.dtype, made.tolist()) == (np.int64, expected)


@pytest.mark.parametrize(
    ("labels", "hair", "glasses"),
    [
        (None, None, None),
        ({}, None, None),
        ({"hair": "red"}, [2, 2, 2], None),
        ({"glasses": 1, "hair": ["red", 0, "black"]}, [2, 0, 1], [1, 1, 1]),
        ({"glasses": np.array([1, 0, 1])}, None, [1, 0, 1]),
        (np.array([[0, 1], [1, 1], [2, 0]], np.uint8), [0, 1, 2], [1, 1, 0]),
        ([[0, 1], [1, 1], [2, 0]], [0, 1, 2], [1, 1, 0]),
    ],
)
def test_several_attributes(labels, hair, glasses):
    made = labels_for(SEVERAL, labels, SEEDS)
    assert (made.shape, made.dtype) == ((3, 2), np.int64)
    assert made[:, 0].tolist() == (DRAWN[:, 0].tolist() if hair is None else hair)
    assert made[:, 1].tolist() == (DRAWN[:, 1].tolist() if glasses is None else glasses)


def test_an_unconditional_model_takes_none():
    for labels in (None, {}):
        assert labels_for(spec_of(), labels, SEEDS) is None
    for labels in (0, "ant", [0, 1, 2], {"class": 0}, np.zeros((3, 1), int)):
        with pytest.raises(SampleError, match="the model is unconditional and has no classes; got class"):
            labels_for(spec_of(), labels, SEEDS)


def test_no_seeds():
    none = np.zeros(0, np.int64)
    assert labels_for(ONE, None, none).shape == (0,)
    assert labels_for(SEVERAL, {"hair": "red"}, none).shape == (0, 2)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("red", "has the attributes hair, glasses; got 'red': name them, as in {'hair': 'brown'}, or give .N, 2. ind"),
        (0, "has the attributes hair, glasses; got 0"),
        ([0, 1, 2], r"has the attributes hair, glasses; got \[0, 1, 2\]"),
        ({"hairs": 0}, "the model has no attribute 'hairs': did you mean 'hair'. legal: glasses, hair"),
        ({0: 0}, "no attribute 0: legal: glasses, hair"),
        ({"hair": "rad"}, "unknown hair 'rad': did you mean 'red'. legal: black, brown, red"),
        ({"hair": 3}, "hair 3 does not exist; legal: 0 to 2, or brown, black, red"),
        ({"glasses": "2"}, "glasses 2 does not exist; legal: 0 to 1, or none, round"),
        ({"hair": 1.5}, "hair takes an index or a name; got 1.5; legal: 0 to 2"),
        ({"hair": [0, 1]}, "labels must be one hair, or one a seed; got 2 for 3 seeds"),
        (np.zeros((3, 3), int), r"labels must be \(3, 2\) whole numbers, a column an attribute; got \(3, 3\) int64"),
        (np.zeros((2, 2), int), r"got \(2, 2\)"),
        (np.zeros((3, 2)), "float64"),
        (np.array([[0, 0], [0, 2], [0, 0]]), "glasses 2 does not exist; legal: 0 to 1"),
        (np.array([[0, 0], [-1, 0], [0, 0]]), "hair -1 does not exist"),
    ],
)
def test_labels_that_are_not_legal(labels, message):
    with pytest.raises(SampleError, match=message):
        labels_for(SEVERAL, labels, SEEDS)


def test_class_index():
    assert class_index(ONE, "2") == 2
    assert class_index(ONE, "1") == 1
    assert class_index(SEVERAL, "round", "glasses") == 1
    with pytest.raises(SampleError, match="has the attributes hair, glasses"):
        class_index(SEVERAL, "round")
    with pytest.raises(SampleError, match="unknown class 'bea': did you mean 'bee'"):
        class_index(ONE, "bea")
