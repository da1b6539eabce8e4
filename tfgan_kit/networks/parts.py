"""What the families share: seeded weights, the way classes enter, normalisation, the arithmetic of resolutions."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers


class Initializers:
    """Glorot-uniform initializers, each with a seed of its own: the same weights for the same `seed`, always."""

    def __init__(self, seed: int) -> None:
        """Start at the first of the seed's initializers."""
        self._seed, self._count = seed, 0

    def __call__(self) -> keras.Initializer:
        """The next one."""
        self._count += 1
        # Keras takes 31 bits of a seed: neighbours must differ in those.
        (mixed,) = np.random.SeedSequence((self._seed, self._count)).generate_state(1)
        return keras.initializers.GlorotUniform(seed=int(mixed >> 1))


def halvings(resolution: tuple[int, int], smallest_px: int) -> int:
    """How often the resolution is halved, rounding up, until its shorter side is at most `smallest_px`."""
    side, count = min(resolution), 0
    while side > smallest_px:
        side, count = -(-side // 2), count + 1
    return count


def widths(first: int, count: int, highest: int) -> list[int]:
    """Channels of `count` maps, doubling from `first` up to `highest`."""
    return [min(first * 2**i, highest) for i in range(count)]


def normalise(x: keras.KerasTensor, kind: str, *, momentum: float, dtype: str, name: str) -> keras.KerasTensor:
    """`x` after normalisation of the given kind: "batch" or "none"."""
    if kind == "batch":
        return layers.BatchNormalization(momentum=momentum, epsilon=1e-5, dtype=dtype, name=name)(x)
    return x


def with_class(
    z: keras.KerasTensor, c: keras.KerasTensor, num_classes: int, size: int, init: Initializers
) -> keras.KerasTensor:
    """z with a learned embedding of the class, of `size` numbers, behind it."""
    embedding = layers.Embedding(
        num_classes, size, embeddings_initializer=init(), dtype="float32", name="class_embedding"
    )(c)
    return layers.Concatenate(dtype="float32", name="z_and_class")([z, embedding])


def logit(
    features: keras.KerasTensor, c: keras.KerasTensor | None, num_classes: int, init: Initializers
) -> keras.KerasTensor:
    """Logits (B,) float32 of flat features: linear, plus the projection on the class where there is one.

    Source: Miyato and Koyama 2018, Eq. 3 ("cGANs with projection discriminator").
    """
    features = layers.Activation("linear", dtype="float32", name="features")(features)
    score = layers.Dense(1, kernel_initializer=init(), dtype="float32", name="logit")(features)
    score = layers.Flatten(dtype="float32", name="logit_flat")(score)
    if c is not None:
        row = layers.Embedding(
            num_classes, features.shape[-1], embeddings_initializer=init(), dtype="float32", name="class_projection"
        )(c)
        product = layers.Dot(axes=1, dtype="float32", name="projection")([features, row])
        score = layers.Add(dtype="float32", name="logit_of_class")([score, product])
    return layers.Reshape((), dtype="float32", name="logits")(score)


def structure(inputs: list[keras.KerasTensor]) -> list[keras.KerasTensor] | keras.KerasTensor:
    """The inputs as the model is called on them: a list only where there are classes."""
    return inputs if len(inputs) > 1 else inputs[0]
