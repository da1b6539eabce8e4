"""The Inception Score: sure classes of each sample, many classes of all of them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.features import checked

Floats = NDArray[np.float64]


class InceptionScore(NamedTuple):
    """Higher is better; in [1, K]."""

    value: float  # mean over the splits
    deviation: float  # standard deviation over the splits (divided by their number)


def inception_score(logits: np.ndarray, *, splits: int = 10, seed: int = 0) -> InceptionScore:
    """exp of the mean KL divergence of each sample's class probabilities from those of all samples of its split.

    It never looks at real pictures, nor within a class: one good picture of each class, repeated, gets the most there
    is, K. Fewer samples in a split score lower. Compare equal numbers and equal classifiers only.

    The samples are shuffled and split as torch-fidelity does: its `rng_seed` is `seed` here.

    Args:
        logits: (N, K) of a classifier on the samples, finite, N >= splits.
        splits: parts that are scored apart, at least 1.
        seed: of the shuffling.

    Raises:
        DataError: fewer samples than splits, or values that are not finite.

    Source: Salimans et al., "Improved techniques for training GANs" (2016), Sec. 4.
    """
    if splits < 1:
        raise DataError(f"splits must be at least 1; got {splits}")
    logits = checked("logits", logits, least=splits)
    # Frozen by numpy, and the one that other implementations draw from; a Generator would give other splits.
    order = np.random.RandomState(seed).permutation(len(logits))
    ends = [split * len(logits) // splits for split in range(splits + 1)]
    scores = [_score(logits[order[start:end]]) for start, end in pairwise(ends)]
    return InceptionScore(value=float(np.mean(scores)), deviation=float(np.std(scores)))


def _score(logits: np.ndarray) -> float:
    log_p = logits.astype(np.float64)
    log_p -= _log_sum_exp(log_p, axis=1)[:, None]
    log_mean = _log_sum_exp(log_p, axis=0) - np.log(len(log_p))
    divergences = (np.exp(log_p) * (log_p - log_mean)).sum(axis=1)
    return float(np.exp(divergences.mean()))


def _log_sum_exp(values: Floats, *, axis: int) -> Floats:
    most = values.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - most).sum(axis=axis)) + most.squeeze(axis))
