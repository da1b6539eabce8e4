"""Work on many pictures on all cores, in order, with a bounded number in flight."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_IN_FLIGHT = 256


def available_cpus() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`map` on a pool of threads: results in the order of `items`, at most 256 of them waiting."""
    left = iter(items)
    with ThreadPoolExecutor(available_cpus()) as pool:
        while block := list(itertools.islice(left, _IN_FLIGHT)):
            yield from pool.map(function, block)
