"""How many of the data's modes a generator makes, and how evenly: classes, combinations of attributes, mixtures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError

Counts = NDArray[np.int64]


class Coverage(NamedTuple):
    """What samples have of the combinations of attributes that the data has.

    covered: combinations of the data that some sample has.
    of: combinations of the data.
    share: covered / of, in [0, 1].
    kl: of the samples' combinations to the data's, in nats, by `kl_to_data`.
    outside: share of the samples whose combination no picture of the data has, in [0, 1].
    """

    covered: int
    of: int
    share: float
    kl: float
    outside: float


class MixtureModes(NamedTuple):
    """How points lie about the centres of a mixture.

    covered: centres that are the nearest of at least one point of high quality.
    high_quality_share: share of the points that lie near enough to their centre, in [0, 1].
    counts: (K,) int64, points of high quality at each centre.
    """

    covered: int
    high_quality_share: float
    counts: Counts


def class_histogram(predicted: np.ndarray, K: int) -> Counts:
    """How many samples are of each class.

    Args:
        predicted: (N,) integers in [0, K).
        K: number of classes.

    Returns:
        (K,) int64.

    Raises:
        DataError: classes that are not such integers.
    """
    return np.bincount(_checked(predicted, K), minlength=K)


def kl_to_data(fake_counts: np.ndarray, real_counts: np.ndarray) -> float:
    """KL(fake || data) = sum p log(p / q) of two histograms, in nats; 0 where the shares agree.

    It is finite. A class without samples adds nothing, as 0 log 0 = 0. A class that samples have and the data has not
    counts as half a picture of the data, without which any single such sample would make it infinite.

    From N samples it is too high by about (K - 1) / (2 N) for K classes: 0.02 for 1000 modes and 25,600 samples.

    Args:
        fake_counts, real_counts: (K,) counts of the samples and of the data, at least 0, not all 0.

    Raises:
        DataError: counts of other shapes, below 0, or without a sample or picture.

    Source: Srivastava et al., "VEEGAN: reducing mode collapse in GANs using implicit variational learning" (2017),
    Section 4, in this direction.
    """
    fake, real = np.asarray(fake_counts, np.float64), np.asarray(real_counts, np.float64)
    if fake.ndim != 1 or fake.shape != real.shape:
        raise DataError(f"counts must be (K,), both alike; got {fake.shape} and {real.shape}")
    if not (fake >= 0.0).all() or not (real >= 0.0).all() or not fake.any() or not real.any():
        raise DataError("counts must be at least 0, and some above 0, of the samples and of the data")
    real = np.where((real == 0.0) & (fake > 0.0), 0.5, real)
    p, q = fake / fake.sum(), real / real.sum()
    present = p > 0.0
    # Rounding can leave equal shares a little below 0.
    return max(0.0, float((p[present] * np.log(p[present] / q[present])).sum()))


def modes_covered(codes: np.ndarray, K: int) -> int:
    """How many of K modes at least one sample has.

    The number grows with that of the samples. For Stacked MNIST, K = 1000, the literature takes 25,600 or 26,000.

    Args:
        codes: (N,) integers in [0, K).
        K: number of modes.

    Raises:
        DataError: codes that are not such integers.

    Source: Metz et al., "Unrolled generative adversarial networks" (2017), on stacked MNIST.
    """
    return int(np.count_nonzero(class_histogram(codes, K)))


def mode_of_digits(predicted: np.ndarray) -> Counts:
    """The mode of Stacked MNIST that three digits are: 100 red + 10 green + blue.

    Args:
        predicted: (N, 3) integers in [0, 10), the digits in the red, green and blue channel.

    Returns:
        (N,) int64 in [0, 1000).

    Raises:
        DataError: other shapes or values.
    """
    digits = np.asarray(predicted)
    if digits.ndim != 2 or digits.shape[1] != 3:
        raise DataError(f"digits must be (N, 3), of red, green and blue; got {digits.shape}")
    red, green, blue = _checked(digits.reshape(-1), 10).reshape(-1, 3).T
    return 100 * red + 10 * green + blue


def combinations_covered(predicted: np.ndarray, real: np.ndarray) -> Coverage:
    """Which combinations of attributes samples have, of those that the data has.

    Both should come from the same classifier: then its errors are on both sides. A generator that is as good as the
    data covers no more than as many pictures of the data would; compare with the figure of held-out real pictures.

    Args:
        predicted: (N, A) integers, the values of A attributes of each sample.
        real: (M, A), of each picture of the data.

    Raises:
        DataError: no samples or pictures, other numbers of attributes, or values that are no integers.
    """
    predicted, real = np.asarray(predicted), np.asarray(real)
    if (
        predicted.ndim != 2
        or real.ndim != 2
        or predicted.shape[1:] != real.shape[1:]
        or 0 in (*predicted.shape, len(real))
    ):
        raise DataError(
            f"predicted and real must be (N, A) and (M, A), neither empty; got {predicted.shape} and {real.shape}"
        )
    if predicted.dtype.kind not in "iu" or real.dtype.kind not in "iu":
        raise DataError(f"values of attributes must be integers; got {predicted.dtype} and {real.dtype}")
    both = np.concatenate([predicted.astype(np.int64), real.astype(np.int64)])
    combinations, codes = np.unique(both, axis=0, return_inverse=True)
    codes = codes.reshape(-1)
    fake_counts, real_counts = (
        np.bincount(part, minlength=len(combinations)) for part in (codes[: len(predicted)], codes[len(predicted) :])
    )
    known = real_counts > 0
    covered, of = int((fake_counts[known] > 0).sum()), int(known.sum())
    return Coverage(
        covered=covered,
        of=of,
        share=covered / of,
        kl=kl_to_data(fake_counts, real_counts),
        outside=float(fake_counts[~known].sum() / len(predicted)),
    )


def mixture_modes(points: np.ndarray, centres: np.ndarray, deviation: float, *, within: float = 3.0) -> MixtureModes:
    """Modes and quality of samples of a toy mixture of Gaussians, such as the ring of 8 and the grid of 25.

    A point is of high quality within that many deviations of the nearest centre, and a centre is covered where at
    least one such point has it as its nearest. Points of the mixture itself, in two dimensions and at 3 deviations,
    are of high quality with probability 1 - exp(-9 / 2) = 0.989.

    Args:
        points: (N, D) finite, N > 0; D is 2 in the literature.
        centres: (K, D), K > 0.
        deviation: of each Gaussian on each axis, above 0.
        within: deviations, above 0.

    Raises:
        DataError: other shapes, values that are not finite, or a deviation or bound that is not above 0.

    Source: Srivastava et al., "VEEGAN" (2017), Section 4; Lin et al., "PacGAN: the power of two samples in generative
    adversarial networks" (2018), Section 4.
    """
    points, centres = np.asarray(points, np.float64), np.asarray(centres, np.float64)
    if (
        points.ndim != 2
        or centres.ndim != 2
        or points.shape[1:] != centres.shape[1:]
        or 0 in (*points.shape, len(centres))
    ):
        raise DataError(
            f"points and centres must be (N, D) and (K, D), neither empty; got {points.shape} and {centres.shape}"
        )
    if not deviation > 0.0 or not within > 0.0:
        raise DataError(f"deviation and within must be above 0; got {deviation} and {within}")
    bad = int((~np.isfinite(points)).any(axis=1).sum())
    if bad:
        raise DataError(f"{bad} of {len(points)} points are not finite; look for NaN in the samples")
    # A centre at a time, so that memory is N and not N * K.
    squares = np.full(len(points), np.inf)
    at = np.zeros(len(points), np.int64)
    for index, centre in enumerate(centres):
        distances = ((points - centre) ** 2).sum(axis=1)
        closer = distances < squares
        squares[closer], at[closer] = distances[closer], index
    good = squares <= (within * deviation) ** 2
    counts = np.bincount(at[good], minlength=len(centres))
    return MixtureModes(int(np.count_nonzero(counts)), float(good.mean()), counts)


def _checked(codes: np.ndarray, K: int) -> Counts:
    """`codes` as (N,) int64 in [0, K)."""
    codes = np.asarray(codes)
    if codes.ndim != 1 or codes.dtype.kind not in "iu" or (codes.size and (codes.min() < 0 or codes.max() >= K)):
        raise DataError(f"classes must be (N,) integers in [0, {K}); got {codes.dtype} {codes.shape}")
    return codes.astype(np.int64)
