"""A run that fails: it goes on, stops, or goes back with halved rates; and a kill changes nothing of that."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from tfgan_kit.errors import DivergedError, FailedError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint, loop, rollback
from tfgan_kit.training.run_folder import RunFolder

# Overflows within some steps, and not any more at a fraction of it.
RATE = 1.0


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    np.savez(path, images=np.random.default_rng(0).integers(0, 256, (48, 8, 8), np.uint8))
    return f"npz:{path}"


def absurd(data: str, **changes) -> Recipe:
    """24 steps of batch 8, a tick each 4 steps."""
    fields = {
        "data": data, "family": "mlp", "g_hidden": (8,), "d_hidden": (8,), "z_dim": 4, "batch_size": 8, "kimg": 0.192,
        "tick_kimg": 0.032, "preview_ticks": 2, "checkpoint_ticks": 1, "steps_per_call": 3, "jit": False,
        "preview_grid": (2, 3), "on_failure": "rollback", "rollbacks": 8, "loss": "least_squares",
        "d_optimizer": "sgd", "g_optimizer": "sgd", "beta1": 0.0, "d_lr": RATE, "g_lr": RATE,
        "watch_grad_norm": 1e6, "watch_contrast": 0.0, "watch_grey": 0.0, "watch_variety": 0.0, "watch_nearest": 0.0,
    }  # fmt: skip
    return Recipe(**(fields | changes))


def assert_same_run(a, b):
    for file in ("stats.jsonl", "recipe.json", "progress.gif"):
        assert (a / file).read_bytes() == (b / file).read_bytes(), file
    (_, left, _), (_, right, _) = (checkpoint.load_newest(run / "checkpoints") for run in (a, b))
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


@pytest.fixture(scope="module")
def rolled_back(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    said = []
    outcome = loop.train(absurd(data), out, notify=said.append)
    assert outcome.finished
    return out, said


def test_a_run_at_an_absurd_rate_goes_back_and_ends_finite(rolled_back):
    out, said = rolled_back
    folder = RunFolder(out)
    manifest, state, _ = folder.load()
    assert manifest.finished
    assert all(np.isfinite(array).all() for array in state.values())
    lines = folder.read_rollbacks()
    assert lines
    # Halved each time, told each time, and the reason is kept.
    assert [line["rollback"]["lr_scale"] for line in lines] == [0.5**n for n in range(1, len(lines) + 1)]
    assert sum("rollback" in line and "learning rates are" in line for line in said) == len(lines)
    assert all(line["rollback"]["to_step"] <= line["step"] for line in lines)
    assert all(line["rollback"]["why"] for line in lines)
    # The ticks are those of one course, at the rates that it ended with.
    assert [line["step"] for line in folder.read_stats()] == [4, 8, 12, 16, 20, 24]
    assert folder.read_stats()[-1]["lr_factor"] == lines[-1]["rollback"]["lr_scale"]
    assert int(state[rollback.COUNT]) == len(lines)


KILLER = """
import os, signal, sys
from pathlib import Path
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint, loop, run_folder
import json

where, out = sys.argv[1], Path(sys.argv[2])
recipe = Recipe.from_json(json.loads(sys.argv[3]))
appended = run_folder.RunFolder.append
removed = checkpoint.remove_after

def append(folder, file, line):
    appended(folder, file, line)
    if "rollback" in line and where == "noted":
        os.kill(os.getpid(), signal.SIGKILL)

def remove_after(folder, step):
    removed(folder, step)
    if where == "removed" and folder.name == "checkpoints" and run_folder.RunFolder(out).read_rollbacks():
        os.kill(os.getpid(), signal.SIGKILL)

run_folder.RunFolder.append = append
checkpoint.remove_after = remove_after
loop.train(recipe, out)
"""


@pytest.mark.parametrize("where", ["noted", pytest.param("removed", marks=pytest.mark.slow)])
def test_a_kill_in_a_rollback_changes_nothing(data, rolled_back, tmp_path, where):
    out = tmp_path / "run"
    arguments = [where, str(out), json.dumps(absurd(data).to_json())]
    killed = subprocess.run([sys.executable, "-c", KILLER, *arguments], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(RunFolder(out).read_rollbacks()) == 1
    assert loop.train(absurd(data), out).finished
    assert_same_run(rolled_back[0], out)


def test_a_stop_after_a_rollback_changes_nothing(data, rolled_back, tmp_path):
    out = tmp_path / "run"
    asked = []

    def interrupt(progress):
        if RunFolder(out).read_rollbacks() and not asked and not progress.tick:
            asked.append(progress.nimg)
            signal.raise_signal(signal.SIGINT)

    assert not loop.train(absurd(data), out, on_progress=interrupt).finished
    assert loop.train(absurd(data), out).finished
    assert_same_run(rolled_back[0], out)


def test_rollbacks_are_numbered(data, tmp_path):
    said = []
    with pytest.raises(DivergedError, match=r"not finite.*after 1 rollbacks"):
        loop.train(absurd(data, rollbacks=1, d_lr=1e9, g_lr=1e9), tmp_path / "run", notify=said.append)
    assert sum("rollback 1 of at most 1" in line for line in said) == 1
    assert RunFolder(tmp_path / "run").read_divergence() is not None


def flat(data, **changes):
    """A run whose samples count as flat from its start on, which is sure after three ticks."""
    calm = {"d_lr": 1e-4, "g_lr": 1e-4, "watch_contrast": 1.0, "watch_from_kimg": 0.0}
    return absurd(data, **calm, **changes)


def test_a_failure_stops_a_run_that_is_to_stop_and_it_can_go_on(data, tmp_path):
    out = tmp_path / "run"
    said = []
    with pytest.raises(FailedError, match=r"failed at 0.096 kimg: samples are dead.*--on-failure continue"):
        loop.train(flat(data, on_failure="stop"), out, notify=said.append)
    assert sum(line.startswith("doctor: failure: samples are dead") for line in said) == 1
    folder = RunFolder(out)
    assert checkpoint.newest_manifest(folder.checkpoints).step == 8
    assert len(folder.read_stats()) == 3
    # The same again ends the same, and --on-failure continue goes on.
    with pytest.raises(FailedError):
        loop.train(flat(data, on_failure="stop"), out)
    assert loop.train(flat(data, on_failure="continue"), out).finished
    assert folder.read()[0].on_failure == "continue"
    loop.train(flat(data, on_failure="continue"), tmp_path / "whole")
    assert_same_run(tmp_path / "whole", out)


def test_a_rollback_goes_to_before_the_failure_began_even_to_the_start(data, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(FailedError, match="after 2 rollbacks"):
        loop.train(flat(data, rollbacks=2), out)
    lines = RunFolder(out).read_rollbacks()
    assert [(line["step"], line["rollback"]["to_step"]) for line in lines] == [(12, 0), (12, 0)]
    # Those that a failure which is not sure yet may need are kept.
    assert {m.step for m in checkpoint.manifests(RunFolder(out).checkpoints)} >= {0, 4, 8}


def test_notes_do_not_stop_a_run(data, tmp_path):
    recipe = flat(data, on_failure="stop").replace(watch_contrast=0.0, watch_grad_norm=1e-9, watch_chance=0.5)
    said = []
    with pytest.raises(FailedError, match="gradients"):  # which explode
        loop.train(recipe, tmp_path / "explode", notify=said.append)
    recipe = recipe.replace(watch_grad_norm=1e6)
    assert loop.train(recipe, tmp_path / "run", notify=said.append).finished
    assert any(line.startswith("doctor: note: D has learned nothing") for line in said)


def test_without_it_a_failure_ends_the_run(data, tmp_path):
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(DivergedError):
        loop.train(absurd(data, on_failure="continue"), folder.path)
    assert not folder.read_rollbacks()
    line = folder.read_divergence()
    assert "was not finite at step" in line["diverged"]["why"]
    assert line["diverged"]["since_nimg"] <= line["nimg"]
    # It is no tick, and the same run again ends with the same lines.
    assert all("diverged" not in tick for tick in folder.read_stats())
    lines = folder.stats.read_bytes()
    with pytest.raises(DivergedError):
        loop.train(absurd(data, on_failure="continue"), folder.path)
    assert folder.stats.read_bytes() == lines
