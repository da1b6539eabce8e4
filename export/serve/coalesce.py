"""One run of the model for the requests of many: a queue, and a thread that takes what is waiting."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tfgan_kit.export.runtime import Sampler

# Of the newest run in the rate that is kept.
_NEWEST = 0.1


class QueueFullError(Exception):
    """More is waiting than may wait.

    Attributes:
        retry_sec: until what is waiting now will be made, whole seconds.
    """

    def __init__(self, retry_sec: int) -> None:
        super().__init__(f"busy: try again in {retry_sec} s")
        self.retry_sec = retry_sec


class ClosedError(Exception):
    """The service is stopping."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Job:
    seeds: np.ndarray
    labels: np.ndarray | None
    truncation: float
    future: asyncio.Future[np.ndarray]


class Coalescer:
    """Makes the pictures of concurrent requests together.

    A request that finds nothing else waiting is begun at once. Those that come while the model runs are made in its
    next run, in the order in which they came, as many as fit into the sampler's batch.
    """

    def __init__(self, sampler: Sampler, most_waiting: int, on_run: Callable[[int], None] = lambda pictures: None):
        """Start the thread. Call it within the event loop whose tasks will ask for pictures.

        Args:
            sampler: makes the pictures.
            most_waiting: pictures in the queue, beyond those that are being made.
            on_run: called in the thread with the number of pictures of each run.
        """
        self._sampler, self._most, self._on_run = sampler, most_waiting, on_run
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._waiting, self._closed, self._rate = 0, False, 0.0
        self._thread = threading.Thread(target=self._work, name="sampler", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Pictures in the queue."""
        return self._waiting

    @property
    def alive(self) -> bool:
        """Whether pictures are made."""
        return self._thread.is_alive() and not self._closed

    async def pictures(self, seeds: np.ndarray, labels: np.ndarray | None, truncation: float) -> np.ndarray:
        """The pictures of one request, equal to the bit to `sampler.sample(seeds, labels, truncation)` on the CPU.

        Args:
            seeds: (n,) int64.
            labels: (n, A) int64, or None for an unconditional model.
            truncation: in [0, 1].

        Returns:
            (n, H, W, C) uint8.

        Raises:
            QueueFullError: too much is waiting.
            ClosedError: the service is stopping.
        """
        job = _Job(seeds=seeds, labels=labels, truncation=truncation, future=self._loop.create_future())
        with self._changed:
            if self._closed:
                raise ClosedError("the service is stopping")
            if self._waiting + len(seeds) > self._most:
                raise QueueFullError(max(1, round(self._waiting / self._rate)) if self._rate else 1)
            self._queue.append(job)
            self._waiting += len(seeds)
            self._changed.notify()
        return await job.future

    def close(self) -> None:
        """Make what is waiting, take no more, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while jobs := self._taken():
            started = time.perf_counter()
            results = [result for group in _alike(jobs) for result in self._made(group)]
            made = sum(len(job.seeds) for job in jobs)
            rate = made / max(time.perf_counter() - started, 1e-6)
            self._rate = rate if not self._rate else (1 - _NEWEST) * self._rate + _NEWEST * rate
            try:
                # One wake-up of the loop for all.
                self._loop.call_soon_threadsafe(_deliver, results)
            except RuntimeError:  # The loop was closed without waiting for its requests.
                return

    def _taken(self) -> list[_Job]:
        """What fits into the next run, at least one; [] when there will be no more."""
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            jobs: list[_Job] = []
            pictures = 0
            while self._queue and (not jobs or pictures + len(self._queue[0].seeds) <= self._sampler.batch):
                jobs.append(self._queue.popleft())
                pictures += len(jobs[-1].seeds)
            self._waiting -= pictures
        return jobs

    def _made(self, jobs: list[_Job]) -> Iterator[tuple[_Job, np.ndarray | Exception]]:
        """Every job with its pictures, or with what went wrong."""
        seeds = np.concatenate([job.seeds for job in jobs])
        labels = [job.labels for job in jobs if job.labels is not None]
        try:
            images = self._sampler.sample(seeds, np.concatenate(labels) if labels else None, jobs[0].truncation)
        except Exception as error:  # Whatever it is, the requests get it, and the thread goes on.
            yield from ((job, error) for job in jobs)
            return
        self._on_run(len(seeds))
        start = 0
        for job in jobs:
            yield job, images[start : start + len(job.seeds)]
            start += len(job.seeds)


def _alike(jobs: list[_Job]) -> list[list[_Job]]:
    """The jobs by their truncation, of which a run has one."""
    groups: dict[float, list[_Job]] = {}
    for job in jobs:
        groups.setdefault(job.truncation, []).append(job)
    return list(groups.values())


def _deliver(results: list[tuple[_Job, np.ndarray | Exception]]) -> None:
    for job, result in results:
        if job.future.done():  # Its request was cancelled.
            continue
        if isinstance(result, Exception):
            job.future.set_exception(result)
        else:
            job.future.set_result(result)
