"""Where a thread runs: on another core than the thread that it is to help.

Some systems, virtual machines above all, wake a thread on the core of the one that woke it, and leave both there for
longer than a run takes, while another core idles.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable


def _cpu_teller() -> Callable[[], int] | None:
    """What the system offers to tell a thread's core, where it also lets a thread choose."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        return ctypes.CDLL(None).sched_getcpu
    except (OSError, AttributeError):
        return None


_TELLER = _cpu_teller()


def current_core() -> int | None:
    """The core that this thread is on; None where that cannot be told or changed."""
    return None if _TELLER is None else int(_TELLER())


def leave_core(core: int | None) -> None:
    """Move this thread to another core if it is on that one; it may go anywhere afterwards."""
    if core is None or current_core() != core:
        return
    with contextlib.suppress(OSError):
        allowed = os.sched_getaffinity(0)
        if len(allowed) > 1:
            os.sched_setaffinity(0, allowed - {core})
            os.sched_setaffinity(0, allowed)
