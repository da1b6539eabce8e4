"""Precision, recall, density and coverage against the package `prdc` on the same features: time, memory, figures.

    pip install prdc scikit-learn
    python benchmarks/prdc.py [--rows 10000] [--sizes 128 64] [--rounds 3] [--dtype float32]

The sides run in turn, several times, each time in a process of its own, whose whole peak of memory counts: imports and
features included. Time is that of one call, after a small one. The table shows medians and their ratio. All four
figures are taken with the one k that the package has.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

OURS, PACKAGE = "tfgan-kit", "prdc"
K = 5
MIN_RATIO, MAX_MB = 3.0, 1000.0
NAMES = ("precision", "recall", "density", "coverage")


def measure(side: str, rows: int, size: int, dtype: str) -> dict[str, Any]:
    """One call in this process: seconds, CPU seconds, peak MB, and the figures."""
    import numpy as np

    rng = np.random.default_rng(0)
    # As features are: correlated, and the fakes a little narrower and beside the real.
    mixing = rng.standard_normal((size, size)) / np.sqrt(size) * np.linspace(0.3, 1.7, size)
    real = (rng.standard_normal((rows, size)) @ mixing).astype(dtype)
    fake = (0.95 * rng.standard_normal((rows, size)) @ mixing + 0.05).astype(dtype)

    if side == OURS:
        from tfgan_kit.metrics.prdc import prdc

        def call(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
            return prdc(a, b, k=K, k_density=K)._asdict()
    else:
        package = importlib.import_module("prdc")

        def call(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
            return dict(package.compute_prdc(a, b, nearest_k=K))

    call(real[:100], fake[:100])
    wall, cpu = time.perf_counter(), time.process_time()
    figures = call(real, fake)
    taken = {"sec": time.perf_counter() - wall, "cpu_sec": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kB, macOS bytes.
    peak_mb = peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)
    return {**taken, "peak_mb": peak_mb, **{name: float(figures[name]) for name in NAMES}}


def in_a_process(side: str, rows: int, size: int, dtype: str) -> dict[str, Any]:
    """`measure` in a process of its own."""
    # -P: this file's folder is not searched, where `prdc` would be this file.
    command = [sys.executable, "-P", __file__, "--side", side, "--rows", str(rows), "--sizes", str(size)]
    done = subprocess.run([*command, "--dtype", dtype], stdout=subprocess.PIPE, text=True, check=True)
    taken: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return taken


def compare(rows: int, size: int, rounds: int, dtype: str) -> bool:
    """Print the table of one size; whether the targets are met."""
    runs: dict[str, list[dict[str, Any]]] = {OURS: [], PACKAGE: []}
    for _ in range(rounds):
        for side, taken in runs.items():
            taken.append(in_a_process(side, rows, size, dtype))
    median = {
        side: {key: statistics.median(run[key] for run in taken) for key in taken[0]} for side, taken in runs.items()
    }
    print(f"{rows} x {rows} rows of {size} {dtype}, k = {K}, {rounds} rounds, {os.cpu_count()} cores")
    print(f"{'':10} {'sec':>8} {'CPU sec':>8} {'peak MB':>8}  " + " ".join(f"{name:>10}" for name in NAMES))
    for side, row in median.items():
        figures = " ".join(f"{row[name]:10.6f}" for name in NAMES)
        print(f"{side:10} {row['sec']:8.2f} {row['cpu_sec']:8.2f} {row['peak_mb']:8.0f}  {figures}")
    ours, package = median[OURS], median[PACKAGE]
    ratio = package["sec"] / ours["sec"]
    print(
        f"{PACKAGE} takes {ratio:.1f} times as long (target {MIN_RATIO:g}), {package['cpu_sec'] / ours['cpu_sec']:.1f} "
        f"times the CPU time and {package['peak_mb'] / ours['peak_mb']:.1f} times the memory",
        flush=True,
    )
    return bool(ratio >= MIN_RATIO and ours["peak_mb"] <= MAX_MB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--side", choices=[OURS, PACKAGE], help="measure one call of it, in this process")
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(options.side, options.rows, options.sizes[0], options.dtype)))
        return
    met = [compare(options.rows, size, options.rounds, options.dtype) for size in options.sizes]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
