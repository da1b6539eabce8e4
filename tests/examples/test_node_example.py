"""examples/node draws Python's pictures with onnxruntime-node, installed from its lock alone."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.export import Sampler

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "artifacts/gallery/mnist/generator.onnx"
NODE, NPM = shutil.which("node"), shutil.which("npm")

pytestmark = pytest.mark.skipif(NODE is None or NPM is None, reason="no Node, or no npm")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The example and what it takes from the page, in their places, installed."""
    root = tmp_path_factory.mktemp("node")
    ignored = shutil.ignore_patterns("node_modules")
    for part in ("examples/node", "export/web"):
        shutil.copytree(ROOT / part, root / part, ignore=ignored)
    folder = root / "examples/node"
    # The folder's own .npmrc keeps install scripts, and their downloads, out.
    environment = {name: value for name, value in os.environ.items() if "ONNXRUNTIME" not in name}
    done = subprocess.run(
        [NPM, "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        env=environment,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"npm could not install: {done.stderr[-200:]}")
    yield folder
    # 290 MB.
    shutil.rmtree(root)


def sample(example, *arguments):
    command = [NODE, "sample.mjs", *map(str, arguments)]
    return subprocess.run(command, cwd=example, capture_output=True, text=True, timeout=120, check=False)


def test_nothing_was_downloaded_beside_the_packages(example):
    binaries = example / "node_modules/onnxruntime-node/bin"
    assert not list(binaries.rglob("*cuda*"))


@pytest.mark.parametrize(
    ("options", "label", "truncation"),
    [
        (["--seed", "3"], None, 1),
        (["--seed", "9223372036854775807", "--class", "7"], 7, 1),
        (["--seed", "12", "--truncation", "0.5"], None, 0.5),
    ],
)
def test_a_picture_is_that_of_python(example, tmp_path, options, label, truncation):
    done = sample(example, MODEL, *options, "--out", tmp_path / "a.png")
    assert done.returncode == 0, done.stderr
    picture = Image.open(tmp_path / "a.png")
    assert picture.mode == "L"
    expected = Sampler(MODEL, threads=1).sample([int(options[1])], label, truncation)[0, ..., 0]
    assert np.ptp(expected) > 100
    assert np.abs(np.asarray(picture).astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    "fields",
    [
        {"attributes": {"hair": ("a", "b"), "hat": ("c", "d")}, "noise_dim": 5},
        {"inputs": "seed"},
        {"inputs": "w", "attributes": {"class": ("a", "b")}, "truncation": "w", "psi": 0.7},
        {"layout": "nchw", "dtype": "float32", "max_batch": 4, "z_prior": "uniform"},
    ],
)
def test_every_kind_of_model(example, tmp_path, monkeypatch, fields):
    monkeypatch.syspath_prepend(ROOT / "tests/export")
    tiny_models = pytest.importorskip("tiny_models", reason="no onnx", exc_type=ImportError)
    model = tiny_models.write_tiny(tmp_path / "tiny.onnx", **fields)
    done = sample(example, model, "--seed", 6, "--out", tmp_path / "a.png")
    assert done.returncode == 0, done.stderr
    expected = Sampler(model, threads=1).sample([6])[0]
    assert np.abs(np.asarray(Image.open(tmp_path / "a.png")).astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a model"),
        (["nowhere.onnx"], "no such file"),
        (["sample.mjs"], "damaged or cut off"),
        ([MODEL, "--seed", "x"], "--seed takes a whole number; got x"),
        ([MODEL, "--truncation", "2"], "--truncation takes 0 to 1; got 2"),
        ([MODEL, "--class", "ten"], "--class ten: legal are 0, 1, 2"),
        ([MODEL, "--what"], "Unknown option '--what'"),
    ],
)
def test_an_error_is_one_line(example, arguments, message):
    done = sample(example, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
