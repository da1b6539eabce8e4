"""Evaluations beside each other: what makes that legal, which is best, and which differences are more than noise."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from tfgan_kit._version import __version__
from tfgan_kit.errors import DataError, MissingPackageError
from tfgan_kit.evaluation.result import HIGHER_IS_BETTER, Evaluation, Measured

FORMAT = 1
# Chance of seeing a difference in one of a figure's pairs where there is none.
LEVEL = 0.05

# The figures of a metric that has others than one of its own name.
_FIGURES = {
    "prdc": ("precision", "recall", "density", "coverage"),
    "modes": ("modes_covered", "modes_kl"),
    "conditional": ("conditional_accuracy", "intra_class_frechet"),
    "memorisation": ("memorised_share", "memorisation_ratio", "memorisation_p"),
    "path_length": ("path_length_z", "path_length_w"),
}
# Read against real pictures, and not the better the further: noise has little MS-SSIM and copies nothing.
_UNRANKED = frozenset({"ms_ssim", "memorised_share", "memorisation_ratio", "memorisation_p"})
_OF_HELD_OUT = frozenset({*_FIGURES["memorisation"], "classifier_accuracy"})


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What figures depend on beside the pictures that they are of.

    Attributes:
        name: of what is evaluated, for messages.
        data: spec and digest of the real pictures.
        extractor: its name and digest.
        resize: how pictures were brought to the extractor's size, in words.
        samples: pictures a repetition.
    """

    name: str
    data: tuple[str, str]
    extractor: tuple[str, str]
    resize: str
    samples: int

    @classmethod
    def of(cls, found: Evaluation, name: str) -> Terms:
        """Those of an evaluation."""
        return cls(
            name=name,
            data=(found.data["spec"], found.data["digest"]),
            extractor=(found.extractor["name"], found.extractor["digest"]),
            resize=found.extractor["resize"],
            samples=found.samples,
        )


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One figure of two subjects.

    Attributes:
        pair: places of the two.
        p: of Welch's test, times the number of the figure's pairs; None: not tested.
        exists: whether it is more than noise; None: that cannot be told.
    """

    pair: tuple[int, int]
    p: float | None
    exists: bool | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of all subjects.

    Attributes:
        name: of the figure.
        title: the same in words.
        measured: of each subject; None: not measured.
        real: of held-out real pictures, where all have the same.
        best: place of the best; None: fewer than two were measured, or more is neither better nor worse.
        differences: of each pair of those that were measured.
    """

    name: str
    title: str
    measured: tuple[Measured | None, ...]
    real: float | None
    best: int | None
    differences: tuple[Difference, ...]

    def differ(self, first: int, second: int) -> bool | None:
        """Whether two subjects differ; None: that cannot be told."""
        pair = (min(first, second), max(first, second))
        return next((each.exists for each in self.differences if each.pair == pair), None)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several evaluations as one table.

    Attributes:
        names: of the subjects.
        evaluations: of the subjects.
        rows: a figure each.
        notes: by what rules differences were told, and what the reader must know.
    """

    names: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The whole, for a file."""
        return {
            "format": FORMAT,
            "tfgan_kit": __version__,
            "names": list(self.names),
            "evaluations": [found.to_json() for found in self.evaluations],
            "figures": {
                row.name: {
                    "best": row.best,
                    "differences": [
                        {"pair": list(each.pair), "p": each.p, "exists": each.exists} for each in row.differences
                    ],
                }
                for row in self.rows
            },
            "notes": list(self.notes),
        }


def figures_of(metric: str) -> tuple[str, ...]:
    """The figures that a metric may give; what stands behind a slash is left out."""
    return _FIGURES.get(metric, (metric,))


def check_comparable(terms: Sequence[Terms]) -> None:
    """Refuse figures that depend on different things.

    Raises:
        DataError: with every difference of the first two that differ, and what to do.
    """
    first = terms[0]
    for other in terms[1:]:
        wrong, advice = [], []
        if first.extractor[1] != other.extractor[1]:
            wrong.append(f"extractor {_named(first.extractor)} and {_named(other.extractor)}")
            advice.append("one --extractor")
        if first.samples != other.samples:
            wrong.append(f"{first.samples:,} and {other.samples:,} samples")
            advice.append("one --n that all have")
        if first.data[1] != other.data[1]:
            wrong.append(f"real pictures {_named(first.data)} and {_named(other.data)}")
            advice.append("one --data")
        if first.resize != other.resize:
            wrong.append(f"resized: {first.resize}, and {other.resize}")
            advice.append("pictures of one size")
        if wrong:
            raise DataError(
                f"{first.name} and {other.name} are not comparable ({'; '.join(wrong)}): evaluate both with "
                f"{' and '.join(advice)}, and a JSON file's subject again"
            )


def compare(evaluations: Sequence[Evaluation], names: Sequence[str], metrics: Collection[str] = ()) -> Comparison:
    """Put evaluations beside each other.

    Where both were measured at least twice, a difference exists if Welch's t-test over the repetitions, its p-value
    times the number of the figure's pairs (Bonferroni), is below LEVEL. Where one was measured once and both have a
    deviation, a single one's being what the metric itself estimates: if |a - b| > 2 sqrt(da^2 + db^2). Else it cannot
    be told. The deviations are those of drawing samples; how much training repeats they do not say.

    Args:
        evaluations: at least 2.
        names: of the subjects.
        metrics: whose figures to show; () for all.

    Raises:
        DataError: figures that are not comparable, or none of `metrics` was measured.
        MissingPackageError: scipy is not installed.

    Source: Welch, "The generalization of Student's problem when several different population variances are involved"
    (1947).
    """
    check_comparable([Terms.of(found, name) for found, name in zip(evaluations, names, strict=True)])
    wanted = {figure for metric in metrics for figure in figures_of(metric)}
    figures = [
        name
        for name in dict.fromkeys(name for found in evaluations for name in found.metrics)
        if not wanted or _base(name) in wanted
    ]
    same_held_out = len({(found.held_out or {}).get("digest") for found in evaluations}) == 1
    left_out = [] if same_held_out else [name for name in figures if _base(name) in _OF_HELD_OUT]
    rows = tuple(_row(name, evaluations, same_held_out) for name in figures if name not in left_out)
    if not rows:
        raise DataError(f"nothing of {', '.join(metrics) or 'this'} was measured: evaluate with other --metrics")
    notes = _rules(rows, evaluations)
    if left_out:
        notes.append(f"different held-out pictures: left out, as they depend on these: {', '.join(left_out)}")
    for found, name in zip(evaluations, names, strict=True):
        notes += [f"{name}: {note}" for note in found.notes]
    return Comparison(names=tuple(names), evaluations=tuple(evaluations), rows=rows, notes=tuple(notes))


def _row(name: str, evaluations: Sequence[Evaluation], same_held_out: bool) -> Row:
    measured = [found.metrics.get(name) for found in evaluations]
    there = [i for i, each in enumerate(measured) if each is not None and math.isfinite(each.value)]
    real = {each.real for each in measured if each is not None} if same_held_out else {None}
    best = None
    if len(there) > 1 and _base(name) not in _UNRANKED:
        choose = max if _base(name) in HIGHER_IS_BETTER else min
        best = choose(there, key=lambda i: measured[i].value)  # type: ignore[union-attr]
    # A p-value is compared with a level, not with another one.
    pairs = [] if _base(name) == "memorisation_p" else list(itertools.combinations(there, 2))
    return Row(
        name=name,
        title=evaluations[there[0] if there else 0].title(name),
        measured=tuple(measured),
        real=real.pop() if len(real) == 1 else None,
        best=best,
        differences=tuple(_difference(pair, measured, evaluations, len(pairs)) for pair in pairs),
    )


def _difference(
    pair: tuple[int, int], measured: Sequence[Measured | None], evaluations: Sequence[Evaluation], pairs: int
) -> Difference:
    a, b = (measured[i] for i in pair)
    assert a is not None
    assert b is not None
    if a.deviation is None or b.deviation is None:
        return Difference(pair=pair, p=None, exists=None)
    repetitions = [len(evaluations[i].seeds) for i in pair]
    if min(repetitions) < 2:
        return Difference(pair=pair, p=None, exists=abs(a.value - b.value) > 2 * math.hypot(a.deviation, b.deviation))
    p = min(1.0, pairs * welch(a, b, repetitions))
    return Difference(pair=pair, p=p, exists=p < LEVEL)


def welch(a: Measured, b: Measured, repetitions: Sequence[int]) -> float:
    """The two-sided p-value that the means are equal.

    Args:
        a, b: means with their deviations.
        repetitions: how many values each of them is of, at least 2.

    Raises:
        MissingPackageError: scipy is not installed.
    """
    try:
        from scipy.stats import ttest_ind_from_stats
    except ImportError as error:
        raise MissingPackageError("comparing repetitions needs scipy; pip install 'tfgan-kit[evaluate]'") from error
    if not a.deviation and not b.deviation:
        return float(a.value == b.value)
    first, second = repetitions
    found = ttest_ind_from_stats(a.value, a.deviation, first, b.value, b.deviation, second, equal_var=False)
    return float(found.pvalue)


def _rules(rows: Sequence[Row], evaluations: Sequence[Evaluation]) -> list[str]:
    """How the differences of these rows were told."""
    found = [each for row in rows for each in row.differences]
    lines = []
    if any(each.p is not None for each in found):
        lines.append(
            f"a difference is more than noise where Welch's t-test over the repetitions gives p < {LEVEL:g}, p times "
            "the number of pairs"
        )
    if any(each.p is None and each.exists is not None for each in found):
        lines.append(
            "measured once, with a deviation that the metric estimates: a difference is more than noise where it "
            "exceeds 2 sqrt(da^2 + db^2)"
        )
    if any(each.exists is None for each in found):
        once = "one measurement each" if all(len(each.seeds) == 1 for each in evaluations) else "measured once"
        lines.append(f"{once}: no deviation, and no difference can be told; repeat with --seeds")
    lines.append(
        "deviations are those of drawing samples: which recipe is better, only runs of several training seeds tell"
    )
    return lines


def _base(name: str) -> str:
    return name.partition("/")[0]


def _named(pair: tuple[str, str]) -> str:
    return " ".join(pair)
