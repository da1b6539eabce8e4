"""`tfgan inspect`: a table for people, JSON for programs, and one line for what is no model."""

import json
from pathlib import Path

import onnx
import pytest
from test_sample import CLASSES, HAIR, write_model
from typer.testing import CliRunner

from tfgan_kit.cli.inspect_model import printable
from tfgan_kit.cli.main import app
from tfgan_kit.errors import ModelFileError


def run_cli(*args):
    return CliRunner().invoke(app, ["inspect", *map(str, args)], standalone_mode=False)


@pytest.fixture
def named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_model(Path("named.onnx"), CLASSES)


def test_the_table_says_what_the_model_is(named):
    shown = run_cli(named).output
    for words in (
        "a generator of 5x4 grey pictures", "z of 3, normal", "ant, bee, cat", "z (N, 3) float32", "labels (N,) int64",
        "images (N, 4, 5, 1) uint8", "MatMul 1", "opset ai.onnx 17", "opens it: yes", "onnxruntime.InferenceSession",
    ):  # fmt: skip
        assert words in shown
    assert "cannot draw" not in shown


def test_several_attributes_and_noise_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = run_cli(write_model(Path("several.onnx"), HAIR, noise_dim=2)).output
    for words in ("brown, black, red", "none, round", "noise of 2", "labels (N, 3) int64"):
        assert words in shown


def test_json_is_json_alone(named):
    content = json.loads(run_cli(named, "--json").output)
    assert content["kind"] == "tfgan-kit"
    assert content["tfgan"]["classes"] == ["ant", "bee", "cat"]
    assert content["operators"]["Gather"] == 1


def test_a_folder_means_its_model(named):
    Path("run").mkdir()
    Path("named.onnx").rename("run/generator.onnx")
    assert "run/generator.onnx" in run_cli("run").output


def test_a_foreign_model_lacks_things(named):
    model = onnx.load(named)
    del model.metadata_props[:]
    model.producer_name = "evil\x1b[31m\nred"
    named.write_bytes(model.SerializeToString())
    shown = run_cli(named).output
    assert "not of tfgan-kit" in shown
    assert "tfgan sample cannot draw from it: it lacks\n- the metadata property 'tfgan'" in shown
    # What a file says of itself cannot colour or move the terminal.
    assert "\x1b" not in shown
    assert r"evil\x1b[31m\nred" in shown


def test_what_is_no_model_is_one_line(named):
    Path("x.onnx").write_bytes(b"\xff" * 99)
    for args, words in ((["x.onnx"], "not an ONNX model"), (["none.onnx"], "no model file"), ([], "tfgan export")):
        result = run_cli(*args)
        assert isinstance(result.exception, ModelFileError)
        assert words in str(result.exception)
        assert result.output == ""


def test_printable():
    assert printable("a\x1b\n\u202eb\ud800é☃") == r"a\x1b\n\u202eb\ud800é☃"
    assert printable("a\nb\x07", lines=True) == "a\nb\\x07"
