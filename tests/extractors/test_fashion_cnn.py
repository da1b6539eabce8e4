"""The shipped classifier of Fashion-MNIST, on its first 300 test images (fashion_test_300.license.txt)."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from tfgan_kit.extractors import open_extractor
from tfgan_kit.extractors.registry import FOLDER
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance

SAMPLE = Path(__file__).with_name("fashion_test_300.npz")


@pytest.fixture(scope="module")
def extractor():
    return open_extractor("fashion-cnn")


@pytest.fixture(scope="module")
def sample():
    with np.load(SAMPLE, allow_pickle=False) as arrays:
        return arrays["images"], arrays["labels"]


def test_file_says_what_it_is(extractor):
    assert (FOLDER / "fashion-cnn.onnx").stat().st_size < 400 * 1024
    assert extractor.name == extractor.info["name"] == "fashion-cnn"
    assert extractor.image_shape == (28, 28, 1)
    assert extractor.feature_size == extractor.info["feature_size"] == 128
    assert extractor.attributes["class"][:2] == ("T-shirt/top", "Trouser")
    assert len(extractor.attributes["class"]) == 10
    assert extractor.info["test_accuracy"] >= 0.92
    onnx.checker.check_model(onnx.load(FOLDER / "fashion-cnn.onnx"), full_check=True)


def test_accuracy_on_the_sample(extractor, sample):
    images, labels = sample
    features, logits = extractor.run(images)
    assert features.shape == (300, 128)
    assert features.min() == 0.0
    # Of 10,000 test images the file gets the share right that it says; of these 300, this many.
    assert (logits.argmax(axis=1) == labels).sum() == pytest.approx(276, abs=1)


def test_clothes_are_near_each_other_and_noise_is_far(extractor, sample):
    images = sample[0]
    noise = np.random.default_rng(0).integers(0, 256, (150, 28, 28, 1), np.uint8)
    halves = FeatureStatistics(), FeatureStatistics()
    halves[0].update(extractor.features(images[::2]))
    halves[1].update(extractor.features(images[1::2]))
    far = FeatureStatistics()
    far.update(extractor.features(noise))
    assert frechet_distance(halves[0], far) > 5 * frechet_distance(*halves)
