"""`tfgan demo`: what it writes and serves, and what it refuses before any work."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.errors import ModelFileError, SampleError

MODEL = Path(__file__).parents[2] / "artifacts/gallery/mnist/generator.onnx"


def run_cli(*arguments):
    result = CliRunner().invoke(app, ["demo", *map(str, arguments)], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.mark.parametrize("model", [MODEL, MODEL.parent])
def test_a_folder_is_written(tmp_path, model):
    shown = run_cli(model, "--out", tmp_path / "page", "--ort-web", "cdn")
    assert re.search(r"wrote .*page \(\d+ files, \d\.\d MB\)", shown)
    assert (tmp_path / "page" / "index.html").is_file()
    assert (tmp_path / "page" / "generator.onnx").read_bytes() == MODEL.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--out", "page", "--port", "8000"], SampleError, "take one of them"),
        (["--ort-web", "nowhere"], SampleError, "there is no folder nowhere"),
        (["--out", "no/such/folder"], SampleError, "there is no folder no/such"),
        (["--out", "full", "--ort-web", "cdn"], SampleError, "holds other files than a demo"),
        (["--out", "page", "--ort-web", "full"], ModelFileError, "of onnxruntime-web 1.30.0"),
    ],
)
def test_what_cannot_be_had_is_refused(tmp_path, monkeypatch, arguments, error, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(error, match=message):
        run_cli(MODEL, *arguments)
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "letter.txt"]


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(ModelFileError, match="there is no model file"):
        run_cli(tmp_path / "x.onnx", "--out", tmp_path / "page", "--ort-web", "cdn")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_it_serves_until_it_is_told_to_end(tmp_path):
    # A shell that runs tests in the background has them, and their children, ignore interrupts.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from tfgan_kit.cli.main import run; run()"
    command = [sys.executable, "-c", program, "demo", str(MODEL), "--no-open", "--ort-web", "cdn"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
            with urllib.request.urlopen(f"{address}generator.onnx", timeout=30) as answer:
                assert answer.read() == MODEL.read_bytes()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert err == ""


def test_the_browser_is_opened(tmp_path, monkeypatch):
    from tfgan_kit.cli import demo

    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(demo, "_wait", lambda: None)
    shown = run_cli(MODEL, "--ort-web", "cdn")
    assert f"serving {opened[0]} " in shown
    assert "open the address yourself" in shown
