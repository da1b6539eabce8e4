"""What the benchmarks measure on generated pictures: distance, precision and recall, and accuracy of attributes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tfgan_kit.extractors import Extractor
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance
from tfgan_kit.metrics.prdc import prdc


def distances(train: np.ndarray, fake: np.ndarray, test: np.ndarray | None = None) -> dict[str, float]:
    """The Frechet distance of fakes, and of other real pictures, to training pictures; precision and recall (k = 3).

    Args:
        train: (N, F) features of all training pictures; as many as there are fakes are drawn for precision and recall.
        fake: (M, F) features of samples.
        test: (K, F) features of real pictures that are not among the training pictures; None: the real distance is
            that of one half of these to the other.
    """
    rng = np.random.default_rng(0)
    some = rng.choice(len(train), min(len(fake), len(train)), replace=False)
    reference = train
    if test is None:
        halves = rng.permutation(len(train))
        reference, test = train[halves[::2]], train[halves[1::2]]
    precision, recall, *_ = prdc(train[some], fake)
    return {
        "distance": round(_distance(train, fake), 3),
        "real_distance": round(_distance(reference, test), 3),
        "precision": round(precision, 3),
        "recall": round(recall, 3),
    }


def resampling(shape: Sequence[int], extractor: Extractor) -> str:
    """What an extractor does to pictures of that shape, in words; a distance depends on it."""
    if extractor.image_shape in (None, tuple(shape)):
        return extractor.resize if extractor.image_shape is None else "none"
    sizes = ("x".join(map(str, each)) for each in (shape, extractor.image_shape))
    return f"{' -> '.join(sizes)}, {extractor.resize}, real and generated alike"


def heads(sizes: Sequence[int]) -> list[slice]:
    """Where the logits of each attribute lie in those of all, (N, sum(sizes))."""
    ends = np.cumsum(sizes)
    return [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]


def accuracies(
    logits: np.ndarray, c: np.ndarray, attributes: Mapping[str, Collection[str]], *, balanced: bool = False
) -> dict[str, float]:
    """How often the likeliest value is the right one, for each attribute.

    Args:
        logits: (N, K) with K the number of values of all attributes.
        c: (N, A) right values, indices.
        attributes: names of the values of each attribute, in the order of both.
        balanced: the mean over the values that occur, each counted alike, in place of that over pictures.
    """
    found = {}
    for a, (name, head) in enumerate(zip(attributes, heads([len(v) for v in attributes.values()]), strict=True)):
        right = logits[:, head].argmax(axis=1) == c[:, a]
        shares = [right[c[:, a] == value].mean() for value in np.unique(c[:, a])]
        found[name] = float(np.mean(shares) if balanced else right.mean())
    return found


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return frechet_distance(FeatureStatistics().update(a), FeatureStatistics().update(b))
