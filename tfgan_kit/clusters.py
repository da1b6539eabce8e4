"""Which processes train together, and which of them this one is: TF_CONFIG, Slurm, Kubernetes, Compute Engine.

TensorFlow's resolvers find the addresses. Which address is this process's own they leave open, or take from the rank
where hosts are sorted otherwise: here it is always found by the address itself.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfgan_kit.errors import MissingPackageError, StrategyError
from tfgan_kit.tf_config import Cluster, bindable, read_tf_config

LEGAL = "auto, tf_config, slurm, kubernetes:SELECTOR[@WORKERS], gce:PROJECT/ZONE/GROUP[@WORKERS]"
# Slurm sets these for every task that srun starts, and for nothing else.
SLURM = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE")
_PORT = 8470
_POLL_SEC = 2.0


@dataclass(frozen=True, kw_only=True)
class ClusterName:
    """What a word of `--cluster` says.

    Attributes:
        kind: tf_config, slurm, kubernetes or gce.
        what: the label selector, or PROJECT/ZONE/GROUP; "" for the others.
        workers: how many processes there are to be; None: as many as are found.
    """

    kind: str
    what: str = ""
    workers: int | None = None


def parse_cluster(text: str, environment: Mapping[str, str] = os.environ) -> ClusterName:
    """What `text` says; needs no TensorFlow.

    Args:
        text: auto (TF_CONFIG where it is set, else Slurm), tf_config, slurm, kubernetes:SELECTOR[@WORKERS] or
            gce:PROJECT/ZONE/GROUP[@WORKERS].
        environment: where auto looks.

    Raises:
        StrategyError: not such a word, or auto where there is neither.
    """
    kind, _, rest = text.partition(":")
    if text == "auto":
        if environment.get("TF_CONFIG"):
            return ClusterName(kind="tf_config")
        if all(name in environment for name in SLURM):
            return ClusterName(kind="slurm")
        raise StrategyError(
            "no cluster here: TF_CONFIG is not set, and srun did not start this process; on one machine "
            f"tfgan launch --workers N -- train starts all, elsewhere name one with --cluster; legal: {LEGAL}"
        )
    if text in ("tf_config", "slurm"):
        return ClusterName(kind=text)
    if kind not in ("kubernetes", "gce"):
        raise StrategyError(f"cluster {text!r} is not known; legal: {LEGAL}")
    what, at, number = rest.rpartition("@") if "@" in rest else (rest, "", "")
    if at and not (number.isdecimal() and int(number) >= 1):
        raise StrategyError(f"cluster {text!r}: {number!r} is no number of workers; legal: {LEGAL}")
    if not what or (kind == "gce" and (what.count("/") != 2 or not all(what.split("/")))):
        raise StrategyError(f"cluster {text!r} says too little; legal: {LEGAL}")
    return ClusterName(kind=kind, what=what, workers=int(number) if at else None)


def find_cluster(name: ClusterName, *, wait_sec: float = 300.0) -> Cluster:
    """The cluster of that name, and this process's place in it.

    Args:
        name: see `parse_cluster`.
        wait_sec: how long to wait for Kubernetes or Compute Engine to have all processes running, seconds.

    Raises:
        StrategyError: it cannot be found out, does not make sense, or this process is not in it.
        MissingPackageError: the client that asks is not installed.
    """
    if name.kind == "tf_config":
        return read_tf_config(os.environ.get("TF_CONFIG", ""))
    if name.kind == "slurm":
        return _slurm(os.environ)
    addresses = _kubernetes(name.what) if name.kind == "kubernetes" else _compute_engine(name.what)
    return _own_place(_await_all(addresses, name, wait_sec))


def _slurm(environment: Mapping[str, str]) -> Cluster:
    import tensorflow as tf

    missing = [name for name in (*SLURM, "SLURMD_NODENAME", "SLURM_LOCALID") if name not in environment]
    if missing:
        raise StrategyError(f"{missing[0]} is not set: start the processes with srun, as in examples/cluster/slurm.sh")
    # Jobs that share a node take different ports, below those that the system gives away itself.
    port_base = 10_000 + int(environment.get("SLURM_JOB_ID", "0")) % 1250 * 16
    try:
        # The resolver divides by the GPUs of a task, so that none cannot be said; Slurm has bound them already.
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=port_base, gpus_per_node=1 << 16, gpus_per_task=1, auto_set_gpu=False
        )
        workers = tuple(resolver.cluster_spec().as_dict()["worker"])
    except (ValueError, RuntimeError) as error:
        raise StrategyError(f"Slurm's variables make no cluster ({error}): start the processes with srun") from error
    # Ranks follow the list of nodes, the resolver sorts it as words: n10 before n9.
    own = f"{environment['SLURMD_NODENAME']}:{port_base + int(environment['SLURM_LOCALID'])}"
    if own not in workers:
        raise StrategyError(f"Slurm's node list has no {own}, but {', '.join(workers)}: start the processes with srun")
    return Cluster(workers=workers, task_index=workers.index(own), source="Slurm")


def _kubernetes(selector: str) -> Callable[[], Sequence[str]]:
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise MissingPackageError(
            f"--cluster kubernetes needs kubernetes ({error}): pip install 'tfgan-kit[cluster]'"
        ) from error
    try:
        config.load_incluster_config()
    except config.ConfigException as error:
        raise StrategyError(f"--cluster kubernetes: not in a pod that may ask its cluster ({error})") from error
    import tensorflow as tf

    pods = _PodsOfOwnNamespace(client.CoreV1Api(), _own_namespace())
    resolver = tf.distribute.cluster_resolver.KubernetesClusterResolver(
        {"worker": [selector]}, tf_server_port=_PORT, override_client=pods
    )
    return lambda: resolver.cluster_spec().as_dict().get("worker", ())


def _own_namespace() -> str:
    try:
        with open("/var/run/secrets/kubernetes.io/serviceaccount/namespace", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return "default"


class _PodsOfOwnNamespace:
    """A client for TensorFlow's resolver, which asks for all namespaces and takes a pod's host for the pod."""

    def __init__(self, api: Any, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    def list_pod_for_all_namespaces(self, label_selector: str) -> Any:
        """The pods of this namespace, with their own addresses where the resolver looks for the host's."""
        listed = self._api.list_namespaced_pod(self._namespace, label_selector=label_selector)
        for pod in listed.items:
            pod.status.host_ip = pod.status.pod_ip
        return listed


def _compute_engine(group: str) -> Callable[[], Sequence[str]]:
    try:
        import google.auth
        from googleapiclient import discovery
    except ImportError as error:
        raise MissingPackageError(
            f"--cluster gce needs google-api-python-client ({error}): pip install 'tfgan-kit[cluster]'"
        ) from error
    try:
        service = discovery.build("compute", "v1")
    except google.auth.exceptions.GoogleAuthError as error:
        raise StrategyError(f"--cluster gce: no credentials for Compute Engine ({error})") from error
    import tensorflow as tf

    project, zone, instances = group.split("/")
    resolver = tf.distribute.cluster_resolver.GCEClusterResolver(
        project, zone, instances, _PORT, service=_Service(service)
    )
    return lambda: resolver.cluster_spec().as_dict().get("worker", ())


class _Service:
    """A service for TensorFlow's resolver, which names an argument as Compute Engine no longer does."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self.instances = service.instances

    def instanceGroups(self) -> Any:
        """The collection of instance groups."""
        return _InstanceGroups(self._service.instanceGroups())


class _InstanceGroups:
    def __init__(self, groups: Any) -> None:
        self._groups = groups
        self.listInstances_next = groups.listInstances_next

    def listInstances(self, *, instanceGroups: str, **options: Any) -> Any:
        """The group's instances."""
        return self._groups.listInstances(instanceGroup=instanceGroups, **options)


def _await_all(addresses: Callable[[], Sequence[str]], name: ClusterName, wait_sec: float) -> tuple[str, ...]:
    """Ask until all processes run: those that are wanted, or two and no pod that is still starting."""
    wanted, give_up = name.workers or 2, time.monotonic() + wait_sec
    while True:
        try:
            found, why = tuple(addresses()), ""
        except Exception as error:  # each client has exceptions of its own
            found, why = (), f" ({str(error).strip().partition(chr(10))[0]})"
        if len(found) == wanted or (name.workers is None and len(found) > wanted):
            return found
        if time.monotonic() >= give_up:
            raise StrategyError(
                f"{name.kind}:{name.what} has {len(found)} running processes after {wait_sec:.0f} s, "
                f"{'and' if name.workers else 'and at least'} {wanted} are wanted{why}"
            )
        time.sleep(_POLL_SEC)


def _own_place(workers: tuple[str, ...]) -> Cluster:
    """The one of the addresses that this machine can listen at."""
    own = [index for index, address in enumerate(workers) if bindable(address.rpartition(":")[0])]
    if len(own) != 1:
        here = f"{len(own)} of them are" if own else "none of them is"
        raise StrategyError(f"{here} of this machine ({socket.gethostname()}): {', '.join(workers)}")
    return Cluster(workers=workers, task_index=own[0], source="the cluster")
