from functools import cache
from math import sqrt

import numpy as np
import pytest

from tfgan_kit.data import open_source
from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.data.resize import fit_stack
from tfgan_kit.data.source import Source
from tfgan_kit.data.stacked_mnist import SIZES, draw_triples
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe


@cache
def opened(spec: str = "stacked-mnist:test", **fields: object) -> Source:
    return open_source(Recipe(data=spec, kimg=1).replace(**fields))


def modes(labels: np.ndarray) -> np.ndarray:
    return labels @ np.array([100, 10, 1])


@pytest.mark.parametrize(("spec", "split"), [("stacked-mnist", "train"), ("stacked-mnist:test", "test")])
def test_every_channel_is_a_digit_of_its_label(spec: str, split: str) -> None:
    source, (digits, of) = opened(spec), load_mnist(split)
    assert (source.spec, len(source), source.shape) == (spec, SIZES[split], (28, 28, 3))
    assert source.attributes == dict.fromkeys(("red", "green", "blue"), tuple("0123456789"))
    assert source.labels is not None
    assert (source.labels.shape, source.labels.dtype) == ((SIZES[split], 3), np.int32)
    labelled = {digit.tobytes(): label for digit, label in zip(digits[..., 0], of.tolist(), strict=True)}
    indices = np.array([0, 1, 7, 1000, SIZES[split] - 1, 1])
    pictures = source.read(indices)
    assert (pictures.shape, pictures.dtype) == ((6, 28, 28, 3), np.uint8)
    found = [[labelled[picture[..., i].tobytes()] for i in range(3)] for picture in pictures]
    np.testing.assert_array_equal(found, source.labels[indices])


def test_the_modes_are_alike_likely() -> None:
    # Of 1,000 modes, 128 pictures each: a chi-square of 999 degrees of freedom, deviation sqrt(2 * 999).
    for spec, each in (("stacked-mnist", 128.0), ("stacked-mnist:test", 25.6)):
        labels = opened(spec).labels
        assert labels is not None
        counts = np.bincount(modes(labels), minlength=1000)
        assert counts.min() > 0
        assert abs(np.sum((counts - each) ** 2 / each) - 999) < 4 * sqrt(2 * 999)


def test_a_class_s_digits_are_alike_likely_and_colours_are_drawn_apart() -> None:
    of = np.array([3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 3], np.int32)
    which, classes = draw_triples(of, 20_000, seed=5)
    np.testing.assert_array_equal(of[which], classes)
    threes = np.bincount(which[classes == 3], minlength=13)[[0, 4, 11, 12]]
    each = threes.sum() / 4
    np.testing.assert_allclose(threes, each, atol=4 * sqrt(each))
    assert abs(np.corrcoef(classes.T) - np.eye(3)).max() < 4 / sqrt(20_000)
    again, _ = draw_triples(of, 20_000, seed=5)
    np.testing.assert_array_equal(again, which)
    assert (draw_triples(of, 20_000, seed=6)[0] != which).any()


def test_the_pictures_are_the_same_for_ever() -> None:
    assert opened().digest == "4f77cf5ba5934283"
    assert opened(conditional=False).digest != opened().digest


def test_without_classes() -> None:
    source = opened(conditional=False)
    assert (source.labels, source.attributes) == (None, {})


def test_resolution_and_channels() -> None:
    plain, large = opened(), opened(resolution=(32, 40), fit="pad")
    assert large.shape == (32, 40, 3)
    digits = np.moveaxis(plain.read(np.array([3])), 3, 0)
    np.testing.assert_array_equal(
        np.moveaxis(large.read(np.array([3])), 3, 0),
        fit_stack(digits.reshape(3, 28, 28, 1), (32, 40), 1, "pad").reshape(3, 1, 32, 40),
    )
    grey = opened(channels=1)
    assert grey.shape == (28, 28, 1)
    # The usual weights of the eye.
    expected = plain.read(np.array([3, 4])) @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey.read(np.array([3, 4]))[..., 0], expected, atol=1)


def test_unknown_split() -> None:
    with pytest.raises(DataError, match="stacked-mnist has no split 'all'; legal: train, test"):
        opened("stacked-mnist:all")
