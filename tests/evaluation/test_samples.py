"""One pass: each picture is drawn once, statistics see all, and only what is asked for is kept."""

import numpy as np
import pytest
from toy_pictures import images_of

from tfgan_kit.evaluation import samples
from tfgan_kit.evaluation.samples import take


def test_keeps_what_is_asked_for(good, extractor):
    seeds = np.arange(1200)
    found = take(good, extractor, seeds, keep={"features", "logits", "images"})
    images = images_of(seeds)
    features, logits = extractor.run(images)
    np.testing.assert_array_equal(found.features, features)
    np.testing.assert_array_equal(found.logits, logits)
    np.testing.assert_array_equal(found.images, images)
    np.testing.assert_array_equal(found.labels[:, 0], seeds % 2)
    np.testing.assert_allclose(found.statistics.gaussian().mean, features.mean(axis=0, dtype=np.float64))


def test_keeps_nothing_else(good, extractor):
    found = take(good, extractor, np.arange(20))
    assert found.features is found.logits is found.images is None
    assert found.statistics.count == 20


def test_draws_every_picture_once_in_blocks(good, extractor, monkeypatch):
    drawn = []
    shares = []
    subject = good.__class__(**{**vars(good), "draw": lambda seeds: drawn.append(seeds) or images_of(seeds)})
    take(subject, extractor, np.arange(1100), on_progress=shares.append)
    np.testing.assert_array_equal(np.concatenate(drawn), np.arange(1100))
    assert max(map(len, drawn)) == 500
    assert shares == pytest.approx([500 / 1100, 1000 / 1100, 1.0])


def test_pictures_kept_are_bounded(good, extractor, monkeypatch):
    monkeypatch.setattr(samples, "MOST_IMAGES", 700)
    found = take(good, extractor, np.arange(1200), keep={"images"})
    np.testing.assert_array_equal(found.images, images_of(np.arange(700)))
