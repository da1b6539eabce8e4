"""Extractors that are files: the shipped digits, foreign files of several kinds, and clear refusals."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.data.resize import fit_stack
from tfgan_kit.errors import DataError, MissingPackageError, ModelFileError
from tfgan_kit.extractors import NAMED, open_extractor
from tfgan_kit.extractors.onnx_file import OnnxExtractor
from tfgan_kit.extractors.registry import FOLDER
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance

MNIST = FOLDER / "mnist-cnn.onnx"
CHARACTERS = Path(__file__).parents[2] / "artifacts" / "gallery" / "characters.onnx"


@pytest.fixture(scope="module")
def extractor():
    return open_extractor("mnist-cnn")


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


def test_digits_are_the_file_that_all_published_figures_are_of(extractor):
    content = MNIST.read_bytes()
    assert len(content) < 400 * 1024
    assert hashlib.sha256(content).hexdigest() == "99bd13be6ceebe007b4277c3959ca461e9739c25006f2436a5dbbf6eee7b6310"
    assert extractor.digest == "99bd13be6ceebe00"


def test_file_says_where_it_is_from(extractor):
    images, labels = load_mnist("train")
    assert extractor.name == extractor.info["name"] == "mnist-cnn"
    assert extractor.info["feature_size"] == extractor.feature_size == 128
    assert extractor.image_shape == (28, 28, 1)
    assert extractor.attributes == {"class": tuple("0123456789")}
    assert (
        extractor.info["data_sha256"] == hashlib.sha256(images.tobytes() + labels.astype("<i4").tobytes()).hexdigest()
    )


def test_file_is_legal_onnx():
    proto = onnx.load(MNIST)
    onnx.checker.check_model(proto, full_check=True)
    assert {(o.domain, o.version) for o in proto.opset_import if o.domain == ""} == {("", 17)}


def test_every_name_opens_under_its_name():
    for name in NAMED:
        assert open_extractor(name).name == name


def test_real_digits_are_near_and_noise_is_far(extractor, test_split):
    train = load_mnist("train")[0][:10_000]
    noise = np.random.default_rng(0).integers(0, 256, (10_000, 28, 28, 1), np.uint8)
    assert 0.5 < frechet(extractor, train, test_split[0]) < 1.5
    assert frechet(extractor, train, noise) > 200.0
    assert frechet(extractor, train, train[:1].repeat(1000, axis=0)) > 100.0


@pytest.mark.parametrize("batch", [1, 7, 600])
def test_features_do_not_depend_on_the_batch(extractor, test_split, batch):
    images = test_split[0][:1100]
    parts = [extractor.features(images[start : start + batch]) for start in range(0, 1100, batch)][:20]
    features = extractor.features(images)
    np.testing.assert_allclose(np.concatenate(parts), features[: sum(map(len, parts))], atol=1e-4)


def test_no_images_and_images_that_are_not_contiguous(extractor, test_split):
    images = test_split[0][:20]
    features, logits = extractor.run(images[:0])
    assert features.shape == (0, 128)
    assert logits.shape == (0, 10)
    np.testing.assert_array_equal(extractor.features(images[::2]), extractor.features(images[::2].copy()))


def test_other_sizes_and_channels_are_resized_as_data_sources_are(extractor):
    images = np.random.default_rng(1).integers(0, 256, (5, 40, 33, 3), np.uint8)
    fitted = fit_stack(images, (28, 28), 1, "stretch")
    np.testing.assert_array_equal(extractor.features(images), extractor.features(fitted))
    assert extractor.resize == "Lanczos, antialiased"


def test_attributes_of_a_classifier_of_several_labels_are_those_of_its_file():
    characters = open_extractor(f"onnx:{CHARACTERS}")
    assert characters.name == "characters"
    assert characters.image_shape == (64, 64, 3)
    assert list(characters.attributes) == ["hair_color", "skin_color", "glasses", "earrings"]
    assert [len(values) for values in characters.attributes.values()] == [15, 4, 6, 7]
    features, logits = characters.run(np.zeros((2, 28, 28, 1), np.uint8))
    assert features.shape == (2, 128)
    assert logits.shape == (2, 32)


def test_features_of_floats_that_are_whole_are_those_of_the_whole_numbers(extractor, test_split):
    images = test_split[0][:50]
    whole = extractor.features(images)
    np.testing.assert_array_equal(extractor.features_of_floats(images.astype(np.float32)), whole)
    halves = extractor.features_of_floats(images.clip(0, 254).astype(np.float32) + 0.5)
    assert 0 < np.abs(halves - whole).max() < 0.5


def test_features_of_floats_of_another_size_and_colour_are_near_those_of_rounded_pictures(extractor):
    images = np.random.default_rng(1).integers(0, 256, (6, 41, 35, 3), np.uint8)
    features = extractor.features(images)
    np.testing.assert_allclose(
        extractor.features_of_floats(images.astype(np.float32)), features, atol=0.02 * features.max()
    )


def test_features_of_floats_need_onnx(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackageError, match="need onnx; pip install onnx"):
        open_extractor("mnist-cnn").features_of_floats(np.zeros((1, 28, 28, 1), np.float32))


def test_needs_no_tensorflow():
    code = (
        "import sys, numpy as np\n"
        "from tfgan_kit.extractors import open_extractor\n"
        "for name in ('mnist-cnn', 'pixels', 'random-conv'):\n"
        "    f = open_extractor(name).features(np.zeros((3, 28, 28, 1), np.uint8))\n"
        "bad = {'tensorflow', 'keras', 'onnx', 'scipy', 'tfgan_kit.data'} & set(sys.modules)\n"
        "assert not bad, bad\n"
        "open_extractor('mnist-cnn').features(np.zeros((3, 30, 30, 3), np.uint8))\n"
        "bad = {'tensorflow', 'keras', 'onnx', 'scipy'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Foreign files: f_j is the mean of what channel j holds, after the file's own scale.


def write(path, shape, dtype=TensorProto.FLOAT, *, outputs=("out",), info=None, axes=None):
    """A network whose outputs are the means of its input over all but batch and channels."""
    axes = axes or ([1, 2] if shape[-1] in (1, 3) else [2, 3])
    nodes = [
        helper.make_node("Cast", ["in"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=axes, keepdims=0),
    ]
    nodes += [helper.make_node("Identity", ["mean"], [name]) for name in outputs]
    channels = next(size for axis, size in enumerate(shape) if axis not in (0, *axes))
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("in", dtype, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], channels]) for name in outputs],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if info is not None:
        helper.set_model_props(proto, {"tfgan_extractor": info if isinstance(info, str) else json.dumps(info)})
    path.write_bytes(proto.SerializeToString())
    return f"onnx:{path}"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.onnx"


PICTURES = np.random.default_rng(2).integers(0, 256, (5, 8, 6, 3), np.uint8)
MEANS = PICTURES.astype(np.float64).mean(axis=(1, 2))


@pytest.mark.parametrize("shape", [["N", 8, 6, 3], ["N", 3, 8, 6], [None, None, None, 3], ["N", 3, "H", "W"]])
@pytest.mark.parametrize(("dtype", "scale"), [(TensorProto.FLOAT, 255), (TensorProto.UINT8, 1)])
def test_layout_and_range_of_foreign_files(path, shape, dtype, scale):
    extractor = open_extractor(write(path, shape, dtype))
    assert extractor.name == "mine"
    assert extractor.image_shape == ((8, 6, 3) if 8 in shape else None)
    assert extractor.feature_size == 3
    assert extractor.attributes == {}
    features, logits = extractor.run(PICTURES)
    assert logits is None
    np.testing.assert_allclose(features, MEANS / scale, rtol=1e-5)
    np.testing.assert_allclose(
        extractor.features_of_floats(PICTURES + np.float32(0.25)), (MEANS + 0.25) / scale, rtol=1e-5
    )


def test_range_in_the_metadata(path):
    extractor = open_extractor(write(path, ["N", 8, 6, 3], info={"range": [-1, 1]}))
    np.testing.assert_allclose(extractor.features(PICTURES), MEANS / 127.5 - 1, atol=1e-6)


def test_layout_and_size_in_the_metadata(path):
    with pytest.raises(DataError, match="does not show where its 1 or 3 channels are"):
        open_extractor(write(path, ["N", 3, 5, 3]))
    with pytest.raises(DataError, match="does not show where"):
        open_extractor(write(path, ["N", "a", "b", "c"], axes=[2, 3]))
    spec = write(path, ["N", "a", "b", "c"], axes=[2, 3], info={"layout": "NCHW", "image_shape": [8, 6, 3]})
    extractor = open_extractor(spec)
    assert extractor.image_shape == (8, 6, 3)
    np.testing.assert_allclose(extractor.features(PICTURES), MEANS / 255, rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_a_fixed_batch_is_filled_up(path, count):
    extractor = open_extractor(write(path, [2, 8, 6, 3]))
    images = np.concatenate([PICTURES, PICTURES[:1]])[:count]
    np.testing.assert_allclose(extractor.features(images), images.mean(axis=(1, 2)) / 255, rtol=1e-5)


def test_which_outputs_are_what(path):
    both = open_extractor(write(path, ["N", 8, 6, 3], outputs=("logits", "features")))
    assert both.attributes == {"class": ("0", "1", "2")}
    features, logits = both.run(PICTURES)
    np.testing.assert_array_equal(features, logits)
    for outputs in (("a", "b"), ("logits",), ("a", "features")):
        first = open_extractor(write(path, ["N", 8, 6, 3], outputs=outputs))
        assert first.attributes == {}
        assert first.run(PICTURES)[1] is None


def test_digest_is_of_the_content_and_not_of_the_name(path, tmp_path):
    one, other = write(path, ["N", 8, 6, 3]), write(tmp_path / "other.onnx", ["N", 8, 6, 3])
    assert open_extractor(one).digest == open_extractor(other).digest
    assert open_extractor(write(path, ["N", 8, 7, 3])).digest != open_extractor(other).digest


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"info": "[1]"}, "is no JSON object"),
        ({"info": "{"}, "is no JSON object"),
        ({"info": {"range": [1, 0]}}, r"range=\[1, 0\] .* is not \[low, high\]"),
        ({"info": {"image_shape": [8, 6]}}, "is not .H, W, 1 or 3"),
        ({"dtype": TensorProto.DOUBLE}, "needs one input, uint8 or float32 pictures; has in tensor.double."),
        ({"outputs": ("features", "logits"), "info": {"attributes": {"a": ["x"]}}}, "has 3 logits, and its attributes"),
    ],
)
def test_refuses_files_that_are_wrong(path, keywords, words):
    with pytest.raises(ModelFileError, match=words):
        open_extractor(write(path, ["N", 8, 6, 3], **keywords))


def test_refuses_an_output_that_is_no_features(path):
    graph = helper.make_graph(
        [helper.make_node("Identity", ["in"], ["out"])],
        "g",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["N", 8, 6, 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", 8, 6, 3])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelFileError, match=r"needs an output of floats \(N, F\); has out"):
        open_extractor(f"onnx:{path}")


def test_refuses_one_side_fixed(path):
    with pytest.raises(DataError, match="only one side is fixed"):
        open_extractor(write(path, ["N", 8, "W", 3]))


def test_a_network_that_fails_on_a_size_says_how_to_fix_it(path):
    proto = onnx.load_from_string(MNIST.read_bytes())
    for dim in proto.graph.input[0].type.tensor_type.shape.dim[1:3]:
        dim.dim_param = "side"
    del proto.metadata_props[:]
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(DataError, match=r"cannot work on pictures of .40, 40, 1.: .* say so as image_shape"):
        open_extractor(f"onnx:{path}").features(np.zeros((2, 40, 40, 1), np.uint8))


def test_refuses_weights_in_another_file(path):
    proto = onnx.load_from_string(MNIST.read_bytes())
    onnx.save(proto, path, save_as_external_data=True, size_threshold=1000)
    with pytest.raises(ModelFileError, match="keeps its weights in another file"):
        open_extractor(f"onnx:{path}")


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((28, 28, 1), np.uint8),
        np.zeros((2, 28, 28, 4), np.uint8),
        np.zeros((2, 0, 28, 1), np.uint8),
        np.zeros((2, 28, 28, 1), np.float64),
    ],
)
def test_refuses_images_that_are_none(extractor, images):
    with pytest.raises(DataError, match=r"'mnist-cnn' takes uint8 images \(N, H, W, C\) with 1 or 3 channels; got"):
        extractor.features(images)
    with pytest.raises(DataError, match="takes uint8 images"):
        extractor.run(images)
    with pytest.raises(DataError, match="takes float32 images"):
        extractor.features_of_floats(images)


def test_refuses_an_unknown_name():
    with pytest.raises(DataError, match="did you mean 'mnist-cnn'"):
        open_extractor("mnist_cnn")
    with pytest.raises(DataError, match="write onnx:FILE"):
        open_extractor("onnx:")


def test_refuses_a_file_that_is_missing_or_damaged(tmp_path):
    truncated = tmp_path / "truncated.onnx"
    truncated.write_bytes(MNIST.read_bytes()[:-200_000])
    for path, words in ((tmp_path / "no.onnx", "is not there"), (tmp_path, "cannot be read"), (truncated, "damaged")):
        with pytest.raises(ModelFileError, match=words):
            OnnxExtractor(path)
