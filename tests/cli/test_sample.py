"""`tfgan sample`: grids and files, the model it means, and one clear line where it cannot be done."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.cli.model_options import parse_classes, parse_seeds
from tfgan_kit.errors import DeviceError, ModelFileError, SampleError, TfganKitError
from tfgan_kit.export import ModelSpec, Sampler
from tfgan_kit.export.spec import PROPERTY, Parity

CLASSES = {"class": ("ant", "bee", "cat")}
HAIR = {"hair": ("brown", "black", "red"), "glasses": ("none", "round"), "ear": ("none", "ring", "red=ring")}


def write_model(path, attributes=None, channels=1, noise_dim=0, **fields):
    """A model file whose pictures are noise: 4x5 px, made without TensorFlow; each attribute adds a shade."""
    attributes = attributes or {}
    rng = np.random.default_rng(0)
    shape, pixels = (4, 5, channels), 20 * channels
    spec = ModelSpec(
        z_dim=3, z_prior="normal", attributes=attributes, height=4, width=5, channels=channels, layout="nhwc",
        dtype="uint8", recipe_name="", recipe_digest="", recipe={}, data_spec="", data_digest="", data_images=0,
        nimg=0, weights="ema", parity=Parity(max_abs_error=0.0, batch_sizes=(), tolerance=0.0), tfgan_kit="0",
        noise_dim=noise_dim, **fields,
    )  # fmt: skip
    weights = {
        "w": (100 * rng.normal(size=(3, pixels))).astype(np.float32),
        "v": (100 * rng.normal(size=(noise_dim, pixels))).astype(np.float32),
        "low": np.float32(0), "high": np.float32(255), "shape": np.array([-1, *shape]),
    }  # fmt: skip
    nodes = [helper.make_node("MatMul", ["z", "w"], ["x"])]
    inputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 3])]
    if attributes:
        axes = ["N"] if len(attributes) == 1 else ["N", len(attributes)]
        inputs.append(helper.make_tensor_value_info("labels", TensorProto.INT64, axes))
    last = "x"
    for a, names in enumerate(attributes.values()):
        weights[f"table{a}"] = np.linspace(0, 200, pixels * len(names)).reshape(len(names), -1).astype(np.float32)
        index = "labels"
        if len(attributes) > 1:
            weights[f"column{a}"], index = np.int64(a), f"index{a}"
            nodes.append(helper.make_node("Gather", ["labels", f"column{a}"], [index], axis=1))
        nodes.append(helper.make_node("Gather", [f"table{a}", index], [f"e{a}"]))
        nodes.append(helper.make_node("Add", [last, f"e{a}"], [f"x{a}"]))
        last = f"x{a}"
    if noise_dim:
        inputs.append(helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["N", noise_dim]))
        nodes += [helper.make_node("MatMul", ["noise", "v"], ["n"]), helper.make_node("Add", [last, "n"], ["noisy"])]
        last = "noisy"
    nodes += [
        helper.make_node("Clip", [last, "low", "high"], ["c"]),
        helper.make_node("Cast", ["c"], ["u"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["u", "shape"], ["images"]),
    ]
    output = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", *shape])
    initializers = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "noise", inputs, [output], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {PROPERTY: spec.to_json()})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_model(Path("plain.onnx"), channels=3)
    write_model(Path("named.onnx"), CLASSES)
    write_model(Path("several.onnx"), HAIR, noise_dim=2)
    return tmp_path


def run_cli(*args):
    result = CliRunner().invoke(app, ["sample", *args], standalone_mode=False)
    if isinstance(result.exception, TfganKitError):
        raise result.exception
    if result.exception is not None:
        raise AssertionError(result.output) from result.exception
    return result.output


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def tiles(path, shape=(4, 5)):
    """The pictures of a grid, row by row."""
    sheet = read(path)
    rows, columns = (sheet.shape[0] + 2) // (shape[0] + 2), (sheet.shape[1] + 2) // (shape[1] + 2)
    every = [
        sheet[i * (shape[0] + 2) :, j * (shape[1] + 2) :][: shape[0], : shape[1]]
        for i in range(rows)
        for j in range(columns)
    ]
    return rows, columns, np.stack(every)


def test_a_grid_by_default(folder):
    output = run_cli("plain.onnx")
    assert output == "wrote samples.png (64 pictures from plain.onnx)\n"
    rows, columns, images = tiles("samples.png")
    assert (rows, columns) == (8, 8)
    np.testing.assert_array_equal(images, Sampler("plain.onnx").sample(range(64)))


def test_columns_are_classes(folder):
    run_cli("named.onnx")
    rows, columns, images = tiles("samples.png")
    assert (rows, columns) == (8, 3)
    np.testing.assert_array_equal(images, Sampler("named.onnx").sample(range(24), np.arange(24) % 3)[..., 0])


@pytest.mark.parametrize(
    ("args", "seeds", "grid"),
    [
        (["-n", "7", "--seed", "5"], range(5, 12), (3, 3)),
        (["--seeds", "3,5,9-11"], [3, 5, 9, 10, 11], (2, 3)),
        (["-n", "1"], [0], (1, 1)),
        (["-n", "9", "--batch", "2"], range(9), (3, 3)),
    ],
)
def test_seeds(folder, args, seeds, grid):
    run_cli("plain.onnx", *args)
    rows, columns, images = tiles("samples.png")
    assert (rows, columns) == grid
    np.testing.assert_array_equal(images[: len(seeds)], Sampler("plain.onnx").sample(list(seeds)))


def test_one_class(folder):
    expected = Sampler("named.onnx").sample(range(64), 1)[..., 0]
    for label in ("bee", "1", "class=bee"):
        run_cli("named.onnx", "--class", label)
        np.testing.assert_array_equal(tiles("samples.png")[2], expected)


def test_several_attributes(folder):
    sampler = Sampler("several.onnx")
    run_cli("several.onnx")
    rows, columns, images = tiles("samples.png")
    assert (rows, columns) == (8, 8)
    np.testing.assert_array_equal(images, sampler.sample(range(64))[..., 0])
    for args, labels in (
        (["glasses=round"], {"glasses": 1}),
        (["hair=2", "ear=none"], {"hair": 2, "ear": 0}),
        (["black", "ear=red=ring"], {"hair": 1, "ear": 2}),
    ):
        run_cli("several.onnx", "-n", "9", *(word for arg in args for word in ("--class", arg)))
        np.testing.assert_array_equal(tiles("samples.png")[2], sampler.sample(range(9), labels)[..., 0])


def test_a_truncation_of_w_is_made_at_export(folder):
    write_model(Path("style.onnx"), truncation="w", psi=0.7)
    run_cli("style.onnx", "-n", "1")
    with pytest.raises(SampleError, match=r"set at export, to 0.7, .* got 0.5: tfgan export --onnx --truncation 0.5"):
        run_cli("style.onnx", "--truncation", "0.5")


@pytest.mark.parametrize(
    ("texts", "chosen"),
    [
        ([], {}),
        (["hair=brown"], {"hair": "brown"}),
        (["hair=7", "glasses=none"], {"hair": "7", "glasses": "none"}),
        (["ring"], {"ear": "ring"}),
        (["red=ring"], {"ear": "red=ring"}),
        (["ear=red=ring"], {"ear": "red=ring"}),
        (["round", "brown", "ear=none"], {"glasses": "round", "hair": "brown", "ear": "none"}),
    ],
)
def test_parse_classes(texts, chosen):
    assert parse_classes(texts, HAIR) == chosen


def test_parse_classes_of_one_attribute():
    for text in ("bee", "class=bee"):
        assert parse_classes([text], CLASSES)["class"] == "bee"
    assert parse_classes(["1"], CLASSES) == {"class": "1"}
    assert parse_classes(["class=a"], {"class": ("a", "class=a")}) == {"class": "class=a"}
    assert parse_classes(["a=b=1"], {"a": ("x", "y"), "a=b": ("x", "y")}) == {"a=b": "1"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["none"], "is a value of 2 attributes: say which one, --class glasses=none or --class ear=none"),
        (["3"], "--class 3 is a value of no attribute: legal: NAME=VALUE, NAME one of hair, glasses, ear"),
        (["blak"], "is a value of no attribute: did you mean hair=black"),
        (["glases=none"], "has no attribute 'glases': did you mean 'glasses'. legal: ear, glasses, hair"),
        (["hair=blak"], "unknown hair 'blak': did you mean 'black'. legal: black, brown, red"),
        (["hair=3"], "hair 3 does not exist; legal: 0 to 2, or brown, black, red"),
        (["hair="], "unknown hair ''"),
        (["hair=red", "hair=black"], "--class sets hair twice, to 'red' and 'black': set it once"),
    ],
)
def test_classes_that_are_not_legal(folder, args, message):
    before = sorted(os.listdir())
    with pytest.raises(SampleError, match=message):
        run_cli("several.onnx", *(word for arg in args for word in ("--class", arg)))
    assert sorted(os.listdir()) == before


def test_truncation(folder):
    run_cli("plain.onnx", "-n", "4", "--truncation", "0.5")
    np.testing.assert_array_equal(tiles("samples.png")[2], Sampler("plain.onnx").sample(range(4), truncation=0.5))


def test_single_files(folder):
    run_cli("named.onnx", "--seeds", "17,3", "--out", "pictures/now")
    assert sorted(os.listdir("pictures/now")) == ["seed-000003.png", "seed-000017.png"]
    np.testing.assert_array_equal(read("pictures/now/seed-000017.png"), Sampler("named.onnx").sample([17])[0, ..., 0])
    # Again, into the folder that is there, whatever its name looks like.
    Path("more.d").mkdir()
    run_cli("named.onnx", "-n", "2", "--out", "more.d")
    assert len(os.listdir("more.d")) == 2


@pytest.mark.parametrize("name", ["x.jpg", "x.webp", "x.BMP", "x.tiff"])
def test_formats(folder, name):
    run_cli("plain.onnx", "--out", name)
    with Image.open(name) as picture:
        assert picture.size == (8 * 7 - 2, 8 * 6 - 2)


def test_the_newest_export_is_the_default(folder):
    for age, run in ((200, "0002-mnist"), (100, "0001-mnist"), (300, "0003-mnist")):
        path = write_model(folder / "artifacts" / run / "generator.onnx")
        os.utime(path, (1e9 - age, 1e9 - age))
    assert "artifacts/0001-mnist/generator.onnx" in run_cli("-n", "1")
    assert "artifacts/0002-mnist/generator.onnx" in run_cli("artifacts/0002-mnist", "-n", "1")


def test_there_is_nothing_to_sample_from(folder):
    with pytest.raises(ModelFileError, match="tfgan export --onnx"):
        run_cli()
    Path("artifacts/0001-mnist").mkdir(parents=True)
    with pytest.raises(ModelFileError, match="tfgan export artifacts/0001-mnist --onnx"):
        run_cli("artifacts/0001-mnist")
    with pytest.raises(ModelFileError, match=r"no model file missing\.onnx"):
        run_cli("missing.onnx")


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        (["--seeds", "1-3", "--seed", "1"], SampleError, "leave --seed and -n out"),
        (["--seeds", "1-3", "-n", "3"], SampleError, "leave --seed and -n out"),
        (["--seeds", "3-1"], SampleError, "from the smaller to the larger"),
        (["--seeds", "a-b"], SampleError, "such as 0-99"),
        (["--seed", "-3"], SampleError, "got -3$"),
        (["--class", "0"], SampleError, "unconditional"),
        (["--truncation", "2"], SampleError, r"in \[0, 1\]"),
        (["--batch", "0"], SampleError, "batch must be at least 1"),
        (["--device", "gpu"], DeviceError, "legal: cpu, cuda"),
        (["--out", "x.gif"], SampleError, "unknown picture format '.gif': legal: .png"),
        (["--out", "no/such/x.png"], SampleError, "there is no folder no/such"),
        (["--out", "file"], SampleError, "is a file that is no picture"),
        (["--out", "file/in"], SampleError, "cannot be written"),
        (["-n", "10001"], SampleError, "give --out a folder"),
    ],
)
def test_requests_that_are_not_legal(folder, args, error, message):
    Path("file").write_text("")
    before = sorted(os.listdir())
    with pytest.raises(error, match=message):
        run_cli("plain.onnx", *args)
    assert sorted(os.listdir()) == before


def test_an_unknown_class_is_answered_with_the_nearest(folder):
    with pytest.raises(SampleError, match="did you mean 'cat'"):
        run_cli("named.onnx", "--class", "kat")
    with pytest.raises(SampleError, match="sets class twice"):
        run_cli("named.onnx", "--class", "cat", "--class", "0")


def test_a_picture_that_its_format_cannot_hold(folder, monkeypatch):
    def fail(*_, **__):
        raise OSError("encoder error")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(SampleError, match=r"samples\.png cannot be written: encoder error"):
        run_cli("plain.onnx")
    assert not list(folder.glob("*samples*"))


def test_parse_seeds():
    assert parse_seeds("0-99") == [range(100)]
    assert parse_seeds("3, 5,9 - 10") == [range(3, 4), range(5, 6), range(9, 11)]
    for text in ("", "1,", "-1", "1-2-3", "1.5", "9223372036854775808"):
        with pytest.raises(SampleError, match="--seeds"):
            parse_seeds(text)


def in_a_process(*args):
    program = "import sys; from tfgan_kit.cli.main import run; run()"
    return subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True, check=False)


def test_exit_code_and_one_line(folder):
    Path("broken.onnx").write_bytes(Path("plain.onnx").read_bytes()[:200])
    done = in_a_process("sample", "broken.onnx")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: broken.onnx is not an ONNX model")
    assert done.stderr.count("\n") == 1
    assert not Path("samples.png").exists()


def test_no_tensorflow(folder):
    program = (
        "import sys, runpy\n"
        "sys.argv = ['tfgan', 'sample', 'plain.onnx']\n"
        "from tfgan_kit.cli.main import app\n"
        "assert not {'onnxruntime', 'PIL'} & set(sys.modules)\n"
        "app(standalone_mode=False)\n"
        "print({'tensorflow', 'keras', 'onnx', 'tf2onnx'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "set()"
