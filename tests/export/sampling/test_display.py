"""How a sampler shows itself in a notebook."""

import base64
import html.parser
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.export import Sampler
from tfgan_kit.export.sampling import display
from tfgan_kit.pictures import grid

MODEL = Path(__file__).parents[3] / "artifacts/gallery/mnist/generator.onnx"


class Stub:
    """Grey levels by the seed."""

    def __init__(self, spec):
        self.spec, self.device = spec, "cpu"

    def sample(self, seeds):
        return np.stack([np.full(self.spec.image_shape, seed % 256, np.uint8) for seed in seeds])


@pytest.fixture(scope="module")
def sampler():
    return Sampler(MODEL, threads=1)


def opened(content):
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


def test_a_column_a_class(sampler):
    assert sampler._repr_png_() == display.png(sampler)
    np.testing.assert_array_equal(opened(sampler._repr_png_()), grid(sampler.sample(range(40)), 10)[..., 0])


@pytest.mark.parametrize("attributes", [{}, {"a": ("x", "y"), "b": ("z",)}, {"class": tuple(map(str, range(17)))}])
def test_eight_columns_where_classes_are_none_or_many(sampler, attributes):
    stub = Stub(replace(sampler.spec, attributes=attributes, channels=3))
    np.testing.assert_array_equal(opened(display.png(stub)), grid(stub.sample(range(32)), 8))


def test_the_markup_holds_all_it_shows(sampler):
    text = sampler._repr_html_()
    found = re.search(r'src="data:image/png;base64,([^"]+)" width="(\d+)"', text)
    assert base64.b64decode(found.group(1)) == sampler._repr_png_()
    assert int(found.group(2)) == 298
    assert "28x28 grey" in text
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in text
    assert not re.search(r"https?:|<script|<style", text)
    assert len(text) < 60_000


def test_names_of_classes_do_no_harm(sampler):
    hostile = "<script>alert('&')</script>"
    stub = Stub(replace(sampler.spec, recipe_name=hostile, attributes={hostile: (hostile, *map(str, range(20)))}))
    text = display.as_html(stub)
    assert "<script" not in text
    assert html.escape(hostile) in text
    assert "and 9 more" in text
    tags = []
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed(text)
    assert set(tags) == {"img", "table", "tr", "th", "td"}
