"""`tfgan data prepare` with one worker and with all, against an equivalent tf.data map that writes TFRecords.

    python benchmarks/data_prepare.py [--images 3000] [--px 224] [--resolution 64] [--rounds 3]

The data: JPEG files of 8x8 digits each. The sides run in turn, several times, in one process; the table shows medians
of pictures a second and ratios. tf.data decodes, resizes by Lanczos with antialiasing, rounds and writes on as many
threads as it takes.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.data.parallel import available_cpus
from tfgan_kit.data.prepare import prepare
from tfgan_kit.recipe import Recipe


def write_pictures(folder: Path, count: int, px: int) -> None:
    """Files of px x px, 1,000 a folder."""
    digits, _ = load_mnist("test")
    rng = np.random.default_rng(0)
    for i in range(count):
        chosen = digits[rng.integers(0, len(digits), 64), :, :, 0].reshape(8, 8, 28, 28)
        mosaic = Image.fromarray(chosen.transpose(0, 2, 1, 3).reshape(224, 224)).resize((px, px))
        colours = rng.integers(64, 256, 3)
        path = folder / f"{i // 1000:03}" / f"{i:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((np.asarray(mosaic)[:, :, None] * (colours / 255)).astype(np.uint8)).save(path, quality=90)


def ours(source: Path, out: Path, resolution: int, workers: int) -> None:
    recipe = Recipe(
        data=f"folder:{source}",
        resolution=(resolution, resolution),
        channels=3,
        conditional=False,
        kimg=1,
        batch_size=1,
    )
    prepare(recipe, out, workers=workers, per_shard=512)


def tf_data(source: Path, out: Path, resolution: int) -> None:
    import tensorflow as tf

    def picture(name: tf.Tensor) -> tf.Tensor:
        pixels = tf.io.decode_jpeg(tf.io.read_file(name), channels=3)
        small = tf.image.resize(pixels, (resolution, resolution), method="lanczos3", antialias=True)
        return tf.io.serialize_tensor(tf.cast(tf.clip_by_value(tf.round(small), 0, 255), tf.uint8))

    names = sorted(str(path) for path in source.rglob("*.jpg"))
    out.mkdir()
    records = tf.data.Dataset.from_tensor_slices(names).map(picture, num_parallel_calls=tf.data.AUTOTUNE)
    with tf.io.TFRecordWriter(str(out / "all.tfrecord")) as writer:
        for record in records.prefetch(64).as_numpy_iterator():
            writer.write(record)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--px", type=int, default=224)
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()

    all_workers = available_cpus()
    with tempfile.TemporaryDirectory() as scratch:
        source, out = Path(scratch) / "pictures", Path(scratch) / "out"
        write_pictures(source, chosen.images, chosen.px)
        sides: dict[str, Callable[[], None]] = {
            "one worker": lambda: ours(source, out, chosen.resolution, 1),
            f"{all_workers} workers": lambda: ours(source, out, chosen.resolution, all_workers),
            "tf.data map": lambda: tf_data(source, out, chosen.resolution),
        }
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(chosen.rounds + 1):
            for name, run in sides.items():
                started = time.perf_counter()
                run()
                rates[name].append(chosen.images / (time.perf_counter() - started))
                shutil.rmtree(out)
    # The first round fills the disk cache and traces.
    medians = {name: statistics.median(of[1:]) for name, of in rates.items()}
    for name, rate in medians.items():
        print(f"{name:>12}  {rate:8.0f} pictures/s")
    one, every, map_ = medians.values()
    print(f"{all_workers} workers are {every / one:.2f} times one, and {every / map_:.2f} times the tf.data map")


if __name__ == "__main__":
    main()
