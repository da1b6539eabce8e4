"""Train and write an extractor that ships: a small classifier whose last hidden layer is the features.

    python -m tfgan_kit.extractors.train_cnn mnist-cnn [--out FILE]
    python -m tfgan_kit.extractors.train_cnn fashion-cnn --data idx:FOLDER [--out FILE]

FOLDER holds the four IDX files of Fashion-MNIST (Debian: apt-get install dataset-fashion-mnist). Needs the extra
[train]; 4 to 15 CPU-minutes. Figures of two trainings are not comparable, so a file that ships is made once, and
another one gets another name.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from tfgan_kit.data.arrays import find_idx, read_idx
from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.errors import DataError, ExportError
from tfgan_kit.extractors import Extractor, open_extractor
from tfgan_kit.extractors.registry import FOLDER
from tfgan_kit.extractors.signature import PROPERTY
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance

FEATURES = 128
CLASSES = 10
BATCH = 128
LEARNING_RATE = 2e-3  # Adam, to 0 along a half cosine
SEED = 0
MAX_PARITY_ERROR = 1e-4  # relative to the largest value
OPSET = 17
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far each picture is moved, by its own draw."""

    rotation_deg: float  # either way
    shift_px: float  # either way, along both axes
    mirror: bool = False  # left for right, every other picture


@dataclass(frozen=True, kw_only=True)
class Task:
    """A classifier to train."""

    build: Callable[[], keras.Model]
    classes: tuple[str, ...]
    epochs: int
    augmentation: Augmentation
    min_accuracy: float  # on the test images


def build_digits() -> keras.Model:
    """A network from images (N, 28, 28, 1) float32 in [0, 1] to features (N, 128), at least 0, and logits (N, 10)."""
    images = keras.Input((28, 28, 1), name="images")
    x = images
    for index, filters in enumerate((16, 32, 64)):
        x = keras.layers.MaxPooling2D()(x) if index else x
        x = _convolution(x, filters, "valid")
    return _classifier(images, keras.layers.Flatten()(x))


def build_fashion() -> keras.Model:
    """As `build_digits`; more convolutions, and a mean over the picture in place of the large dense layer."""
    images = keras.Input((28, 28, 1), name="images")
    x = images
    for index, stage in enumerate(((16,), (32, 40), (64, 72))):
        x = keras.layers.MaxPooling2D()(x) if index else x
        for filters in stage:
            x = _convolution(x, filters, "same")
    return _classifier(images, keras.layers.GlobalAveragePooling2D()(x))


def _convolution(x: keras.KerasTensor, filters: int, padding: str) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, 3, padding=padding, use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))


def _classifier(images: keras.KerasTensor, x: keras.KerasTensor) -> keras.Model:
    features = keras.layers.Dense(FEATURES, activation="relu", name="features")(x)
    return keras.Model(images, [features, keras.layers.Dense(CLASSES, name="logits")(features)])


TASKS = {
    "mnist-cnn": Task(
        build=build_digits,
        classes=tuple("0123456789"),
        epochs=6,
        augmentation=Augmentation(rotation_deg=10.0, shift_px=2.0),
        min_accuracy=0.993,
    ),
    "fashion-cnn": Task(
        build=build_fashion,
        classes=FASHION,
        epochs=9,
        augmentation=Augmentation(rotation_deg=0.0, shift_px=1.0, mirror=True),
        min_accuracy=0.92,
    ),
}


def load(data: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The pictures (N, 28, 28, 1) uint8 and labels (N,) int32 of a split, "train" or "test".

    Args:
        data: "mnist", or "idx:FOLDER" with the four IDX files that MNIST and Fashion-MNIST come in.
        split: of them.

    Raises:
        DataError: other data, or files that are missing, damaged or of another shape.
    """
    scheme, _, location = data.partition(":")
    if data == "mnist":
        return load_mnist(split)
    if scheme != "idx":
        raise DataError(f"data={data!r} cannot be trained on here; legal: mnist, idx:FOLDER")
    folder, stem = Path(location).expanduser(), {"train": "train", "test": "t10k"}[split]
    images = read_idx(find_idx(folder, f"{stem}-images-idx3-ubyte"))
    labels = read_idx(find_idx(folder, f"{stem}-labels-idx1-ubyte"))
    if images.shape != (len(labels), 28, 28) or not len(labels) or labels.max() >= CLASSES:
        raise DataError(f"{folder} has images {images.shape} and labels {labels.shape}; legal: 28x28 px and 10 classes")
    return images[..., np.newaxis], labels.astype(np.int32)


def train(
    task: Task, images: np.ndarray, labels: np.ndarray, *, epochs: int | None = None, seed: int = SEED
) -> keras.Model:
    """A classifier trained on moved pictures with cross-entropy.

    Args:
        task: what to build and how to move the pictures.
        images: (N, 28, 28, 1) uint8.
        labels: (N,) int32 in [0, 10).
        epochs: passes over the data; None: the task's.
        seed: of the weights, the order and the augmentation.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = task.build()
    epochs, steps = epochs or task.epochs, len(images) // BATCH
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * steps))
    optimizer.build(model.trainable_variables)

    def step(batch: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            _, logits = model(batch, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    # Not jitted: XLA takes 1.6 times the CPU time for this network's pooling and small convolutions.
    compiled_step = tf.function(step)
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        losses = []
        for rows in np.split(order[: steps * BATCH], steps):
            moved = augment(images[rows], rng, task.augmentation)
            losses.append(compiled_step(moved / 255.0, tf.constant(labels[rows])))
        print(f"epoch {epoch + 1} of {epochs}: loss {float(np.mean(losses)):.4f}", flush=True)
    return model


def augment(images: np.ndarray, rng: np.random.Generator, how: Augmentation) -> tf.Tensor:
    """Every image turned, shifted and mirrored: (N, H, W, C) uint8 in, float32 of the same range out."""
    count, height, width = images.shape[:3]
    angle = np.deg2rad(rng.uniform(-how.rotation_deg, how.rotation_deg, count))
    shift_x, shift_y = rng.uniform(-how.shift_px, how.shift_px, (2, count))
    side = rng.choice([-1.0, 1.0], count) if how.mirror else np.ones(count)
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros(count)
    cx, cy = (width - 1) / 2, (height - 1) / 2
    # Rows of the map from output to input pixels: a turn about the centre and a shift, then perhaps a mirror.
    to_input = [
        side * cos,
        -side * sin,
        cx + side * (-cos * cx + sin * cy + shift_x),
        sin,
        cos,
        cy - sin * cx - cos * cy + shift_y,
        zero,
        zero,
    ]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.constant(images, tf.float32),
        transforms=tf.constant(np.stack(to_input, axis=1), tf.float32),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def write(model: keras.Model, out: Path, info: dict[str, object]) -> None:
    """Write `model` as an extractor that carries `info`, in place of `out`."""

    def extract(images: tf.Tensor) -> dict[str, tf.Tensor]:
        features, logits = model(tf.cast(images, tf.float32) / 255.0, training=False)
        return {"features": features, "logits": logits}

    signature = [tf.TensorSpec((None, 28, 28, 1), tf.uint8, name="images")]
    graph = tf.function(extract, input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(graph, input_signature=signature, opset=OPSET)
    onnx.helper.set_model_props(proto, {PROPERTY: json.dumps(info, sort_keys=True)})
    onnx.checker.check_model(proto, full_check=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".partial")
    partial.write_bytes(proto.SerializeToString())
    os.replace(partial, out)


def check_parity(model: keras.Model, extractor: Extractor, images: np.ndarray) -> float:
    """The largest difference between Keras and onnxruntime over the largest value; ExportError above the bound."""
    error = 0.0
    for part in (images[:1], images[:333]):
        expected = [np.asarray(x) for x in model(part.astype(np.float32) / 255.0, training=False)]
        for ours, theirs in zip(extractor.run(part), expected, strict=True):
            assert ours is not None  # a classifier has logits
            error = max(error, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
    if error > MAX_PARITY_ERROR:
        raise ExportError(f"the extractor differs from Keras by {error:.1e} of its range; at most {MAX_PARITY_ERROR}")
    return error


def real_against_real(extractor: Extractor, a: np.ndarray, b: np.ndarray) -> float:
    """The Frechet distance of two sets of images (N, 28, 28, 1) uint8."""
    p, q = (FeatureStatistics().update(extractor.features(images)) for images in (a, b))
    return frechet_distance(p, q)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, check, and put the file in its place."""
    parser = argparse.ArgumentParser(description="Train and write an extractor that ships.")
    parser.add_argument("name", choices=TASKS, help="which one")
    parser.add_argument("--data", help="idx:FOLDER (default for mnist-cnn: the bundled MNIST)")
    parser.add_argument("--out", type=Path, help="the .onnx to write (default: its place in the package)")
    options = parser.parse_args(argv)
    name, task = options.name, TASKS[options.name]
    data, out = options.data or ("mnist" if name == "mnist-cnn" else ""), options.out or FOLDER / f"{name}.onnx"

    images, labels = load(data, "train")
    test_images, test_labels = load(data, "test")
    model = train(task, images, labels)
    logits = np.concatenate([model(x.astype(np.float32) / 255.0)[1] for x in np.array_split(test_images, 20)])
    accuracy = float((logits.argmax(axis=1) == test_labels).mean())
    if accuracy < task.min_accuracy:
        raise ExportError(f"test accuracy {accuracy:.4f} is below {task.min_accuracy}; nothing is written")
    write(
        model,
        out,
        {
            "name": name,
            "feature_size": FEATURES,
            "attributes": {"class": task.classes},
            "test_accuracy": round(accuracy, 4),
            "data_sha256": hashlib.sha256(images.tobytes() + labels.astype("<i4").tobytes()).hexdigest(),
            "training": {"epochs": task.epochs, "seed": SEED, "images": len(images)},
        },
    )
    extractor = open_extractor(f"onnx:{out}")
    error = check_parity(model, extractor, test_images)
    print(f"test accuracy {accuracy:.2%}, {out.stat().st_size / 1024:.0f} KiB, parity error {error:.1e}")
    for other, where in ((test_images, "test"), (images[10_000:20_000], "the next 10,000")):
        print(f"Frechet distance of the first 10,000 training images to {where}: ", end="")
        print(f"{real_against_real(extractor, images[:10_000], other):.3f}")


if __name__ == "__main__":
    main()
