"""What the processes that train one run tell each other: the chief says what comes next, and all do it.

The chief, process 0, alone knows the run folder, the clock and the length; the others have the networks and the data.
What one of them sends, all others receive, in the same order. The orders of the chief are, in their own order:

    recipe    what is trained, with the digest of the data; all open it, and build the networks, or none goes on
    restore   the state to go on from, which follows
    run       so many steps, and the share of the time that is used; then all say if they were asked to stop
    end       with the chief's error, or "", and whether the run is finished
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_kit import replicas
from tfgan_kit.errors import RunError
from tfgan_kit.strategy import worker_count, worker_index

# What is sent travels as int32.
_WORD = 4


class Team:
    """The processes of a strategy.

    Attributes:
        strategy: of them all.
        worker: which of them this is; 0 is the chief.
        workers: how many.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        """Take a strategy that `make_strategy` made."""
        self.strategy = strategy
        self.worker, self.workers = worker_index(strategy), worker_count(strategy)
        self._parted, self._finished = False, True
        self._sum = tf.function(self._summed, reduce_retracing=True)

    @property
    def chief(self) -> bool:
        """Whether this process decides, and writes."""
        return self.worker == 0

    def any(self, flag: bool) -> list[int]:
        """The processes that raise a flag."""
        if self.workers == 1:
            return [0] * flag
        flags = np.zeros(self.workers, np.int32)
        flags[self.worker] = flag
        return np.flatnonzero(self._sum(tf.constant(flags))).tolist()

    def say(self, order: Mapping[str, Any]) -> None:
        """Chief: what comes next, as JSON can write it."""
        self._send(json.dumps(order).encode())

    def hear(self) -> dict[str, Any]:
        """Others: what the chief says."""
        order: dict[str, Any] = json.loads(self._receive())
        return order

    def send(self, state: Mapping[str, np.ndarray]) -> None:
        """Chief: arrays by name."""
        self._send(b"".join(np.ascontiguousarray(state[name]).tobytes() for name in sorted(state)))

    def receive(self, like: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Others: the chief's arrays, to the bit; `like` has their names, shapes and dtypes."""
        content, state, at = self._receive(), {}, 0
        for name in sorted(like):
            size = like[name].nbytes
            state[name] = np.frombuffer(content[at : at + size], like[name].dtype).reshape(like[name].shape)
            at += size
        if not at <= len(content) < at + _WORD:
            raise RunError("the chief trains other networks: start all workers with the same version of tfgan-kit")
        return state

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Around what each process does by itself: go on if none failed in it.

        Raises:
            RunError: another process failed.
            Exception: as it did here.
        """
        failure: Exception | None = None
        try:
            yield
        except Exception as error:
            failure = error
        failed = self.any(failure is not None)
        self._parted = bool(failed)
        if failure is not None:
            raise failure
        if failed:
            raise RunError(f"worker {', '.join(map(str, failed))} could not begin: its own message says why")

    @contextmanager
    def led(self) -> Iterator[None]:
        """Chief: around all that it does with the others, who hear of its end, and of its failure."""
        try:
            yield
        except Exception as error:
            # Those who have left by themselves hear nothing any more.
            if not (isinstance(error, tf.errors.OpError) or self._parted):
                self._part(str(error))
            raise
        self._part("")

    def stopped(self) -> None:
        """Chief: what ends now is not finished, and is to go on another time."""
        self._finished = False

    def _part(self, error: str) -> None:
        # Who is gone by now changes nothing.
        with suppress(tf.errors.OpError):
            self.say({"do": "end", "error": error, "finished": self._finished})

    def _send(self, content: bytes) -> None:
        if self.workers == 1:
            return
        # Blanks, which JSON may end with.
        words = np.frombuffer(content + b" " * (-len(content) % _WORD), np.int32)
        self._sum(tf.constant([len(words)], tf.int32))
        self._sum(tf.constant(words))

    def _receive(self) -> bytes:
        (words,) = self._sum(tf.constant([0], tf.int32)).numpy()
        content: bytes = self._sum(tf.zeros(words, tf.int32)).numpy().tobytes()
        return content

    def _summed(self, numbers: tf.Tensor) -> tf.Tensor:
        """The sum over the processes, of which one may speak at a time."""

        def of_replica() -> tf.Tensor:
            # A process has one voice, however many replicas it has.
            first = replicas.index() % replicas.local_count() == 0
            return replicas.total(tf.where(first, numbers, 0))

        with self.strategy.scope():
            return self.strategy.experimental_local_results(self.strategy.run(of_replica))[0]
