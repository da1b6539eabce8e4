"""Whether samples are of the class that was asked for, and how near they are to the data within each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance


class IntraClass(NamedTuple):
    """Frechet distances within classes.

    mean: over the classes of `per_class`, each counted alike.
    per_class: class index -> distance, in ascending order.
    left_out: classes with too few rows on either side, in ascending order.
    """

    mean: float
    per_class: dict[int, float]
    left_out: tuple[int, ...]


class IntraClassStatistics:
    """Statistics of the features of each class, from rows that arrive in batches and are not kept.

    Memory is F * F float64 a class that occurs: 2 MiB for ten classes of 128 features, 32 MiB for each of 2048.

    Attributes:
        per_class: class index -> statistics of its rows.
    """

    def __init__(self) -> None:
        """Start with no rows."""
        self.per_class: dict[int, FeatureStatistics] = {}

    def update(self, features: np.ndarray, classes: np.ndarray) -> IntraClassStatistics:
        """Add rows.

        Args:
            features: (N, F) floating point, F the same at every call.
            classes: (N,) integers, at least 0.

        Returns:
            itself.

        Raises:
            DataError: classes that are not such integers or not one a row; features as FeatureStatistics refuses.
        """
        classes = np.asarray(classes)
        if classes.shape != (len(features),) or classes.dtype.kind not in "iu" or (classes < 0).any():
            raise DataError(
                f"classes must be {len(features)} integers from 0, one a row; got {classes.dtype} {classes.shape}"
            )
        for index in np.unique(classes):
            self.per_class.setdefault(int(index), FeatureStatistics()).update(features[classes == index])
        return self


def conditional_accuracy(
    logits: np.ndarray, asked: np.ndarray, attributes: Mapping[str, tuple[str, ...]]
) -> dict[str, float]:
    """How often a classifier finds in a sample what was asked for, by attribute.

    It is at most as good as the classifier: compare with its accuracy on real pictures.

    Args:
        logits: (N, K) of the samples, the values of all attributes in a row, N > 0.
        asked: (N, A) integers, column a in [0, values of attribute a).
        attributes: A attributes in the order of the columns -> the names of their values, K in all.

    Returns:
        attribute -> share of the samples whose largest logit of the attribute is that of the value, in [0, 1].

    Raises:
        DataError: other shapes or values, or logits that are not finite.
    """
    found = predicted(logits, attributes)
    asked = np.asarray(asked)
    sizes = np.array([len(values) for values in attributes.values()])
    if asked.shape != found.shape or len(asked) == 0 or asked.dtype.kind not in "iu":
        raise DataError(f"asked must be integers {found.shape}, neither empty; got {asked.dtype} {asked.shape}")
    if (asked < 0).any() or (asked >= sizes).any():
        low, high = asked.min(axis=0).tolist(), asked.max(axis=0).tolist()
        raise DataError(f"columns of asked must lie in [0, K) for K = {sizes.tolist()}; got {low} to {high}")
    return dict(zip(attributes, (found == asked).mean(axis=0).tolist(), strict=True))


def predicted(logits: np.ndarray, attributes: Mapping[str, tuple[str, ...]]) -> NDArray[np.int64]:
    """The likeliest value of each attribute, (N, A) int64, from logits as `conditional_accuracy` takes them.

    Raises:
        DataError: no attributes, other shapes, or logits that are not finite.
    """
    ends = np.cumsum([len(values) for values in attributes.values()])
    if logits.ndim != 2 or not attributes or logits.shape[1] != ends[-1]:
        names = ", ".join(f"{name} ({len(values)})" for name, values in attributes.items()) or "none"
        raise DataError(f"logits must be (N, K), K the values of all attributes: {names}; got {logits.shape}")
    bad = int((~np.isfinite(logits)).any(axis=1).sum())
    if bad:
        raise DataError(f"{bad} of {len(logits)} rows of logits are not finite; look for NaN in the images")
    return np.stack([part.argmax(axis=1) for part in np.split(logits, ends[:-1], axis=1)], axis=1)


def intra_class_frechet(
    real: Mapping[int, FeatureStatistics], fake: Mapping[int, FeatureStatistics], *, minimum: int = 100
) -> IntraClass:
    """The Frechet distance of samples to the data within each class, and its mean: quality and variety for each ask.

    The distance of few rows is too high (see `frechet_distance`), and classes have fewer rows than the whole: compare
    figures of equal numbers of rows a class only. The mean is over the classes that both sides have enough rows of.

    Args:
        real: class index -> statistics of the real pictures of the class, as `IntraClassStatistics.per_class`.
        fake: class index -> statistics of the samples that were asked to be of the class.
        minimum: rows that a class must have on both sides, at least 2.

    Raises:
        DataError: no class has so many rows, a minimum below 2, or features of different sizes.

    Source: Miyato and Koyama, "cGANs with projection discriminator" (2018), Section 4.1.
    """
    if minimum < 2:
        raise DataError(f"a covariance needs at least 2 rows, and so must be the minimum; got {minimum}")
    classes = sorted(real.keys() | fake.keys())
    enough = [c for c in classes if c in real and c in fake and min(real[c].count, fake[c].count) >= minimum]
    if not enough:
        raise DataError(f"none of {len(classes)} classes has {minimum} rows of real pictures and of samples; take more")
    per_class = {index: frechet_distance(real[index], fake[index]) for index in enough}
    return IntraClass(
        mean=float(np.mean(list(per_class.values()))),
        per_class=per_class,
        left_out=tuple(index for index in classes if index not in per_class),
    )
