"""Pixels as features: as they are, whatever they are."""

import numpy as np
import pytest

from tfgan_kit.errors import DataError
from tfgan_kit.extractors import open_extractor

PICTURES = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), np.uint8)


def test_pixels_are_rows_in_0_to_1():
    extractor = open_extractor("pixels")
    features, logits = extractor.run(PICTURES)
    assert logits is None
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, PICTURES.reshape(4, 90) / 255, rtol=1e-6)
    np.testing.assert_array_equal(extractor.features(PICTURES), features)
    assert extractor.features(PICTURES[:0, :, :, :1]).shape == (0, 30)
    assert (extractor.image_shape, extractor.feature_size, extractor.attributes) == (None, None, {})
    assert len(extractor.digest) == 16


def test_floats_are_not_rounded():
    extractor = open_extractor("pixels")
    floats = PICTURES.astype(np.float32) + np.float32(0.25)
    np.testing.assert_allclose(extractor.features_of_floats(floats), floats.reshape(4, 90) / 255, rtol=1e-6)


def test_refuses_what_are_no_pictures():
    with pytest.raises(DataError, match=r"'pixels' takes uint8 images \(N, H, W, C\)"):
        open_extractor("pixels").run(PICTURES.astype(np.float32))
