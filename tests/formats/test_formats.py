"""Files that each format's first tfgan-kit wrote are read by this one.

run-1 is a run that was left in the middle; generator-1.onnx was exported from it, and samples-1.npz drawn from that.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tfgan_kit.export.runtime import Sampler
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import RunFolder

HERE = Path(__file__).parent


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    shutil.copytree(HERE / "run-1", tmp_path / "run-1")
    shutil.copy(HERE / "data-1.npz", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run-1"


def test_a_model_of_format_1_gives_its_pictures():
    sampler = Sampler(HERE / "generator-1.onnx")
    expected = np.load(HERE / "samples-1.npz", allow_pickle=False)["images"]
    images = sampler.sample(seeds=range(12))
    assert np.abs(images.astype(int) - expected).max() <= 1


def test_a_run_of_format_1_is_read(run):
    folder = RunFolder(run)
    recipe, facts, name = folder.read()
    assert (name, recipe.family, facts.images, facts.shape) == ("old", "mlp", 24, (8, 8, 1))
    # What that version did not know has the value that leaves things as they were.
    assert recipe.on_failure == "continue"
    manifest, state, refused = folder.load()
    assert (manifest.step, manifest.finished, refused) == (10, False, [])
    assert "G_ema/" in " ".join(state)
    assert [line["step"] for line in folder.read_stats()] == [5, 10]


def test_a_run_of_format_1_goes_on_to_its_end(run):
    from tfgan_kit.training import loop

    recipe, _, name = RunFolder(run).read()
    outcome = loop.train(recipe, run, name=name)
    assert (outcome.finished, outcome.nimg) == (True, 160)


def test_a_run_of_format_1_is_exported(run):
    from tfgan_kit.export.convert import export_onnx

    result = export_onnx(run)
    expected = np.load(HERE / "samples-1.npz", allow_pickle=False)["images"]
    images = Sampler(result.file).sample(seeds=range(12))
    assert np.abs(images.astype(int) - expected).max() <= 1


def test_a_newer_format_is_refused_with_the_version_that_reads_it(run):
    from tfgan_kit.errors import RunError

    text = (run / "recipe.json").read_text(encoding="utf-8")
    newer = text.replace('"format": 1', '"format": 2').replace('"tfgan_kit": "0.1.0"', '"tfgan_kit": "9.0"')
    assert newer != text
    (run / "recipe.json").write_text(newer, encoding="utf-8")
    with pytest.raises(RunError, match=r"run format 2.*use tfgan-kit 9\.0"):
        RunFolder(run).read()
    assert checkpoint.FORMAT == 1
