"""What stands where the user names nothing is there."""

import pytest

from tfgan_kit.data import open_source
from tfgan_kit.evaluation.defaults import extractor_for, held_out_for
from tfgan_kit.extractors import NAMED
from tfgan_kit.recipe import Recipe


@pytest.mark.parametrize(
    ("data", "extractor", "held_out"),
    [
        ("mnist", "mnist-cnn", "mnist:test"),
        ("mnist:train", "mnist-cnn", "mnist:test"),
        ("mnist:test", "mnist-cnn", None),
        ("mnist:all", "mnist-cnn", None),
        ("stacked-mnist", "mnist-cnn-rgb", "stacked-mnist:test"),
        ("folder:mnist", "random-conv", None),
        ("tfds:mnist", "random-conv", None),
    ],
)
def test_defaults(data, extractor, held_out):
    assert extractor_for(data) == extractor
    assert extractor in NAMED
    assert held_out_for(data) == held_out
    if held_out:
        assert len(open_source(Recipe(data=held_out, kimg=1))) >= 1000
