"""TF_CONFIG, TensorFlow's description of a cluster, read and checked; no TensorFlow here."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from typing import Any

from tfgan_kit.errors import StrategyError

_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}, '
    "with another index for each process"
)
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:/\[\]]+):(\d{1,5})")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Processes that train together, and which of them this is.

    Attributes:
        workers: host:port of each worker.
        chief: host:port of the chief; None: worker 0 is the chief.
        task_type: "worker" or "chief".
        task_index: among those of its type.
        source: what said so, for messages.
    """

    workers: tuple[str, ...]
    chief: str | None = None
    task_type: str = "worker"
    task_index: int = 0
    source: str = "TF_CONFIG"

    @property
    def addresses(self) -> tuple[str, ...]:
        """All, in the order of the replicas: the chief, then the workers."""
        return (*([self.chief] if self.chief else []), *self.workers)

    @property
    def jobs(self) -> dict[str, list[str]]:
        """Addresses by job, as TensorFlow has them."""
        return ({"chief": [self.chief]} if self.chief else {}) | ({"worker": [*self.workers]} if self.workers else {})

    @property
    def own_address(self) -> str:
        """host:port of this process."""
        return self.jobs[self.task_type][self.task_index]

    def check_port(self) -> None:
        """That this process's port is free, before TensorFlow wants it.

        Raises:
            StrategyError: another process listens there.
        """
        port = int(self.own_address.rpartition(":")[2])
        if not bindable("", port):
            raise StrategyError(
                f"port {port} of this machine is in use, and {self.source} gives it to this process "
                f"({self.own_address}): end what listens there, or give another port to all processes"
            )

    def to_tf_config(self) -> str:
        """What `read_tf_config` reads."""
        return json.dumps({"cluster": self.jobs, "task": {"type": self.task_type, "index": self.task_index}})


def read_tf_config(text: str) -> Cluster:
    """The cluster that a TF_CONFIG describes.

    Args:
        text: {"cluster": {"worker": [HOST:PORT, ...], "chief": [HOST:PORT]}, "task": {"type": ..., "index": ...}};
            chief may be left out.

    Raises:
        StrategyError: it is not that, an address is there twice, or the task is not in the cluster.
    """
    if not text.strip():
        raise StrategyError(f"TF_CONFIG is not set: set it to {_EXAMPLE}")
    try:
        content = json.loads(text)
    except ValueError as error:
        raise _wrong(f"no JSON ({error})") from None
    cluster, task = (content.get(key) if isinstance(content, dict) else None for key in ("cluster", "task"))
    if not isinstance(cluster, dict) or not isinstance(task, dict):
        raise _wrong("no JSON object with cluster and task")
    strange = sorted(set(cluster) - {"chief", "worker"})
    if strange:
        raise _wrong(f"a cluster with {strange[0]!r}: only chief and worker train")
    jobs = {job: _addresses(job, listed) for job, listed in cluster.items()}
    chiefs, workers = jobs.get("chief", ()), jobs.get("worker", ())
    every = (*chiefs, *workers)
    if not every:
        raise _wrong("a cluster without a process")
    if len(chiefs) > 1:
        raise _wrong(f"{len(chiefs)} chiefs: one is legal")
    twice = next((address for address in every if every.count(address) > 1), None)
    if twice:
        raise _wrong(f"{twice} twice")
    kind, index = task.get("type"), task.get("index")
    if not isinstance(kind, str) or kind not in jobs:
        raise _wrong(f"the task type {kind!r}: legal are {', '.join(sorted(jobs))}")
    # Shells write numbers as words.
    index = int(index) if isinstance(index, str) and index.isdecimal() else index
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(jobs[kind]):
        raise _wrong(f"the task index {index!r}: legal are 0 to {len(jobs[kind]) - 1} for a {kind}")
    return Cluster(workers=workers, chief=chiefs[0] if chiefs else None, task_type=kind, task_index=index)


def bindable(host: str, port: int = 0) -> bool:
    """Whether this machine can listen at `host` ("": every address of its own) and `port` (0: any)."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]") or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as listener:
            # A port that a run before this one has just left is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1)
            return True
    except OSError:
        return False


def _addresses(job: str, listed: Any) -> tuple[str, ...]:
    if not isinstance(listed, list):
        raise _wrong(f"{job} as {listed!r}: it is a list of HOST:PORT")
    for address in listed:
        match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
        if not match or not 0 < int(match[2]) < 65536:
            raise _wrong(f"{address!r} as an address of {job}: it is HOST:PORT")
    return tuple(listed)


def _wrong(has: str) -> StrategyError:
    return StrategyError(f"TF_CONFIG has {has}; it is like {_EXAMPLE}")
