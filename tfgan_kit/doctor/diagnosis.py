"""What is said of a whole run: its findings, what was watched, and what could not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfgan_kit.doctor.alarms import AGAINST_DIVERGENCE, ALARMS
from tfgan_kit.doctor.examine import Examination
from tfgan_kit.doctor.finding import Finding
from tfgan_kit.doctor.remedies import legal
from tfgan_kit.recipe import Recipe

Lines = Sequence[Mapping[str, Any]]
# What stands in the place of an alarm's name for a run that ended so.
DIVERGED = "not finite"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A run, examined.

    Attributes:
        findings: in the order in which they were sure.
        watched: names of the alarms that its ticks could raise.
        left: the others, and why each could not.
        ticks: how many there are.
        nimg: images seen at the last one.
        rollbacks: lines of stats.jsonl.
    """

    findings: tuple[Finding, ...]
    watched: tuple[str, ...]
    left: Mapping[str, str]
    ticks: int
    nimg: int
    rollbacks: Lines

    @property
    def present(self) -> tuple[Finding, ...]:
        """Findings that last, failures first."""
        return tuple(sorted((f for f in self.findings if f.until_nimg is None), key=lambda f: not f.failure))

    @property
    def past(self) -> tuple[Finding, ...]:
        """Findings that are over."""
        return tuple(f for f in self.findings if f.until_nimg is not None)

    def remarks(self) -> list[str]:
        """A line for each finding and rollback, for the report; one that says that there is none."""
        found = [f"{f.kind}: {f.sentence()}" for f in self.present]
        found += [f"over: {f.sentence()}" for f in self.past]
        found += [rollback_sentence(line) for line in self.rollbacks]
        if not found and self.ticks and self.watched:
            found.append(f"the doctor found nothing wrong in {self.ticks:,} ticks; watched: {', '.join(self.watched)}")
        return found

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "ticks": self.ticks,
            "kimg": self.nimg / 1000,
            "findings": [finding.to_json() for finding in self.findings],
            "watched": list(self.watched),
            "not_watched": dict(self.left),
            "rollbacks": [
                {"failed_kimg": line["nimg"] / 1000, "to_kimg": line["rollback"]["to_nimg"] / 1000}
                | {key: line["rollback"][key] for key in ("lr_scale", "why")}
                for line in self.rollbacks
            ],
        }


def diagnose(
    recipe: Recipe, stats: Lines, rollbacks: Lines = (), divergence: Mapping[str, Any] | None = None
) -> Diagnosis:
    """Examine a run.

    Args:
        recipe: of the run.
        stats: its ticks, the oldest first.
        rollbacks: its rollbacks, likewise.
        divergence: the line on what was not finite and ended it; None: it did not end so.
    """
    examination = Examination(recipe, stats)
    return Diagnosis(
        findings=(*examination.findings, *([] if divergence is None else [_ended(recipe, divergence)])),
        watched=tuple(alarm.name for alarm in ALARMS if alarm.name in examination.read),
        left=examination.left_out(),
        ticks=len(stats),
        nimg=int(stats[-1]["nimg"]) if stats else 0,
        rollbacks=tuple(rollbacks),
    )


def _ended(recipe: Recipe, line: Mapping[str, Any]) -> Finding:
    """What is said of a run that ended as something was not finite."""
    return Finding(
        alarm=DIVERGED,
        what="the run has ended, as what it computed was no longer finite",
        failure=True,
        since_nimg=int(line["diverged"]["since_nimg"]),
        told_nimg=int(line["nimg"]),
        until_nimg=None,
        evidence=str(line["diverged"]["why"]),
        try_=legal(recipe, AGAINST_DIVERGENCE),
    )


def rollback_sentence(line: Mapping[str, Any]) -> str:
    """A rollback in a line."""
    rollback = line["rollback"]
    return (
        f"rolled back from {line['nimg'] / 1000:.3g} to {rollback['to_nimg'] / 1000:.3g} kimg, from where learning "
        f"rates are {rollback['lr_scale']:g} of the recipe's: {rollback['why']}"
    )
