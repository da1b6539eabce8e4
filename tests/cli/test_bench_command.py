"""`tfgan bench`: tables, files, what stands beside it, and one clear line where it cannot be done."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_sample import write_model
from typer.testing import CliRunner

from tfgan_kit.cli import bench as command
from tfgan_kit.cli.main import app
from tfgan_kit.errors import DeviceError, ExportError, MissingPackageError, ModelFileError, SampleError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_model(Path("plain.onnx"), channels=3)
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    return tmp_path


def run(*arguments):
    done = CliRunner().invoke(app, ["bench", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_tables_json_and_plot(folder):
    shown = run("plain.onnx", "--quick", "--threads", "1", "--json", "x.json", "--plot", "x.png")
    for words in (
        "plain.onnx on ", "cpu, threads: 1, onnxruntime", "a single picture, onnxruntime: median, p99",
        "opening the model", "from a new process to the first picture", "pictures a call", "onnxruntime, pictures/s",
        "wrote x.json", "wrote x.png",
    ):  # fmt: skip
        assert words in shown
    content = json.loads(Path("x.json").read_text())
    assert [row["batch"] for row in content["throughput"]] == [1, 8, 64]
    assert content["machine"]["threads"] == 1
    with Image.open("x.png") as picture:
        assert picture.format == "PNG"


def test_what_makes_other_pictures_is_told(folder, monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda name: object())
    monkeypatch.setattr(command, "_torch", lambda sampler, path: lambda count: np.zeros((count, 4, 5, 3), np.uint8))
    shown = run("plain.onnx", "--quick")
    assert "PyTorch, pictures/s" in shown
    assert "times PyTorch" in shown
    assert "note: PyTorch makes other pictures, off by up to" in shown


def test_what_cannot_stand_beside_it_is_a_note(folder, monkeypatch):
    def fail(sampler, path):
        raise ExportError("the graph has Selu")

    monkeypatch.setattr(command, "find_spec", lambda name: object())
    monkeypatch.setattr(command, "_torch", fail)
    shown = run("plain.onnx", "--quick")
    assert "note: without PyTorch: the graph has Selu" in shown
    assert "PyTorch, pictures/s" not in shown


def test_pytorch_stands_beside_it(folder, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    shown = run("plain.onnx", "--quick")
    assert "a single picture, PyTorch: median, p99" in shown
    assert "note: PyTorch" not in shown


def test_a_run_brings_tensorflow(folder, monkeypatch):
    """The commands around it, without a real run: whose generator it is, and what it says where there is none."""
    Path("run").mkdir()
    Path("run/recipe.json").write_text("{}")
    write_model(Path("run/generator.onnx"))
    assert "note: without TensorFlow: run" in run("run", "--quick")
    asked = []

    def tensorflow(found):
        asked.append(found.path)
        return lambda count: np.zeros((count, 4, 5, 1), np.uint8)

    monkeypatch.setattr(command, "_tensorflow", tensorflow)
    shown = run("run", "--quick")
    assert asked == [Path("run")]
    assert "TensorFlow, pictures/s" in shown
    assert "note: TensorFlow makes other pictures" in shown


@pytest.mark.slow
def test_the_generator_of_a_real_run_makes_the_same_pictures(folder):
    from tfgan_kit.export.convert import export_onnx
    from tfgan_kit.recipe import Recipe
    from tfgan_kit.training import loop

    np.savez("tiny.npz", images=np.random.default_rng(0).integers(0, 256, (210, 8, 8), np.uint8))
    recipe = Recipe(
        data="npz:tiny.npz", family="mlp", g_hidden=(8,), d_hidden=(8,), z_dim=4, batch_size=8, kimg=0.064, jit=False,
        preview_grid=(2, 3),
    )  # fmt: skip
    loop.train(recipe, Path("run"), name="mnist")
    export_onnx(Path("run"))
    shown = run("run", "--quick")
    assert "TensorFlow, pictures/s" in shown
    assert "note:" not in shown


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["missing.onnx"], ModelFileError, "no model file missing.onnx"),
        ([], ModelFileError, "name a model"),
        (["."], ModelFileError, "has no generator.onnx: tfgan export"),
        (["plain.onnx", "--device", "gpu"], DeviceError, "unknown device 'gpu'"),
        (["plain.onnx", "--plot", "x.jpg"], SampleError, "--plot takes the name of a .png file; got x.jpg"),
        (["plain.onnx", "--json", "nowhere/x.json"], Exception, "there is no folder nowhere"),
        (["plain.onnx", "--plot", "nowhere/x.png"], Exception, "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(folder, monkeypatch, arguments, error, message):
    monkeypatch.setattr("tfgan_kit.export.bench.measure.bench", lambda *given, **named: pytest.fail("work began"))
    with pytest.raises(error, match=message.replace(".", r"\.")):
        run(*arguments)


def test_no_threads(folder):
    assert "--threads" in CliRunner().invoke(app, ["bench", "plain.onnx", "--threads", "0"]).output


def test_a_plot_without_matplotlib(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingPackageError, match="--plot needs matplotlib"):
        run("plain.onnx", "--plot", "x.png")


def test_a_folder_that_is_full_keeps_the_figures_on_the_screen(folder, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tfgan_kit.files.write_json", full)
    with pytest.raises(SampleError, match=r"x\.json cannot be written: No space left on device; the figures are above"):
        run("plain.onnx", "--quick", "--json", "x.json")
