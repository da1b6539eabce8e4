"""Features of real pictures: those of the extractor, whole or bounded, and cached by what they depend on alone."""

import numpy as np
import pytest

from tfgan_kit.data.source import ArraySource
from tfgan_kit.errors import DataError
from tfgan_kit.evaluation import reference
from tfgan_kit.evaluation.reference import open_reference


def test_rows_and_statistics_are_the_extractors(real, extractor, tmp_path):
    found = open_reference(real, extractor, cache=tmp_path)
    features, logits = extractor.run(real.images)
    np.testing.assert_array_equal(found.features, features)
    np.testing.assert_array_equal(found.logits, logits)
    np.testing.assert_array_equal(found.labels, real.labels)
    np.testing.assert_allclose(found.gaussian.mean, features.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(found.gaussian.covariance, np.cov(features.T.astype(np.float64)))
    assert found.statistics.count == 600


def test_second_time_comes_from_the_cache_to_the_bit(real, extractor, tmp_path):
    first = open_reference(real, extractor, cache=tmp_path)
    runs = extractor.runs
    again = open_reference(real, extractor, cache=tmp_path)
    assert extractor.runs == runs
    for name in ("features", "logits", "places"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    np.testing.assert_array_equal(first.gaussian.covariance, again.gaussian.covariance)


def test_cache_goes_by_content_and_not_by_name(real, extractor, tmp_path):
    open_reference(real, extractor, cache=tmp_path)
    runs = extractor.runs
    renamed = ArraySource("another name", real.images, real.labels, real.attributes)
    open_reference(renamed, extractor, cache=tmp_path)
    assert extractor.runs == runs
    changed = real.images.copy()
    changed[7, 0, 0, 0] ^= 1
    open_reference(ArraySource("toy", changed, real.labels, real.attributes), extractor, cache=tmp_path)
    assert extractor.runs > runs
    runs = extractor.runs
    extractor.digest = "another network"
    open_reference(real, extractor, cache=tmp_path)
    assert extractor.runs > runs


def test_damaged_cache_is_made_again(real, extractor, tmp_path):
    first = open_reference(real, extractor, cache=tmp_path)
    (file,) = (tmp_path / "features").glob("*.npz")
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"nothing of the kind"):
        file.write_bytes(damaged)
        np.testing.assert_array_equal(open_reference(real, extractor, cache=tmp_path).features, first.features)
        assert file.read_bytes() == whole


def test_does_without_a_cache_that_cannot_be_written(real, extractor, tmp_path):
    (tmp_path / "features").write_text("a file is in the way")
    assert len(open_reference(real, extractor, cache=tmp_path).features) == 600


def test_keeps_as_many_rows_as_memory_is_to_hold(real, extractor, tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "MOST_BYTES", 100 * 4 * 4)
    found = open_reference(real, extractor, cache=tmp_path)
    assert found.features.shape == (100, 4)
    assert found.statistics.count == 600
    assert (np.diff(found.places) > 0).all()
    np.testing.assert_array_equal(found.features, extractor.features(real.images)[found.places])
    np.testing.assert_array_equal(found.labels, real.labels[found.places])
    np.testing.assert_array_equal(open_reference(real, extractor, cache=tmp_path).places, found.places)


def test_tells_how_far_it_is(real, extractor, tmp_path):
    shares = []
    open_reference(real, extractor, cache=tmp_path, on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_one_picture_has_no_statistics(extractor, tmp_path):
    one = ArraySource("one", np.zeros((1, 8, 8, 1), np.uint8), None, {})
    with pytest.raises(DataError, match="one has 1 picture; statistics need at least 2"):
        open_reference(one, extractor, cache=tmp_path)
