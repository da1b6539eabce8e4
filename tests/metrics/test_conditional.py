"""Obedience by counting, and Frechet distances within classes against those of the classes' own rows."""

import numpy as np
import pytest

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.conditional import IntraClassStatistics, conditional_accuracy, intra_class_frechet, predicted
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance

HAIR = ("black", "brown", "red")
EYES = ("blue", "green")
BOTH = {"hair": HAIR, "eyes": EYES}


def test_each_attribute_is_judged_by_its_own_columns():
    logits = np.array([
        [5.0, 0.0, 1.0, 90.0, 80.0],
        [0.0, 0.0, 0.1, -3.0, -2.0],
        [0.0, 9.0, 1.0, 0.0, 1.0],
        [1.0, 2.0, 0.0, 5.0, 4.0],
    ], np.float32)  # fmt: skip
    np.testing.assert_array_equal(predicted(logits, BOTH), [[0, 0], [2, 1], [1, 1], [1, 0]])
    asked = np.array([[0, 0], [2, 0], [2, 1], [1, 1]])
    assert conditional_accuracy(logits, asked, BOTH) == {"hair": 0.75, "eyes": 0.5}
    assert conditional_accuracy(logits[:, :3], asked[:, :1], {"class": HAIR}) == {"class": 0.75}


def test_a_generator_that_does_not_listen_is_at_chance():
    rng = np.random.default_rng(0)
    sizes = {"a": tuple("0123456789"), "b": tuple("xy")}
    asked = np.stack([rng.integers(0, 10, 20_000), rng.integers(0, 2, 20_000)], axis=1)
    found = conditional_accuracy(rng.standard_normal((20_000, 12)), asked, sizes)
    assert found == {"a": pytest.approx(0.1, abs=0.01), "b": pytest.approx(0.5, abs=0.015)}


def rows(seed, means, count=300):
    """Rows of each class, about its mean, in random order."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.repeat(np.arange(len(means)), count))
    return rng.standard_normal((len(classes), 3)) + np.array(means)[classes, None], classes


@pytest.mark.parametrize("batch", [37, 900])
def test_intra_class_is_the_distance_of_each_class(batch):
    real, fake = rows(1, [0.0, 5.0, -5.0]), rows(2, [0.0, 6.0, -5.0])
    sides = []
    for features, classes in (real, fake):
        side = IntraClassStatistics()
        for start in range(0, len(features), batch):
            side.update(features[start : start + batch], classes[start : start + batch])
        sides.append(side.per_class)
    found = intra_class_frechet(*sides)
    for index in range(3):
        alone = (FeatureStatistics().update(features[classes == index]) for features, classes in (real, fake))
        assert found.per_class[index] == pytest.approx(frechet_distance(*alone), rel=1e-9)
    assert found.mean == pytest.approx(np.mean(list(found.per_class.values())))
    # A shift of 1 on three axes, and none.
    assert found.per_class[1] == pytest.approx(3.0, abs=0.8)
    assert found.per_class[0] < 0.2
    assert found.left_out == ()


def test_swapped_classes_show_within_classes_only():
    features, classes = rows(3, [0.0, 5.0])
    right, wrong = (IntraClassStatistics().update(features, c).per_class for c in (classes, 1 - classes))
    assert intra_class_frechet(right, right).mean == pytest.approx(0.0, abs=1e-6)
    assert intra_class_frechet(right, wrong).mean == pytest.approx(75.0, rel=0.2)


def test_classes_with_few_rows_are_left_out_and_named():
    features, classes = rows(4, [0.0, 1.0, 2.0, 3.0], count=120)
    real = IntraClassStatistics().update(features, classes).per_class
    few = np.flatnonzero(classes == 1)[:99]
    some = np.concatenate([np.flatnonzero(classes == 0), few, np.flatnonzero(classes == 3)])
    fake = IntraClassStatistics().update(features[some], classes[some])
    fake.update(features[:100], np.full(100, 7))  # of no real picture
    found = intra_class_frechet(real, fake.per_class)
    assert found.left_out == (1, 2, 7)
    assert list(found.per_class) == [0, 3]
    assert list(intra_class_frechet(real, fake.per_class, minimum=99).per_class) == [0, 1, 3]


def test_refusals():
    logits, asked = np.zeros((4, 5)), np.zeros((4, 2), int)
    with pytest.raises(DataError, match=r"all attributes: hair \(3\), eyes \(2\); got \(4, 4\)"):
        conditional_accuracy(logits[:, :4], asked, BOTH)
    with pytest.raises(DataError, match=r"all attributes: none; got \(4, 5\)"):
        predicted(logits, {})
    with pytest.raises(DataError, match=r"asked must be integers \(4, 2\), neither empty; got int64 \(4, 1\)"):
        conditional_accuracy(logits, asked[:, :1], BOTH)
    with pytest.raises(DataError, match=r"in \[0, K\) for K = \[3, 2\]; got \[0, 2\] to \[0, 2\]"):
        conditional_accuracy(logits, asked + np.array([0, 2]), BOTH)
    with pytest.raises(DataError, match="1 of 4 rows of logits are not finite"):
        predicted(np.where(np.arange(4)[:, None] == 1, np.nan, logits), BOTH)
    with pytest.raises(DataError, match=r"classes must be 4 integers from 0, one a row; got int64 \(3,\)"):
        IntraClassStatistics().update(logits, np.zeros(3, int))
    statistics = IntraClassStatistics().update(logits, np.zeros(4, int)).per_class
    with pytest.raises(DataError, match="none of 1 classes has 100 rows"):
        intra_class_frechet(statistics, statistics)
    with pytest.raises(DataError, match="at least 2 rows, and so must be the minimum; got 1"):
        intra_class_frechet(statistics, statistics, minimum=1)
