"""Whether a generator draws the attributes that it is asked for: judged by a classifier trained on the real pictures.

    python benchmarks/attributes.py --data "folder:X.zip#A,B" --save classifier.onnx [--minutes 4]
    python benchmarks/attributes.py --data "folder:X.zip#A,B" --classifier classifier.onnx --model generator.onnx

The first trains a small network with a softmax head an attribute on 90 % of the pictures, and measures it on the rest.
The second judges a model's samples with it, asked for in two ways: attributes together as they occur in a real picture
("joint"), and each drawn by itself, all values alike ("uniform"), so also in combinations that the data does not have.
Prints a table and one line of JSON. What can be reached is the accuracy on real pictures: `real` for the joint draw,
and for the uniform one `balanced`, the mean over the values of an attribute. `chance` always says the likeliest value.

The classifier is an extractor too (`onnx:FILE`), for `benchmarks/gallery.py --extractor`. Figures are
comparable only within one file of it, so make it once a data set, and keep it.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tfgan_kit.metrics.conditional import conditional_accuracy, predicted

if TYPE_CHECKING:
    import keras

    from tfgan_kit.data.source import Attributes, Source
    from tfgan_kit.extractors.onnx_file import OnnxExtractor

HELD_OUT = 0.1
FEATURES = 128
BATCH = 64
LEARNING_RATE = 2e-3  # AdamW, to 0 along a half cosine
WEIGHT_DECAY = 1e-2
SHIFT_PX = 2  # either way, along both axes
SEED = 0
OPSET = 17


def split(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The indices that are trained on and those that are held out, the same for the same number of pictures."""
    order = np.random.default_rng(SEED).permutation(count)
    return np.sort(order[round(HELD_OUT * count) :]), np.sort(order[: round(HELD_OUT * count)])


def build_classifier(shape: tuple[int, int, int], sizes: Sequence[int]) -> keras.Model:
    """Images (N, H, W, C) float32 in [0, 1] to features (N, 128), at least 0, and the heads' logits (N, sum(sizes))."""
    import keras

    images = x = keras.Input(shape, name="images")
    # The first at full resolution: an earring is two or three pixels wide.
    for filters, stride in ((16, 1), (32, 2), (64, 2), (96, 2), (128, 2)):
        x = keras.layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    features = keras.layers.Dense(FEATURES, activation="relu", name="features")(keras.layers.Flatten()(x))
    return keras.Model(images, [features, keras.layers.Dense(sum(sizes), name="logits")(features)])


def train(source: Source, chosen: np.ndarray, minutes: float) -> keras.Model:
    """A classifier trained on the chosen pictures of a source, shifted, with the cross-entropy of every head.

    A picture counts in a head by the inverse root of how often its value occurs: unweighted, a head whose likeliest
    value has nine pictures in ten learns the others late.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(SEED)
    rng = np.random.default_rng(SEED)
    sizes = [len(values) for values in source.attributes.values()]
    images, labels = source.read(chosen), _labels(source)[chosen]
    weights = [value_weights(labels[:, a], size) for a, size in enumerate(sizes)]
    model = build_classifier(source.shape, sizes)
    optimizer = keras.optimizers.AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=True)
    def step(images: tf.Tensor, c: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            _, logits = model(tf.cast(images, tf.float32) / 255.0, training=True)
            loss = 0.0
            for a, head in enumerate(heads(sizes)):
                entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(c[:, a], logits[:, head])
                loss += tf.reduce_mean(tf.gather(weights[a], c[:, a]) * entropy)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    started, epoch, share = time.perf_counter(), 0, 0.0
    while share < 1:
        losses = []
        order = rng.permutation(len(chosen))
        for first in range(0, len(order) - BATCH + 1, BATCH):
            share = min(1.0, (time.perf_counter() - started) / 60 / minutes)
            if share == 1:
                break
            optimizer.learning_rate.assign(LEARNING_RATE * (1 + np.cos(np.pi * share)) / 2)
            rows = order[first : first + BATCH]
            losses.append(float(step(shifted(images[rows], rng), labels[rows])))
        epoch += 1
        print(f"pass {epoch}, {share:.0%} of the time: loss {np.mean(losses[-50:] or [np.nan]):.3f}", flush=True)
    return model


def value_weights(c: np.ndarray, size: int) -> np.ndarray:
    """(size,) float32 weights of an attribute's values, of mean 1 over the pictures with the values c, (N,) int."""
    counts = np.maximum(np.bincount(c, minlength=size), 1)
    weights = 1 / np.sqrt(counts)
    return (weights / np.average(weights, weights=counts)).astype(np.float32)


def shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every picture (N, H, W, C) uint8 shifted by its own draw; what comes in repeats the edge."""
    count, height, width, _ = images.shape
    down, right = rng.integers(-SHIFT_PX, SHIFT_PX + 1, (2, count, 1))
    rows = np.clip(np.arange(height) + down, 0, height - 1)
    columns = np.clip(np.arange(width) + right, 0, width - 1)
    moved: np.ndarray = images[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def write(model: keras.Model, out: Path, info: dict[str, Any]) -> None:
    """Write a classifier as an extractor that carries `info`."""
    import onnx
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name="images")]

    @tf.function(input_signature=signature)
    def extract(images: tf.Tensor) -> dict[str, tf.Tensor]:
        features, logits = model(tf.cast(images, tf.float32) / 255.0, training=False)
        return {"features": features, "logits": logits}

    proto, _ = tf2onnx.convert.from_function(extract, input_signature=signature, opset=OPSET)
    # Not sorted: the order of the attributes is that of their logits.
    onnx.helper.set_model_props(proto, {"tfgan_extractor": json.dumps(info)})
    onnx.checker.check_model(proto, full_check=True)
    out.write_bytes(proto.SerializeToString())


def make_classifier(source: Source, minutes: float, out: Path) -> OnnxExtractor:
    """Train, write and check the classifier of a source's attributes."""
    from tfgan_kit.extractors.onnx_file import OnnxExtractor
    from tfgan_kit.extractors.train_cnn import check_parity

    trained_on, held_out = split(len(source))
    model = train(source, trained_on, minutes)
    write(
        model,
        out,
        {
            "name": out.stem,
            "feature_size": FEATURES,
            "attributes": source.attributes,
            "data_digest": source.digest,
            "training": {"minutes": minutes, "seed": SEED, "images": len(trained_on)},
        },
    )
    extractor = OnnxExtractor(out)
    check_parity(model, extractor, source.read(held_out[:333]))
    return extractor


def judge_real(extractor: OnnxExtractor, source: Source) -> dict[str, dict[str, float]]:
    """Accuracy on the held-out pictures, its mean over values, and chance, for each attribute."""
    _, held_out = split(len(source))
    c = _labels(source)[held_out]
    _, logits = extractor.run(source.read(held_out))
    plain = accuracies(logits, c, source.attributes)
    balanced = accuracies(logits, c, source.attributes, balanced=True)
    most = {name: float(np.bincount(c[:, a]).max() / len(c)) for a, name in enumerate(source.attributes)}
    return {"real": plain, "chance": most, "balanced": balanced}


def judge_model(extractor: OnnxExtractor, source: Source, model: Path, n: int) -> dict[str, dict[str, float]]:
    """Accuracy on n samples whose attributes were asked for as real pictures have them, and as many drawn uniformly.

    A model of another size is judged on resampled pictures, and so are the held-out real ones beside it ("resampled").
    """
    from tfgan_kit import Sampler
    from tfgan_kit.data.resize import fit_stack

    sampler = Sampler(model)
    _check_attributes(sampler.spec.attributes, source.attributes, str(model))
    rng = np.random.default_rng(SEED)
    labels = _labels(source)
    sizes = [len(values) for values in source.attributes.values()]
    asked = {"joint": labels[rng.integers(0, len(labels), n)], "uniform": rng.integers(0, sizes, (n, len(sizes)))}
    judged = {}
    spec = sampler.spec
    if spec.image_shape != source.shape:
        _, held_out = split(len(source))
        smaller = fit_stack(source.read(held_out), (spec.height, spec.width), spec.channels, "stretch")
        _, logits = extractor.run(smaller)
        judged["resampled"] = accuracies(logits, labels[held_out], source.attributes)
    for name, c in asked.items():
        _, logits = extractor.run(sampler.sample(range(n), c))
        judged[name] = accuracies(logits, c, source.attributes)
    return judged


def accuracies(
    logits: np.ndarray, c: np.ndarray, attributes: Mapping[str, tuple[str, ...]], *, balanced: bool = False
) -> dict[str, float]:
    """How often the likeliest value is the right one, for each attribute.

    Args:
        logits: (N, K) with K the number of values of all attributes.
        c: (N, A) right values, indices.
        attributes: names of the values of each attribute, in the order of both.
        balanced: the mean over the values that occur, each counted alike, in place of that over pictures.
    """
    if not balanced:
        return conditional_accuracy(logits, c, attributes)
    right = predicted(logits, attributes) == c
    return {
        name: float(np.mean([right[c[:, a] == value, a].mean() for value in np.unique(c[:, a])]))
        for a, name in enumerate(attributes)
    }


def heads(sizes: Sequence[int]) -> list[slice]:
    """Where the logits of each attribute lie in those of all, (N, sum(sizes))."""
    ends = np.cumsum(sizes)
    return [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]


def table(columns: dict[str, dict[str, float]], attributes: Attributes) -> str:
    """Accuracies as text, a row an attribute."""
    width = max(len(name) for name in (*attributes, "attribute"))
    lines = [f"{'attribute':{width}} values" + "".join(f"{name:>10}" for name in columns)]
    for name, values in attributes.items():
        shares = "".join(f"{column[name]:>10.1%}" for column in columns.values())
        lines.append(f"{name:{width}} {len(values):>6}{shares}")
    return "\n".join(lines)


def _labels(source: Source) -> np.ndarray:
    assert source.labels is not None
    return source.labels


def _check_attributes(theirs: Any, ours: Attributes, where: str) -> None:
    found = {name: tuple(values) for name, values in theirs.items()}
    if list(found.items()) != list(ours.items()):
        raise SystemExit(
            f"{where} has the attributes {found}, the data {ours}: give --data the same columns in the same order"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the real pictures with their labels, as a recipe names them")
    parser.add_argument("--resolution", help="HEIGHTxWIDTH, px (default: the data's own)")
    parser.add_argument("--model", type=Path, help="an exported generator to judge")
    parser.add_argument("--n", type=int, default=2000, help="samples of each kind of draw (default: %(default)s)")
    parser.add_argument("--classifier", type=Path, help="use this one (default: train one)")
    parser.add_argument("--minutes", type=float, default=4.0, help="of training (default: %(default)s)")
    parser.add_argument("--save", type=Path, help="where the trained classifier goes (default: nowhere)")
    options = parser.parse_args()

    from tfgan_kit.data import open_source
    from tfgan_kit.extractors.onnx_file import OnnxExtractor
    from tfgan_kit.recipe import Recipe, parse_resolution

    resolution = parse_resolution(options.resolution) if options.resolution else None
    source = open_source(Recipe(data=options.data, resolution=resolution, conditional=True, minutes=1))
    with tempfile.TemporaryDirectory() as scratch:
        if options.classifier:
            extractor = OnnxExtractor(options.classifier)
            _check_attributes(extractor.info.get("attributes", {}), source.attributes, str(options.classifier))
            if extractor.info["data_digest"] != source.digest:
                raise SystemExit(f"{options.classifier} was trained on other pictures: it may have seen these here")
        else:
            out = options.save or Path(scratch) / "classifier.onnx"
            extractor = make_classifier(source, options.minutes, out)
    columns = judge_real(extractor, source)
    if options.model:
        columns |= judge_model(extractor, source, options.model, options.n)
    print(table(columns, source.attributes))
    rounded = {name: {key: round(value, 4) for key, value in column.items()} for name, column in columns.items()}
    print(json.dumps({"classifier": extractor.info["name"], "samples": options.n if options.model else 0} | rounded))


if __name__ == "__main__":
    main()
