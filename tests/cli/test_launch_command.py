import os
import subprocess
import sys

import pytest

from tfgan_kit import launch as launching
from tfgan_kit.cli import main as cli


@pytest.fixture
def started(monkeypatch):
    """What would have been started."""
    calls = []

    def launch(arguments, workers):
        calls.append((arguments, workers))
        return calls[0][0].count("--fail") * 7

    monkeypatch.setattr(launching, "launch", launch)
    return calls


def tfgan(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["tfgan", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.run()
    return exit_.value.code


@pytest.mark.parametrize(
    "arguments",
    [
        ["--workers", "2", "--", "train", "mnist", "--kimg", "1", "--set", "batch_size=8"],
        ["--workers", "2", "train", "mnist", "--kimg", "1", "--set", "batch_size=8"],
        ["--workers=2", "--", "train", "--strategy", "multiworker", "mnist", "--kimg", "1", "--set", "batch_size=8"],
        ["--workers=2", "--", "train", "mnist", "--kimg", "1", "--set", "batch_size=8", "--strategy=multiworker"],
    ],
)
def test_train_is_started_with_its_options(monkeypatch, started, arguments):
    assert tfgan(monkeypatch, "launch", *arguments) == 0
    assert started == [(["train", "mnist", "--kimg", "1", "--set", "batch_size=8"], 2)]


def test_the_exit_code_is_that_of_the_processes(monkeypatch, started):
    assert tfgan(monkeypatch, "launch", "--workers", "2", "--", "train", "--fail") == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--", "train"], "--workers"),
        (["--workers", "two", "--", "train"], "--workers"),
        (["--workers", "2"], "nothing was given"),
        (["--workers", "2", "--", "sample", "digits.onnx"], "not sample"),
        (["--workers", "2", "--", "train", "--strategy", "one"], "--strategy one"),
        (["--workers", "2", "--", "train", "--strategy=multiworker", "--strategy=multiworker"], "leave --strategy out"),
        (["--workers", "2", "--", "train", "--strategy"], "leave --strategy out"),
        (["--workers", "2", "--", "train", "--cluster", "slurm"], "leave --cluster out"),
    ],
)
def test_a_mistake_is_one_line_and_starts_nothing(monkeypatch, capsys, started, arguments, message):
    assert tfgan(monkeypatch, "launch", *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error
    assert started == []


def test_no_workers_are_refused(monkeypatch, capsys):
    assert tfgan(monkeypatch, "launch", "--workers", "0", "--", "train") == 1
    assert capsys.readouterr().err == "error: --workers 0: at least 1 is legal\n"


@pytest.mark.slow
def test_two_processes_train_one_run(tmp_path):
    run = tmp_path / "run"
    small = ["kimg=0.512", "batch_size=64", "jit=false", "g_width=4", "d_width=4", "tick_kimg=0.256"]
    command = [*launching.COMMAND, "launch", "--workers", "2", "--", "train", "mnist", "--out", str(run)]
    done = subprocess.run(
        [*command, *(word for each in small for word in ("--set", each))],
        capture_output=True, text=True, check=False, timeout=300, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # The chief speaks, alone, and as in a run of one process.
    assert done.stdout.startswith(f"training mnist in {run}\n")
    assert f"finished: 0.5 kimg in {run}\n" in done.stdout
    assert "worker 1" not in done.stdout + done.stderr
    assert len((run / "stats.jsonl").read_text().splitlines()) == 2
