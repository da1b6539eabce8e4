"""Sampling: a seed is a picture, a wrong request is an error, and nothing but numpy and onnxruntime is needed."""

import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

import tfgan_kit.export
from tfgan_kit.errors import DeviceError, MissingPackageError, ModelFileError, SampleError
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.latents import classes_from_seeds, noise_from_seeds, z_from_seeds


@pytest.fixture(scope="module")
def plain(exported):
    return Sampler(exported["plain"])


@pytest.fixture(scope="module")
def named(exported):
    return Sampler(exported["named"])


@pytest.fixture(scope="module")
def several(exported):
    return Sampler(exported["several"])


@pytest.mark.parametrize("kind", ["plain", "named", "several", "spherical"])
@pytest.mark.parametrize("threads", [1, 2, 3, 64])
def test_a_seed_is_the_same_picture_to_the_bit_in_any_batch(exported, kind, threads):
    expected = Sampler(exported[kind], threads=1).sample(range(41))
    sampler = Sampler(exported[kind], threads=threads)
    for batch in (1, 2, 7, 41, 1000):
        np.testing.assert_array_equal(sampler.sample(range(41), batch=batch), expected)
    for seed in (0, 1, 40):
        np.testing.assert_array_equal(sampler.sample([seed])[0], expected[seed])
    np.testing.assert_array_equal(sampler.sample([40, 3, 3]), expected[[40, 3, 3]])


def test_shapes_and_values(plain, named):
    images = plain.sample()
    assert images.shape == (16, 28, 28, 1)
    assert images.dtype == np.uint8
    assert named.sample(range(5)).shape == (5, 20, 12, 3)
    assert named.sample([]).shape == (0, 20, 12, 3)
    assert images.std() > 0
    assert not np.array_equal(images[0], images[1])


def test_nothing_but_onnxruntime_makes_the_same_pictures(exported, named):
    session = onnxruntime.InferenceSession(exported["named"], providers=["CPUExecutionProvider"])
    spec = json.loads(session.get_modelmeta().custom_metadata_map["tfgan"])
    feed = {"z": z_from_seeds(range(9), spec["z"]["dim"], spec["z"]["prior"]), "labels": np.arange(9) % 3}
    np.testing.assert_array_equal(session.run(["images"], feed)[0], named.sample(range(9)))


def test_layout_and_dtype_of_the_file_do_not_show(make_run, tmp_path):
    from tfgan_kit.export.convert import export_onnx

    run = make_run(tmp_path / "run", shape=(20, 12, 3))
    forms = [(layout, output) for layout in ("nhwc", "nchw") for output in ("uint8", "float32")]
    made = [
        Sampler(export_onnx(run, tmp_path / "x.onnx", layout=layout, output=output).file).sample(range(8))
        for layout, output in forms
    ]
    for images in made:
        np.testing.assert_array_equal(images, made[0])


def test_labels(named):
    seeds = range(6)
    default = named.sample(seeds)
    np.testing.assert_array_equal(named.sample(seeds, labels=[0, 1, 2, 0, 1, 2]), default)
    np.testing.assert_array_equal(named.sample(seeds, labels=np.arange(6) % 3), default)
    np.testing.assert_array_equal(named.sample(seeds, labels=["ant", "bee", 2, 0, "bee", "cat"]), default)
    np.testing.assert_array_equal(named.sample(seeds, labels="bee"), named.sample(seeds, labels=1))
    assert not np.array_equal(named.sample(seeds, labels="bee"), default)
    np.testing.assert_array_equal(named.sample([4]), default[4:5])


def test_attributes_and_noise_are_drawn_from_the_seeds(exported, several):
    session = onnxruntime.InferenceSession(exported["several"], providers=["CPUExecutionProvider"])
    spec = json.loads(session.get_modelmeta().custom_metadata_map["tfgan"])
    classes = [len(names) for names in spec["attributes"].values()]
    assert classes == [21, 2, 3, 1]
    feed = {
        "z": z_from_seeds(range(9), spec["z"]["dim"]),
        "labels": classes_from_seeds(range(9), classes),
        "noise": noise_from_seeds(range(9), spec["noise"]["dim"]),
    }
    images = several.sample(range(9))
    np.testing.assert_array_equal(session.run(["images"], feed)[0], images)
    np.testing.assert_array_equal(several.sample(range(9), labels=feed["labels"]), images)
    np.testing.assert_array_equal(several.sample(range(9), labels={}), images)
    np.testing.assert_array_equal(several.generate(feed["z"]), images)
    np.testing.assert_array_equal(several.generate(feed["z"], feed["labels"], noise=feed["noise"]), images)
    quiet = session.run(["images"], feed | {"noise": 0 * feed["noise"]})[0]
    assert (quiet != images).any()
    np.testing.assert_array_equal(several.generate(feed["z"], noise=0 * feed["noise"]), quiet)


def test_attributes_by_name(several):
    c = classes_from_seeds(range(6), several.spec.classes)
    c[:, 1], c[:, 2] = 1, [0, 1, 2, 2, 1, 0]
    expected = several.sample(range(6), labels=c)
    for labels in (
        {"glasses": "round", "ear": ["none", "ring", "stud", 2, 1, 0]},
        {"ear": c[:, 2], "glasses": 1},
        {"ear": c[:, 2].astype(np.uint8), "glasses": np.int64(1)},
    ):
        np.testing.assert_array_equal(several.sample(range(6), labels), expected)
        np.testing.assert_array_equal(several.generate(z_from_seeds(range(6), 6), labels), expected)
    assert (several.sample(range(6)) != expected).any()


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (np.zeros((2, 5), np.float32), r"noise must be \(3, \d+\) float32; got \(2, 5\) float32"),
        (np.zeros(5, np.float32), "noise must be"),
        (np.zeros((3, 5)), "noise must be"),
    ],
)
def test_generate_refuses_other_noise(plain, several, noise, message):
    with pytest.raises(SampleError, match=message):
        several.generate(np.zeros((3, 6), np.float32), noise=noise)
    with pytest.raises(SampleError, match="no input noise: leave noise out"):
        plain.generate(np.zeros((3, 6), np.float32), noise=noise)


def test_truncation_scales_z(plain):
    z = z_from_seeds(range(3), 6)
    np.testing.assert_array_equal(plain.sample(range(3), truncation=0.5), plain.generate(z * np.float32(0.5)))
    still = plain.sample(range(3), truncation=0)
    np.testing.assert_array_equal(still[0], still[1])


def test_generate_takes_latents(plain, named):
    np.testing.assert_array_equal(plain.generate(z_from_seeds(range(5), 6)), plain.sample(range(5)))
    np.testing.assert_array_equal(named.generate(z_from_seeds(range(5), 6)), named.sample(range(5)))


@pytest.mark.parametrize("z", [np.zeros(6, np.float32), np.zeros((2, 5), np.float32), np.zeros((2, 6))])
def test_generate_refuses_other_latents(plain, z):
    with pytest.raises(SampleError, match=r"z must be \(N, 6\) float32"):
        plain.generate(z)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"seeds": [-1]}, "seeds must be"),
        ({"seeds": [0.5]}, "seeds must be"),
        ({"seeds": [2**63]}, "seeds must be"),
        ({"seeds": [[1]]}, "seeds must be"),
        ({"seeds": 3}, "seeds must be"),
        ({"truncation": 1.5}, r"in \[0, 1\]; got 1.5"),
        ({"truncation": -0.1}, r"in \[0, 1\]"),
        ({"truncation": float("nan")}, r"in \[0, 1\]"),
        ({"batch": 0}, "at least 1"),
        ({"labels": 3}, "class 3 does not exist; legal: 0 to 2"),
        ({"labels": -1}, "class -1 does not exist"),
        ({"labels": "4"}, "class 4 does not exist"),
        ({"labels": "be"}, "did you mean 'bee'"),
        ({"labels": [0, 1]}, "labels must be one class, or one a seed; got 2 for 16 seeds"),
        ({"labels": {"clas": 0}}, "no attribute 'clas': did you mean 'class'"),
        ({"labels": np.zeros((16, 2), int)}, r"labels must be \(16, 1\) whole numbers"),
    ],
)
def test_requests_that_are_not_legal(named, request_, message):
    with pytest.raises(SampleError, match=message):
        named.sample(**request_)


def test_a_class_of_an_unconditional_model(plain):
    with pytest.raises(SampleError, match="unconditional"):
        plain.sample(labels=0)
    for labels in ({"class": 0}, np.zeros((16, 1), int), "cat"):
        with pytest.raises(SampleError, match="unconditional"):
            plain.sample(labels=labels)


def test_a_spherical_z_cannot_be_truncated(exported):
    sampler = Sampler(exported["spherical"])
    sampler.sample(truncation=1)
    with pytest.raises(SampleError, match="spherical"):
        sampler.sample(truncation=0.7)


def rewritten(file, path, change):
    model = onnx.load(file)
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def newer(model):
    model.metadata_props[0].value = '{"format": 2}'


def lying(model):
    model.metadata_props[0].value = model.metadata_props[0].value.replace('"height": 28', '"height": 32')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: model.metadata_props.pop(), "not a tfgan-kit model"),
        (newer, "made by a newer tfgan-kit, format 2"),
        (lying, "is damaged: its graph has"),
    ],
)
def test_models_that_are_not_ours(exported, tmp_path, change, message):
    with pytest.raises(ModelFileError, match=message):
        Sampler(rewritten(exported["plain"], tmp_path / "x.onnx", change))


def test_files_that_are_no_models(exported, tmp_path):
    content = exported["plain"].read_bytes()
    for name, part in (
        ("half", content[: len(content) // 2]),
        ("short", content[:-3]),
        ("text", b"hello"),
        ("empty", b""),
    ):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(ModelFileError, match=name):
            Sampler(tmp_path / name)
    with pytest.raises(ModelFileError, match="no model file"):
        Sampler(tmp_path / "missing.onnx")
    with pytest.raises(ModelFileError, match="no model file"):
        Sampler(tmp_path)


def test_a_model_that_is_gone_while_it_is_open(exported, tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(exported["plain"].read_bytes())
    sampler = Sampler(path, threads=8)
    path.unlink()
    np.testing.assert_array_equal(sampler.sample([1]), Sampler(exported["plain"]).sample([1]))


def test_devices(exported, monkeypatch, capfd):
    with pytest.raises(DeviceError, match="did you mean 'cuda'"):
        Sampler(exported["plain"], device="cud")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DeviceError, match="has no CUDAExecutionProvider"):
        Sampler(exported["plain"], device="cuda")
    assert Sampler(exported["plain"]).device == "cpu"
    assert capfd.readouterr() == ("", "")


def test_a_silent_fall_back_to_the_cpu_is_an_error(exported, monkeypatch, capfd):
    """What onnxruntime does on a machine without the driver: a session that runs, on the CPU."""
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda *args, **named: real(*args, providers=["CPUExecutionProvider"])
    )
    with pytest.raises(DeviceError, match="fell back to the CPU"):
        Sampler(exported["plain"], device="cuda")
    assert capfd.readouterr() == ("", "")


def test_without_onnxruntime(exported, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'tfgan-kit\[sample\]'"):
        Sampler(exported["plain"])


def test_imports_nothing_but_numpy_and_onnxruntime(exported):
    program = (
        "import sys\n"
        "from tfgan_kit.export import ModelSpec\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "from tfgan_kit.export import Sampler\n"
        f"assert Sampler({str(exported['plain'])!r}).sample(seeds=range(2)).shape == (2, 28, 28, 1)\n"
        "print({'tensorflow', 'keras', 'PIL', 'onnx', 'typer', 'rich', 'tf2onnx'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_public_names():
    assert tfgan_kit.export.Sampler is Sampler
    with pytest.raises(AttributeError, match="no attribute 'Sample'"):
        _ = tfgan_kit.export.Sample


@pytest.mark.parametrize("labels", [1.5, True, [1.5, 0, 1], np.array(0.5)])
def test_a_class_that_is_no_whole_number_is_refused(named, labels):
    with pytest.raises(SampleError, match="index or a name"):
        named.sample(seeds=range(3), labels=labels)
