"""How much of the labels D's features say by straight lines, beside the pixels and the same network untrained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tfgan_kit.build import build_discriminator
from tfgan_kit.data import Source
from tfgan_kit.errors import DataError
from tfgan_kit.metrics.classifier_score import linear_probe
from tfgan_kit.networks.progressive import set_growth
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import RunFolder
from tfgan_kit.training.state import load_network

# Side of the grid that every map is pooled to, px.
GRID_PX = 4
# Pictures at a time: what bounds memory, and the batch of layers that look at one.
_BLOCK = 100

PIXELS, LAST, ALL = "pixels", "last layer", f"all sizes, pooled to {GRID_PX} x {GRID_PX}"
TRAINED, RANDOM = "D", "D untrained"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One linear probe.

    Attributes:
        of: PIXELS, or whose features: TRAINED or RANDOM.
        layers: LAST or ALL; "" for pixels.
        attribute: that the labels are of.
        size: numbers a picture.
        accuracy: share of the test pictures that are told right.
        deviation: of that share, by the number of test pictures.
    """

    of: str
    layers: str
    attribute: str
    size: int
    accuracy: float
    deviation: float

    @property
    def title(self) -> str:
        """What is probed, in words."""
        return f"{self.of}, {self.layers}" if self.layers else self.of


class Features:
    """D's features of pictures.

    They are those that D has before it is told the class: a projection discriminator is given class 0 throughout.
    Dropout is off, and batch norm uses its averages. Layers that compare the pictures of a batch see blocks of _BLOCK
    of them.
    """

    def __init__(self, D: keras.Model) -> None:
        """Find the maps to pool.

        Differs from Radford et al. 2016, who take every layer: of the activations of one size the last is taken. D of
        other layers than its own, as a growing one, and D without maps give the last layer alone.

        Args:
            D: without dropout.
        """
        nested = any(isinstance(layer, keras.Model) for layer in D.layers)
        acts = [] if nested else [layer.output for layer in D.layers if isinstance(layer, keras.layers.LeakyReLU)]
        maps = {tuple(act.shape[1:3]): act for act in acts if len(act.shape) == 4}
        self.kinds = (LAST, ALL) if maps else (LAST,)
        self._classes = next((tensor.shape[1] for tensor in D.inputs if tensor.name == "c"), 0)
        outputs = {"features": D.output["features"]} | {f"map{i}": x for i, x in enumerate(maps.values())}
        network = keras.Model({tensor.name: tensor for tensor in D.inputs}, outputs)

        def features(inputs: dict[str, tf.Tensor]) -> list[tf.Tensor]:
            last, *seen = (network(inputs, training=False)[name] for name in outputs)
            pooled = [tf.reshape(max_pooled(x), (tf.shape(x)[0], -1)) for x in seen]
            return [last, tf.concat(pooled, axis=1)] if pooled else [last]

        self._run = tf.function(features, reduce_retracing=True)

    def __call__(self, images: np.ndarray) -> list[np.ndarray]:
        """(B, H, W, C) uint8 to (B, F) float32 of each of `kinds`."""
        inputs = {"images": tf.constant(images.astype(np.float32) / np.float32(127.5) - np.float32(1))}
        if self._classes:
            inputs["c"] = tf.zeros((len(images), self._classes), tf.int32)
        return [np.asarray(part, np.float32) for part in self._run(inputs)]

    def of(self, source: Source, places: np.ndarray) -> dict[str, np.ndarray]:
        """Those of pictures of a source, by kind."""
        blocks = [self(source.read(places[start : start + _BLOCK])) for start in range(0, len(places), _BLOCK)]
        return {kind: np.concatenate(parts) for kind, parts in zip(self.kinds, zip(*blocks, strict=True), strict=True)}


def max_pooled(x: tf.Tensor) -> tf.Tensor:
    """(B, H, W, C) to (B, at most GRID_PX, at most GRID_PX, C): the most in each cell; cells of odd sizes overlap."""
    for axis in (1, 2):
        side = x.shape[axis]
        cells = min(GRID_PX, side)
        ends = [(i * side // cells, -(-(i + 1) * side // cells)) for i in range(cells)]
        parts = [tf.gather(x, tf.range(first, last), axis=axis) for first, last in ends]
        x = tf.stack([tf.reduce_max(part, axis) for part in parts], axis)
    return x


def load_discriminators(folder: RunFolder) -> tuple[keras.Model, keras.Model, checkpoint.Manifest, list[str]]:
    """D of a run's newest intact checkpoint and D as it was at the start, both in float32 and without dropout.

    Returns:
        Both, the checkpoint's manifest, and a line for each damaged checkpoint that was passed over.

    Raises:
        RunError: not a run, or none of its checkpoints is intact.
    """
    recipe, facts, _ = folder.read()
    manifest, state, refused = folder.load()
    trained, untrained = (
        build_discriminator(
            recipe.replace(d_dropout=0.0), shape=facts.shape, classes=facts.classes, dtype="float32"
        )
        for _ in range(2)
    )  # fmt: skip
    load_network(trained, state, "D")
    if hasattr(trained, "levels"):
        # How far it has grown is no weight: both are to be the same network.
        set_growth(untrained, trained.get_layer("growth").grown)
    return trained, untrained, manifest, refused


def probe(
    trained: keras.Model,
    untrained: keras.Model,
    train: tuple[Source, np.ndarray],
    test: tuple[Source, np.ndarray],
    *,
    seed: int = 0,
    on_progress: Callable[[str], None] = lambda what: None,
) -> list[Probe]:
    """A linear probe of the labels on pixels, and on the features of both networks.

    The untrained network is what an architecture gives for nothing; what training adds is the difference to it.

    Args:
        trained: D of a run, see `load_discriminators`.
        untrained: the same at the start.
        train: a labelled source, and the places of the pictures that the probes are trained on.
        test: likewise of those that they are tested on.
        seed: of the probes' own draws.
        on_progress: called with what is done.

    Raises:
        DataError: no labels, other ones in one source than in the other, or features that are not finite.
        MissingPackageError: scikit-learn is not installed.

    Source: Radford et al. 2016, section 5.1; Alain and Bengio 2016.
    """
    for source, _ in (train, test):
        if source.labels is None:
            raise DataError(f"{source.spec} has no labels, which a probe is trained to tell: name labelled data")
    if train[0].attributes != test[0].attributes:
        raise DataError(f"{train[0].spec} and {test[0].spec} have different labels: name data with one set of them")

    found: list[Probe] = []
    for of, layers, train_x, test_x in _features(trained, untrained, train, test, on_progress):
        for a, attribute in enumerate(train[0].attributes):
            labels = [source.labels[places, a] for source, places in (train, test)]  # type: ignore[index]
            on_progress(f"probing {of} {layers}".strip() + f" for {attribute}")
            accuracy = linear_probe(train_x, labels[0], test_x, labels[1], seed=seed)
            found.append(
                Probe(
                    of=of,
                    layers=layers,
                    attribute=attribute,
                    size=train_x.shape[1],
                    accuracy=accuracy,
                    deviation=math.sqrt(accuracy * (1 - accuracy) / len(labels[1])),
                )
            )
    return found


def commonest(labels: np.ndarray) -> float:
    """The share of the commonest of (N,) labels: the accuracy of one who looks at nothing."""
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def _features(
    trained: keras.Model,
    untrained: keras.Model,
    train: tuple[Source, np.ndarray],
    test: tuple[Source, np.ndarray],
    on_progress: Callable[[str], None],
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Whose, which layers', and the features of the training and of the test pictures."""
    pixels = [source.read(places).reshape(len(places), -1) for source, places in (train, test)]
    yield PIXELS, "", pixels[0], pixels[1]
    for of, D in ((TRAINED, trained), (RANDOM, untrained)):
        on_progress(f"features of {of}")
        features = Features(D)
        rows = [features.of(source, places) for source, places in (train, test)]
        for layers in features.kinds:
            yield of, layers, rows[0].pop(layers), rows[1].pop(layers)
