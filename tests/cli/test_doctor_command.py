"""`tfgan doctor`: what it says of a run that is well and of one that is not, and its lines where it cannot."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.errors import DataError, RunError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import DataFacts, RunFolder

WELL = {"d_loss": 1.2, "d_accuracy": 0.7, "d_grad_norm": 2.0, "fake_contrast": 1.0, "fake_change": 0.1}


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    """A run of which nothing is there but its recipe."""
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    facts = DataFacts(spec="mnist", images=1, shape=(8, 8, 1), attributes={}, digest="d")
    run.create(Recipe(kimg=10, watch_from_kimg=0.0), facts, "mnist")
    return run


def add(folder: RunFolder, ticks: int, **figures) -> None:
    begun = len(folder.read_stats())
    for i in range(begun + 1, begun + ticks + 1):
        folder.append(folder.stats, {"step": 10 * i, "nimg": 1000 * i, **WELL, **figures})


def doctor(*arguments) -> str:
    result = CliRunner().invoke(app, ["doctor", *map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_a_run_that_is_well_is_said_to_be_with_what_was_watched(folder):
    add(folder, 5)
    lines = doctor(folder.path).splitlines()
    assert lines[0] == f"{folder.path}: recipe mnist, 5 ticks to 5.0 kimg"
    assert lines[1].split(maxsplit=1) == ["well", "nothing is wrong"]
    assert lines[2].startswith("watched")
    assert "D's loss near 0" in lines[2]
    assert all(line.startswith("left out") for line in lines[3:])
    assert any("loss scale" in line and "mixed_float16" in line for line in lines[3:])


def test_what_is_wrong_since_when_the_evidence_and_the_switch(folder):
    add(folder, 2)
    add(folder, 4, d_grad_norm=200.0)
    add(folder, 3, d_grad_norm=200.0, fake_contrast=0.01)
    said = doctor(folder.path)
    assert said.index("failure   samples are dead") < said.index("note      the gradients of D are large")
    assert "since 6 kimg; within a sample, the contrast is 1 % of the real pictures'" in said
    assert "since 2 kimg; the gradient norm of D is 200" in said
    assert "try: --set d_lr=0.0001 or --set r1_gamma=1" in said
    assert "well" not in said


def test_what_is_over_is_said_to_be(folder):
    add(folder, 3, d_grad_norm=200.0)
    add(folder, 3)
    said = doctor(folder.path)
    assert "over      the gradients of D are large" in said
    assert "since 0 until 3 kimg" in said
    assert "nothing is wrong any more" in said
    assert "try:" not in said


def test_rollbacks_are_told(folder):
    add(folder, 3)
    rollback = {"to_step": 10, "to_nimg": 1000, "lr_scale": 0.5, "why": "samples are dead"}
    folder.append(folder.stats, {"step": 30, "nimg": 3000, "rollback": rollback})
    said = doctor(folder.path)
    assert "rollback  rolled back from 3 to 1 kimg" in said
    assert "learning rates are 0.5 of the recipe's: samples are dead" in said
    # It is no tick.
    assert "3 ticks" in said


def test_a_run_that_diverged_is_not_said_to_be_well(folder, tmp_path):
    diverged = {"why": "g_loss was not finite at step 3", "since_nimg": 300}
    folder.append(folder.stats, {"step": 4, "nimg": 400, "diverged": diverged})
    said = doctor(folder.path, "--plot", tmp_path / "found.png")
    assert "failure   the run has ended, as what it computed was no longer finite" in said
    assert "since 0.3 kimg; g_loss was not finite at step 3" in said
    assert "well" not in said
    # No tick, no curve.
    assert "no plot" in said
    assert not (tmp_path / "found.png").exists()


def test_the_same_as_json_and_as_a_plot(folder, tmp_path):
    add(folder, 3)
    add(folder, 3, d_grad_norm=200.0, fake_contrast=0.0)
    said = doctor(folder.path, "--json", tmp_path / "found.json", "--plot", tmp_path / "found.png")
    assert f"wrote {tmp_path / 'found.json'}" in said
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["ticks"] == 6
    assert {f["alarm"]: f["since_kimg"] for f in found["findings"]} == {"D's gradients": 3.0, "flat samples": 3.0}
    pixels = np.asarray(Image.open(tmp_path / "found.png").convert("RGB")).astype(int)
    assert pixels.shape[1] > 800
    # Spans are coloured: of the failure red, of the note orange, each in a panel.
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    assert ((red - green > 20) & (abs(green - blue) < 15)).sum() > 1000
    assert ((red - blue > 40) & (green - blue > 20)).sum() > 1000


def test_a_plot_of_a_run_that_is_well_has_no_spans(folder, tmp_path):
    add(folder, 3)
    doctor(folder.path, "--plot", tmp_path / "found.png")
    pixels = np.asarray(Image.open(tmp_path / "found.png").convert("RGB")).astype(int)
    assert ((pixels[..., 0] - pixels[..., 2] > 40) & (pixels[..., 1] - pixels[..., 2] > 20)).sum() < 1000


def test_a_folder_that_is_no_run_is_one_line(tmp_path):
    with pytest.raises(RunError, match=r"is not a run: it has no recipe\.json"):
        doctor(tmp_path)
    with pytest.raises(RunError, match="is not a run"):
        doctor(tmp_path / "nowhere")


def test_a_run_without_statistics_is_one_line(folder):
    with pytest.raises(RunError, match="has no statistics yet: wait for the first tick, which is at 4 kimg"):
        doctor(folder.path)
    folder.stats.write_text('{"step": 10, "nim')
    with pytest.raises(RunError, match="no statistics yet"):
        doctor(folder.path)


@pytest.mark.parametrize(
    ("option", "name", "error", "message"),
    [
        ("--plot", "x.jpg", RunError, "ends in .png"),
        ("--plot", "none/x.png", DataError, "no folder"),
        ("--json", "none/x.json", DataError, "no folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_first(folder, tmp_path, option, name, error, message):
    with pytest.raises(error, match=message):
        doctor(folder.path, option, tmp_path / name)


def test_a_folder_in_the_place_of_a_file_is_one_line(folder, tmp_path):
    add(folder, 3)
    (tmp_path / "taken").mkdir()
    with pytest.raises(RunError, match="taken cannot be written"):
        doctor(folder.path, "--json", tmp_path / "taken")
    assert list((tmp_path / "taken").iterdir()) == []


def test_without_a_name_it_is_the_latest_run(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("artifacts").mkdir()
    folder.path.rename("artifacts/0001-mnist")
    run = RunFolder(Path("artifacts/0001-mnist"))
    add(run, 3)
    checkpoint.save(run.checkpoints, {"x": np.zeros(1)}, step=30, nimg=3000, finished=False, keep=2)
    assert "0001-mnist: recipe mnist" in doctor()


def test_it_needs_no_tensorflow(folder):
    add(folder, 3)
    code = (
        "import sys; from tfgan_kit.cli.main import app\n"
        f"app(['doctor', {str(folder.path)!r}], standalone_mode=False)\n"
        "print(sorted({'tensorflow', 'keras', 'onnxruntime'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"
