"""An evaluation in one pass against sampling and feature extraction alone: what the statistics and metrics add.

    python benchmarks/evaluation.py [--n 50000] [--rounds 3]

The generator is the gallery's 28x28 one, exported; the features are those of mnist-cnn; the metrics are the Frechet and
the kernel distance. The features of the real pictures are cached before. The two sides run in turn, several times, in
one process; medians and the ratio are printed, and the most memory that the process has held.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from tfgan_kit.data import open_source
from tfgan_kit.evaluation.evaluate import measure
from tfgan_kit.evaluation.reference import open_reference
from tfgan_kit.evaluation.subject import Subject
from tfgan_kit.export import Sampler
from tfgan_kit.extractors import open_extractor
from tfgan_kit.recipe import Recipe

MODEL = Path("artifacts/gallery/mnist/generator.onnx")
BLOCK = 500
TARGET = 1.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=50_000, help="samples (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of both sides (default: %(default)s)")
    options = parser.parse_args()

    sampler, extractor = Sampler(MODEL), open_extractor("mnist-cnn")
    subject = Subject(kind="model", name=str(MODEL), digest="", shape=sampler.spec.image_shape, draw=sampler.sample)
    reference = open_reference(open_source(Recipe(kimg=1)), extractor)

    def alone() -> None:
        for start in range(0, options.n, BLOCK):
            extractor.run(sampler.sample(np.arange(start, min(start + BLOCK, options.n))))

    def whole() -> None:
        measure(subject, reference, extractor, metrics=["frechet", "kernel"], n=options.n)

    seconds: dict[str, list[float]] = {"sampling and features alone": [], "with both distances": []}
    for _ in range(options.rounds):
        for (_, times), run in zip(seconds.items(), (alone, whole), strict=True):
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:28}  {median:6.1f} s")
    first, second = medians.values()
    print(f"ratio {second / first:.2f} (target: at most {TARGET}); {options.n:,} samples, {options.rounds} rounds")
    print_memory()


def print_memory() -> None:
    import resource
    import sys

    unit = 2**20 if sys.platform == "darwin" else 2**10
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit:.0f} MiB")


if __name__ == "__main__":
    main()
