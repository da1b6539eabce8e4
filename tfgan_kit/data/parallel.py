"""Work on many pictures on all cores, in order, with a bounded number in flight."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_PORTION = 64  # items a task, so that handing them over costs little


def available_cpus() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`map` on a pool of threads: results in the order of `items`, a few portions of them in flight."""
    left = iter(items)

    def results(portion: list[T]) -> list[R]:
        return [function(item) for item in portion]

    threads = available_cpus()
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[list[R]]] = deque()
        while portion := list(itertools.islice(left, _PORTION)):
            pending.append(pool.submit(results, portion))
            if len(pending) > 2 * threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
