"""Several training processes on this machine, from one command; no TensorFlow here."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from tfgan_kit.errors import StrategyError
from tfgan_kit.tf_config import Cluster

COMMAND = (sys.executable, "-m", "tfgan_kit.cli")
# Processes end by themselves when one of them has, at the latest by its missing heartbeats; those that hang are helped.
GRACE_SEC = 30.0
KILL_SEC = 10.0
_POLL_SEC = 0.1
# Ended as it should: finished, or stopped by a signal and saved.
_GOOD = (0, 130)
# Linux ends the process with its launcher, however that ends; the second line is for one that ended before the first.
_TIED = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def launch(
    arguments: Sequence[str],
    workers: int,
    *,
    command: Sequence[str] = COMMAND,
    grace_sec: float = GRACE_SEC,
    kill_sec: float = KILL_SEC,
) -> int:
    """Start `workers` processes of `tfgan ARGUMENTS --strategy multiworker`, and wait for them.

    Process 0 is the chief and has this one's terminal; the lines of the others come out with their name before them.
    Ctrl-C, SIGTERM and a closed terminal go to all of them. On Linux none outlives this process, even where that is
    killed; elsewhere where it is not.

    Args:
        arguments: of `tfgan`, without --strategy.
        workers: how many processes.
        command: what is started in place of `tfgan`.
        grace_sec: from the first process that fails to SIGTERM for the others, seconds.
        kill_sec: from there to SIGKILL, seconds.

    Returns:
        The exit code of the first process that did not end with 0, or 0; 128 + N for one that signal N ended.

    Raises:
        StrategyError: less than one worker, or more workers than GPUs.
    """
    environments = worker_environments(workers, os.environ)
    processes: list[subprocess.Popen[str]] = []
    with _passing_on(processes):
        try:
            for index, environment in enumerate(environments):
                processes.append(_start([*command, *arguments, "--strategy", "multiworker"], index, environment))
            readers = [reader for index, process in enumerate(processes) for reader in _prefixed(index, process)]
            code = _wait(processes, grace_sec, kill_sec)
            for reader in readers:
                # What a worker has started itself may hold its output open.
                reader.join(timeout=kill_sec)
            return code
        finally:
            for process in processes:
                process.kill()
                process.wait()


def worker_environments(workers: int, environment: Mapping[str, str]) -> list[dict[str, str]]:
    """The variables of each process: TF_CONFIG, and its share of the GPUs and of the processor.

    Args:
        workers: how many processes.
        environment: what they are added to; threads that it sets stay.

    Raises:
        StrategyError: less than one worker, or more workers than GPUs.
    """
    if workers < 1:
        raise StrategyError(f"--workers {workers}: at least 1 is legal")
    addresses = tuple(f"127.0.0.1:{port}" for port in _free_ports(workers))
    threads = str(max(1, _cores() // workers))
    # Lines of the workers go through pipes, and are to come when they are written.
    shared = {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1"}
    shared |= dict(environment)
    gpus = _gpus(environment)
    if gpus and len(gpus) < workers:
        raise StrategyError(
            f"--workers {workers}: this machine has {len(gpus)} GPU{'s' * (len(gpus) > 1)}: give at most as many "
            "workers, or set CUDA_VISIBLE_DEVICES= to train on the processor"
        )
    each = len(gpus) // workers
    own = [{"CUDA_VISIBLE_DEVICES": ",".join(gpus[i * each : (i + 1) * each])} if gpus else {} for i in range(workers)]
    return [
        shared | own[index] | {"TF_CONFIG": Cluster(workers=addresses, task_index=index).to_tf_config()}
        for index in range(workers)
    ]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus(environment: Mapping[str, str]) -> list[str]:
    """The names that CUDA_VISIBLE_DEVICES may list; without that variable all of the machine, by nvidia-smi."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name.strip() and name.strip() != "-1"]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(index) for index in range(sum(line.startswith("GPU ") for line in listed.splitlines()))]


def _free_ports(count: int) -> list[int]:
    """Ports that nothing listens at on any address: TensorFlow's server takes them all."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _start(command: list[str], index: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a process in a group of its own, so that the terminal's Ctrl-C does not reach it twice."""
    tied = [sys.executable, "-ISc", _TIED, str(os.getpid())] if sys.platform == "linux" else []
    output = None if index == 0 else subprocess.PIPE
    return subprocess.Popen(
        [*tied, *command], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True,
        errors="replace", process_group=0 if os.name == "posix" else None,
    )  # fmt: skip


def _prefixed(index: int, process: subprocess.Popen[str]) -> list[threading.Thread]:
    """Threads that repeat a worker's lines with its name before them; none for the chief."""
    streams = ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
    readers = [
        threading.Thread(target=_repeat, args=(f"worker {index}: ", source, target), daemon=True)
        for source, target in streams
        if source is not None
    ]
    for reader in readers:
        reader.start()
    return readers


def _repeat(prefix: str, source: IO[str], target: IO[str]) -> None:
    with source:
        for line in source:
            try:
                # In one piece, so that two workers do not share a line.
                target.write(f"{prefix}{line.rstrip()}\n")
                target.flush()
            except OSError:
                continue  # Who read it is gone; the worker must not wait for that.


def _wait(processes: list[subprocess.Popen[str]], grace_sec: float, kill_sec: float) -> int:
    first, failed_at, asked = 0, None, False
    while True:
        codes = [process.poll() for process in processes]
        ended = [code if code >= 0 else 128 - code for code in codes if code is not None]
        first = first or next((code for code in ended if code), 0)
        if len(ended) == len(processes):
            return first
        now = time.monotonic()
        if failed_at is None and any(code not in _GOOD for code in ended):
            failed_at = now
        if failed_at is not None and now - failed_at > grace_sec:
            late = now - failed_at > grace_sec + kill_sec
            if late or not asked:
                asked = True
                for process in processes:
                    process.kill() if late else process.terminate()
        time.sleep(_POLL_SEC)


@contextmanager
def _passing_on(processes: Sequence[subprocess.Popen[str]]) -> Iterator[None]:
    """Give the signals that mean an end to all processes, rather than end here."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    meanings = {signal.SIGINT: signal.SIGINT, signal.SIGTERM: signal.SIGTERM}
    if hasattr(signal, "SIGHUP"):
        meanings[signal.SIGHUP] = signal.SIGTERM

    def pass_on(number: int, frame: object) -> None:
        for process in processes:
            process.send_signal(meanings[signal.Signals(number)])

    before = {number: signal.signal(number, pass_on) for number in meanings}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
