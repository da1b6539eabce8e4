"""Linear classifiers of features: classifier accuracy score and linear probe."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError, MissingPackageError

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

# Weights of the penalty |W|^2 / 2 beside the mean log loss, among which a held-out part of the training rows chooses.
PENALTIES = (1e-1, 1e-2, 1e-3)

_HELD_OUT = 5  # one in so many training rows
_STEPS = 5000  # of L-BFGS at most; it needs tens or hundreds


def classifier_accuracy_score(
    fake_features: np.ndarray,
    fake_labels: np.ndarray,
    real_features: np.ndarray,
    real_labels: np.ndarray,
    *,
    seed: int,
) -> float:
    """Accuracy on real pictures of a classifier that was trained on samples of a conditional generator alone.

    It asks for quality, variety and obedience at once. Real training pictures in place of the samples, as many, give
    the figure to compare with.

    Differs from Ravuri and Vinyals: the classifier is multinomial logistic regression on an extractor's features, see
    `linear_probe`, where theirs is a ResNet-50 on pixels. It takes seconds and no TensorFlow, and its optimum is
    unique; it finds only what is linear in the features. Figures compare within one extractor.

    Args:
        fake_features: (N, F) of the samples.
        fake_labels: (N,) integers, the classes that were asked for.
        real_features: (M, F) of real pictures, better of such as the generator was not trained on.
        real_labels: (M,) integers.
        seed: of the part of the samples that chooses the penalty.

    Returns:
        share of the real pictures that are told right, in [0, 1].

    Raises:
        DataError: as `linear_probe`.
        MissingPackageError: scikit-learn is not installed.

    Source: Ravuri and Vinyals, "Classification accuracy score for conditional generative models" (2019).
    """
    return linear_probe(fake_features, fake_labels, real_features, real_labels, seed=seed)


def linear_probe(
    train_x: np.ndarray, train_y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray, *, seed: int
) -> float:
    """Accuracy of multinomial logistic regression: how much of the classes features say by straight lines.

    Columns are standardised by the training rows. The L2 penalty is that of PENALTIES with the best accuracy on a
    fifth of the training rows, the strongest of equals; the classifier is then fitted anew to all of them, to
    convergence. With a penalty the optimum is unique, so the seed matters through that choice alone.

    Args:
        train_x: (N, F) features, finite, N > 1.
        train_y: (N,) integers; a class that is not among them is never told.
        test_x: (M, F), M > 0.
        test_y: (M,) integers.
        seed: of the rows that choose the penalty.

    Returns:
        share of the test rows that are told right, in [0, 1].

    Raises:
        DataError: other shapes or types, too few rows, or features that are not finite.
        MissingPackageError: scikit-learn is not installed.

    Source: Alain and Bengio, "Understanding intermediate layers using linear classifier probes" (2016).
    """
    train_x, train_y = _checked("training", train_x, train_y, 2)
    test_x, test_y = _checked("test", test_x, test_y, 1)
    if train_x.shape[1] != test_x.shape[1]:
        raise DataError(f"training features have size {train_x.shape[1]}; test features have {test_x.shape[1]}")
    mean, deviation = train_x.mean(axis=0), train_x.std(axis=0)
    deviation[deviation == 0.0] = 1.0  # a constant column says nothing, and stays near 0
    # In float32 from here, which halves the time of the fits; standardised columns lose nothing that matters by it.
    train, test = (((x - mean) / deviation).astype(np.float32) for x in (train_x, test_x))

    order = np.random.default_rng(seed).permutation(len(train))
    aside = max(1, len(order) // _HELD_OUT)
    judges, rest = order[:aside], order[aside:]
    scores = [
        _accuracy(classifier, train[judges], train_y[judges])
        for classifier in (_fitted(train[rest], train_y[rest], penalty) for penalty in PENALTIES)
    ]
    penalty = PENALTIES[int(np.argmax(scores))]
    return _accuracy(_fitted(train, train_y, penalty), test, test_y)


def _fitted(x: Singles, y: np.ndarray, penalty: float) -> Any:
    """scikit-learn's classifier at the optimum."""
    try:
        from sklearn.dummy import DummyClassifier
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingPackageError(
            "a linear classifier needs scikit-learn; pip install 'tfgan-kit[evaluate]'"
        ) from error
    if (y == y[0]).all():
        return DummyClassifier().fit(x, y)
    # Its loss is the sum over rows times C, plus |W|^2 / 2.
    return LogisticRegression(C=1.0 / (penalty * len(x)), max_iter=_STEPS).fit(x, y)


def _accuracy(classifier: Any, x: Singles, y: np.ndarray) -> float:
    return float((classifier.predict(x) == y).mean())


def _checked(name: str, features: np.ndarray, labels: np.ndarray, least: int) -> tuple[Floats, np.ndarray]:
    x, y = np.asarray(features, np.float64), np.asarray(labels)
    if x.ndim != 2 or len(x) < least or x.shape[1] == 0:
        raise DataError(f"{name} features must be (N, F) with N of at least {least}; got {x.shape}")
    if y.shape != (len(x),) or y.dtype.kind not in "iu":
        raise DataError(f"{name} labels must be {len(x)} integers, one a row; got {y.dtype} {y.shape}")
    bad = int((~np.isfinite(x)).any(axis=1).sum())
    if bad:
        raise DataError(f"{bad} of {len(x)} rows of {name} features are not finite; look for NaN in the images")
    return x, y
