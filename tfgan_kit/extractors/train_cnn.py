"""Train and write the extractor `mnist-cnn`: a small classifier of digits whose last hidden layer is the features.

    python -m tfgan_kit.extractors.train_cnn [--out FILE]

Needs the extra [train]; 4 to 5 CPU-minutes. Figures of two trainings are not comparable, so the file that ships is
made once, and another one gets another name.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from tfgan_kit.data.mnist import load_mnist
from tfgan_kit.errors import ExportError
from tfgan_kit.extractors import Extractor, open_extractor
from tfgan_kit.extractors.registry import FOLDER
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance

NAME = "mnist-cnn"
FEATURES = 128
EPOCHS = 6
BATCH = 128
LEARNING_RATE = 2e-3  # Adam, to 0 along a half cosine
ROTATION_DEG = 10.0  # either way
SHIFT_PX = 2.0  # either way, along both axes
SEED = 0
MIN_ACCURACY = 0.993
MAX_PARITY_ERROR = 1e-4  # relative to the largest value
OPSET = 17


def build_classifier() -> keras.Model:
    """A network from images (N, 28, 28, 1) float32 in [0, 1] to features (N, 128), at least 0, and logits (N, 10)."""
    images = keras.Input((28, 28, 1), name="images")
    x = images
    for index, filters in enumerate((16, 32, 64)):
        if index:
            x = keras.layers.MaxPooling2D()(x)
        x = keras.layers.Conv2D(filters, 3, use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    features = keras.layers.Dense(FEATURES, activation="relu", name="features")(keras.layers.Flatten()(x))
    return keras.Model(images, [features, keras.layers.Dense(10, name="logits")(features)])


def train(images: np.ndarray, labels: np.ndarray, *, epochs: int = EPOCHS, seed: int = SEED) -> keras.Model:
    """A classifier trained on turned and shifted digits with cross-entropy.

    Args:
        images: (N, 28, 28, 1) uint8.
        labels: (N,) int32 in [0, 10).
        epochs: passes over the data.
        seed: of the weights, the order and the augmentation.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = build_classifier()
    steps = len(images) // BATCH
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
            losses.append(compiled_step(augment(images[rows], rng) / 255.0, tf.constant(labels[rows])))
        print(f"epoch {epoch + 1} of {epochs}: loss {float(np.mean(losses)):.4f}", flush=True)
    return model


def augment(images: np.ndarray, rng: np.random.Generator) -> tf.Tensor:
    """Every image turned and shifted by its own draw: (N, H, W, C) uint8 in, float32 of the same range out."""
    count, height, width = images.shape[:3]
    angle = np.deg2rad(rng.uniform(-ROTATION_DEG, ROTATION_DEG, count))
    shift_x, shift_y = rng.uniform(-SHIFT_PX, SHIFT_PX, (2, count))
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros(count)
    cx, cy = (width - 1) / 2, (height - 1) / 2
    # Rows of the map from output to input pixels: a turn about the centre, then a shift.
    to_input = [cos, -sin, cx - cos * cx + sin * cy + shift_x, sin, cos, cy - sin * cx - cos * cy + shift_y, zero, zero]
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
    onnx.helper.set_model_props(proto, {"tfgan_extractor": json.dumps(info, sort_keys=True)})
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
    parser = argparse.ArgumentParser(description="Train and write the extractor mnist-cnn.")
    parser.add_argument("--out", type=Path, default=FOLDER / f"{NAME}.onnx", help="the .onnx to write")
    out = parser.parse_args(argv).out

    images, labels = load_mnist("train")
    test_images, test_labels = load_mnist("test")
    model = train(images, labels)
    logits = np.concatenate([model(x.astype(np.float32) / 255.0)[1] for x in np.split(test_images, 20)])
    accuracy = float((logits.argmax(axis=1) == test_labels).mean())
    if accuracy < MIN_ACCURACY:
        raise ExportError(f"test accuracy {accuracy:.4f} is below {MIN_ACCURACY}; nothing is written")
    write(
        model,
        out,
        {
            "name": NAME,
            "feature_size": FEATURES,
            "test_accuracy": round(accuracy, 4),
            "data_sha256": hashlib.sha256(images.tobytes() + labels.astype("<i4").tobytes()).hexdigest(),
            "training": {"epochs": EPOCHS, "seed": SEED, "images": len(images)},
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
