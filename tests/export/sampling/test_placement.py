"""A thread that moves aside, and is free to move again."""

import os
import threading

import pytest

from tfgan_kit.export.sampling import placement
from tfgan_kit.export.sampling.placement import current_core, leave_core


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not let threads choose")
def test_a_thread_leaves_the_core_and_keeps_its_freedom():
    if current_core() is None or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core")
    before = os.sched_getaffinity(0)
    moves, found = [], []

    def run():
        real = os.sched_setaffinity

        def noted(pid, cores):
            moves.append(set(cores))
            real(pid, cores)
            if len(moves) == 1:
                found.append(current_core())

        os.sched_setaffinity = noted
        try:
            while not moves:
                core = current_core()
                leave_core(core)
            found.append(core)
        finally:
            os.sched_setaffinity = real
        found.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    after, core, free = found
    assert after != core
    assert moves == [before - {core}, before]
    assert free == before


def test_a_thread_that_is_elsewhere_stays(monkeypatch):
    monkeypatch.setattr(placement, "current_core", lambda: 5)
    monkeypatch.setattr(os, "sched_setaffinity", lambda *given: pytest.fail("moved"), raising=False)
    for core in (None, 4):
        leave_core(core)


def test_a_system_that_forbids_it_is_left_alone(monkeypatch):
    def forbidden(*given):
        raise PermissionError

    monkeypatch.setattr(placement, "current_core", lambda: 5)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {4, 5}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", forbidden, raising=False)
    leave_core(5)


def test_a_system_that_does_not_tell(monkeypatch):
    monkeypatch.setattr(placement, "_TELLER", None)
    assert current_core() is None
