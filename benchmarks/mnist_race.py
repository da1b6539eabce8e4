"""How good MNIST digits get in a number of CPU seconds: the race that the default recipe runs in.

    python benchmarks/mnist_race.py [RECIPE] [--cpu-sec 600] [--set KEY=VALUE ...] [--out DIR]
    python benchmarks/mnist_race.py --model FILE.onnx

Trains for that many CPU seconds of this process, imports and compilation included, exports the EMA generator and draws
10,000 samples; or draws them from a model that is there. Prints one line of JSON: the Frechet distance of the samples
to the 60,000 training images in the features of the extractor mnist-cnn, the distance of the 10,000 real test images
for comparison, and improved precision and recall (k = 3) against 10,000 training images.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SAMPLES = 10_000
# CPU seconds kept for the last preview, checkpoint and animation.
RESERVE_SEC = 4.0


def race(name: str, assignments: list[str], cpu_sec: float, out: Path) -> dict[str, Any]:
    """Train for the budget; what it took, by name."""
    from tfgan_kit.recipe import parse_assignment
    from tfgan_kit.recipes import recipe_row
    from tfgan_kit.training.loop import train

    cores = len(os.sched_getaffinity(0))
    minutes = (cpu_sec - time.process_time() - RESERVE_SEC) / 60 / cores
    recipe = recipe_row(name).recipe.replace(**dict(parse_assignment(text) for text in assignments), minutes=minutes)
    started = time.perf_counter()
    outcome = train(recipe, out, name=name, clock=lambda: time.process_time() / cores)
    seconds = {"cpu_sec": round(time.process_time()), "wall_sec": round(time.perf_counter() - started)}
    return {"recipe": name, "set": assignments, **seconds, "kimg": round(outcome.nimg / 1000)}


def measure(model: Path) -> dict[str, float]:
    """Distance, precision and recall of a model's samples, and the distance of real test images."""
    from tfgan_kit.cli.subject import open_target
    from tfgan_kit.data import open_source
    from tfgan_kit.evaluation.evaluate import evaluate
    from tfgan_kit.extractors import open_extractor
    from tfgan_kit.recipe import Recipe

    train, test = (open_source(Recipe(data=data, kimg=1)) for data in ("mnist", "mnist:test"))
    found = evaluate(
        open_target(model).subject, train, open_extractor("mnist-cnn"), metrics=["frechet", "prdc"], n=SAMPLES,
        held_out=test,
    ).metrics  # fmt: skip
    return {
        "distance": round(found["frechet"].value, 3),
        "real_distance": round(found["frechet"].real or 0.0, 3),
        "precision": round(found["precision"].value, 3),
        "recall": round(found["recall"].value, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="mnist")
    parser.add_argument("--cpu-sec", type=float, default=600.0)
    parser.add_argument("--set", dest="assignments", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    if options.model:
        print(json.dumps(measure(options.model)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch) / "run"
        taken = race(options.recipe, options.assignments, options.cpu_sec, out)

        from tfgan_kit.export.convert import export_onnx

        figures = measure(export_onnx(out).file)
    print(json.dumps(taken | figures))


if __name__ == "__main__":
    main()
