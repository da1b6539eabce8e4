"""The shipped extractor: as good as it says, independent of batches, free of TensorFlow, clear in its refusals."""

import hashlib
import subprocess
import sys

import numpy as np
import onnx
import pytest

from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.errors import DataError, ModelFileError
from tfgan_kit.metrics.extractor import EXTRACTORS, FOLDER, Extractor
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance


@pytest.fixture(scope="module")
def extractor():
    return Extractor.named("mnist-cnn")


@pytest.fixture(scope="module")
def test_split():
    return load_mnist("test")


def frechet(extractor, images, others):
    a, b = (FeatureStatistics().update(extractor.features(x)) for x in (images, others))
    return frechet_distance(a, b)


def test_accuracy_on_the_test_images_is_what_the_file_says(extractor, test_split):
    images, labels = test_split
    features, logits = extractor.run(images)
    assert features.shape == (10_000, 128)
    assert logits.shape == (10_000, 10)
    assert features.dtype == logits.dtype == np.float32
    assert features.min() == 0.0
    accuracy = (logits.argmax(axis=1) == labels).mean()
    assert accuracy >= 0.993
    assert accuracy == pytest.approx(extractor.info["test_accuracy"], abs=2e-4)


def test_file_is_small_and_says_where_it_is_from(extractor):
    images, labels = load_mnist("train")
    assert (FOLDER / EXTRACTORS["mnist-cnn"]).stat().st_size < 400 * 1024
    assert extractor.info["name"] == "mnist-cnn"
    assert extractor.info["feature_size"] == extractor.feature_size == 128
    assert extractor.image_shape == (28, 28, 1)
    assert (
        extractor.info["data_sha256"] == hashlib.sha256(images.tobytes() + labels.astype("<i4").tobytes()).hexdigest()
    )


def test_file_is_legal_onnx():
    proto = onnx.load(FOLDER / EXTRACTORS["mnist-cnn"])
    onnx.checker.check_model(proto, full_check=True)
    assert {(o.domain, o.version) for o in proto.opset_import if o.domain == ""} == {("", 17)}


def test_every_registered_extractor_loads_under_its_name():
    for name in EXTRACTORS:
        assert Extractor.named(name).info["name"] == name


def test_real_digits_are_near_and_noise_is_far(extractor, test_split):
    train = load_mnist("train")[0][:10_000]
    noise = np.random.default_rng(0).integers(0, 256, (10_000, 28, 28, 1), np.uint8)
    assert 0.5 < frechet(extractor, train, test_split[0]) < 1.5
    assert frechet(extractor, train, noise) > 200.0
    assert frechet(extractor, train, train[:1].repeat(1000, axis=0)) > 100.0


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_features_do_not_depend_on_the_batch(extractor, test_split, batch):
    images = test_split[0][:50]
    features = Extractor.named("mnist-cnn", batch=batch).features(images)
    np.testing.assert_allclose(features, extractor.features(images), atol=1e-4)


def test_no_images_and_images_that_are_not_contiguous(extractor, test_split):
    images = test_split[0][:20]
    assert extractor.features(images[:0]).shape == (0, 128)
    np.testing.assert_array_equal(extractor.features(images[::2]), extractor.features(images[::2].copy()))


def test_needs_no_tensorflow():
    code = (
        "import sys, numpy as np\n"
        "from tfgan_kit.metrics.extractor import Extractor\n"
        "from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance\n"
        "f = Extractor.named('mnist-cnn').features(np.zeros((3, 28, 28, 1), np.uint8))\n"
        "frechet_distance(FeatureStatistics().update(f), FeatureStatistics().update(f))\n"
        "bad = {'tensorflow', 'keras', 'onnx', 'scipy', 'tfgan_kit.data'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 32, 32, 1), np.uint8),
        np.zeros((2, 28, 28, 3), np.uint8),
        np.zeros((28, 28, 1), np.uint8),
        np.zeros((2, 28, 28, 1), np.float32),
    ],
)
def test_refuses_images_that_do_not_fit(extractor, images):
    with pytest.raises(DataError, match=r"'mnist-cnn' takes uint8 images \(N, 28, 28, 1\); got"):
        extractor.features(images)
    with pytest.raises(DataError, match="takes uint8 images"):
        extractor.run(images)


def test_refuses_an_unknown_name():
    with pytest.raises(DataError, match="did you mean 'mnist-cnn'"):
        Extractor.named("mnist_cnn")


def test_refuses_a_file_that_is_missing_damaged_or_foreign(tmp_path):
    whole = (FOLDER / EXTRACTORS["mnist-cnn"]).read_bytes()
    truncated = tmp_path / "truncated.onnx"
    truncated.write_bytes(whole[: len(whole) // 2])
    foreign = tmp_path / "foreign.onnx"
    proto = onnx.load_from_string(whole)
    del proto.metadata_props[:]
    foreign.write_bytes(proto.SerializeToString())
    for path, words in (
        (tmp_path / "no.onnx", "is not there"),
        (truncated, "damaged or foreign"),
        (foreign, "not an extractor"),
    ):
        with pytest.raises(ModelFileError, match=words):
            Extractor(path)
