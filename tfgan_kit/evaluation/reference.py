"""The features of real pictures, cached by content: what the pictures are and which network sees them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tfgan_kit.data import Source
from tfgan_kit.errors import DataError
from tfgan_kit.extractors import Extractor
from tfgan_kit.files import cache_folder, write_atomic
from tfgan_kit.metrics.frechet import FeatureStatistics, Gaussian

# Of the real pictures' features: all are seen by the statistics, and so many bytes of rows are kept.
MOST_BYTES = 512 * 2**20
_BLOCK = 500
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Reference:
    """Real pictures as an extractor sees them.

    Attributes:
        source: the pictures.
        gaussian: mean and covariance of the features of all of them.
        places: (R,) int64, which pictures the rows are of, in rising order.
        features: (R, F) float32.
        logits: (R, K) float32, or None.
    """

    source: Source
    gaussian: Gaussian
    places: np.ndarray
    features: np.ndarray
    logits: np.ndarray | None

    @cached_property
    def statistics(self) -> FeatureStatistics:
        """Of the features of all pictures."""
        return FeatureStatistics.of(self.gaussian)

    @property
    def labels(self) -> np.ndarray | None:
        """(R, A) int32 of the rows; None without labels."""
        return None if self.source.labels is None else self.source.labels[self.places]


def open_reference(
    source: Source,
    extractor: Extractor,
    *,
    cache: Path | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Reference:
    """The features of a source's pictures, from the cache or made and put there.

    Where the rows of all would take more than MOST_BYTES, those of a seeded draw are kept. A cache that cannot be
    written is done without.

    Args:
        source: the pictures.
        extractor: what makes the features.
        cache: folder; None: `cache_folder()`.
        on_progress: called with the share that is done.

    Raises:
        DataError: fewer than 2 pictures, or features that are not finite.
    """
    if len(source) < 2:
        raise DataError(f"{source.spec} has {len(source)} picture; statistics need at least 2")
    folder = (cache or cache_folder()) / "features"
    file = folder / f"{source.digest}-{extractor.name}-{extractor.digest}.npz"
    kept = _read(file, source)
    if kept is None:
        kept = _measure(source, extractor, on_progress)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomic(file, lambda path: _write(path, kept))
        except OSError:
            pass
    on_progress(1.0)
    return kept


def _measure(source: Source, extractor: Extractor, on_progress: Callable[[float], None]) -> Reference:
    first, _ = extractor.run(source.read(np.arange(1)))
    most = max(2, MOST_BYTES // (4 * first.shape[1]))
    total = len(source)
    places = np.arange(total)
    if total > most:
        places = np.sort(np.random.default_rng(0).choice(total, most, replace=False))
    statistics = FeatureStatistics()
    features: list[np.ndarray] = []
    logits: list[np.ndarray] = []
    for start in range(0, total, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, total))
        rows, scores = extractor.run(source.read(block))
        statistics.update(rows)
        chosen = np.isin(block, places, assume_unique=True)
        features.append(rows[chosen])
        if scores is not None:
            logits.append(scores[chosen])
        on_progress(min(start + _BLOCK, total) / total)
    return Reference(
        source=source,
        gaussian=statistics.gaussian(),
        places=places,
        features=np.concatenate(features),
        logits=np.concatenate(logits) if logits else None,
    )


def _write(path: Path, reference: Reference) -> None:
    arrays = {
        "format": np.array(_FORMAT),
        "mean": reference.gaussian.mean,
        "covariance": reference.gaussian.covariance,
        "count": np.array(reference.gaussian.count),
        "places": reference.places,
        "features": reference.features,
    }
    if reference.logits is not None:
        arrays["logits"] = reference.logits
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _read(file: Path, source: Source) -> Reference | None:
    """What the cache holds; None where that is nothing, damaged or of another format."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            if int(arrays["format"]) != _FORMAT or int(arrays["count"]) != len(source):
                return None
            return Reference(
                source=source,
                gaussian=Gaussian(mean=arrays["mean"], covariance=arrays["covariance"], count=len(source)),
                places=arrays["places"],
                features=arrays["features"],
                logits=arrays.get("logits"),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
