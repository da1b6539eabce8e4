"""Runs of a model beside each other: any number of pictures, on every core, with the memory of a few runs."""

from __future__ import annotations

import collections
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from tfgan_kit.export.sampling.placement import current_core, leave_core
from tfgan_kit.export.sampling.session import open_session, run_bound, run_one

if TYPE_CHECKING:
    import onnxruntime

# Pictures a run of onnxruntime on the CPU: a larger one's maps fall out of the caches, and it is slower a picture.
_PER_RUN = 16

# The inputs of a part of the pictures, by name; and where those pictures go.
Feed = Callable[[slice], dict[str, np.ndarray]]
Keep = Callable[[slice, np.ndarray], None]


class Runner:
    """A model's sessions and the threads that run them; may be used from several threads.

    Attributes:
        content: of the .onnx.
        session: of one thread a run.
        fixed: number of pictures that every run makes; None: any.
    """

    def __init__(self, content: bytes, device: str, threads: int, *, source: str) -> None:
        """Open a model.

        Args:
            content: of the .onnx.
            device: "cpu" or "cuda".
            threads: CPU threads.
            source: the file's name, for errors.

        Raises:
            ModelFileError, DeviceError, MissingPackageError: as `open_session`.
        """
        self.content, self._device, self._source = content, device, source
        self._threads = threads if device == "cpu" else 1
        self.fixed: int | None = None
        # One thread a run, and several runs beside each other: unlike threads within a run, these never wait for one
        # another, so they lose nothing where other programs use the same cores.
        self.session = open_session(content, device, threads=1, source=source)
        self._wide: onnxruntime.InferenceSession | None = None
        self._lock = threading.Lock()
        self._start_threads()

    def make(self, count: int, most: int, feed: Feed, keep: Keep) -> None:
        """Make pictures a part at a time, and hand each part on; parts come in any order and from several threads.

        Args:
            count: of the pictures.
            most: pictures that are made at a time.
            feed: the inputs of a part.
            keep: takes a part and its output `images`.
        """
        if count == 0:
            return
        if self._pid != os.getpid():
            self._after_fork()
        # A single picture, or few, on many cores: only threads within a run use them.
        runs = count if self.fixed is None else -(-count // self.fixed)
        beside = self._threads if 2 * runs > self._threads else 1
        session = self.session if beside == self._threads else self._wide_session()
        size = self._size(count, most, beside)

        def run(part: slice) -> None:
            inputs = feed(part)
            made = part.stop - part.start
            if self.fixed is not None and made < self.fixed:
                inputs = {name: _padded(array, self.fixed) for name, array in inputs.items()}
            keep(part, self._run(session, inputs)[:made])

        parts = map(lambda start: slice(start, min(start + size, count)), range(0, count, size))
        self._beside(run, parts, min(beside, -(-count // size)))

    def warm(self, feed: Feed) -> None:
        """Make one picture by each session, so that the first call is as fast as the later ones."""
        for session in (self.session, *([self._wide_session()] if self._threads > 1 else [])):
            inputs = feed(slice(0, 1))
            self._run(session, {name: _padded(array, self.fixed or 1) for name, array in inputs.items()})

    def _size(self, count: int, most: int, beside: int) -> int:
        """Pictures a run: as many as are allowed and are fast, the same in every run as far as it comes out even."""
        if self.fixed is not None:
            return self.fixed
        limit = max(1, most // beside)
        if self._device == "cpu":
            limit = min(limit, _PER_RUN)
        share = max(1, -(-count // beside))
        return -(-share // -(-share // limit))

    def _run(self, session: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray]) -> np.ndarray:
        if self._device != "cpu":
            return run_bound(session, inputs, "images", self._source)
        return run_one(session, inputs, "images", self._source)

    def _beside(self, run: Callable[[slice], None], parts: Iterator[slice], beside: int) -> None:
        """Run parts on so many threads, this one among them; after an error no further part is begun."""

        def work() -> None:
            try:
                # The next of a map over a range is one step of the interpreter: each part goes to one thread.
                for part in parts:
                    run(part)
            except BaseException:
                collections.deque(parts, maxlen=0)
                raise

        if beside == 1:
            work()
            return
        core = current_core()

        def help_out() -> None:
            leave_core(core)
            work()

        others = [self._pool.submit(help_out) for _ in range(beside - 1)]
        try:
            work()
        finally:
            # What has not begun by now, because other calls have the threads, has nothing left to do.
            begun = [other for other in others if not other.cancel()]
            errors = [error for other in begun if (error := other.exception()) is not None]
        if errors:
            raise errors[0]

    def _wide_session(self) -> onnxruntime.InferenceSession:
        """The session whose runs use every thread, opened when it is first needed."""
        with self._lock:
            if self._wide is None:
                self._wide = open_session(self.content, self._device, self._threads, source=self._source)
            return self._wide

    def _start_threads(self) -> None:
        # They start with the first runs beside each other, and are kept for the next ones.
        self._pool = ThreadPoolExecutor(max(1, self._threads - 1))
        self._pid = os.getpid()

    def _after_fork(self) -> None:
        """Begin anew in a child process, which has none of its parent's threads."""
        # Kept, for to close them would be to wait for threads that are not there.
        self._of_the_parent = self._pool, self._wide
        self._wide, self._lock = None, threading.Lock()
        self._start_threads()


def _padded(array: np.ndarray, size: int) -> np.ndarray:
    """The first axis brought to `size` by repeating the first row."""
    return np.concatenate([array, np.repeat(array[:1], size - len(array), axis=0)])
