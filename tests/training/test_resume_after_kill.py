"""Runs in processes of their own that are killed with SIGKILL, and end with the bits of a run that was not."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tfgan_kit.training import checkpoint

# Trains a fixed tiny recipe; with `kill_at N` it kills itself half-way through writing its Nth checkpoint.
CHILD = """
import os, signal, sys
from pathlib import Path
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint, loop

out, data, kill_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
recipe = Recipe(
    data=data, family="dcgan", resolution=(8, 8), g_width=4, g_max_width=8, d_width=4, d_max_width=8, g_start_px=4,
    z_dim=4, batch_size=8, kimg=1.6, tick_kimg=0.08, preview_ticks=2, checkpoint_ticks=1, steps_per_call=2,
    r1_gamma=0.1, jit=bool(int(sys.argv[4])), preview_grid=(2, 3), mirror=True,
)
original, writes = checkpoint.np.savez, 0

def savez(file, **arrays):
    global writes
    writes += 1
    if writes == kill_at:
        file.write(b"half a checkpoint")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    original(file, **arrays)

checkpoint.np.savez = savez
loop.train(recipe, out, name="tiny", on_progress=lambda p: print(p.nimg, flush=True))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    np.savez(path, images=np.random.default_rng(0).integers(0, 256, (100, 8, 8, 3), np.uint8))
    return f"npz:{path}"


def start(out: Path, data: str, *, kill_at: int = 0, jit: bool = False) -> subprocess.Popen:
    arguments = [str(out), data, str(kill_at), str(int(jit))]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def run_to_end(out: Path, data: str, **options) -> int:
    process = start(out, data, **options)
    process.communicate(timeout=600)
    return process.returncode


def kill_after(out: Path, data: str, seconds: float, **options) -> int:
    """Kill a run some seconds after its first group of steps."""
    process = start(out, data, **options)
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode


def assert_same(a: Path, b: Path) -> None:
    runs = [checkpoint.load_newest(run / "checkpoints") for run in (a, b)]
    assert runs[0][0].finished
    assert runs[1][0].finished
    for name, array in runs[0][1].items():
        np.testing.assert_array_equal(array, runs[1][1][name], err_msg=name)
    assert (a / "stats.jsonl").read_bytes() == (b / "stats.jsonl").read_bytes()
    assert len((a / "stats.jsonl").read_text().splitlines()) == 20
    assert json.loads((a / "recipe.json").read_text()) == json.loads((b / "recipe.json").read_text())
    previews = sorted(path.name for path in (a / "previews").iterdir())
    assert previews == sorted(path.name for path in (b / "previews").iterdir())
    for name in previews:
        assert (a / "previews" / name).read_bytes() == (b / "previews" / name).read_bytes()


def test_a_run_killed_in_a_checkpoint_and_at_random_ends_with_the_same_bits(data, tmp_path):
    assert run_to_end(tmp_path / "whole", data) == 0
    assert run_to_end(tmp_path / "killed", data, kill_at=3) == -signal.SIGKILL
    assert list((tmp_path / "killed" / "checkpoints").glob(".tmp-*"))
    kill_after(tmp_path / "killed", data, random.uniform(0.0, 0.2))
    assert run_to_end(tmp_path / "killed", data) == 0
    assert_same(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize("jit", [False, True])
def test_a_run_killed_twelve_times_ends_with_the_same_bits(data, tmp_path, jit):
    assert run_to_end(tmp_path / "whole", data, jit=jit) == 0
    codes = []
    for attempt in range(12):
        if attempt % 2:
            codes.append(run_to_end(tmp_path / "killed", data, kill_at=random.randint(1, 2), jit=jit))
        else:
            codes.append(kill_after(tmp_path / "killed", data, random.uniform(0.0, 0.1), jit=jit))
    assert codes.count(-signal.SIGKILL) >= 6
    assert run_to_end(tmp_path / "killed", data, jit=jit) == 0
    assert_same(tmp_path / "whole", tmp_path / "killed")
