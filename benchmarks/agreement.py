"""Whether the metrics agree with torch-fidelity and `prdc` on the same features.

    pip install torch-fidelity prdc scikit-learn
    python benchmarks/agreement.py [--rows 3000] [--size 64]

Prints each figure, theirs, and the relative difference, which is to be at most 1e-6; the exit status is 1 where one is
not. A package that is not installed is left out, and said. The features are float64 and random: normal ones that are
correlated, rectified as those of a network, and the fakes a little off.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance
from tfgan_kit.metrics.inception_score import inception_score
from tfgan_kit.metrics.kernel import kernel_distance
from tfgan_kit.metrics.prdc import prdc

# This file's folder is searched first, and there `prdc` is the benchmark.
sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]

TOLERANCE = 1e-6
SEED = 2020
SUBSETS = {"subsets": 20, "subset_size": 500}
Row = tuple[str, float, float]


def features(rows: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Real and fake features (N, F), and logits (N, 10) of the fakes; float64."""
    rng = np.random.default_rng(SEED)
    mixing = rng.standard_normal((size, size)) / np.sqrt(size)
    real = np.maximum(rng.standard_normal((rows, size)) @ mixing + 0.2, 0.0)
    fake = np.maximum(0.95 * rng.standard_normal((rows, size)) @ mixing + 0.25, 0.0)
    return real, fake, 3.0 * rng.standard_normal((rows, 10))


def with_torch_fidelity(real: np.ndarray, fake: np.ndarray, logits: np.ndarray) -> Iterator[Row]:
    """Frechet distance, kernel distance, Inception Score, precision and recall."""
    import torch

    fid, kid, isc, prc = (
        importlib.import_module(f"torch_fidelity.metric_{name}") for name in ("fid", "kid", "isc", "prc")
    )
    a, b = torch.from_numpy(real), torch.from_numpy(fake)

    statistics = [fid.fid_features_to_statistics(rows) for rows in (a, b)]
    theirs = fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    yield "frechet", frechet_distance(FeatureStatistics().update(real), FeatureStatistics().update(fake)), theirs

    options = {f"kid_{name}": value for name, value in SUBSETS.items()}
    found = kid.kid_features_to_metric(a, b, **options, rng_seed=SEED, verbose=False)
    ours = kernel_distance(real, fake, **SUBSETS, seed=SEED)
    yield "kernel", ours.value, found["kernel_inception_distance_mean"]
    yield "kernel, deviation", ours.deviation, found["kernel_inception_distance_std"]

    found = isc.isc_features_to_metric(torch.from_numpy(logits), splits=10, shuffle=True, rng_seed=SEED)
    score = inception_score(logits, splits=10, seed=SEED)
    yield "inception_score", score.value, found["inception_score_mean"]
    yield "inception_score, deviation", score.deviation, found["inception_score_std"]

    # Generated features come first here.
    found = prc.prc_features_to_metric(b, a, prc_neighborhood=3, verbose=False)
    shares = prdc(real, fake, k=3)
    yield "precision", shares.precision, found["precision"]
    yield "recall", shares.recall, found["recall"]


def with_prdc(real: np.ndarray, fake: np.ndarray) -> Iterator[Row]:
    """Precision, recall, density and coverage, all with k = 5."""
    compute_prdc = importlib.import_module("prdc").compute_prdc
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = compute_prdc(real, fake, nearest_k=5)
    for name, value in prdc(real, fake, k=5, k_density=5)._asdict().items():
        yield name, value, float(theirs[name])


def compare(package: str, rows: Iterator[Row]) -> bool:
    """Print a package's rows; whether all agree."""
    met = True
    try:
        for name, ours, theirs in rows:
            difference = abs(ours - theirs) / abs(theirs)
            met &= difference <= TOLERANCE
            print(f"{package:15} {name:28} {ours:15.9g} {theirs:15.9g} {difference:10.1e}", flush=True)
    except ImportError as error:
        print(f"{package:15} is left out: {error}")
    return met


@contextlib.contextmanager
def torchvision_or_none() -> Iterator[None]:
    """torch-fidelity imports torchvision for its networks and data sets, which are not used here."""
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError):
        names = ["torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional"]
        with mock.patch.dict(sys.modules, {name: mock.MagicMock() for name in names}):
            yield
    else:
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--size", type=int, default=64)
    options = parser.parse_args()
    real, fake, logits = features(options.rows, options.size)
    print(f"{'package':15} {'figure':28} {'ours':>15} {'theirs':>15} {'difference':>10}")
    with torchvision_or_none():
        met = compare("torch-fidelity", with_torch_fidelity(real, fake, logits))
    met &= compare("prdc", with_prdc(real, fake))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
