"""Which curves a run has: lines of numbers over kimg, by chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.evaluation.result import HIGHER_IS_BETTER, TITLES
from tfgan_kit.report.record import Lines, is_number

# Points of a line; of more, the extremes of each span are kept.
MOST_POINTS = 400
# Charts of statistics, and of figures.
MOST_CHARTS = 24

# Key of a statistic -> the chart that it is on, and what it is called there.
_KNOWN = {
    "d_loss": ("Losses", "D"),
    "g_loss": ("Losses", "G"),
    "d_grad_norm": ("Gradient norms", "D"),
    "g_grad_norm": ("Gradient norms", "G"),
    "d_real": ("D's outputs", "real"),
    "d_fake": ("D's outputs", "fake"),
    "d_accuracy": ("D's accuracy", "accuracy"),
    "lr_factor": ("Learning rates", "share of the full ones"),
    "d_classes": ("Loss of the classifier", "real"),
    "g_classes": ("Loss of the classifier", "fake"),
    "d_history": ("Historical averaging", "D"),
    "g_history": ("Historical averaging", "G"),
    "d_orthogonal": ("Orthogonal regularisation", "D"),
    "g_orthogonal": ("Orthogonal regularisation", "G"),
    "d_loss_scale": ("Loss scale", "D"),
    "g_loss_scale": ("Loss scale", "G"),
    "d_loss_deviation": ("D's loss from step to step", "deviation within a tick"),
    "fake_contrast": ("Samples against real pictures", "contrast"),
    "fake_variety": ("Samples against real pictures", "variance between pictures"),
    "fake_nearest": ("Samples against real pictures", "distance to the most similar"),
    "fake_class_variety": ("Samples against real pictures", "lowest variance of a class"),
    "fake_grey": ("Grey values of samples", "share of the real ones"),
    "fake_change": ("Change of samples", "in a tick"),
    "r1": ("R1", "penalty"),
    "r2": ("R2", "penalty"),
    "gp": ("Gradient penalty", "penalty"),
    "dragan": ("DRAGAN's gradient penalty", "penalty"),
    "drift": ("Drift of D's outputs", "penalty"),
    "lecam": ("LeCam regularisation", "penalty"),
    "path_length": ("Path length regularisation", "penalty"),
    "bcr": ("Consistency of D", "penalty"),
    "feature_matching": ("Feature matching", "loss"),
}
_ABOUT = {
    "D's outputs": "Mean probability of being real; the mean logit where the loss has no probability.",
    "D's accuracy": "Share of pictures that D puts on the right side.",
    "Samples against real pictures": "1: as real pictures have it.",
    "Change of samples": "As a share of the difference of two real pictures.",
}
_SHARES = ("D's accuracy", "Learning rates")
_NO_STATISTIC = ("step", "nimg", "fake_class")
# Figures of which neither more nor less is better by itself.
_NO_DIRECTION = ("ms_ssim", "memorised_share", "memorisation_ratio", "memorisation_p")


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A curve.

    Attributes:
        label: what it is of, of all lines of a chart.
        x: (N,) float64, kimg, N of at least 1.
        y: (N,) float64.
        best: place of the best point, or None.
    """

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    best: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Chart:
    """Lines that share an axis.

    Attributes:
        title: what it shows.
        lines: at least one.
        about: one line more, or "".
        share: whether the values are in [0, 1].
    """

    title: str
    lines: tuple[Line, ...]
    about: str = ""
    share: bool = False


def statistics(stats: Lines) -> list[Chart]:
    """The charts of a run's statistics, the losses first; one that never changes is only shown if it is a loss."""
    keys = dict.fromkeys(key for line in stats for key in line if key not in _NO_STATISTIC)
    grouped: dict[str, list[Line]] = {}
    for key in sorted(keys, key=lambda key: list(_KNOWN).index(key) if key in _KNOWN else len(_KNOWN)):
        title, label = _KNOWN.get(key, (key, key))
        found = _line(stats, key, label)
        if found is not None and (key != "lr_factor" or np.ptp(found.y)):
            grouped.setdefault(title, []).append(found)
    return [
        Chart(title=title, lines=tuple(lines), about=_ABOUT.get(title, ""), share=title in _SHARES)
        for title, lines in grouped.items()
    ]


def figures(evaluations: Lines) -> list[Chart]:
    """The charts of the figures that were measured more than once, the best point of each line marked."""
    grouped: dict[str, list[Line]] = {}
    for name in dict.fromkeys(name for line in evaluations for name in metrics_of(line)):
        figure, _, measured_in = name.rpartition("/")
        rows = [{"nimg": line.get("nimg"), name: metrics_of(line).get(name)} for line in evaluations]
        found = _line(rows, name, in_words(measured_in))
        if found is not None and len(found.x) > 1:
            grouped.setdefault(figure or name, []).append(_with_best(found, figure))
    return [Chart(title=figure_title(figure), lines=tuple(lines)) for figure, lines in grouped.items()]


def metrics_of(line: Mapping[str, object]) -> Mapping[str, object]:
    """The figures of a line of evaluation, by names such as frechet/mnist-cnn@2000."""
    found = line.get("metrics")
    return found if isinstance(found, Mapping) else {}


def in_words(measured_in: str) -> str:
    """mnist-cnn@2000 as "mnist-cnn, 2,000 samples"."""
    extractor, _, samples = measured_in.rpartition("@")
    return f"{extractor}, {int(samples):,} samples" if extractor and samples.isdecimal() else measured_in


def figure_title(figure: str) -> str:
    """A figure's name in words, of what stands before its extractor."""
    name, slash, rest = figure.partition("/")
    words = TITLES.get(name, name)
    return words[:1].upper() + words[1:] + (f", {rest}" if slash else "")


def thinned(x: NDArray[np.float64], y: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Places of at most `most` points, in order: the first, the last, and the extremes of each of equal spans.

    Args:
        x, y: (N,), x not falling.
        most: at least 4.
    """
    if len(x) <= most:
        return np.arange(len(x))
    kept = {0, len(x) - 1}
    for part in np.array_split(np.arange(len(x)), (most - 2) // 2):
        kept |= {int(part[y[part].argmin()]), int(part[y[part].argmax()])}
    return np.array(sorted(kept))


def best_place(values: Iterable[float], figure: str) -> int | None:
    """The place of the best of a figure's values, the first of equal ones; None where none is better than another."""
    name, values = figure.partition("/")[0], list(values)
    if name in _NO_DIRECTION or name not in TITLES or len(values) < 2:
        return None
    return int(np.argmax(values) if name in HIGHER_IS_BETTER else np.argmin(values))


def _with_best(line: Line, figure: str) -> Line:
    return Line(label=line.label, x=line.x, y=line.y, best=best_place(line.y.tolist(), figure))


def _line(rows: Lines, key: str, label: str) -> Line | None:
    """The points of a key that are numbers, by kimg; None: there are none."""
    points = [(row["nimg"] / 1000, row[key]) for row in rows if is_number(row.get("nimg")) and is_number(row.get(key))]
    if not points:
        return None
    x, y = np.array(sorted(points, key=lambda point: point[0]), np.float64).T
    kept = thinned(x, y, MOST_POINTS)
    return Line(label=label, x=x[kept], y=y[kept])
