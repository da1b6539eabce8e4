"""An evaluation from beginning to end: real pictures, one pass over the samples a repetition, and every metric."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_kit.data import Source
from tfgan_kit.errors import DataError
from tfgan_kit.evaluation import subject as subjects
from tfgan_kit.evaluation.case import MOST_ROWS, Case, Figure, Figures, Request
from tfgan_kit.evaluation.reference import Reference, open_reference
from tfgan_kit.evaluation.registry import Metric, metrics_named
from tfgan_kit.evaluation.result import Evaluation, Measured
from tfgan_kit.evaluation.samples import take
from tfgan_kit.evaluation.subject import Subject
from tfgan_kit.extractors import Extractor
from tfgan_kit.metrics.memorisation import verdict

# Names what is done, and the share of it that is.
Progress = Callable[[str, float], None]

# Samples that a metric needs: five neighbours besides a sample, and ten splits.
_LEAST = {"prdc": 6, "inception_score": 10}


def evaluate(
    subject: Subject,
    data: Source,
    extractor: Extractor,
    *,
    metrics: Collection[str] = ("standard",),
    n: int = 10_000,
    repetitions: int = 1,
    held_out: Source | None = None,
    cache: Path | None = None,
    on_progress: Progress = lambda what, share: None,
) -> Evaluation:
    """Measure a generator, or a set of pictures, against real pictures.

    The first repetition takes the seeds 0 to n - 1, the next one those from n on. Of a set of pictures that is not
    larger than n all are taken, and of a larger one a seeded draw.

    Args:
        subject: what is evaluated.
        data: the real pictures; those that it was trained on, if the figures are to say whether it copies.
        extractor: what makes the features.
        metrics: names, see `metrics_named`.
        n: pictures of the subject in each repetition, at least 2.
        repetitions: how often all is measured, on other samples.
        held_out: real pictures that it was not trained on.
        cache: folder of the real pictures' features; None: the user's.
        on_progress: called with what is done, and the share of it.

    Returns:
        The figures.

    Raises:
        DataError: fewer than 2 pictures, an unknown metric or one that does not apply, repetitions of a set of
            pictures, or features that are not finite.
    """
    # What is wrong with the request shows before the real pictures are looked at.
    request = Request(subject=subject, data=data, held_out=held_out, extractor=extractor)
    _check(request, metrics, n, repetitions)
    reference = open_reference(data, extractor, cache=cache, on_progress=partial(on_progress, "real pictures"))
    aside = None
    if held_out is not None:
        aside = open_reference(held_out, extractor, cache=cache, on_progress=partial(on_progress, "held-out pictures"))
    return measure(
        subject,
        reference,
        extractor,
        metrics=metrics,
        n=n,
        repetitions=repetitions,
        held_out=aside,
        on_progress=on_progress,
    )


def measure(
    subject: Subject,
    reference: Reference,
    extractor: Extractor,
    *,
    metrics: Collection[str] = ("standard",),
    n: int = 10_000,
    repetitions: int = 1,
    held_out: Reference | None = None,
    on_progress: Progress = lambda what, share: None,
) -> Evaluation:
    """As `evaluate`, with the real pictures seen by the extractor already."""
    request = Request(
        subject=subject,
        data=reference.source,
        held_out=None if held_out is None else held_out.source,
        extractor=extractor,
    )
    chosen, notes = _check(request, metrics, n, repetitions)
    keep = frozenset().union(*(metric.keep for metric in chosen.values()))

    # Every repetition on its own samples; then the same of real pictures, for scale.
    found: list[Figures] = []
    firsts: list[int] = []
    pairs: list[tuple[int, int, float]] = []
    histograms: dict[str, dict[str, list[Any]]] = {}
    for repetition in range(repetitions):
        seeds = _seeds(subject, n, repetition)
        what = "samples" if repetitions == 1 else f"samples, {repetition + 1} of {repetitions}"
        samples = take(subject, extractor, seeds, keep=keep, on_progress=partial(on_progress, what))
        case = Case(
            subject=subject,
            samples=samples,
            reference=reference,
            held_out=held_out,
            extractor=extractor,
            seed=repetition,
        )
        found.append(_computed(chosen, case, on_progress))
        firsts.append(int(seeds[0]))
        if repetition:
            continue
        notes = notes + case.notes
        if "modes" in chosen:
            histograms = case.histograms
        if "memorisation" in chosen:
            pairs = case.closest
            notes = [*notes, *(f"{space}: {verdict(copies).reason}" for space, copies in case.copies.items())]
    count = len(seeds)
    scale: Figures = {}
    if held_out is not None:
        scale = _of_real(held_out.source, chosen, reference, extractor, keep, count, on_progress)

    notes = notes + _warnings(subject, reference, extractor, count, chosen)
    return Evaluation(
        subject=subject.to_json(),
        data=_described(reference.source),
        held_out=None if held_out is None else _described(held_out.source),
        extractor={
            "name": extractor.name,
            "digest": extractor.digest,
            "resize": resizing(subject, reference.source, extractor),
        },
        samples=count,
        seeds=tuple(firsts),
        metrics={name: _summary(name, found, scale) for name in found[0]},
        notes=tuple(notes),
        pairs=tuple(pairs),
        histograms=histograms,
    )


def _check(request: Request, metrics: Collection[str], n: int, repetitions: int) -> tuple[dict[str, Metric], list[str]]:
    name, count = request.subject.name, request.subject.count
    if n < 2 or repetitions < 1:
        raise DataError(f"an evaluation takes at least 2 samples and 1 repetition; got {n} and {repetitions}")
    if count is not None and repetitions > 1:
        raise DataError(f"{name} is a set of pictures, which has no seeds: leave --seeds out")
    if count is not None and count < 2:
        raise DataError(f"{name} has {count} picture; an evaluation takes at least 2")
    chosen, left_out = metrics_named(metrics, request)
    samples = n if count is None else min(n, count)
    for metric, least in _LEAST.items():
        if metric in chosen and samples < least:
            raise DataError(f"{metric} takes at least {least} samples; got {samples}: take more, or other --metrics")
    return chosen, left_out


def resizing(subject: Subject, data: Source, extractor: Extractor) -> str:
    """What is done to pictures so that they fit the extractor, in words."""
    if extractor.image_shape in (None, subject.shape) and subject.shape == data.shape:
        return "none"
    return extractor.resize


def _seeds(subject: Subject, n: int, repetition: int) -> np.ndarray:
    if subject.count is None:
        return np.arange(repetition * n, (repetition + 1) * n)
    if subject.count <= n:
        return np.arange(subject.count)
    return np.sort(np.random.default_rng(0).choice(subject.count, n, replace=False))


def _computed(metrics: dict[str, Metric], case: Case, on_progress: Progress) -> Figures:
    figures: Figures = {}
    for i, (name, metric) in enumerate(metrics.items()):
        on_progress(name, i / len(metrics))
        figures |= metric.compute(case)
    on_progress("metrics", 1.0)
    return figures


def _of_real(
    held_out: Source,
    metrics: dict[str, Metric],
    reference: Reference,
    extractor: Extractor,
    keep: frozenset[str],
    n: int,
    on_progress: Progress,
) -> Figures:
    """The figures of held-out real pictures, as many as there were samples if there are so many."""
    real = subjects.pictures(held_out, "held-out pictures")
    scaled = {name: metric for name, metric in metrics.items() if metric.scale}
    if not scaled or len(held_out) < 2:
        return {}
    samples = take(
        real, extractor, _seeds(real, n, 0), keep=keep, on_progress=partial(on_progress, "held-out pictures")
    )
    case = Case(subject=None, samples=samples, reference=reference, held_out=None, extractor=extractor, seed=0)
    return _computed(scaled, case, on_progress)


def _summary(name: str, found: list[Figures], scale: Figures) -> Measured:
    values = [figures[name].value for figures in found]
    deviation = found[0][name].deviation if len(found) == 1 else float(np.std(values, ddof=1))
    real = scale.get(name, Figure(float("nan"))).value
    return Measured(
        value=float(np.mean(values)),
        deviation=deviation,
        real=None if np.isnan(real) else real,
        of=found[0][name].of,
    )


def _described(source: Source) -> dict[str, str | int]:
    return {"spec": source.spec, "digest": source.digest, "images": len(source)}


def _warnings(
    subject: Subject, reference: Reference, extractor: Extractor, n: int, metrics: Collection[str]
) -> list[str]:
    """What the reader of the figures must know."""
    data, size = reference.source, reference.features.shape[1]
    lines = []
    if n <= size and {"frechet", "conditional"} & set(metrics):
        lines.append(
            f"{n} samples are no more than the {size} features, so that their covariance is singular: the Frechet "
            "distance is far too high, and compares only with figures of the same number; take more samples"
        )
    if subject.shape != data.shape:
        lines.append(
            f"the pictures are {_by(subject.shape)} and the data {_by(data.shape)}: both are brought to one size "
            f"({extractor.resize}), which the figures depend on"
        )
    elif extractor.image_shape not in (None, subject.shape):
        assert extractor.image_shape is not None
        lines.append(
            f"pictures are resized from {_by(subject.shape)} to {_by(extractor.image_shape)} ({extractor.resize})"
        )
    if n > MOST_ROWS and {"prdc", "memorisation", "mmd", "sliced_wasserstein"} & set(metrics):
        lines.append(f"metrics of neighbours and pairs look at the first {MOST_ROWS:,} samples")
    if len(reference.features) < len(data):
        lines.append(f"of {len(data):,} real pictures the features of {len(reference.features):,} are kept; the "
                     "Frechet distance sees all")  # fmt: skip
    return lines


def _by(shape: tuple[int, int, int]) -> str:
    return "x".join(map(str, shape))
