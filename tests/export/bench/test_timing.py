"""Cases take turns, slow ones are left out, and quantiles are values that were there."""

import itertools

import pytest

from tfgan_kit.export.bench import timing
from tfgan_kit.export.bench.timing import interleaved, median, quantile


@pytest.fixture
def clock(monkeypatch):
    """A clock that only cases move."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(timing.time, "sleep", lambda sec: now.__setitem__(0, now[0] + sec))
    return now


def case(clock, calls, name, sec):
    def run():
        calls.append(name)
        clock[0] += sec

    return run


def test_cases_take_turns(clock):
    calls = []
    cases = {"slow": case(clock, calls, "slow", 0.015), "fast": case(clock, calls, "fast", 0.01)}
    seconds = interleaved(cases, 3)
    # Two calls to warm up and to size the turns, then turns of at least 20 ms.
    assert [name for name, _ in itertools.groupby(calls)] == ["slow", "fast"] * 4
    assert calls[4:8] == ["slow", "slow", "fast", "fast"]
    assert seconds == {"slow": pytest.approx([0.015] * 6), "fast": pytest.approx([0.01] * 6)}


def test_a_case_that_takes_too_long_is_left_out(clock):
    calls = []
    cases = {"slow": case(clock, calls, "slow", 3.0), "fast": case(clock, calls, "fast", 0.5)}
    assert set(interleaved(cases, 2, limit_sec=1.0)) == {"fast"}
    assert calls.count("slow") == 2


def test_a_pause_ends_with_a_call_that_does_not_count(clock):
    calls, shares = [], []
    seconds = interleaved(
        {"a": case(clock, calls, "a", 0.1)}, 4, pause_sec=0.5, on_progress=shares.append
    )  # fmt: skip
    assert seconds == {"a": pytest.approx([0.1] * 4)}
    assert calls == ["a"] * (2 + 4 * 2)
    assert shares == [0.0, 0.25, 0.5, 0.75]
    assert clock[0] == pytest.approx(0.1 * 10 + 4 * 0.5)


def test_quantiles():
    values = [float(i) for i in range(100, 0, -1)]
    assert quantile(values, 0.99) == 99.0
    assert quantile(values, 1.0) == 100.0
    assert quantile(values, 0.0) == 1.0
    assert quantile([3.0], 0.5) == 3.0
    assert median([4.0, 1.0, 3.0]) == 3.0
