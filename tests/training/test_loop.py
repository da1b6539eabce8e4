import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from tfgan_kit.data import open_source
from tfgan_kit.errors import DataError, DivergedError, RecipeError, RunError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint, loop
from tfgan_kit.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    """48 labelled 8x8 pictures."""
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    generator = np.random.default_rng(0)
    np.savez(path, images=generator.integers(0, 256, (48, 8, 8), np.uint8), labels=np.arange(48) % 3)
    return f"npz:{path}"


def tiny(data: str, **changes) -> Recipe:
    """16 steps of batch 8; a tick each 4 steps."""
    fields = {
        "data": data, "family": "mlp", "g_hidden": (8,), "d_hidden": (8,), "z_dim": 4, "batch_size": 8, "kimg": 0.128,
        "tick_kimg": 0.032, "preview_ticks": 2, "checkpoint_ticks": 1, "steps_per_call": 3, "jit": False,
        "preview_grid": (2, 3), "lr_schedule": "linear",
    }  # fmt: skip
    return Recipe(**(fields | changes))


def final_state(path: Path) -> dict[str, np.ndarray]:
    manifest, state, refused = checkpoint.load_newest(path / "checkpoints")
    assert manifest.finished
    assert not refused
    return state


def assert_same_run(a: Path, b: Path) -> None:
    left, right = final_state(a), final_state(b)
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    for file in ("stats.jsonl", "progress.gif", "recipe.json"):
        assert (a / file).read_bytes() == (b / file).read_bytes(), file
    previews = [sorted(path.name for path in (run / "previews").iterdir()) for run in (a, b)]
    assert previews[0] == previews[1]
    for name in previews[0]:
        assert (a / "previews" / name).read_bytes() == (b / "previews" / name).read_bytes()


@pytest.fixture(scope="module")
def reference(data, tmp_path_factory) -> Path:
    """A run that nothing interrupted."""
    out = tmp_path_factory.mktemp("runs") / "reference"
    seen: list[loop.Progress] = []
    outcome = loop.train(tiny(data), out, name="tiny", on_progress=seen.append)
    assert outcome.finished
    assert [progress.nimg for progress in seen if progress.tick] == [32, 64, 96, 128]
    assert seen[-1].share == 1.0
    assert seen[-1].total_img == 128
    assert seen[-1].stats.keys() >= {"d_loss", "g_loss", "d_real", "d_fake", "d_accuracy"}
    return out


def test_a_run_leaves_its_records(reference):
    folder = RunFolder(reference)
    recipe, facts, name = folder.read()
    assert name == "tiny"
    assert (recipe.resolution, recipe.channels, recipe.conditional) == ((8, 8), 1, True)
    assert facts.classes == (3,)
    assert [line["nimg"] for line in folder.read_stats()] == [32, 64, 96, 128]
    assert all(np.isfinite(value) for line in folder.read_stats() for value in line.values())
    assert [path.name for path in sorted(folder.previews.iterdir())] == [f"step-{step:08d}.png" for step in (0, 8, 16)]
    assert len(list(folder.checkpoints.iterdir())) == 2
    assert list(reference.glob("events.*"))
    assert (reference / "progress.gif").read_bytes().startswith(b"GIF8")
    assert final_state(reference)["step"] == 16


def test_the_learning_rate_follows_the_schedule(reference):
    factors = [line["lr_factor"] for line in RunFolder(reference).read_stats()]
    # Linear from 1 at half of the run to 0 at its end; a tick's mean over its 4 steps.
    np.testing.assert_allclose(factors, [1, 1, 1 - 1.5 / 8, 1 - 5.5 / 8], rtol=1e-6)


def test_a_finished_run_stays_as_it_is(data, reference):
    before = final_state(reference)
    said: list[str] = []
    outcome = loop.train(tiny(data), reference, name="tiny", notify=said.append)
    assert outcome.finished
    assert "finished already" in said[-1]
    assert before["step"] == final_state(reference)["step"]


@pytest.mark.parametrize("group", [1, pytest.param(16, marks=pytest.mark.slow)])
def test_the_size_of_the_groups_changes_nothing(data, reference, tmp_path, group):
    loop.train(tiny(data, steps_per_call=group), tmp_path / "run", name="tiny")
    left, right = final_state(reference), final_state(tmp_path / "run")
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def test_streamed_data_gives_the_same_run(data, reference, tmp_path):
    loop.train(tiny(data, memory_mb=0), tmp_path / "run", name="tiny")
    left, right = final_state(reference), final_state(tmp_path / "run")
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


@pytest.mark.parametrize(("number", "memory_mb"), [(signal.SIGINT, 64), (signal.SIGTERM, 0)])
def test_a_signal_saves_and_the_same_call_goes_on_to_the_same_bits(data, reference, tmp_path, number, memory_mb):
    recipe = tiny(data, memory_mb=memory_mb)
    out = tmp_path / "run"
    calls: list[int] = []
    before = signal.getsignal(number)

    def interrupt(progress: loop.Progress) -> None:
        calls.append(progress.nimg)
        if len(calls) == 3:  # in the middle of a tick
            assert not progress.tick
            os.kill(os.getpid(), number)

    outcome = loop.train(recipe, out, name="tiny", on_progress=interrupt)
    assert not outcome.finished
    assert outcome.nimg == calls[-1] == 56
    assert signal.getsignal(number) is before
    said: list[str] = []
    assert loop.train(recipe, out, name="tiny", notify=said.append).finished
    assert said[0].startswith("resuming")
    left, right = final_state(reference), final_state(out)
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    assert (reference / "stats.jsonl").read_bytes() == (out / "stats.jsonl").read_bytes()


def test_a_damaged_newest_checkpoint_costs_only_itself(data, reference, tmp_path):
    out = tmp_path / "run"

    def interrupt(progress: loop.Progress) -> None:
        if progress.nimg == 96:
            os.kill(os.getpid(), signal.SIGINT)

    loop.train(tiny(data), out, name="tiny", on_progress=interrupt)
    newest = max((out / "checkpoints").iterdir())
    content = bytearray((newest / "state.npz").read_bytes())
    content[100] ^= 255
    (newest / "state.npz").write_bytes(bytes(content))
    said: list[str] = []
    loop.train(tiny(data), out, name="tiny", notify=said.append)
    assert any(newest.name in line and "damaged" in line for line in said)
    assert any("resuming" in line and "0.1 kimg" in line for line in said)
    assert_same_run(reference, out)


def test_another_recipe_is_refused(data, reference):
    with pytest.raises(RunError, match="z_dim is 4 there, 5 here"):
        loop.train(tiny(data, z_dim=5), reference, name="tiny")


def test_a_folder_in_use_is_refused(data, reference):
    with RunFolder(reference).lock(), pytest.raises(RunError, match="in use"):
        loop.train(tiny(data), reference, name="tiny")


def test_a_folder_of_something_else_is_refused(data, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="not a run and not empty"):
        loop.train(tiny(data), tmp_path, name="tiny")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_bad_data_leaves_nothing(tmp_path):
    with pytest.raises(DataError):
        loop.train(tiny("npz:/nowhere.npz"), tmp_path / "run", name="tiny")
    assert not (tmp_path / "run").exists()


def test_a_classifier_without_labels_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "unlabelled.npz"
    np.savez(path, images=np.random.default_rng(0).integers(0, 256, (16, 8, 8), np.uint8))
    recipe = tiny(f"npz:{path}", condition="auxiliary")
    with pytest.raises(
        RecipeError, match=r"condition=auxiliary needs classes.*unlabelled.npz.* has no labels: set condition="
    ) as caught:
        loop.train(recipe, tmp_path / "run", name="tiny")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
    # By projection the same data is trained on without classes.
    assert loop.resolve(recipe.replace(condition="projection"), open_source(recipe))[0].conditional is False


@pytest.mark.parametrize("changes", [{"family": "progressive"}, {"d_spectral_norm": True, "family": "r3gan"}])
def test_networks_that_cannot_be_leave_no_folder_to_be_in_the_way(data, tmp_path, changes):
    # The family makes no 8x10 pictures; the other has no such switch.
    with pytest.raises(RecipeError, match="family"):
        loop.train(tiny(data, resolution=(8, 10), **changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_says_which_sizes_its_family_leaves_aside(data, tmp_path):
    lines = []
    loop.train(tiny(data, g_width=8, d_end_px=2, kimg=0.008), tmp_path / "run", notify=lines.append)
    assert "family mlp has no g_width, d_end_px: left aside" in lines


def test_what_a_turn_does_not_measure_is_not_recorded(data, tmp_path):
    recipe = tiny(data, alternate_kimg=(0.032, 0.032))
    loop.train(recipe, tmp_path / "run")
    lines = RunFolder(tmp_path / "run").read_stats()
    assert [("d_loss" in line, "g_loss" in line) for line in lines] == [(True, False), (False, True)] * 2


def test_a_classifier_is_trained_where_there_are_labels(data, tmp_path):
    outcome = loop.train(tiny(data, condition="auxiliary", kimg=0.032), tmp_path / "run", name="tiny")
    assert outcome.finished
    (line,) = RunFolder(tmp_path / "run").read_stats()
    assert line["d_classes"] > 0.0
    assert line["g_classes"] > 0.0


def test_turns_past_fakes_and_past_selves_end_with_the_bits_of_a_run_that_was_stopped(data, tmp_path):
    # 8 images a step: D alone for 4 steps; past selves at every fourth; past fakes throughout.
    recipe = tiny(
        data, pretrain_d_kimg=0.032, replay_images=8, swap="both", swap_every_kimg=0.032,
        swap_steps=1, historical_averaging=0.1, lecam_lambda=0.1,
    )  # fmt: skip
    calls: list[int] = []

    def interrupt(progress: loop.Progress) -> None:
        calls.append(progress.nimg)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    assert loop.train(recipe, tmp_path / "whole", name="tiny").finished
    stops = 0
    while not loop.train(recipe, tmp_path / "stopped", name="tiny", on_progress=interrupt).finished:
        stops += 1
    assert stops == 1
    left, right = final_state(tmp_path / "whole"), final_state(tmp_path / "stopped")
    assert left.keys() == right.keys()
    assert any(name.startswith("replay/") for name in left)
    assert any(name.startswith("past_g/") for name in left)
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    assert (tmp_path / "whole" / "stats.jsonl").read_bytes() == (tmp_path / "stopped" / "stats.jsonl").read_bytes()


def test_divergence_stops_with_step_and_name_and_keeps_the_last_checkpoint(data, tmp_path):
    out = tmp_path / "run"
    # SGD at this rate overflows within a few steps.
    recipe = tiny(data, loss="least_squares", d_optimizer="sgd", g_optimizer="sgd", d_lr=1e6, g_lr=1e6, beta1=0.0)
    with pytest.raises(DivergedError, match=r"was not finite at step \d+ .*checkpoints are kept"):
        loop.train(recipe, out, name="tiny")
    newest = checkpoint.load_newest(out / "checkpoints")
    assert newest is None or all(np.isfinite(array).all() for array in newest[1].values())


@pytest.mark.parametrize("period", [7, 11])
def test_a_time_budget_ends_the_run_whenever_it_runs_out(data, tmp_path, period):
    seconds = iter(range(0, 10_000, period))
    recipe = tiny(data, kimg=None, minutes=1.0)
    outcome = loop.train(recipe, tmp_path / "run", name="tiny", clock=lambda: float(next(seconds)))
    assert outcome.finished
    assert final_state(tmp_path / "run")["time_progress"] == 1.0


def test_training_works_outside_the_main_thread(data, tmp_path):
    outcomes: list[loop.Outcome] = []
    recipe = tiny(data, kimg=0.016)
    thread = threading.Thread(target=lambda: outcomes.append(loop.train(recipe, tmp_path / "run")))
    thread.start()
    thread.join()
    assert outcomes[0].finished


def test_a_folder_that_cannot_be_written_is_one_line(data, tmp_path, monkeypatch):
    out = tmp_path / "run"

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device", str(out / "checkpoints"))

    monkeypatch.setattr(checkpoint.np, "savez", full)
    with pytest.raises(RunError, match=r"No space left on device.*checkpoints that were complete are kept"):
        loop.train(tiny(data), out)
