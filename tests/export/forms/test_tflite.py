"""TFLite files make the pictures of the ONNX model, or are not there."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.errors import ExportError
from tfgan_kit.export.convert import export_onnx
from tfgan_kit.export.forms import parity
from tfgan_kit.export.forms.tflite import write_tflite
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.source import open_source
from tfgan_kit.latents import z_from_seeds

CLASSES = {"class": ("ant", "bee", "cat")}


@pytest.fixture(scope="module")
def run(make_run, tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("lite") / "run", shape=(12, 12, 3), attributes=CLASSES)


def runner_of(file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tf.lite.Interpreter(model_path=str(file)).get_signature_runner("serving_default")


@pytest.mark.parametrize("batch", [None, 4])
def test_its_signature_makes_the_pictures_of_the_onnx_model(run, tmp_path, batch):
    measured = write_tflite(open_source(run), tmp_path / "x.tflite", max_batch=batch)
    assert 0 < measured.max_abs_error <= measured.tolerance
    assert measured.batch_sizes == ((1, 16) if batch is None else (4,))
    seeds, labels = np.arange(4), np.array([2, 0, 1, 1])
    z = z_from_seeds(seeds, 6)
    images = runner_of(tmp_path / "x.tflite")(z=z, labels=labels)["images"]
    expected = Sampler(export_onnx(run, tmp_path / "x.onnx").file).generate(z, labels)
    assert images.dtype == np.uint8
    assert np.abs(images.astype(int) - expected).max() <= 1


def test_only_builtin_operators_are_in_it(make_run, tmp_path):
    source = open_source(make_run(tmp_path / "run", family="style", shape=(8, 8, 3), g_start_px=4, g_mapping=1))
    measured = write_tflite(source, tmp_path / "x.tflite", output="float32")
    assert measured.max_abs_error <= 2e-5
    interpreter = quiet_interpreter(tmp_path / "x.tflite")
    assert not [op["op_name"] for op in interpreter._get_ops_details() if op["op_name"].startswith("Flex")]


class Converter:
    """What stands for TensorFlow's, whose failures fill pages of stderr."""

    def __init__(self, convert):
        self.convert, self.target_spec = convert, tf.lite.TargetSpec()


def quiet_interpreter(file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tf.lite.Interpreter(model_path=str(file))


def test_a_generator_without_a_form_in_tflite_is_refused(run, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("Some ops are not supported: Erfinv\n and much more")

    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_concrete_functions", lambda *_: Converter(fail))
    with pytest.raises(ExportError, match=r"in TFLite's builtin operators: Some ops are not supported: Erfinv$"):
        write_tflite(open_source(run), tmp_path / "x.tflite")
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_off_leaves_no_file(run, tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)
    with pytest.raises(ExportError, match="is off TensorFlow by"):
        write_tflite(open_source(run), tmp_path / "x.tflite", output="float32")
    with pytest.raises(ExportError, match="is a folder"):
        write_tflite(open_source(run), tmp_path)
    assert not list(tmp_path.iterdir())
