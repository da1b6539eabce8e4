"""Seconds of calls that are measured beside each other, so that what else the machine does falls on all alike."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

# Of a case in a round: calls go on for so long.
_LEAST_SEC = 0.02
# The most calls of a case in a round.
_MOST_CALLS = 1000


def interleaved(
    cases: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    limit_sec: float = math.inf,
    pause_sec: float = 0.0,
    on_progress: Callable[[float], object] = lambda share: None,
) -> dict[str, list[float]]:
    """Time cases in turn, several times, after a call of each that is not counted.

    Args:
        cases: what to call, by name.
        rounds: how often each has its turn.
        limit_sec: a case whose second call takes longer is left out.
        pause_sec: before each turn, until threads of the case before no longer wait for work by spinning.
        on_progress: is told the share of the rounds that is done.

    Returns:
        Seconds of single calls, by name.
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    calls: dict[str, int] = {}
    for name, case in cases.items():
        case()
        once = timed(case)
        if once <= limit_sec:
            calls[name] = min(max(1, math.ceil(_LEAST_SEC / once)), _MOST_CALLS)
    for done in range(rounds):
        on_progress(done / rounds)
        for name, count in calls.items():
            if pause_sec:
                time.sleep(pause_sec)
                cases[name]()
            seconds[name] += [timed(cases[name]) for _ in range(count)]
    return {name: seconds[name] for name in calls}


def timed(case: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    case()
    return time.perf_counter() - started


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle of the values."""
    return statistics.median(values)
