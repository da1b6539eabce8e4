"""What an ablation found: figures by switch and seed, their means, and which differences are more than noise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfgan_kit._version import __version__
from tfgan_kit.ablation.switches import shown
from tfgan_kit.evaluation.compare import LEVEL, welch
from tfgan_kit.evaluation.result import HIGHER_IS_BETTER, TITLES, Measured, rounded
from tfgan_kit.recipe import Recipe

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished run.

    Attributes:
        seed: of its training.
        figures: by name; {} where it diverged.
        diverged: what became of it, in words; "" where it did not.
    """

    seed: int
    figures: Mapping[str, float]
    diverged: str = ""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One figure of one variant.

    Attributes:
        values: of the runs that have it, in the order of the seeds.
        mean: NaN where there are none.
        deviation: standard deviation over the training seeds (n - 1); None: fewer than two.
        difference: mean less the baseline's; None: one of them has none.
        p: of Welch's test against the baseline, two-sided; None: it cannot be told.
        better: whether the difference is for the better; None: there is none.
    """

    values: tuple[float, ...]
    mean: float
    deviation: float | None
    difference: float | None
    p: float | None
    better: bool | None


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The baseline, or a switch, and the runs that are there.

    Attributes:
        name: of the switch.
        tip: number of the tip that it stands for; 0: none.
        changes: of the recipe.
        runs: finished ones, in the order of the seeds.
    """

    name: str
    tip: int
    changes: Mapping[str, Any]
    runs: tuple[Run, ...]

    def values(self, figure: str) -> tuple[float, ...]:
        """The figure in each of the runs that have it."""
        found = (run.figures.get(figure, math.nan) for run in self.runs)
        return tuple(value for value in found if math.isfinite(value))


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """All that is known of an ablation, whole or in part.

    Attributes:
        name: of the recipe.
        recipe: the baseline.
        seeds: of training, asked for.
        samples: of each evaluation.
        extractor: its name and digest.
        real: each figure of held-out real pictures in place of samples, where it was measured.
        variants: the baseline, then the switches.
        notes: on what has no switch.
    """

    name: str
    recipe: Recipe
    seeds: tuple[int, ...]
    samples: int
    extractor: tuple[str, str]
    real: Mapping[str, float]
    variants: tuple[Variant, ...]
    notes: tuple[str, ...] = ()

    @property
    def figures(self) -> list[str]:
        """Names of all figures, in the order in which they were measured."""
        return list(dict.fromkeys(name for each in self.variants for run in each.runs for name in run.figures))

    @property
    def whole(self) -> bool:
        """Whether every run is there."""
        return all(len(each.runs) == len(self.seeds) for each in self.variants)

    def cell(self, variant: Variant, figure: str) -> Cell:
        """One figure of one variant, beside the baseline's."""
        values, base = variant.values(figure), self.variants[0].values(figure)
        mean, base_mean = _mean(values), _mean(base)
        difference = mean - base_mean if values and base and variant is not self.variants[0] else None
        p = None
        if difference is not None and min(len(values), len(base)) > 1:
            p = welch(_measured(values), _measured(base), (len(values), len(base)))
        better = None if not difference else (difference > 0) == (figure in HIGHER_IS_BETTER)
        return Cell(
            values=values, mean=mean, deviation=_deviation(values), difference=difference, p=p, better=better
        )  # fmt: skip

    def mark(self, cell: Cell) -> str:
        """`*` for p below LEVEL, `**` where it is so times the number of switches (Bonferroni)."""
        if cell.p is None or cell.p >= LEVEL:
            return ""
        return "**" if cell.p * (len(self.variants) - 1) < LEVEL else "*"

    def rows(self) -> list[list[str]]:
        """The table as text, its head first: for each figure mean and deviation, then the difference with its p."""
        head = ["switch", *(["tip"] if self._tips else [])]
        for figure in self.figures:
            head += [TITLES.get(figure, figure), "against the baseline"]
        rows = [head]
        for each in self.variants:
            row = [each.name, *([str(each.tip or "")] if self._tips else [])]
            for figure in self.figures:
                row += self._cells(self.cell(each, figure))
            rows.append(row)
        if self.real:
            real = [rounded(self.real[name]) if name in self.real else "" for name in self.figures]
            padded = (text for each in real for text in (each, ""))
            rows.append(["held-out real pictures", *([""] if self._tips else []), *padded])
        return rows

    def facts(self) -> list[str]:
        """What the figures depend on, and by what rule differences are told, in lines."""
        length = f"{self.recipe.kimg:g} kimg" if self.recipe.kimg else f"{self.recipe.minutes:g} minutes"
        lines = [
            f"recipe {self.name}, {length} a run, seeds {', '.join(map(str, self.seeds))}; "
            f"{self.samples:,} samples in the features of {self.extractor[0]} {self.extractor[1]}",
            "± is the standard deviation over the training seeds; p is Welch's t-test against the baseline: "
            f"* below {LEVEL:g}, ** below it also when multiplied by the number of switches (Bonferroni)",
        ]
        for each in self.variants:
            lines += [f"{each.name}, seed {run.seed}: {run.diverged}" for run in each.runs if run.diverged]
            if len(each.runs) < len(self.seeds):
                lines.append(f"{each.name}: {len(each.runs)} of {len(self.seeds)} runs so far")
        return [*lines, *self.notes]

    def markdown(self) -> str:
        """The table and its facts."""
        head, *rows = self.rows()
        first = 2 if self._tips else 1
        rule = ["---"] * first + ["---:"] * (len(head) - first)
        lines = ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)]
        return "\n".join([*lines, "", *(f"- {line}" for line in self.facts()), ""])

    def to_json(self) -> dict[str, Any]:
        """The whole, for a file."""
        return {
            "format": FORMAT,
            "tfgan_kit": __version__,
            "name": self.name,
            "recipe": self.recipe.to_json(),
            "seeds": list(self.seeds),
            "samples": self.samples,
            "extractor": list(self.extractor),
            "real": dict(self.real),
            "whole": self.whole,
            "variants": [
                {
                    "name": each.name,
                    "tip": each.tip,
                    "changes": {name: shown(value) for name, value in each.changes.items()},
                    "seeds": [run.seed for run in each.runs],
                    "diverged": {str(run.seed): run.diverged for run in each.runs if run.diverged},
                    "figures": {name: _plain(self.cell(each, name)) for name in self.figures},
                }
                for each in self.variants
            ],
            "notes": list(self.notes),
        }

    @property
    def _tips(self) -> bool:
        return any(each.tip for each in self.variants)

    def _cells(self, cell: Cell) -> list[str]:
        if not cell.values:
            return ["-", ""]
        deviation = "" if cell.deviation is None else f" ± {rounded(cell.deviation)}"
        against = "" if cell.difference is None else f"{'+' if cell.difference >= 0 else ''}{rounded(cell.difference)}"
        p = "" if cell.p is None else f", p {_short(cell.p)}{self.mark(cell)}"
        return [f"{rounded(cell.mean)}{deviation}", f"{against}{p}"]


def _short(p: float) -> str:
    return "< 0.001" if p < 1e-3 else f"{p:.2g}"


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else math.nan


def _deviation(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _measured(values: Sequence[float]) -> Measured:
    return Measured(value=_mean(values), deviation=_deviation(values))


def _plain(cell: Cell) -> dict[str, Any]:
    """A cell with what JSON has: null in place of NaN."""
    found = {**vars(cell), "values": list(cell.values)}
    return found | {"mean": None if math.isnan(cell.mean) else cell.mean}
