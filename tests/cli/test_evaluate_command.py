"""`tfgan evaluate` on a run, on a model without TensorFlow, and on pictures; and one clear line where it cannot be."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.errors import DataError, ModelFileError, RunError, TfganKitError
from tfgan_kit.evaluation.registry import METRICS
from tfgan_kit.evaluation.result import Evaluation
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import loop
from tfgan_kit.training.run_folder import RunFolder

MODEL = Path(__file__).parents[2] / "artifacts" / "gallery" / "mnist" / "generator.onnx"


def run_cli(*args):
    result = CliRunner().invoke(app, ["evaluate", *map(str, args)], standalone_mode=False)
    if isinstance(result.exception, TfganKitError):
        raise result.exception
    if result.exception is not None:
        raise AssertionError(result.output) from result.exception
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder of 150 real digits."""
    folder = tmp_path_factory.mktemp("digits")
    for i, image in enumerate(load_mnist("test")[0][:150]):
        Image.fromarray(image[..., 0]).save(folder / f"{i:03d}.png")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a few steps on 8x8 pictures."""
    path = tmp_path_factory.mktemp("runs")
    generator = np.random.default_rng(0)
    np.savez(path / "tiny.npz", images=generator.integers(0, 256, (210, 8, 8), np.uint8), labels=np.arange(210) % 3)
    recipe = Recipe(
        data=f"npz:{path / 'tiny.npz'}", family="mlp", g_hidden=(8,), d_hidden=(8,), z_dim=4, batch_size=8, kimg=0.064,
        jit=False, preview_grid=(2, 3),
    )  # fmt: skip
    loop.train(recipe, path / "run", name="mnist")
    return path / "run"


def test_model_on_its_own_data_without_tensorflow(tmp_path):
    code = (
        "import sys\n"
        "from tfgan_kit.cli.main import app\n"
        f"app(['evaluate', {str(MODEL)!r}, '--data', 'mnist:test', '-n', '300', '--json', {str(tmp_path / 'f.json')!r},"
        " '--metrics', 'all'], standalone_mode=False)\n"
        "bad = {'tensorflow', 'keras', 'torch'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    found = Evaluation.read(tmp_path / "f.json")
    assert found.extractor["name"] == "mnist-cnn"
    assert found.data["spec"] == "mnist:test"
    assert found.samples == 300
    assert 0 < found.metrics["frechet"].value < 40
    assert found.metrics["conditional_accuracy"].value > 0.9
    assert found.metrics["modes_covered"].value == 10
    words = " ".join(done.stdout.split())
    for part in ("Frechet distance", "300 samples", "mnist:test, 10,000 pictures", found.data["digest"], "mnist-cnn"):
        assert part in words
    assert "no value of class has 100 real pictures and samples" in words
    assert "path_length left out: it needs pictures that are not rounded" in words
    assert "FID" not in words


def test_run_keeps_its_figures(run):
    words = run_cli(run, "--n", 60, "--extractor", "pixels", "--metrics", "frechet,prdc,memorisation")
    folder = RunFolder(run)
    assert Evaluation.read(folder.evaluation).samples == 60
    (line,) = folder.read_evaluations()
    assert line["step"] == 8
    assert line["metrics"]["frechet/pixels@60"] > 0
    assert (run / "nearest.png").is_file()
    assert "nearest.png" in words
    # The samples of the picture are those of the pairs.
    with Image.open(run / "nearest.png") as picture:
        assert picture.size[1] == 2 * 8 + 2


def test_folder_of_pictures(digits, tmp_path):
    run_cli(
        digits,
        "--data",
        "mnist:test",
        "--extractor",
        "mnist-cnn",
        "--json",
        tmp_path / "f.json",
        "--metrics",
        "frechet",
    )
    found = Evaluation.read(tmp_path / "f.json")
    assert found.subject["kind"] == "pictures"
    assert found.samples == 150
    assert found.metrics["frechet"].value < 40


def test_pictures_that_cannot_be_read_are_named(tmp_path):
    for i, image in enumerate(load_mnist("test")[0][:120]):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{i:03d}.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "000.png").read_bytes()[:60])
    words = run_cli(tmp_path, "--data", "mnist:test", "--extractor", "pixels", "--metrics", "frechet")
    assert "torn.png" in words
    assert "120 samples" in words


def test_repetitions_give_a_deviation(tmp_path):
    words = run_cli(
        MODEL, "--data", "mnist:test", "-n", 200, "--seeds", 3, "--metrics", "frechet", "--json", tmp_path / "f.json"
    )
    content = json.loads((tmp_path / "f.json").read_text())
    assert content["seeds"] == [0, 200, 400]
    assert content["metrics"]["frechet"]["deviation"] > 0
    assert "200 samples, 3 times" in words


def test_held_out_pictures_give_the_scale(tmp_path):
    run_cli(
        MODEL,
        "--data",
        "mnist:test",
        "--held-out",
        "mnist:test",
        "-n",
        500,
        "--metrics",
        "frechet",
        "--json",
        tmp_path / "f.json",
    )
    assert 0 < Evaluation.read(tmp_path / "f.json").metrics["frechet"].real < 20


def test_lists_the_metrics():
    words = run_cli("--metrics", "list")
    assert all(name in words for name in METRICS)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        (["missing"], DataError, "missing is not there: name a run folder, an .onnx of tfgan export, or a folder"),
        (["missing.onnx"], ModelFileError, "there is no model file missing.onnx"),
        (["notes.txt"], DataError, "notes.txt is none of these"),
        (["empty"], DataError, "empty"),
        ([], RunError, "no run with a checkpoint"),
        ([MODEL, "--n", "1"], DataError, "--n takes at least 2 samples; got 1"),
        ([MODEL, "--seeds", "0"], DataError, "--seeds takes the number of repetitions"),
        ([MODEL, "--metrics", "fid"], DataError, "unknown metric 'fid'"),
        ([MODEL, "--metrics", "path_length"], DataError, "evaluate the run, not its export"),
        ([MODEL, "--extractor", "minst-cnn"], DataError, "did you mean 'mnist-cnn'"),
        ([MODEL, "--download"], DataError, "--download fetches the weights of inception: name it with --extractor"),
        ([MODEL, "--extractor", "inception"], DataError, "--download` fetches them once"),
        ([MODEL, "--data", "minst"], DataError, "did you mean 'mnist'"),
        ([MODEL, "--json", "no/where.json"], DataError, "there is no folder no"),
        ([MODEL, "--pairs", "no/where.png"], DataError, "there is no folder no"),
    ],
)
def test_refuses_in_one_line(tmp_path, monkeypatch, args, error, message):
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("no pictures")
    Path("empty").mkdir()
    with pytest.raises(error) as caught:
        run_cli(*args)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pictures_need_data(digits):
    with pytest.raises(DataError, match="is a set of pictures: name the real ones with --data"):
        run_cli(digits)


def test_run_whose_data_went_away(run, tmp_path):
    import shutil

    moved = tmp_path / "run"
    shutil.copytree(run, moved)
    content = json.loads((moved / "recipe.json").read_text())
    content["recipe"]["data"] = "npz:gone.npz"
    (moved / "recipe.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"gone\.npz.*name it where it is now with --data"):
        run_cli(moved)


def test_run_that_is_being_trained_keeps_its_records(run):
    before = RunFolder(run).stats.read_bytes()
    with RunFolder(run).lock():
        words = run_cli(run, "--n", 40, "--extractor", "pixels", "--metrics", "frechet")
    assert "is being trained, so that the figures are not put into its records" in words
    assert RunFolder(run).stats.read_bytes() == before


def test_full_disk_is_one_line_after_the_figures(digits, tmp_path, monkeypatch):
    from tfgan_kit import files

    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(files, "write_json", full)
    with pytest.raises(DataError, match=r"f\.json cannot be written: No space left on device; the figures are above"):
        run_cli(digits, "--data", "mnist:test", "--metrics", "frechet", "--json", tmp_path / "f.json")
    assert not list(tmp_path.iterdir())


def test_a_discriminator_that_compares_a_batch_s_pictures_is_no_obstacle():
    from types import SimpleNamespace

    from tfgan_kit.cli.evaluate import data_recipe

    recipe = Recipe(kimg=1, family="style", d_minibatch="stddev")
    assert data_recipe(SimpleNamespace(recipe=recipe), None).batch_size == 1
