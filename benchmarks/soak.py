"""Whether memory or open files grow in a long training, or in long sampling. Linux.

    python benchmarks/soak.py train [--minutes 60] [--json FILE]
    python benchmarks/soak.py sample artifacts/gallery/mnist/generator.onnx [--minutes 60] [--json FILE]

Training is that of a small recipe with ticks, previews, checkpoints, evaluations and reports as often as they can be.
Sampling draws batches of 1 to 300 pictures from several threads, and opens the model anew every 1,000 calls. The
process's resident memory and open files are noted all the time; the table compares the second tenth of the time with
the last tenth. Exit code 1 where files grew, or memory by more than 20 MiB.

glibc keeps what threads have freed, a few MiB for each model that is opened after another. So that ours is what is
measured, the script starts itself anew with MALLOC_MMAP_THRESHOLD_=131072, which gives such blocks back.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

MOST_MB = 20.0
GIVE_BACK = "MALLOC_MMAP_THRESHOLD_"


class Ledger:
    """Resident memory, MiB, and open files at moments of a process, at most ten a second."""

    def __init__(self) -> None:
        self.moments: list[tuple[float, float, int]] = []
        self._lock = threading.Lock()

    def note(self, *_: object) -> None:
        now = time.monotonic()
        with self._lock:
            if self.moments and now - self.moments[-1][0] < 0.1:
                return
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.moments.append((now, pages * os.sysconf("SC_PAGESIZE") / 2**20, len(os.listdir("/proc/self/fd"))))

    def summary(self) -> dict[str, float]:
        """Medians of the second tenth and of the last tenth of the time."""
        first, last = self.moments[0][0], self.moments[-1][0]

        def part(tenth: int) -> list[tuple[float, float, int]]:
            low, high = (first + (last - first) * share / 10 for share in (tenth, tenth + 1))
            return [moment for moment in self.moments if low <= moment[0] <= high]

        early, late = part(1), part(9)
        return {
            "minutes": (last - first) / 60,
            "memory_mb_early": statistics.median(moment[1] for moment in early),
            "memory_mb_late": statistics.median(moment[1] for moment in late),
            "files_early": statistics.median(moment[2] for moment in early),
            "files_late": statistics.median(moment[2] for moment in late),
        }


def train(minutes: float, ledger: Ledger) -> str:
    from tfgan_kit.recipe import Recipe
    from tfgan_kit.report.write import LiveReport
    from tfgan_kit.training.loop import Outcome
    from tfgan_kit.training.loop import train as train_recipe

    recipe = Recipe(
        data="mnist:test", minutes=minutes, g_width=4, g_max_width=8, d_width=4, d_max_width=8, batch_size=16,
        tick_kimg=0.8, preview_ticks=4, checkpoint_ticks=2, evaluate_kimg=16, evaluate_samples=100, r1_gamma=0.5,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        outcome: Outcome = train_recipe(
            recipe,
            Path(scratch) / "run",
            on_progress=ledger.note,
            observe=lambda run, painter: LiveReport(run, painter, print).after_checkpoint,
        )
    return f"{outcome.nimg / 1000:.0f} kimg"


def sample(model: Path, minutes: float, ledger: Ledger) -> str:
    from tfgan_kit import Sampler

    end = time.monotonic() + minutes * 60
    made = [0]
    sampler = Sampler(model)

    def draw(number: int) -> int:
        rng = np.random.default_rng(number)
        count = int(rng.integers(1, 301))
        images = sampler.sample(seeds=rng.integers(0, 2**62, count))
        ledger.note()
        return len(images)

    calls = 0
    with ThreadPoolExecutor(4) as pool:
        while time.monotonic() < end:
            made[0] += sum(pool.map(draw, range(calls, calls + 100)))
            calls += 100
            if calls % 1000 == 0:
                sampler = Sampler(model)
    return f"{made[0]:,} pictures in {calls:,} calls"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "sample"))
    parser.add_argument("model", type=Path, nargs="?", default=Path("artifacts/gallery/mnist/generator.onnx"))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    if GIVE_BACK not in os.environ:
        os.environ[GIVE_BACK] = "131072"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    ledger = Ledger()
    run: Callable[[], str] = {
        "train": lambda: train(chosen.minutes, ledger),
        "sample": lambda: sample(chosen.model, chosen.minutes, ledger),
    }[chosen.what]
    done = run()
    found = ledger.summary()
    growth = found["memory_mb_late"] - found["memory_mb_early"]
    print(f"{chosen.what}: {done} in {found['minutes']:.1f} minutes")
    print(f"memory {found['memory_mb_early']:.1f} -> {found['memory_mb_late']:.1f} MiB ({growth:+.1f})")
    print(f"open files {found['files_early']:.0f} -> {found['files_late']:.0f}")
    if chosen.json:
        chosen.json.write_text(json.dumps({"what": chosen.what, "done": done, **found}, indent=2) + "\n")
    sys.exit(1 if growth > MOST_MB or found["files_late"] > found["files_early"] else 0)


if __name__ == "__main__":
    main()
