"""How fast a model makes pictures here: one, many, by how many threads, and from a standing start."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_kit.export.bench.cold_start import ColdStart, cold_start
from tfgan_kit.export.bench.timing import interleaved, median, quantile, timed
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.sampling.session import available_cores

# Makes the pictures of so many seeds, (N, H, W, C) uint8.
Side = Callable[[int], np.ndarray]

OURS = "onnxruntime"
BATCHES = tuple(2**i for i in range(9))
_QUICK_BATCHES = (1, 8, 64)
# Pictures of a call while threads are compared.
_MANY = 64
# A batch that takes longer than this is left out, and so are the larger ones.
_LIMIT_SEC = 4.0
# So many calls of one picture have a last hundredth; fewer where they take too long.
_LATENCY_CALLS, _LATENCY_SEC = 400, 4.0
# Where sides take turns: until the threads of the one before no longer wait for work by spinning on the cores.
_PAUSE_SEC = 0.05


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Milliseconds of a call for one picture: the middle and the last hundredth; of so many calls."""

    side: str
    median_ms: float
    p99_ms: float
    calls: int


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Pictures a second in calls of `batch` pictures, by the median call."""

    side: str
    batch: int
    images_per_sec: float


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """What was measured.

    Attributes:
        model: its facts, by name.
        machine: its facts, by name.
        latency: of every side.
        throughput: of every side and batch.
        threads: pictures a second in calls of 64, by number of threads.
        open_ms, first_ms: opening the model inside a running Python, and the first picture after that.
        cold: of a process of its own; medians.
    """

    model: Mapping[str, Any]
    machine: Mapping[str, Any]
    latency: tuple[Latency, ...]
    throughput: tuple[Throughput, ...]
    threads: Mapping[int, float]
    open_ms: float
    first_ms: float
    cold: ColdStart

    def to_json(self) -> dict[str, Any]:
        """As written to files."""
        return asdict(self)

    def rate(self, side: str, batch: int) -> float | None:
        """Pictures a second of a side at a batch; None where it was not measured."""
        found = (row.images_per_sec for row in self.throughput if (row.side, row.batch) == (side, batch))
        return next(found, None)

    @property
    def sides(self) -> tuple[str, ...]:
        """In the order they were given, this kit's runtime first."""
        return tuple(row.side for row in self.latency)


def bench(
    path: Path,
    *,
    device: str = "cpu",
    threads: int | None = None,
    quick: bool = False,
    others: Mapping[str, Side] | None = None,
    on_progress: Callable[[str, float], object] = lambda what, share: None,
) -> BenchResult:
    """Measure a model; every figure is a median over rounds in which all cases of its kind take turns.

    Args:
        path: the .onnx.
        device, threads: as of `Sampler`.
        quick: few batches and rounds: seconds in place of a minute, and less certain figures.
        others: ways to make the same pictures to be measured beside it.
        on_progress: is told what is being measured, and the share of it that is done.

    Raises:
        ModelFileError, DeviceError, MissingPackageError, SampleError: as `Sampler`.
    """
    opened = [_opened(path, device, threads) for _ in range(3 if quick else 9)]
    sampler = Sampler(path, device=device, threads=threads, warm=True)
    sides: dict[str, Side] = {OURS: lambda count: sampler.sample(range(count), batch=count), **(others or {})}

    on_progress("a process of its own", 0.0)
    starts = [cold_start(path, device=device, threads=threads, batch=BATCHES[-1]) for _ in range(1 if quick else 5)]
    on_progress("single pictures", 0.0)
    latency = _latency(sides, quick)
    throughput = _throughput(sides, quick, lambda share: on_progress("batches", share))
    on_progress("threads", 0.0)
    spec = sampler.spec
    return BenchResult(
        model={
            "file": str(path), "size_bytes": path.stat().st_size, "recipe": spec.recipe_name,
            "image_shape": list(spec.image_shape), "precision": spec.precision, "inputs": spec.inputs,
            "max_batch": spec.max_batch,
        },
        machine=_machine(device, threads),
        latency=latency,
        throughput=throughput,
        threads=_threads(path, quick) if device == "cpu" else {},
        open_ms=1e3 * median([opening for opening, _ in opened]),
        first_ms=1e3 * median([first for _, first in opened]),
        cold=ColdStart(
            median([start.sec for start in starts]),
            _median_mb([start.first_mb for start in starts]),
            _median_mb([start.batch_mb for start in starts]),
        ),
    )  # fmt: skip


def _opened(path: Path, device: str, threads: int | None) -> tuple[float, float]:
    """Seconds of opening, and of the first picture."""
    kept: list[Sampler] = []
    opening = timed(lambda: kept.append(Sampler(path, device=device, threads=threads)))
    return opening, timed(lambda: kept[0].sample([0]))


def _latency(sides: Mapping[str, Side], quick: bool) -> tuple[Latency, ...]:
    once = interleaved({side: (lambda make=make: make(1)) for side, make in sides.items()}, 1)  # type: ignore[misc]
    rows = []
    for side, make in sides.items():
        # Not in turn: the last hundredth is that of a program which asks for a picture again and again.
        calls = _LATENCY_CALLS // (4 if quick else 1)
        calls = max(2, min(calls, math.ceil(_LATENCY_SEC / median(once[side]))))
        seconds = [timed(lambda make=make: make(1)) for _ in range(calls)]  # type: ignore[misc]
        rows.append(
            Latency(side=side, median_ms=1e3 * median(seconds), p99_ms=1e3 * quantile(seconds, 0.99), calls=calls)
        )
    return tuple(rows)


def _throughput(
    sides: Mapping[str, Side], quick: bool, on_progress: Callable[[float], object]
) -> tuple[Throughput, ...]:
    batches = _QUICK_BATCHES if quick else BATCHES
    cases = {(side, batch): make for batch in batches for side, make in sides.items()}
    seconds = interleaved(
        {f"{side} {batch}": (lambda make=make, batch=batch: make(batch)) for (side, batch), make in cases.items()},  # type: ignore[misc]
        3 if quick else 9,
        limit_sec=_LIMIT_SEC,
        pause_sec=_PAUSE_SEC if len(sides) > 1 else 0.0,
        on_progress=on_progress,
    )
    return tuple(
        Throughput(side=side, batch=batch, images_per_sec=batch / median(seconds[f"{side} {batch}"]))
        for side, batch in cases
        if f"{side} {batch}" in seconds
    )


def _threads(path: Path, quick: bool) -> dict[int, float]:
    """Pictures a second by number of threads: powers of two, and all cores."""
    cores = available_cores()
    counts = sorted({*(2**i for i in range(cores.bit_length())), cores} - {0})
    samplers = {count: Sampler(path, threads=count) for count in counts if count <= cores}
    cases = {str(count): (lambda s=sampler: s.sample(range(_MANY))) for count, sampler in samplers.items()}
    seconds = interleaved(cases, 3 if quick else 9)
    return {count: _MANY / median(seconds[str(count)]) for count in samplers}


def _machine(device: str, threads: int | None) -> dict[str, Any]:
    import onnxruntime

    return {
        "processor": _processor(), "device": device, "threads": threads or available_cores(),
        "cores": available_cores(), "system": platform.platform(terse=True), "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__, "numpy": np.__version__,
    }  # fmt: skip


def _processor() -> str:
    """The processor's name, as far as the system tells."""
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _median_mb(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
