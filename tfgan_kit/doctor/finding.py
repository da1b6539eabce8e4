"""What was found, and the lines that tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One alarm, from when it began to when it was over.

    Attributes:
        alarm: its name.
        what: is wrong, in plain words.
        failure: whether --on-failure acts on it; else it is a note.
        since_nimg: images seen before the first tick that showed it.
        told_nimg: images seen when it was sure.
        until_nimg: images seen before the first tick that was well again, or None while it lasts.
        evidence: the figures of the tick at which it was sure.
        try_: changes of the recipe, as --set takes them.
    """

    alarm: str
    what: str
    failure: bool
    since_nimg: int
    told_nimg: int
    until_nimg: int | None
    evidence: str
    try_: tuple[str, ...]

    @property
    def kind(self) -> str:
        """In a word."""
        return "failure" if self.failure else "note"

    def sentence(self) -> str:
        """What is wrong, since when, the figures, and what to try while it lasts, in one line."""
        proposed = " or ".join(f"--set {change}" for change in self.try_ if self.until_nimg is None)
        remedy = f"; try {proposed}" if proposed else ""
        return f"{self.what} ({self.span()}: {self.evidence}){remedy}"

    def span(self) -> str:
        """Since when, and until when if it is over."""
        end = "" if self.until_nimg is None else f" until {self.until_nimg / 1000:.4g}"
        return f"since {self.since_nimg / 1000:.4g}{end} kimg"

    def to_json(self) -> dict[str, Any]:
        """All of it, in kimg."""
        return {
            "alarm": self.alarm,
            "kind": self.kind,
            "what": self.what,
            "since_kimg": self.since_nimg / 1000,
            "told_kimg": self.told_nimg / 1000,
            "until_kimg": None if self.until_nimg is None else self.until_nimg / 1000,
            "evidence": self.evidence,
            "try": list(self.try_),
        }
