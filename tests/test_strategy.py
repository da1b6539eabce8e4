import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tfgan_kit.errors import StrategyError
from tfgan_kit.strategy import (
    HEARTBEAT_SEC,
    STRATEGIES,
    check_strategy,
    is_chief,
    make_strategy,
    worker_count,
    worker_index,
)

# A process of a cluster, or of none: what it finds goes out as lines of JSON.
PROCESS = """
import json, signal, sys, time
from tfgan_kit.errors import StrategyError
from tfgan_kit.strategy import is_chief, make_strategy, worker_count, worker_index
import tensorflow as tf

def tell(**figures):
    print(json.dumps(figures), flush=True)

def sums(strategy):
    @tf.function
    def step():
        def replica():
            context = tf.distribute.get_replica_context()
            own = context.replica_id_in_sync_group
            return own, context.all_reduce("sum", 10.0 ** tf.cast(own, tf.float32))
        return strategy.run(replica)
    return step

def values(strategy, value):
    return [float(each) for each in strategy.experimental_local_results(value)]

def refused(*arguments, **options):
    started = time.monotonic()
    try:
        make_strategy(*arguments, **options)
    except StrategyError as error:
        tell(refused=str(error), sec=time.monotonic() - started)
"""
ALONE = """
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
refused("tpu")
strategy = make_strategy("mirrored")
own, total = sums(strategy)()
tell(replicas=strategy.num_replicas_in_sync, own=values(strategy, own), total=values(strategy, total),
     chief=is_chief(strategy), workers=worker_count(strategy), index=worker_index(strategy))
refused("multiworker")
"""
MEMBER = """
term = lambda number, frame: None
signal.signal(signal.SIGTERM, term)
try:
    strategy = make_strategy("multiworker", join_sec=float(sys.argv[1]))
except StrategyError as error:
    tell(refused=str(error))
    sys.exit(1)
step = sums(strategy)
own, total = step()
tell(replicas=strategy.num_replicas_in_sync, own=values(strategy, own), total=values(strategy, total),
     chief=is_chief(strategy), workers=worker_count(strategy), index=worker_index(strategy),
     sigterm_is_ours=signal.getsignal(signal.SIGTERM) is term)
try:
    while "loop" in sys.argv:
        step()
except tf.errors.OpError as error:
    tell(failed=type(error).__name__)
    sys.exit(3)
"""


def free_addresses(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("", 0))
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


def listens(address):
    host, _, port = address.rpartition(":")
    with socket.socket() as caller:
        return caller.connect_ex((host, int(port))) == 0


def start(program, *arguments, config=None, variables=None):
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""} | (variables or {})
    environment |= {"TF_CONFIG": json.dumps(config)} if config else {}
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS + program, *arguments], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def start_all(cluster, *arguments, only=None):
    tasks = [{"type": kind, "index": index} for kind in cluster for index in range(len(cluster[kind]))]
    return [
        start(MEMBER, *arguments, config={"cluster": cluster, "task": task})
        for place, task in enumerate(tasks)
        if only in (None, place)
    ]


def lines(process, timeout=120):
    out, err = process.communicate(timeout=timeout)
    assert "Traceback" not in err, err
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("name", STRATEGIES[:2])
def test_strategies_of_one_process(name):
    strategy = make_strategy(name)
    assert (is_chief(strategy), worker_count(strategy), worker_index(strategy)) == (True, 1, 0)
    assert strategy.num_replicas_in_sync >= 1


def test_one_is_tensorflows_default():
    import tensorflow as tf

    assert make_strategy("one") is tf.distribute.get_strategy()
    assert not tf.distribute.has_strategy()


def test_a_strategy_that_is_not_known():
    with pytest.raises(StrategyError, match=r"did you mean 'mirrored'\? legal: mirrored, multiworker, one, tpu"):
        make_strategy("miror")


@pytest.mark.parametrize("name", ["one", "mirrored", "tpu"])
def test_a_cluster_where_none_is_used(name):
    with pytest.raises(StrategyError, match=f"goes with the strategy multiworker, not with {name}"):
        check_strategy(name, "slurm")


def test_names_are_checked_without_tensorflow():
    code = (
        "import sys\nfrom tfgan_kit.strategy import check_strategy\ncheck_strategy('mirrored')\n"
        "assert not {'tensorflow', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_cluster_that_makes_no_sense(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    with pytest.raises(StrategyError, match="TF_CONFIG has no JSON object with cluster and task"):
        make_strategy("multiworker")


def test_a_port_in_use(monkeypatch):
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        port = other.getsockname()[1]
        cluster = {"worker": [f"127.0.0.1:{port}", "127.0.0.1:9"]}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
        with pytest.raises(StrategyError, match=f"port {port} of this machine is in use, and TF_CONFIG gives it"):
            make_strategy("multiworker")


def test_two_devices_no_tpu_and_a_cluster_too_late():
    cluster = {"worker": free_addresses(2)}
    no_tpu, mirrored, late = lines(start(ALONE, config={"cluster": cluster, "task": {"type": "worker", "index": 0}}))
    assert no_tpu["refused"].startswith("no TPU answers on this machine")
    assert no_tpu["sec"] < 20
    assert mirrored == {
        "replicas": 2, "own": [0, 1], "total": [11, 11], "chief": True, "workers": 1, "index": 0,
    }  # fmt: skip
    assert late["refused"].startswith("a multiworker strategy is made before TensorFlow runs anything")


def test_two_processes():
    found = [lines(process)[0] for process in start_all({"worker": free_addresses(2)}, "60")]
    for index, each in enumerate(found):
        assert each == {
            "replicas": 2, "own": [index], "total": [11], "chief": index == 0, "workers": 2, "index": index,
            "sigterm_is_ours": True,
        }  # fmt: skip


@pytest.mark.slow
def test_a_chief_comes_before_the_workers():
    chief, *workers = free_addresses(3)
    found = [lines(process)[0] for process in start_all({"chief": [chief], "worker": workers}, "100")]
    assert [each["own"] for each in found] == [[0], [1], [2]]
    assert [each["index"] for each in found] == [0, 1, 2]
    assert [each["chief"] for each in found] == [True, False, False]
    assert {each["workers"] for each in found} == {3}


@pytest.mark.slow
def test_two_processes_by_slurms_variables():
    step = {
        "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_TASKS_PER_NODE": "2",
        "SLURMD_NODENAME": "localhost", "SLURM_JOB_ID": str(os.getpid()),
    }  # fmt: skip
    processes = [
        start(MEMBER, "100", variables=step | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)})
        for rank in range(2)
    ]
    found = [lines(process)[0] for process in processes]
    assert [each["own"] for each in found] == [[0], [1]]
    assert [each["chief"] for each in found] == [True, False]


@pytest.mark.slow
@pytest.mark.parametrize("here", [0, 1])
def test_processes_that_do_not_come_are_named(here):
    addresses = free_addresses(2)
    (process,) = start_all({"worker": addresses}, "3", only=here)
    (told,) = lines(process)
    assert told["refused"].startswith(f"{addresses[1 - here]} did not come within 3 s: start all 2 processes")
    assert process.returncode == 1


@pytest.mark.slow
def test_a_process_that_waits_for_others_heeds_an_interrupt():
    addresses = free_addresses(2)
    (process,) = start_all({"worker": addresses}, "100", only=0)
    while not listens(addresses[0]):
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT


def summing(first):
    """Two processes that sum over and over, process `first` before the other."""
    processes = start_all({"worker": free_addresses(2)}, "100", "loop")
    assert all(json.loads(process.stdout.readline())["total"] == [11] for process in processes)
    return processes[first], processes[1 - first]


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_the_death_of_one_ends_the_other(victim):
    killed, other = summing(victim)
    killed.kill()
    killed.communicate()
    # Within a second or two, but for some moments in which only the heartbeats tell.
    (told,) = lines(other, timeout=HEARTBEAT_SEC + 20)
    assert told["failed"] in ("UnavailableError", "AbortedError", "InternalError")
    assert other.returncode == 3


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_one_that_does_not_answer_ends_the_other(victim):
    # As of a machine that vanishes: the connection stays open, and nothing comes.
    frozen, other = summing(victim)
    frozen.send_signal(signal.SIGSTOP)
    try:
        (told,) = lines(other, timeout=60)
    finally:
        frozen.kill()
        frozen.communicate()
    assert told["failed"] in ("UnavailableError", "AbortedError", "DeadlineExceededError")
