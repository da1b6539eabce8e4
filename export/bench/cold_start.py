"""A model in a process of its own: how long until the first picture, and how much memory it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tfgan_kit.errors import ModelFileError

# Tells when the first picture is there, then the peak of its memory; and the peak again after a batch.
_PROGRAM = """
import json, sys
from tfgan_kit.export.bench.cold_start import peak_mb
from tfgan_kit.export.runtime import Sampler

path, device, threads, batch = json.loads(sys.argv[1])
sampler = Sampler(path, device=device, threads=threads)
sampler.sample([0])
print("there", flush=True)
first = peak_mb()
sampler.sample(range(batch), batch=batch)
print(json.dumps([first, peak_mb()]))
"""


@dataclass(frozen=True)
class ColdStart:
    """What a process of its own took.

    Attributes:
        sec: from its start to the first picture.
        first_mb, batch_mb: peak of its resident memory by the first picture, and after a batch; None where the system
            does not tell.
    """

    sec: float
    first_mb: float | None
    batch_mb: float | None


def cold_start(path: Path, *, device: str, threads: int | None, batch: int) -> ColdStart:
    """Start Python, open a model and make pictures.

    Args:
        path: the .onnx.
        device, threads: as of `Sampler`.
        batch: pictures that are made at once after the first one.

    Raises:
        ModelFileError: the process fails.
    """
    arguments = json.dumps([str(path.absolute()), device, threads, batch])
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, arguments], stdout=subprocess.PIPE, stderr=said, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            sec = time.perf_counter() - started
            rest = process.stdout.read()
        said.seek(0)
        last = (said.read().strip().splitlines() or ["no message"])[-1]
    if process.returncode:
        raise ModelFileError(f"a process of its own cannot sample from {path}: {last}")
    first_mb, batch_mb = json.loads(rest)
    return ColdStart(sec, first_mb, batch_mb)


def peak_mb() -> float | None:
    """The peak of this process's resident memory so far; None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Unlike getrusage's, it does not begin with that of the process that started this one.
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        peak = next((line for line in lines if line.startswith("VmHWM:")), None)
        return int(peak.split()[1]) / 1024 if peak else None
    if os.name == "nt":
        return None
    import resource

    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_rss / (2**20 if sys.platform == "darwin" else 2**10)
