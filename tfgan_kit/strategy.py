"""Where a train step runs: one device, all of a machine, several processes or a TPU, by `tf.distribute`."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tfgan_kit.clusters import find_cluster, parse_cluster
from tfgan_kit.errors import StrategyError, nearest
from tfgan_kit.tf_config import Cluster

if TYPE_CHECKING:
    import tensorflow as tf

STRATEGIES = ("one", "mirrored", "multiworker", "tpu")
# TensorFlow's own patience is an hour for some absences, and none for others.
JOIN_SEC = 300.0
# TensorFlow's own 10 s end runs on machines that are merely busy.
HEARTBEAT_SEC = 20.0
_TPU_ANSWER_SEC = 10.0


def check_strategy(name: str, cluster: str = "auto") -> None:
    """That `make_strategy` can be asked for this; needs no TensorFlow.

    Raises:
        StrategyError: not a strategy, not a cluster, or a cluster where none is used.
    """
    if name not in STRATEGIES:
        raise StrategyError(f"strategy {name!r} is not known: {nearest(name, STRATEGIES)}")
    if name == "multiworker":
        parse_cluster(cluster)
    elif cluster != "auto":
        raise StrategyError(f"cluster {cluster!r} goes with the strategy multiworker, not with {name}")


def make_strategy(name: str, cluster: str = "auto", *, join_sec: float = JOIN_SEC) -> tf.distribute.Strategy:
    """The strategy of that name; the variables of what is trained are made in its scope.

    A multiworker strategy must be made before TensorFlow runs its first operation in the process, and in all processes
    of the cluster: each waits for all others, and heeds Ctrl-C but not SIGTERM meanwhile. When one of them ends or does
    not answer for HEARTBEAT_SEC, the collectives of the others fail with tf.errors.OpError; an end is mostly noticed at
    once, by its connections.

    Args:
        name: "one": TensorFlow's default, one device. "mirrored": all GPUs of this machine, or all logical CPU devices
            where there is none. "multiworker": the devices of several processes. "tpu": the TPU of TPU_NAME, or of this
            machine.
        cluster: for multiworker, see `tfgan_kit.clusters.parse_cluster`.
        join_sec: how long a process waits for the others of its cluster, seconds.

    Raises:
        StrategyError: the name is not legal, the cluster does not make sense, its port is in use, another process did
            not come in time, or no TPU answers.
        MissingPackageError: the client of Kubernetes or Compute Engine is not installed.
    """
    check_strategy(name, cluster)
    import tensorflow as tf

    if name == "one":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return _mirrored()
    if name == "tpu":
        return _tpu()
    return _multiworker(find_cluster(parse_cluster(cluster), wait_sec=join_sec), join_sec)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run: the chief, or worker 0 where there is no chief."""
    return worker_index(strategy) == 0


def worker_count(strategy: tf.distribute.Strategy) -> int:
    """Processes that train together."""
    task = _task(strategy)
    return sum(len(addresses) for addresses in task[0].values()) if task else 1


def worker_index(strategy: tf.distribute.Strategy) -> int:
    """Which of them this is, in the order of their replicas: the chief, then the workers."""
    task = _task(strategy)
    if task is None:
        return 0
    jobs, kind, index = task
    return index + (len(jobs.get("chief", ())) if kind == "worker" else 0)


def _task(strategy: tf.distribute.Strategy) -> tuple[dict[str, list[str]], str, int] | None:
    """Addresses by job, and this process's job and index; None: the only process."""
    import tensorflow as tf

    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return None
    resolver = strategy.cluster_resolver
    jobs = resolver.cluster_spec().as_dict()
    return (jobs, resolver.task_type, resolver.task_id) if jobs else None


def _mirrored() -> tf.distribute.Strategy:
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        return tf.distribute.MirroredStrategy([device.name for device in gpus])
    # Left to choose, TensorFlow warns that NCCL needs GPUs; the processor's devices share one memory.
    return tf.distribute.MirroredStrategy(
        [device.name for device in tf.config.list_logical_devices("CPU")],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def _multiworker(cluster: Cluster, join_sec: float) -> tf.distribute.Strategy:
    import tensorflow as tf

    cluster.check_port()
    gpus = len(tf.config.list_physical_devices("GPU"))
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(cluster.jobs),
        task_type=cluster.task_type,
        task_id=cluster.task_index,
        rpc_layer="grpc",
        num_accelerators={"GPU": gpus},
    )
    # NCCL sums on GPUs alone. TensorFlow's ring is what there is for processors; named, so that nothing is guessed.
    implementation = tf.distribute.experimental.CommunicationImplementation
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=implementation.NCCL if gpus else implementation.RING
    )
    try:
        _set_patience(cluster, join_sec)
        with _interruptible():
            return tf.distribute.MultiWorkerMirroredStrategy(resolver, options)
    except tf.errors.OpError as error:
        raise StrategyError(_why_not_joined(cluster, error.message, join_sec)) from error
    except RuntimeError as error:
        raise StrategyError(
            f"a multiworker strategy is made before TensorFlow runs anything in the process ({error})"
        ) from error


def _set_patience(cluster: Cluster, join_sec: float) -> None:
    """Have TensorFlow wait for all processes at the door, as long as is wanted, and watch them afterwards.

    No public name says this, and the strategy keeps what it finds: without it, who waits for an absent worker waits for
    an hour.
    """
    from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
    from tensorflow.python.eager import context

    settings: Any = context.context()
    settings.configure_coordination_service(
        service_type="standalone",
        service_leader=f"/job:{'chief' if cluster.chief else 'worker'}/replica:0/task:0",
        cluster_register_timeout_in_ms=round(join_sec * 1000),
        heartbeat_timeout_in_ms=round(HEARTBEAT_SEC * 1000),
        coordinated_jobs=[
            coordination_config_pb2.CoordinatedJob(name=job, num_tasks=len(addresses))
            for job, addresses in cluster.jobs.items()
        ],
    )
    settings.coordination_service.cluster_register_with_barrier = True


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end a process that waits inside TensorFlow, and take SIGTERM back from it afterwards.

    Nothing is written yet that an end could damage. TensorFlow puts a handler of its own in, with which SIGTERM does
    nothing, and leaves it there; while it waits no other can be put in its place.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    on_sigint, on_sigterm = signal.signal(signal.SIGINT, signal.SIG_DFL), signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, on_sigint)
        signal.signal(signal.SIGTERM, on_sigterm)


def _why_not_joined(cluster: Cluster, message: str, join_sec: float) -> str:
    """One line for TensorFlow's many."""
    if "Could not start gRPC server" in message:
        return f"TensorFlow cannot listen at {cluster.own_address}: give this process another port"
    absent = [
        cluster.jobs[job][int(index)]
        for job, index in re.findall(r"^/job:(\w+)/replica:0/task:(\d+)$", message, re.MULTILINE)
        if job in cluster.jobs and int(index) < len(cluster.jobs[job])
    ]
    if "Deadline" in message or "Barrier timed out" in message:
        # Who does not reach the first learns nothing of the others.
        names = ", ".join(absent or cluster.addresses[:1])
        return (
            f"{names} did not come within {join_sec:.0f} s: start all {len(cluster.addresses)} processes, all with "
            "these addresses, and let them reach each other"
        )
    reason = next((line for line in message.splitlines() if line.strip()), "no reason given")
    return f"the {len(cluster.addresses)} processes could not join ({reason}): end them all, and start them again"


def _tpu() -> tf.distribute.Strategy:
    import tensorflow as tf

    named = any(name in os.environ for name in ("TPU_NAME", "KUBE_GOOGLE_CLOUD_TPU_ENDPOINTS", "TPU_CONFIG"))
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TPU_ANSWER_SEC)
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu="" if named else "local")
        addresses = resolver.cluster_spec().as_dict().get("worker", ())
        for address in addresses:
            # TensorFlow would ask again for ever.
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=_TPU_ANSWER_SEC).close()
        if addresses:
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (tf.errors.OpError, OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0][:160] or type(error).__name__
        raise StrategyError(
            f"no TPU answers {'at the one that the environment names' if named else 'on this machine'} ({reason}): set "
            "TPU_NAME, or take the strategy one, mirrored or multiworker"
        ) from error
    finally:
        socket.setdefaulttimeout(patience)
