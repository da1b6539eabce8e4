"""How good MNIST digits get in a number of CPU seconds: the race that the default recipe runs in.

    python benchmarks/mnist_race.py [RECIPE] [--cpu-sec 600] [--set KEY=VALUE ...] [--out DIR]

Trains for that many CPU seconds of this process, imports and compilation included, draws 10,000 samples of the EMA
generator, and prints one line: the Frechet distance to the 60,000 training images in the features of `mnist-cnn`, the
same for the 10,000 real test images, and improved precision and recall against 10,000 training images.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SAMPLES = 10_000
# CPU seconds kept for the last preview, checkpoint and animation.
RESERVE_SEC = 4.0


def race(name: str, assignments: list[str], cpu_sec: float, out: Path, say: bool) -> dict[str, object]:
    """Train, sample, measure; the figures by name."""
    from tfgan_kit.recipe import parse_assignment
    from tfgan_kit.recipes import recipe_row
    from tfgan_kit.training.loop import train

    cores = len(os.sched_getaffinity(0))
    changes = dict(parse_assignment(text) for text in assignments)
    minutes = (cpu_sec - time.process_time() - RESERVE_SEC) / 60 / cores
    recipe = recipe_row(name).recipe.replace(**changes, minutes=minutes)
    started = time.perf_counter()
    outcome = train(
        recipe,
        out,
        name=name,
        clock=lambda: time.process_time() / cores,
        on_progress=lambda progress: (
            print(f"{progress.nimg / 1000:.0f} kimg {progress.stats}") if say and progress.tick else None
        ),
    )
    used = time.process_time()
    images, seconds = samples(outcome.folder.path), time.perf_counter() - started
    figures = {"cpu_sec": round(used), "wall_sec": round(seconds), "kimg": round(outcome.nimg / 1000)}
    return figures | measure(images)


def samples(run: Path) -> np.ndarray:
    """SAMPLES images of a run's EMA generator, uint8; labels in turn where it has classes."""
    import tensorflow as tf

    from tfgan_kit.build import build_generator
    from tfgan_kit.latents import z_from_seeds
    from tfgan_kit.training import checkpoint
    from tfgan_kit.training.records import gan_inputs, to_uint8
    from tfgan_kit.training.run_folder import RunFolder
    from tfgan_kit.training.state import load_generator

    folder = RunFolder(run)
    recipe, facts, _ = folder.read()
    newest = checkpoint.load_newest(folder.checkpoints)
    assert newest is not None
    G = build_generator(recipe, shape=facts.shape, num_classes=facts.num_classes, dtype="float32")
    load_generator(G, newest[1], "G_ema")

    @tf.function
    def generate(inputs: list[tf.Tensor]) -> tf.Tensor:
        return to_uint8(G(gan_inputs(inputs), training=False))

    parts = []
    for seeds in np.array_split(np.arange(SAMPLES), 40):
        inputs = [tf.constant(z_from_seeds(seeds, recipe.z_dim, recipe.z_prior))]
        if facts.num_classes:
            inputs.append(tf.constant(seeds % facts.num_classes, tf.int32))
        parts.append(generate(inputs).numpy())
    return np.concatenate(parts)


def measure(images: np.ndarray) -> dict[str, float]:
    """Distance, precision and recall of samples, and the distance of real test images."""
    from tfgan_kit.data.mnist import load_mnist
    from tfgan_kit.metrics.extractor import Extractor
    from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance

    extractor = Extractor.named("mnist-cnn")
    train = extractor.features(load_mnist("train")[0])
    test = extractor.features(load_mnist("test")[0])
    fake = extractor.features(images)

    def statistics(features: np.ndarray) -> FeatureStatistics:
        result = FeatureStatistics()
        result.update(features)
        return result

    real = statistics(train)
    return {
        "distance": round(frechet_distance(real, statistics(fake)), 2),
        "real_distance": round(frechet_distance(real, statistics(test)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="mnist")
    parser.add_argument("--cpu-sec", type=float, default=600.0)
    parser.add_argument("--set", dest="assignments", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--say", action="store_true", help="print the statistics of every tick")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch) / "run"
        figures = race(options.recipe, options.assignments, options.cpu_sec, out, options.say)
    print(json.dumps({"recipe": options.recipe, "set": options.assignments, **figures}))


if __name__ == "__main__":
    main()
