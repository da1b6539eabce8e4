"""What the loop around the train step costs, and whether data ever waits.

    python benchmarks/loop_overhead.py [--rounds 5] [--steps 32] [--minutes 1]

First the compiled step on one batch that never changes, on data in memory, on streamed data, and on shards on disk, in
turn, several times: what the feeds add. Then a run of the default recipe with all its records, previews and
checkpoints: the share of its time that is not spent in compiled steps.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def feeds(rounds: int, steps: int, scratch: Path) -> None:
    """Print the medians of the step with each kind of feed."""
    import tensorflow as tf

    from tfgan_kit.build import build_gan
    from tfgan_kit.data import open_feed, open_source
    from tfgan_kit.data.prepare import prepare
    from tfgan_kit.recipes import DEFAULT, recipe_row
    from tfgan_kit.training.steps import compile_steps

    recipe = recipe_row(DEFAULT).recipe
    source = open_source(recipe)
    prepare(recipe, scratch / "set", per_shard=1000)
    shards = open_source(recipe.replace(data=f"records:{scratch / 'set'}"))
    options = {"batch": recipe.batch_size, "seed": 0, "mirror": False, "start_step": 0}
    kinds = {
        "data in memory": open_feed(source, **options, memory_mb=1024),
        "streamed data": open_feed(source, **options, memory_mb=0),
        f"{len(shards.shards)} shards on disk": open_feed(shards, **options, memory_mb=0),
    }
    batch = kinds["data in memory"](tf.constant(0, tf.int64))
    runs = {"one batch, no feed": lambda step: batch, **kinds}
    compiled = {}
    for name, feed in runs.items():
        gan = build_gan(recipe, source.shape, (10,))
        compiled[name] = compile_steps(gan, feed)
        compiled[name](tf.constant(2))
    seconds: dict[str, list[float]] = {name: [] for name in compiled}
    for _ in range(rounds):
        for name, run in compiled.items():
            started = time.perf_counter()
            run(tf.constant(steps))
            seconds[name].append((time.perf_counter() - started) / steps)
    bare = statistics.median(seconds["one batch, no feed"])
    print(f"{'train step on':22} {'ms':>8} {'ratio':>7}")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:22} {median * 1e3:8.2f} {median / bare:7.3f}")


def loop(minutes: float) -> None:
    """Print the share of a run that is not spent in compiled steps."""
    from tfgan_kit.recipes import DEFAULT, recipe_row
    from tfgan_kit.training.loop import Progress, train

    moments: list[float] = []
    in_steps: list[float] = []
    seen = [0]

    def note(progress: Progress) -> None:
        moments.append(time.perf_counter())
        in_steps.append((progress.nimg - seen[0]) / progress.img_per_sec)
        seen[0] = progress.nimg

    with tempfile.TemporaryDirectory() as scratch:
        train(recipe_row(DEFAULT).recipe.replace(minutes=minutes), Path(scratch) / "run", on_progress=note)
    # From the end of the first group, which compiles, to the end of the last.
    total = moments[-1] - moments[0]
    outside = 1.0 - sum(in_steps[1:]) / total
    print(
        f"a run of {seen[0] / 1000:.1f} kimg with all its records: {100 * outside:.2f} % of the time outside the steps"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--minutes", type=float, default=1.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        feeds(options.rounds, options.steps, Path(scratch))
    loop(options.minutes)


if __name__ == "__main__":
    main()
