"""Random features: the same on every machine, those of a plain convolution, and of use without a classifier."""

import numpy as np
import pytest

from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.errors import DataError
from tfgan_kit.extractors import open_extractor
from tfgan_kit.extractors.random_conv import CHANNELS, _kernels
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance


@pytest.fixture(scope="module")
def extractor():
    return open_extractor("random-conv")


FIRST_WEIGHTS = [0.34874865412712097, 0.2670633792877197, -0.014816696755588055]
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 13, 10, 3), np.uint8)


def test_weights_are_fixed_for_ever(extractor):
    assert extractor.digest == "2f928dc50bf76a94"
    np.testing.assert_allclose(_kernels()[0][0, :3], FIRST_WEIGHTS, rtol=1e-6)


def test_weights_have_the_variance_of_he():
    for kernel, c_in in zip(_kernels(), CHANNELS[:-1], strict=True):
        assert kernel.shape[0] == 9 * c_in
        assert kernel.var() == pytest.approx(2 / len(kernel), rel=0.1)
        assert abs(kernel.mean()) < 3 * kernel.std() / kernel.size**0.5


def test_features_are_those_of_torch(extractor):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(PICTURES.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)
    expected = []
    for kernel in _kernels():
        weight = torch.from_numpy(kernel.reshape(3, 3, -1, kernel.shape[1]).transpose(3, 2, 0, 1).copy())
        padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
        x = torch.nn.functional.conv2d(padded, weight, stride=2).relu()
        expected += [x.mean(dim=(2, 3)), x.std(dim=(2, 3), correction=0)]
    features, logits = extractor.run(PICTURES)
    assert logits is None
    assert features.shape == (3, extractor.feature_size) == (3, 224)
    np.testing.assert_allclose(features, torch.cat(expected, dim=1).numpy(), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (28, 28), (70, 33)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_and_channels(extractor, shape, channels):
    images = np.random.default_rng(1).integers(0, 256, (2, *shape, channels), np.uint8)
    features = extractor.features(images)
    assert features.shape == (2, 224)
    assert features.dtype == np.float32
    if channels == 1:
        np.testing.assert_array_equal(features, extractor.features(images.repeat(3, axis=3)))


def test_features_do_not_depend_on_the_batch(extractor):
    images = np.random.default_rng(2).integers(0, 256, (70, 9, 9, 1), np.uint8)
    one_by_one = np.concatenate([extractor.features(images[i : i + 1]) for i in range(70)])
    np.testing.assert_allclose(extractor.features(images), one_by_one, atol=1e-5)
    assert extractor.features(images[:0]).shape == (0, 224)


def test_features_of_floats(extractor):
    np.testing.assert_array_equal(
        extractor.features_of_floats(PICTURES.astype(np.float32)), extractor.features(PICTURES)
    )
    assert not np.array_equal(extractor.features_of_floats(PICTURES + np.float32(0.5)), extractor.features(PICTURES))
    with pytest.raises(DataError, match="takes float32"):
        extractor.features_of_floats(PICTURES)


def test_tells_digits_from_worse_ones(extractor):
    images = load_mnist("test")[0][:1200]
    noisy = np.clip(images[:400] + np.random.default_rng(0).normal(0, 60, (400, 28, 28, 1)), 0, 255).astype(np.uint8)
    a, real, worse = (FeatureStatistics().update(extractor.features(x)) for x in (images[400:800], images[800:], noisy))
    assert frechet_distance(a, worse) > 3 * frechet_distance(a, real)
