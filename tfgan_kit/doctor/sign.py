"""What one tick says of one alarm, and the words for numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A line of stats.jsonl, and those up to a tick.
Line = Mapping[str, Any]
Lines = Sequence[Line]


@dataclass(frozen=True, kw_only=True)
class Sign:
    """What a tick says.

    Attributes:
        bad: whether the alarm's condition holds.
        evidence: the figures that show it, in words; read only where it is bad.
        ticks: how many ticks the figures are of, this one the last.
    """

    bad: bool
    evidence: str = ""
    ticks: int = 1


def number(line: Line, key: str) -> float | None:
    """A number of a line, finite or not; None where it was not measured."""
    value = line.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def shown(value: float) -> str:
    """A figure with three digits, whatever its size."""
    return f"{value:.3g}" if abs(value) < 1e5 else f"{value:.1e}"


def percent(share: float) -> str:
    """A share, in per cent."""
    return f"{shown(100 * share)} %"
