"""SavedModels make the pictures of the ONNX model, or are not there."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.errors import ExportError
from tfgan_kit.export.convert import export_onnx
from tfgan_kit.export.forms import parity, saved_model
from tfgan_kit.export.forms.saved_model import write_saved_model
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.source import open_source
from tfgan_kit.latents import noise_from_seeds, z_from_seeds

SEVERAL = {"hair": ("red", "blue"), "hat": ("none", "top", "cap")}


@pytest.fixture(scope="module")
def run(make_run, tmp_path_factory):
    fields = {"shape": (12, 12, 3), "attributes": SEVERAL, "g_noise": 0.5, "g_random_in_use": True}
    return make_run(tmp_path_factory.mktemp("saved") / "run", **fields)


def test_its_signature_makes_the_pictures_of_the_onnx_model(run, tmp_path):
    source = open_source(run)
    measured = write_saved_model(source, tmp_path / "model")
    assert 0 < measured.max_abs_error <= measured.tolerance
    assert measured.batch_sizes == (1, 16)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    generate = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    seeds = np.arange(5)
    z, noise = z_from_seeds(seeds, 6), noise_from_seeds(seeds, source.spec.noise_dim)
    labels = np.array([[0, 2], [1, 1], [1, 0], [0, 1], [1, 2]])
    images = generate(z=tf.constant(z), labels=tf.constant(labels), noise=tf.constant(noise))["images"].numpy()
    assert images.dtype == np.uint8
    expected = Sampler(export_onnx(run, tmp_path / "x.onnx").file).generate(z, labels, noise=noise)
    assert np.abs(images.astype(int) - expected).max() <= 1


def test_float_images(make_run, tmp_path):
    source = open_source(make_run(tmp_path / "run", shape=(8, 8, 1)))
    (tmp_path / "empty").mkdir()
    measured = write_saved_model(source, tmp_path / "empty", output="float32")
    assert measured.max_abs_error <= 1e-5
    generate = tf.saved_model.load(str(tmp_path / "empty")).signatures["serving_default"]
    assert next(iter(generate.structured_outputs.values())).dtype == tf.float32


def test_a_folder_that_is_not_empty_is_left_alone(run, tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ExportError, match="is not empty: name a new folder"):
        write_saved_model(open_source(run), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_model_that_is_off_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)
    with pytest.raises(ExportError, match="is off TensorFlow by"):
        write_saved_model(open_source(run), tmp_path / "model", output="float32")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(run, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saved_model.os, "replace", fail)
    with pytest.raises(ExportError, match="model cannot be written: No space left on device"):
        write_saved_model(open_source(run), tmp_path / "model")
    assert not list(tmp_path.iterdir())
