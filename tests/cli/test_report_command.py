"""`tfgan report`: where it writes, and one clear line where it cannot."""

import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tfgan_kit.cli import tensorflow_import
from tfgan_kit.cli.report import report
from tfgan_kit.errors import MissingPackageError, RunError, TfganKitError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import DataFacts, RunFolder

APP = typer.Typer()
APP.command()(report)


def run_cli(*args):
    result = CliRunner().invoke(APP, [*map(str, args)], standalone_mode=False)
    if isinstance(result.exception, TfganKitError):
        raise result.exception
    if result.exception is not None:
        raise AssertionError(result.output) from result.exception
    return result.output


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run in artifacts/ under the present folder, without a checkpoint."""
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(Path("artifacts") / "0001-mnist")
    folder.path.mkdir(parents=True)
    facts = DataFacts(spec="mnist", images=1, shape=(8, 8, 1), attributes={}, digest="d")
    folder.create(Recipe(kimg=1), facts, "mnist")
    return folder


def add_checkpoint(folder):
    checkpoint.save(folder.checkpoints, {}, step=1, nimg=64, finished=True, keep=2)


def test_it_says_where_it_wrote(run):
    output = run_cli(run.path, "--fast")
    assert output.startswith(f"wrote {run.path}/report.html (0.0")
    assert f"wrote {run.path}/MODEL_CARD.md" in output
    assert (run.path / "report.html").is_file()
    assert (run.path / "MODEL_CARD.md").is_file()


def test_the_latest_run_is_the_default(run):
    with pytest.raises(RunError, match="no run with a checkpoint"):
        run_cli("--fast")
    add_checkpoint(run)
    assert str(run.path / "report.html") in run_cli("--fast")


def test_a_card_that_was_edited_is_left(run):
    run_cli(run.path, "--fast")
    (run.path / "MODEL_CARD.md").write_text("mine")
    assert "since it was edited: delete it" in run_cli(run.path, "--fast")
    assert (run.path / "MODEL_CARD.md").read_text() == "mine"


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(RunError, match="is not a run"):
        run_cli(tmp_path)


def test_a_run_without_a_checkpoint_is_said_before_tensorflow_is_there(run, monkeypatch):
    monkeypatch.setattr(tensorflow_import, "import_tensorflow", lambda: pytest.fail("imported"))
    with pytest.raises(RunError, match=r"has no checkpoint yet: .*--fast"):
        run_cli(run.path)


def test_without_tensorflow_the_way_out_is_said(run, monkeypatch):
    def missing():
        raise MissingPackageError("needs TensorFlow")

    add_checkpoint(run)
    monkeypatch.setattr(tensorflow_import, "import_tensorflow", missing)
    with pytest.raises(MissingPackageError, match="needs TensorFlow; or leave the generator out: --fast"):
        run_cli(run.path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_that_cannot_be_written_is_said(run):
    run.path.chmod(0o500)
    try:
        with pytest.raises(RunError, match="cannot be written"):
            run_cli(run.path, "--fast")
    finally:
        run.path.chmod(0o700)


def test_a_full_disk_is_said(run, monkeypatch):
    from tfgan_kit.report import write

    def full(folder, painter):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "write_report", full)
    with pytest.raises(RunError, match="cannot be written: No space left on device"):
        run_cli(run.path, "--fast")


def test_the_generator_draws_what_is_fresh(run, monkeypatch):
    class Grey:
        def draw(self, seeds):
            return np.zeros((len(seeds), 8, 8, 1), np.uint8)

        def spaces(self):
            return {}

    add_checkpoint(run)
    monkeypatch.setattr(tensorflow_import, "import_tensorflow", lambda: None)
    fake = types.SimpleNamespace(load_painter=lambda folder: (Grey(), None, ["checkpoint step-9 is damaged"]))
    monkeypatch.setitem(sys.modules, "tfgan_kit.training.painter", fake)
    assert "warning: checkpoint step-9 is damaged" in run_cli(run.path)
    assert "From the newest checkpoint" in (run.path / "report.html").read_text()


@pytest.mark.slow
def test_a_real_generator_is_walked_through(tmp_path, tiny_recipe):
    from tfgan_kit.build import build_gan
    from tfgan_kit.training.state import numpy_state

    recipe = tiny_recipe.replace(resolution=(8, 8), channels=1, conditional=True, preview_grid=(2, 2))
    facts = DataFacts(spec="mnist", images=9, shape=(8, 8, 1), attributes={"class": ("a", "b")}, digest="d")
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.create(recipe, facts, "mnist")
    state = numpy_state(build_gan(recipe, facts.shape, facts.classes))
    checkpoint.save(folder.checkpoints, state, step=1, nimg=64, finished=True, keep=2)
    run_cli(folder.path)
    text = (folder.path / "report.html").read_text()
    assert "In z: each row goes from one latent to another on the great circle; a row keeps its class." in text


def test_fast_needs_no_tensorflow(run):
    code = (
        "import sys; from pathlib import Path; from tfgan_kit.cli.report import report; "
        f"report(Path({str(run.path)!r}), fast=True); "
        "print(*{'tensorflow', 'keras', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1].strip() == ""
