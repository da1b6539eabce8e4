"""Evaluations while a run trains: on time, of the samples that are there, the best kept, and exact after a kill."""

import json
from pathlib import Path

import numpy as np
import pytest

from tfgan_kit.errors import DataError, ModelFileError
from tfgan_kit.evaluation.evaluate import evaluate
from tfgan_kit.extractors import open_extractor
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint, loop
from tfgan_kit.training.painter import load_painter, subject_of
from tfgan_kit.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    generator = np.random.default_rng(0)
    np.savez(path, images=generator.integers(0, 256, (48, 8, 8), np.uint8), labels=np.arange(48) % 3)
    return f"npz:{path}"


def tiny(data: str, **changes) -> Recipe:
    """16 steps of batch 8; an evaluation each 3 steps, and one at the end."""
    fields = {
        "data": data, "family": "mlp", "g_hidden": (8,), "d_hidden": (8,), "z_dim": 4, "batch_size": 8, "kimg": 0.128,
        "tick_kimg": 0.032, "steps_per_call": 3, "jit": False, "preview_grid": (2, 3), "g_lr": 1e-2,
        "evaluate_kimg": 0.024, "evaluate_samples": 40, "extractor": "random-conv",
    }  # fmt: skip
    return Recipe(**(fields | changes))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A run that nothing interrupted, and what it told of its evaluations."""
    told: list[loop.Progress] = []
    out = tmp_path_factory.mktemp("runs") / "whole"
    loop.train(tiny(data), out, on_progress=lambda progress: told.append(progress) if progress.figures else None)
    return RunFolder(out), told


NAME = "frechet/random-conv@40"


def test_evaluates_on_time_and_at_the_end(run):
    folder, told = run
    lines = folder.read_evaluations()
    assert [line["step"] for line in lines] == [3, 6, 9, 12, 15, 16]
    assert [line["nimg"] for line in lines] == [8 * line["step"] for line in lines]
    assert [line["metrics"][NAME] for line in lines] == [progress.figures["frechet"] for progress in told]
    assert [line["step"] for line in folder.read_stats()] == [4, 8, 12, 16]


def test_figures_are_those_of_the_samples(run):
    folder, _ = run
    painter, manifest, _ = load_painter(folder)
    recipe, facts, _ = folder.read()
    subject = subject_of(painter, name="", digest="", nimg=manifest.nimg, facts=facts)
    from tfgan_kit.data import open_source

    found = evaluate(subject, open_source(recipe), open_extractor("random-conv"), metrics=["frechet"], n=40)
    last = folder.read_evaluations()[-1]
    assert last["metrics"][NAME] == pytest.approx(found.metrics["frechet"].value, rel=1e-5)


def test_keeps_the_best_checkpoint_beside_the_last(run):
    folder, _ = run
    lines = folder.read_evaluations()
    best = min(lines, key=lambda line: line["metrics"][NAME])
    manifest, state, refused = checkpoint.load_newest(folder.best)
    assert manifest.step == best["step"]
    assert not refused
    assert any(name.startswith("G_ema/") for name in state)
    assert checkpoint.newest_manifest(folder.checkpoints).step == 16


def test_best_by_a_figure_of_which_more_is_better(data, tmp_path):
    loop.train(tiny(data, keep_best="coverage"), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    values = [line["metrics"]["coverage/random-conv@40"] for line in folder.read_evaluations()]
    step = folder.read_evaluations()[int(np.argmax(values))]["step"]
    assert checkpoint.newest_manifest(folder.best).step == step


@pytest.mark.parametrize("writes", [pytest.param(i, marks=[pytest.mark.slow] * (i not in (2, 5))) for i in range(1, 9)])
def test_interrupted_at_any_write_ends_the_same(run, data, tmp_path, monkeypatch, writes):
    whole, _ = run
    out = tmp_path / "run"
    count = 0
    original = checkpoint.np.savez

    def failing(file, **arrays):
        nonlocal count
        count += 1
        if count == writes and "step" in arrays:
            raise KeyboardInterrupt
        original(file, **arrays)

    monkeypatch.setattr(checkpoint.np, "savez", failing)
    with pytest.raises(KeyboardInterrupt):
        loop.train(tiny(data), out)
    monkeypatch.setattr(checkpoint.np, "savez", original)
    loop.train(tiny(data), out)
    folder = RunFolder(out)
    assert folder.stats.read_bytes() == whole.stats.read_bytes()
    ours, theirs = (checkpoint.load_newest(each.best) for each in (folder, whole))
    assert ours[0].step == theirs[0].step
    for name, array in theirs[1].items():
        np.testing.assert_array_equal(ours[1][name], array)


def test_no_evaluation_where_none_is_asked_for(data, tmp_path):
    loop.train(tiny(data, evaluate_kimg=0.0), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    assert not folder.read_evaluations()
    assert not folder.best.exists()


def test_tensorboard_has_the_figures(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder, _ = run
    events = EventAccumulator(str(folder.path)).Reload()
    assert f"metrics/{NAME}" in events.Tags()["tensors"]


@pytest.mark.parametrize(
    ("extractor", "error", "message"),
    [
        ("mnist-cn", DataError, "did you mean 'mnist-cnn'"),
        ("onnx:missing.onnx", ModelFileError, "missing.onnx is not there"),
    ],
)
def test_extractor_that_is_not_there_is_refused_before_the_first_step(data, tmp_path, extractor, error, message):
    with pytest.raises(error, match=message):
        loop.train(tiny(data, extractor=extractor), tmp_path / "run")
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").glob("stats.jsonl"))


def test_line_of_an_evaluation(run):
    from tfgan_kit.cli.progress import describe_figures

    _, told = run
    assert describe_figures(told[0]).startswith("0.0 kimg evaluated: frechet ")


def test_stats_hold_plain_json(run):
    folder, _ = run
    for line in Path(folder.stats).read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)
