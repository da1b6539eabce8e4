"""From process start to the first picture, and to the help text: wall time and peak memory of fresh processes.

    python benchmarks/first_picture.py MODEL.onnx [--rounds 9]

MODEL.onnx is what `tfgan export --onnx` wrote. The table shows medians, and beside the wall time the processor time,
which other programs on the machine disturb less; a first run, which fills the disk's cache, is left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Name -> at most seconds, at most MB.
TARGETS = {"tfgan sample MODEL -n 1": (0.7, 150.0), "tfgan sample MODEL": (0.7, 150.0), "tfgan --help": (0.4, None)}


def run(arguments: list[str], folder: str) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak MB of one process of the console script."""
    script = Path(sys.executable).with_name("tfgan")
    started = time.perf_counter()
    with subprocess.Popen([script, *arguments], cwd=folder, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"tfgan {' '.join(arguments)} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()

    measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in TARGETS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds + 1):
            for name, values in measured.items():
                words = [str(options.model.resolve()) if word == "MODEL" else word for word in name.split()[1:]]
                values.append(run(words, folder))

    print(f"{'':26} {'seconds':>8} {'fastest':>8} {'CPU':>6} {'MB':>6}  target")
    for name, values in measured.items():
        seconds, cpu, megabytes = (statistics.median(column) for column in zip(*values[1:], strict=True))
        at_most, memory = TARGETS[name]
        met = seconds <= at_most and (memory is None or megabytes <= memory)
        words = f"{at_most:g} s" + ("" if memory is None else f", {memory:g} MB")
        words += ": yes" if met else ": NO"
        print(f"{name:26} {seconds:8.3f} {min(values)[0]:8.3f} {cpu:6.2f} {megabytes:6.0f}  {words}")
    print(f"python {' '.join(sys.argv)}")


if __name__ == "__main__":
    main()
