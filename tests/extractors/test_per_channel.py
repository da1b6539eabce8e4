"""A grey extractor on each channel: the parts of the whole are what the channels alone give."""

import numpy as np
import pytest

from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.errors import DataError
from tfgan_kit.extractors import open_extractor


@pytest.fixture(scope="module")
def digits():
    images, labels = load_mnist("test")
    return np.concatenate([images[:50], images[50:100], images[100:150]], axis=3), labels[:150].reshape(3, 50).T


def test_channels_are_seen_apart(digits):
    images, labels = digits
    grey, whole = open_extractor("mnist-cnn"), open_extractor("mnist-cnn-rgb")
    features, logits = whole.run(images)
    assert features.shape == (50, 3 * grey.feature_size) == (50, whole.feature_size)
    assert logits.shape == (50, 30)
    for i in range(3):
        alone, alone_logits = grey.run(images[..., i : i + 1])
        np.testing.assert_array_equal(features[:, 128 * i : 128 * (i + 1)], alone)
        np.testing.assert_array_equal(logits[:, 10 * i : 10 * (i + 1)], alone_logits)
    assert (logits.reshape(50, 3, 10).argmax(axis=2) == labels).mean() > 0.97
    np.testing.assert_array_equal(whole.features(images), features)
    np.testing.assert_allclose(whole.features_of_floats(images.astype(np.float32)), features, atol=1e-4)


def test_says_what_it_is():
    whole = open_extractor("mnist-cnn-rgb")
    assert whole.name == "mnist-cnn-rgb"
    assert whole.image_shape == (28, 28, 3)
    assert list(whole.attributes) == ["red", "green", "blue"]
    assert whole.attributes["blue"] == tuple("0123456789")
    assert whole.digest != open_extractor("mnist-cnn").digest


def test_refuses_grey():
    with pytest.raises(DataError, match=r"takes RGB pictures \(N, H, W, 3\); got shape \(2, 28, 28, 1\)"):
        open_extractor("mnist-cnn-rgb").run(np.zeros((2, 28, 28, 1), np.uint8))
