"""Linear classifiers: scipy's optimum of the stated loss, what can and cannot be separated, and dropped classes."""

import sys

import numpy as np
import pytest
from scipy import optimize, special

from tfgan_kit.errors import DataError, MissingPackageError
from tfgan_kit.metrics.classifier_score import PENALTIES, classifier_accuracy_score, linear_probe

pytest.importorskip("sklearn")


def clouds(seed, count, spread=1.0, classes=3):
    """(count, 4) rows of overlapping Gaussians on very different scales, and their classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, count)
    centres = np.random.default_rng(99).standard_normal((classes, 4))
    return (centres[y] + spread * rng.standard_normal((count, 4))) * [1.0, 100.0, 1e-3, 5.0] + 7.0, y


def optimum(x, y, penalty, classes=3):
    """Weights (F, K) and offsets (K,) that minimise mean log loss + penalty |W|^2 / 2."""
    hot = np.eye(classes)[y]

    def loss(flat):
        w, b = flat[:-classes].reshape(-1, classes), flat[-classes:]
        logits = x @ w + b
        gap = (special.softmax(logits, axis=1) - hot) / len(x)
        value = -(hot * special.log_softmax(logits, axis=1)).sum() / len(x) + penalty / 2 * (w**2).sum()
        return value, np.concatenate([(x.T @ gap + penalty * w).ravel(), gap.sum(axis=0)])

    found = optimize.minimize(loss, np.zeros((x.shape[1] + 1) * classes), jac=True, method="BFGS").x
    return found[:-classes].reshape(-1, classes), found[-classes:]


def direct(train, test, seed):
    (x, y), (u, v) = train, test
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    x, u = (x - mean) / deviation, (u - mean) / deviation

    def accuracy(weights, rows, labels):
        return ((rows @ weights[0] + weights[1]).argmax(axis=1) == labels).mean()

    order = np.random.default_rng(seed).permutation(len(x))
    judges, rest = order[: len(x) // 5], order[len(x) // 5 :]
    scores = [accuracy(optimum(x[rest], y[rest], p), x[judges], y[judges]) for p in PENALTIES]
    return accuracy(optimum(x, y, PENALTIES[int(np.argmax(scores))]), u, v)


@pytest.mark.parametrize("seed", [0, 1])
def test_probe_is_at_the_optimum_of_the_stated_loss(seed):
    train, test = clouds(2, 200), clouds(3, 1000)
    expected = direct(train, test, seed)
    assert 0.5 < expected < 0.9
    assert linear_probe(*train, *test, seed=seed) == pytest.approx(expected, abs=2.1e-3)  # two rows at the border


def test_separable_is_1_and_unrelated_is_chance():
    train, test = clouds(4, 300, spread=0.01), clouds(5, 300, spread=0.01)
    assert linear_probe(*train, *test, seed=0) == 1.0
    rng = np.random.default_rng(6)
    noise = linear_probe(rng.standard_normal((600, 3)), rng.integers(0, 4, 600), rng.standard_normal((4000, 3)),
                         rng.integers(0, 4, 4000), seed=0)  # fmt: skip
    assert noise == pytest.approx(0.25, abs=0.03)


def test_a_line_does_not_tell_a_ring_from_its_middle():
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 2000)
    angle = rng.uniform(0, 2 * np.pi, 2000)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1 + 2 * y[:, None])
    assert linear_probe(x[:1000], y[:1000], x[1000:], y[1000:], seed=0) < 0.6
    radius = np.linalg.norm(x, axis=1, keepdims=True)
    assert linear_probe(radius[:1000], y[:1000], radius[1000:], y[1000:], seed=0) == 1.0


def test_scale_and_constant_columns_do_not_matter():
    (x, y), (u, v) = clouds(8, 300), clouds(9, 300)
    plain = linear_probe(x, y, u, v, seed=0)
    wide, other = (np.concatenate([1e4 * a - 3.0, np.full((300, 1), 2.0)], axis=1) for a in (x, u))
    assert linear_probe(wide, y, other, v, seed=0) == pytest.approx(plain, abs=0.004)


def test_a_generator_that_drops_or_swaps_classes_scores_their_share():
    real, real_labels = clouds(10, 3000, spread=0.05)
    fake, labels = clouds(11, 600, spread=0.05)
    assert classifier_accuracy_score(fake, labels, real, real_labels, seed=0) == 1.0
    shares = np.bincount(real_labels) / 3000
    kept = labels != 2
    dropped = classifier_accuracy_score(fake[kept], labels[kept], real, real_labels, seed=0)
    assert dropped == pytest.approx(1.0 - shares[2], abs=1e-12)
    one = classifier_accuracy_score(fake[labels == 0], labels[labels == 0], real, real_labels, seed=0)
    assert one == pytest.approx(shares[0], abs=1e-12)
    assert classifier_accuracy_score(fake, (labels + 1) % 3, real, real_labels, seed=0) == 0.0


def test_a_class_of_a_single_row():
    (x, y), test = clouds(12, 60, spread=0.01), clouds(13, 50, spread=0.01)
    keep = np.concatenate([np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:1]])
    for seed in range(8):  # the row falls on either side of the split
        assert linear_probe(x[keep], y[keep], *test, seed=seed) >= (test[1] != 2).mean()


def test_same_seed_same_figure():
    train, test = clouds(14, 100, spread=2.0), clouds(15, 500, spread=2.0)
    assert linear_probe(*train, *test, seed=3) == linear_probe(*train, *test, seed=3)


def test_refusals(monkeypatch):
    (x, y), test = clouds(16, 50), clouds(17, 20)
    with pytest.raises(DataError, match=r"training features must be \(N, F\) with N of at least 2; got \(1, 4\)"):
        linear_probe(x[:1], y[:1], *test, seed=0)
    with pytest.raises(DataError, match=r"test labels must be 20 integers, one a row; got float64 \(20,\)"):
        linear_probe(x, y, test[0], test[1] * 1.0, seed=0)
    with pytest.raises(DataError, match="training features have size 3; test features have 4"):
        linear_probe(x[:, :3], y, *test, seed=0)
    with pytest.raises(DataError, match="2 of 50 rows of training features are not finite"):
        linear_probe(np.where(np.arange(50)[:, None] < 2, np.inf, x), y, *test, seed=0)
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingPackageError, match=r"needs scikit-learn; pip install 'tfgan-kit\[evaluate\]'"):
        linear_probe(x, y, *test, seed=0)
