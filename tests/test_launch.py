import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tfgan_kit import launch as launching
from tfgan_kit.errors import StrategyError
from tfgan_kit.launch import launch, worker_environments
from tfgan_kit.tf_config import read_tf_config

NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}
# A stand-in for a training process: what it does is its first argument, by its index in TF_CONFIG.
STAND_IN = """
import json, os, signal, sys, time
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
does = sys.argv[1].split(",")[index]
print("start", index, flush=True)
if does == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if does == "saves":
    def save(number, frame):
        print("saved after", signal.Signals(number).name, flush=True)
        sys.exit(130)
    signal.signal(signal.SIGINT, save)
    signal.signal(signal.SIGTERM, save)
if does in ("sleep", "stubborn", "saves"):
    open(os.path.join(sys.argv[2], f"pid{index}"), "w").write(str(os.getpid()))
    time.sleep(60)
if does == "tell":
    print(" ".join(sys.argv[3:]))
    print("and this", file=sys.stderr)
sys.exit(int(does) if does.isdigit() else 0)
"""


def of_stand_in(does, folder, workers=2, **options):
    return launch([does, str(folder)], workers, command=(sys.executable, "-ISc", STAND_IN), **options)


def launcher(does, folder):
    """A process that launches stand-ins, and the process ids of these once they run."""
    code = (
        "import sys\nfrom tfgan_kit.launch import launch\n"
        f"sys.exit(launch([{does!r}, {str(folder)!r}], 2, command=(sys.executable, '-ISc', {STAND_IN!r})))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | NO_GPU, start_new_session=True,
    )  # fmt: skip
    return process, [wait_for(lambda path=folder / f"pid{i}": path.exists() and path.read_text()) for i in range(2)]


def wait_for(question, seconds=20.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := question():
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not come about")


def is_gone(pid):
    """Whether the process has ended; a zombie has, whoever is to fetch its exit code."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture(autouse=True)
def processor_only(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def test_each_process_gets_its_place_in_one_cluster():
    clusters = [read_tf_config(each["TF_CONFIG"]) for each in worker_environments(3, NO_GPU)]
    assert [cluster.task_index for cluster in clusters] == [0, 1, 2]
    assert len({cluster.workers for cluster in clusters}) == 1
    assert len(set(clusters[0].workers)) == 3
    assert all(address.startswith("127.0.0.1:") for address in clusters[0].workers)


def test_the_ports_are_free_on_every_address():
    ports = [int(address.rpartition(":")[2]) for address in read_tf_config(
        worker_environments(2, NO_GPU)[0]["TF_CONFIG"]
    ).workers]  # fmt: skip
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("", port))


@pytest.mark.parametrize(("cores", "workers", "threads"), [(8, 2, "4"), (8, 3, "2"), (2, 4, "1")])
def test_the_processors_threads_are_shared_out(monkeypatch, cores, workers, threads):
    monkeypatch.setattr(launching, "_cores", lambda: cores)
    for each in worker_environments(workers, NO_GPU):
        assert each["TF_NUM_INTRAOP_THREADS"] == each["OMP_NUM_THREADS"] == threads


def test_threads_that_the_user_set_stay():
    for each in worker_environments(2, NO_GPU | {"TF_NUM_INTRAOP_THREADS": "7"}):
        assert each["TF_NUM_INTRAOP_THREADS"] == "7"


@pytest.mark.parametrize(
    ("visible", "workers", "shares"),
    [("4,5", 2, ["4", "5"]), ("0,1,2,3", 2, ["0,1", "2,3"]), ("0,1,2", 2, ["0", "1"]), ("GPU-a", 1, ["GPU-a"])],
)
def test_gpus_are_shared_out_evenly(visible, workers, shares):
    environments = worker_environments(workers, {"CUDA_VISIBLE_DEVICES": visible})
    assert [each["CUDA_VISIBLE_DEVICES"] for each in environments] == shares


@pytest.mark.parametrize("visible", ["", "-1"])
def test_hidden_gpus_stay_hidden(visible):
    environments = worker_environments(2, {"CUDA_VISIBLE_DEVICES": visible})
    assert [each["CUDA_VISIBLE_DEVICES"] for each in environments] == [visible] * 2


def test_the_machines_gpus_are_those_of_nvidia_smi(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA X (UUID: GPU-0)'\necho '  MIG'\necho 'GPU 1: NVIDIA X'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [each["CUDA_VISIBLE_DEVICES"] for each in worker_environments(2, {})] == ["0", "1"]
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert all("CUDA_VISIBLE_DEVICES" not in each for each in worker_environments(2, {}))


def test_more_workers_than_gpus_are_refused():
    with pytest.raises(StrategyError, match="--workers 3: this machine has 2 GPUs"):
        worker_environments(3, {"CUDA_VISIBLE_DEVICES": "0,1"})


@pytest.mark.parametrize("workers", [0, -1])
def test_less_than_one_worker_is_refused(workers):
    with pytest.raises(StrategyError, match="at least 1"):
        launch(["train"], workers)


def test_lines_of_the_workers_come_with_their_name(tmp_path, capfd):
    assert of_stand_in("tell,tell,tell", tmp_path, workers=3) == 0
    shown = capfd.readouterr()
    assert sorted(shown.out.splitlines()) == sorted(
        [
            *["start 0", "worker 1: start 1", "worker 2: start 2"],
            *["--strategy multiworker", "worker 1: --strategy multiworker", "worker 2: --strategy multiworker"],
        ]
    )
    assert sorted(shown.err.splitlines()) == ["and this", "worker 1: and this", "worker 2: and this"]


def test_the_first_failure_is_the_exit_code_and_ends_the_others(tmp_path):
    started = time.monotonic()
    assert of_stand_in("sleep,3", tmp_path, grace_sec=0.3) == 3
    assert time.monotonic() - started < 10


def test_who_does_not_heed_sigterm_is_killed(tmp_path):
    assert of_stand_in("5,stubborn", tmp_path, grace_sec=1.0, kill_sec=0.3) == 5
    assert is_gone((tmp_path / "pid1").read_text())


def test_a_process_that_is_ready_first_does_not_end_the_others(tmp_path):
    # 130: stopped by a signal and saved; the chief may still be writing.
    program = (
        "import json,os,sys,time\nindex = json.loads(os.environ['TF_CONFIG'])['task']['index']\n"
        "time.sleep(0 if index else 1.0)\nsys.exit(130 if index else 0)"
    )
    assert launch([], 2, command=(sys.executable, "-ISc", program), grace_sec=0.1, kill_sec=0.1) == 130


def test_a_killed_process_counts_as_128_and_its_signal(tmp_path):
    program = (
        "import os,json,time\nos.kill(os.getpid(), 9) if json.loads(os.environ['TF_CONFIG'])['task']['index'] else 0"
    )
    assert launch([], 2, command=(sys.executable, "-ISc", program)) == 137


@pytest.mark.parametrize(
    ("sent", "got"), [(signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGTERM")]
)
def test_signals_reach_every_process_once(tmp_path, sent, got):
    process, pids = launcher("saves,saves", tmp_path)
    process.send_signal(sent)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert sorted(out.splitlines()) == sorted(
        ["start 0", "worker 1: start 1", f"saved after {got}", f"worker 1: saved after {got}"]
    )
    assert all(is_gone(pid) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="the tie to the launcher is Linux's")
def test_nothing_outlives_a_killed_launcher(tmp_path):
    process, pids = launcher("stubborn,stubborn", tmp_path)
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    wait_for(lambda: all(is_gone(pid) for pid in pids))


def test_a_command_that_is_not_there_leaves_no_process(tmp_path):
    assert launch([], 2, command=(str(tmp_path / "missing"),), grace_sec=0.1) != 0


def test_the_command_line_can_be_run_as_a_module():
    done = subprocess.run([*launching.COMMAND, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("tfgan-kit ")


def test_tf_config_is_json_that_tensorflow_reads():
    assert json.loads(worker_environments(1, NO_GPU)[0]["TF_CONFIG"]).keys() == {"cluster", "task"}
