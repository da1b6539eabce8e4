import numpy as np
import pytest
from toy_pictures import Means, images_of

from tfgan_kit.data.source import ArraySource
from tfgan_kit.errors import DataError
from tfgan_kit.evaluation.subject import Subject


@pytest.fixture
def extractor():
    return Means()


@pytest.fixture
def real():
    """600 pictures, with the labels dark and light."""
    seeds = np.arange(10_000, 10_600)
    labels = (seeds % 2).astype(np.int32)[:, None]
    return ArraySource("toy", images_of(seeds), labels, {"class": ("dark", "light")})


@pytest.fixture
def held_out():
    seeds = np.arange(20_000, 20_300)
    labels = (seeds % 2).astype(np.int32)[:, None]
    return ArraySource("toy:test", images_of(seeds), labels, {"class": ("dark", "light")})


@pytest.fixture
def good():
    """A generator of the very distribution of the data, which takes a class."""
    return Subject(
        kind="model", name="good.onnx", digest="0" * 16, nimg=1000, shape=(8, 8, 1), draw=images_of,
        attributes={"class": ("dark", "light")}, labels=lambda seeds: (seeds % 2)[:, None],
    )  # fmt: skip


@pytest.fixture
def collapsed():
    """One that makes dark pictures alone."""
    return Subject(
        kind="model", name="collapsed.onnx", digest="1" * 16, shape=(8, 8, 1),
        draw=lambda seeds: images_of(seeds, light=0),
    )  # fmt: skip


@pytest.fixture
def refusing():
    """One that must not be drawn from."""

    def draw(seeds):
        raise DataError("drawn")

    return Subject(kind="model", name="refusing.onnx", digest="2" * 16, shape=(8, 8, 1), draw=draw)
