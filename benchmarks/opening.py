"""Opening a model to its first picture inside a running Python, and what a cache of the optimised graph would save.

    python benchmarks/opening.py MODEL.onnx... [--rounds 15]

The graph as onnxruntime has optimised it can be written to a file and opened again without being optimised. The table
shows what that would save, with the file's own read and digest, which a cache needs in order to trust it, counted: the
Sampler has no such cache, because it opens a model in a fraction of what is allowed without one.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import onnxruntime

from tfgan_kit.export.runtime import Sampler

TARGET_MS = 150.0
FIRST = "Sampler, to the first picture"


def session(content: bytes, *, optimise: bool, save: Path | None = None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    if save is not None:
        options.optimized_model_filepath = str(save)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def from_cache(cached: Path, digest: str) -> onnxruntime.InferenceSession:
    content = cached.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        sys.exit(f"{cached} has changed")
    return session(content, optimise=False)


def measure(model: Path, rounds: int, folder: Path) -> dict[str, float]:
    """Median milliseconds."""
    cached = folder / "optimised.onnx"
    session(model.read_bytes(), optimise=True, save=cached)
    digest = hashlib.sha256(cached.read_bytes()).hexdigest()
    cases: dict[str, Callable[[], object]] = {
        FIRST: lambda: Sampler(model).sample([0]),
        "Sampler, opened": lambda: Sampler(model),
        "a session": lambda: session(model.read_bytes(), optimise=True),
        "a session from a cache": lambda: from_cache(cached, digest),
    }
    milliseconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds + 1):
        for name, case in cases.items():
            started = time.perf_counter()
            case()
            milliseconds[name].append(1e3 * (time.perf_counter() - started))
    return {name: statistics.median(values[1:]) for name, values in milliseconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    for model in options.models:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(model, options.rounds, Path(folder))
        print(f"{model} ({model.stat().st_size / 1e6:.1f} MB)")
        for name, milliseconds in found.items():
            met = "yes" if milliseconds <= TARGET_MS else "NO"
            print(f"  {name:32} {milliseconds:8.1f} ms" + (f"  <= {TARGET_MS:g} ms: {met}" if name == FIRST else ""))
    print(f"python {' '.join(sys.argv)}")


if __name__ == "__main__":
    main()
