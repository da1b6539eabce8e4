"""Runs that are killed at random, half of them while they save; full disks, damaged checkpoints and other mishaps.

    python benchmarks/kill_campaign.py [--kills 200] [--json FILE] [--seed 0]

Every kind of run is trained once without a mishap. Then the same run is killed with SIGKILL again and again, at a
random moment or as soon as it is seen to write, and started anew until it ends; its end must be the same to the bit:
newest checkpoint, best checkpoint, stats.jsonl, previews. The faults after that are one by one. Exit code 1 where
anything differs or a message is not one line.

Children are forks of a process that has imported TensorFlow and done nothing with it, so that each starts at once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tfgan_kit.data.prepare import prepare
from tfgan_kit.errors import TfganKitError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint, loop

TINY = {
    "family": "mlp", "g_hidden": (8,), "d_hidden": (8,), "z_dim": 4, "batch_size": 8, "kimg": 0.96, "tick_kimg": 0.08,
    "preview_ticks": 2, "checkpoint_ticks": 1, "steps_per_call": 5, "jit": False, "preview_grid": (2, 3),
}  # fmt: skip
# As tests/training/test_rollback.py has it: it overflows, and no longer does at a small part of the rates.
ABSURD = {
    "on_failure": "rollback", "rollbacks": 40, "loss": "least_squares", "d_optimizer": "sgd", "g_optimizer": "sgd",
    "beta1": 0.0, "d_lr": 2e3, "g_lr": 2e3, "watch_grad_norm": 1e6, "watch_contrast": 0.0, "watch_grey": 0.0,
    "watch_variety": 0.0, "watch_nearest": 0.0,
}  # fmt: skip


def recipes(folder: Path) -> dict[str, Recipe]:
    """A run of each kind of checkpoint."""
    rng = np.random.default_rng(0)
    np.savez(folder / "plain.npz", images=rng.integers(0, 256, (100, 8, 8), np.uint8))
    np.savez(folder / "labelled.npz", images=rng.integers(0, 256, (100, 8, 8, 3), np.uint8), labels=np.arange(100) % 3)
    plain, labelled = f"npz:{folder / 'plain.npz'}", f"npz:{folder / 'labelled.npz'}"
    prepare(Recipe(data=labelled, kimg=1, batch_size=8), folder / "set", per_shard=5)
    conv = {"g_width": 4, "g_max_width": 8, "d_width": 4, "d_max_width": 8, "g_start_px": 4}
    return {
        "convolutions": Recipe(data=plain, **TINY | conv | {"family": "dcgan", "r1_gamma": 0.1, "mirror": True}),
        "replay, swaps, ADA": Recipe(
            data=labelled, **TINY,
            replay_images=32, swap="both", swap_every_kimg=0.1, swap_steps=3, augment="ada", ada_kimg=0.2,
            lecam_lambda=0.1, historical_averaging=0.1,
        ),
        "best checkpoint": Recipe(
            data=plain, **TINY, evaluate_kimg=0.16, evaluate_samples=60, extractor="pixels", keep_best="kernel"
        ),
        "float16": Recipe(data=plain, **TINY, precision="mixed_float16"),
        "progressive": Recipe(data=plain, **TINY | conv | {"family": "progressive", "fade_kimg": 0.16}),
        "streamed shards": Recipe(data=f"records:{folder / 'set'}", **TINY, memory_mb=0),
        "rollbacks": Recipe(data=plain, **TINY | ABSURD),
    }  # fmt: skip


def child(recipe: Recipe, out: Path, log: Path, limit_bytes: int | None = None, clock_jumps: bool = False) -> None:
    """Train in this process; what goes wrong is written to `log` as the command line would print it."""
    if limit_bytes is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    if clock_jumps:
        now, calls = time.time, [0]

        def jumping() -> float:
            calls[0] += 1
            return now() - 3600 * calls[0]

        time.time = jumping
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        loop.train(recipe, out, name="tiny")
    except TfganKitError as error:
        with contextlib.suppress(OSError):
            log.write_text(f"{type(error).__name__}: {error}")
        os._exit(1)
    except BaseException as error:
        with contextlib.suppress(OSError):
            log.write_text(f"not an error of ours: {error!r}")
        os._exit(2)
    os._exit(0)


def start(*arguments: Any) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=child, args=arguments)
    process.start()
    return process


def is_writing(out: Path) -> bool:
    """Whether something is being written beside its place just now."""
    for folder in (out, out / "checkpoints", out / "best", out / "previews"):
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            if any(entry.name.startswith(".tmp-") for entry in entries):
                return True
    return False


def ending(out: Path) -> dict[str, Any]:
    """All that must be the same at the end of a run."""
    found: dict[str, Any] = {}
    for name in ("checkpoints", "best"):
        newest = checkpoint.load_newest(out / name)
        if newest:
            manifest, state, _ = newest
            found[name] = (manifest.step, manifest.finished)
            found |= {f"{name}/{key}": array.tobytes() for key, array in state.items()}
    for file in (out / "stats.jsonl", out / "recipe.json", *sorted((out / "previews").iterdir())):
        found[file.name] = file.read_bytes()
    return found


def campaign(recipe: Recipe, folder: Path, kills: int, rng: random.Random) -> Counter[str]:
    """Kill a run `kills` times; how many kills came while it wrote, and how many ends were the same."""
    counts: Counter[str] = Counter()
    log = folder / "log"
    started = time.perf_counter()
    process = start(recipe, folder / "whole", log)
    process.join()
    seconds = time.perf_counter() - started
    if process.exitcode != 0:
        raise SystemExit(f"the run without a mishap ended with {process.exitcode}: {log.read_text()}")
    whole = ending(folder / "whole")
    out = folder / "killed"
    while counts["kills"] < kills:
        process = start(recipe, out, log)
        until = time.perf_counter() + rng.uniform(0.1, 1.0) * seconds
        on_write = rng.random() < 0.6
        while process.is_alive() and time.perf_counter() < until + on_write * seconds:
            if on_write and time.perf_counter() > until - 0.9 * seconds and is_writing(out):
                time.sleep(rng.uniform(0, 0.004))
                break
            time.sleep(0.0002)
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            counts["kills"] += 1
            # What is left half written shows that the kill came between.
            counts["in a save"] += is_writing(out)
        process.join()
        if process.exitcode == 0:
            counts |= settle(counts, out, whole)
        elif process.exitcode > 0:
            counts["errors"] += 1
            print(f"  error: {log.read_text()}")
            shutil.rmtree(out, ignore_errors=True)
    process = start(recipe, out, log)
    process.join()
    return settle(counts, out, whole)


def settle(counts: Counter[str], out: Path, whole: dict[str, Any]) -> Counter[str]:
    """Compare the end of a run, and make room for the next one."""
    found = ending(out)
    differing = sorted(key for key in whole.keys() | found.keys() if whole.get(key) != found.get(key))
    counts["ends"] += 1
    counts["same ends"] += not differing
    if differing:
        print(f"  differs in {differing[:4]}")
    shutil.rmtree(out)
    return counts


def faults(recipe: Recipe, folder: Path) -> dict[str, str]:
    """Each mishap on its own: "ok" and its message, or what was wrong."""
    log = folder / "log"
    start(recipe, folder / "whole", log).join()
    whole = ending(folder / "whole")
    results: dict[str, str] = {}

    def part_way(out: Path) -> None:
        process = start(recipe, out, log)
        while process.is_alive() and len(list((out / "checkpoints").glob("step-*"))) < 2:
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        process.join()

    def judge(name: str, out: Path, message: str = "") -> None:
        process = start(recipe, out, log)
        process.join()
        same = process.exitcode == 0 and ending(out) == whole
        one_line = "\n" not in message and not message.startswith("not an error")
        results[name] = f"ok{': ' * bool(message)}{message}" if same and one_line else f"WRONG: {message}"

    def damage(change: Callable[[bytearray], bytearray]) -> Callable[[Path], None]:
        def apply(out: Path) -> None:
            newest = sorted((out / "checkpoints").glob("step-*"))[-1] / "state.npz"
            newest.write_bytes(change(bytearray(newest.read_bytes())))

        return apply

    def flipped(content: bytearray) -> bytearray:
        content[len(content) // 2] ^= 16
        return content

    for name, change in {
        "newest checkpoint truncated": lambda content: content[: len(content) // 2],
        "newest checkpoint with a flipped bit": flipped,
        "newest checkpoint empty": lambda content: bytearray(),
    }.items():
        out = folder / name.replace(" ", "-")
        part_way(out)
        damage(change)(out)
        judge(name, out)

    out = folder / "limited"
    limited = start(recipe, out, log, 6000)
    limited.join()
    judge("files that may not grow (EFBIG)", out, log.read_text() if limited.exitcode == 1 else "no error")
    judge_mounts(recipe, folder, log, judge)
    out = folder / "clock"
    start(recipe, out, log, None, True).join()
    judge("wall clock that jumps back an hour at each look", out)
    return results


def judge_mounts(recipe: Recipe, folder: Path, log: Path, judge: Callable[..., None]) -> None:
    """A full disk and a read-only one, which need root for a file system of their own."""
    if os.geteuid() != 0:
        print("not root: full and read-only disks are left out")
        return
    for name, options, then in (
        ("full disk", "size=80k", "size=64m"),
        ("read-only disk", "size=64m", "rw"),
    ):
        place = folder / name.replace(" ", "-")
        place.mkdir()
        if os.system(f"mount -t tmpfs -o {options} tmpfs '{place}'"):
            print(f"{name}: no file system could be mounted, left out")
            continue
        try:
            if name == "read-only disk":
                os.system(f"mount -o remount,ro '{place}'")
            process = start(recipe, place / "run", log)
            process.join()
            message = log.read_text() if process.exitcode == 1 else f"no error, {process.exitcode}"
            os.system(f"mount -o remount,{then} '{place}'")
            judge(name, place / "run", message)
        finally:
            os.system(f"umount '{place}'")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    figures: dict[str, Any] = {"runs": {}}
    with tempfile.TemporaryDirectory() as scratch:
        kinds = recipes(Path(scratch))
        for name, recipe in kinds.items():
            folder = Path(scratch) / name.replace(" ", "-").replace(",", "")
            folder.mkdir()
            counts = campaign(recipe, folder, -(-chosen.kills // len(kinds)), rng)
            figures["runs"][name] = dict(counts)
            print(
                f"{name:20} {counts['kills']:4} kills, {counts['in a save']:3} of them in a save: "
                f"{counts['same ends']} of {counts['ends']} ends are the same, {counts['errors']} errors",
                flush=True,
            )
        folder = Path(scratch) / "faults"
        folder.mkdir()
        figures["faults"] = faults(kinds["convolutions"], folder)
    for name, result in figures["faults"].items():
        print(f"{name}: {result.replace(scratch, '...')}")
    figures["faults"] = {name: result.replace(scratch, "...") for name, result in figures["faults"].items()}
    total = sum((Counter(counts) for counts in figures["runs"].values()), Counter())
    other = total["ends"] - total["same ends"]
    print(f"in all {total['kills']} kills, {total['in a save']} in a save, {other} other ends of {total['ends']}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")
    wrong = total["errors"] or total["ends"] != total["same ends"]
    sys.exit(1 if wrong or any(result.startswith("WRONG") for result in figures["faults"].values()) else 0)


if __name__ == "__main__":
    main()
