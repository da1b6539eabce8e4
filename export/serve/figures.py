"""What the service counts, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PICTURES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Figures:
    """Counters of one service."""

    def __init__(self) -> None:
        # Of its own, as a process may hold several services.
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "tfgan_requests", "Requests, by path and status.", ["path", "status"], registry=self._registry
        )
        self._pictures = Counter("tfgan_pictures", "Pictures made.", registry=self._registry)
        self._seconds = Histogram(
            "tfgan_sample_seconds", "Time to answer GET /sample, s.", buckets=_SECONDS, registry=self._registry
        )
        self._runs = Histogram(
            "tfgan_run_pictures", "Pictures in a run of the model.", buckets=_PICTURES, registry=self._registry
        )
        self._queue = Gauge("tfgan_queue_pictures", "Pictures that wait to be made.", registry=self._registry)

    def count_request(self, path: str, status: int) -> None:
        """Count an answer."""
        self._requests.labels(path, status).inc()

    def time_sample(self, seconds: float) -> None:
        """Keep how long an answer to /sample took."""
        self._seconds.observe(seconds)

    def count_run(self, pictures: int) -> None:
        """Count a run of the model; from any thread."""
        self._pictures.inc(pictures)
        self._runs.observe(pictures)

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Read the length of the queue, in pictures, whenever it is asked for."""
        self._queue.set_function(length)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
