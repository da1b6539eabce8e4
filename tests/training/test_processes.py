"""Two real processes that train one run over the loopback: what they find, and what is left when one of them ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from tfgan_kit.training.run_folder import RunFolder

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), np.uint8)
# A tick is 2 steps of 8 pictures.
SETTINGS = (
    "family=mlp", "g_hidden=8", "d_hidden=8", "d_norm=batch", "z_dim=4", "batch_size=8", "jit=false",
    "tick_kimg=0.016", "checkpoint_ticks=1", "preview_ticks=1000", "steps_per_call=2", "preview_grid=2,2",
    "g_optimizer=sgd", "d_optimizer=sgd", "g_lr=0.5", "d_lr=0.05",
)  # fmt: skip
# The others of a process that is killed must have ended by then, with time for a busy machine.
GONE_SEC = 40.0


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "pictures.npz"
    np.savez(path, images=IMAGES)
    return path


class Processes:
    """Two processes of `tfgan train`, the chief first."""

    def __init__(self, out, data, kimg, workers=2, folders=(None, None), settings=()):
        ports = []
        with socket.socket() as one, socket.socket() as other:
            for each in (one, other):
                each.bind(("127.0.0.1", 0))
                ports.append(each.getsockname()[1])
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        words = [f"--set={setting}" for setting in SETTINGS + settings]
        self.processes = []
        for index in range(workers):
            # The others are told nothing of the run but where the chief is.
            given = ["--data", f"npz:{data}", "--out", str(out), "--kimg", str(kimg), *words] if index == 0 else []
            task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
            environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1"}
            if workers > 1:
                given += ["--strategy", "multiworker"]
                environment |= {"TF_CONFIG": json.dumps(task)}
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tfgan_kit.cli", "train", *given],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=folders[index],
                )
            )  # fmt: skip

    def ended(self, timeout=240.0):
        """Exit codes and outputs."""
        outputs = [process.communicate(timeout=timeout)[0] for process in self.processes]
        return [process.returncode for process in self.processes], outputs

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for process in self.processes:
            process.kill()
            process.communicate()


def newest(out):
    manifest, state, refused = RunFolder(out).load()
    assert not refused
    return manifest, state


def wait_for_checkpoint(out, step):
    end = time.monotonic() + 200.0
    while not list(out.glob(f"checkpoints/step-{step:08d}")):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data):
    """Folders of the same run, by one process and by two."""
    folder, found = tmp_path_factory.mktemp("runs"), {}
    for workers in (1, 2):
        found[workers] = folder / str(workers)
        with Processes(found[workers], data, 0.08, workers) as processes:
            codes, outputs = processes.ended()
            assert codes == [0] * workers, outputs
            assert "finished: 0.1 kimg" in outputs[0]
            if workers == 2:
                assert "Error" not in outputs[1]
                assert "kimg" not in outputs[1]
    return found


def test_two_processes_find_what_one_finds(trained):
    (alone, one), (together, two) = newest(trained[1]), newest(trained[2])
    assert (alone.step, alone.nimg, alone.finished) == (10, 80, True)
    assert (together.step, together.nimg, together.finished) == (10, 80, True)
    assert one.keys() == two.keys()
    with np.load(trained[2] / "checkpoints" / "step-00000008" / "state.npz") as before:
        for name, array in one.items():
            # Batch norm's variance is taken another way by one and by several.
            tolerance = 1e-3 * np.abs(array).max(initial=1e-3)
            np.testing.assert_allclose(two[name], array, rtol=0, atol=tolerance, err_msg=name)
            if name.startswith(("G/", "D/")) and name.endswith("kernel"):
                assert np.abs(before[name] - array).max() > 3 * tolerance, name


def test_the_losses_of_the_first_steps_are_those_of_one_process(trained):
    one, two = (RunFolder(trained[workers]).read_stats()[0] for workers in (1, 2))
    for name in ("d_loss", "g_loss", "d_real", "d_fake", "d_grad_norm", "g_grad_norm"):
        assert two[name] == pytest.approx(one[name], rel=1e-3), name


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1], ids=["chief", "worker"])
def test_when_one_is_killed_the_other_ends_and_the_same_command_goes_on_exactly(tmp_path, data, killed):
    kimg = 0.8
    with Processes(tmp_path / "whole", data, kimg) as processes:
        assert processes.ended()[0] == [0, 0]
    out = tmp_path / "broken"
    with Processes(out, data, kimg) as processes:
        wait_for_checkpoint(out, 20)
        processes.processes[killed].kill()
        started = time.monotonic()
        left = processes.processes[1 - killed]
        said = left.communicate(timeout=2 * GONE_SEC)[0]
        assert time.monotonic() - started < GONE_SEC
        assert left.returncode == 1
        assert "another of the 2 processes that train together is gone" in said
        assert "Traceback" not in said
    assert not newest(out)[0].finished
    with Processes(out, data, kimg) as processes:
        codes, outputs = processes.ended()
        assert codes == [0, 0], outputs
        assert "resuming" in outputs[0]
    (manifest, whole), (other, state) = newest(tmp_path / "whole"), newest(out)
    assert manifest.step == other.step == 100
    for name, array in whole.items():
        np.testing.assert_array_equal(state[name], array, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [0, 1], ids=["chief", "worker"])
def test_ctrl_c_of_either_stops_both_and_saves(tmp_path, data, asked):
    out = tmp_path / "run"
    with Processes(out, data, 100.0) as processes:
        wait_for_checkpoint(out, 20)
        processes.processes[asked].send_signal(signal.SIGINT)
        codes, outputs = processes.ended()
    assert codes[0] == 130, outputs
    assert "stopped at" in outputs[0]
    # As who starts processes anew must see of each of them.
    assert codes[1] == 130
    assert "Traceback" not in "".join(outputs)


@pytest.mark.slow
def test_both_go_back_with_the_chief_and_end_with_its_error(tmp_path, data):
    failing = ("d_lr=1e30", "on_failure=rollback", "rollbacks=1")
    with Processes(tmp_path / "run", data, 1.0, settings=failing) as processes:
        codes, outputs = processes.ended()
    assert codes == [1, 1], outputs
    assert outputs[0].count("doctor: back to") == 1
    assert "was not finite" in outputs[0]
    assert "the chief ended (" in outputs[1]
    assert "Traceback" not in "".join(outputs)


@pytest.mark.slow
def test_other_data_on_one_of_them_is_told_there_and_ends_both(tmp_path):
    for name, images in (("chief", IMAGES), ("worker", IMAGES[::-1])):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "pictures.npz", images=images)
    with Processes("run", "pictures.npz", 0.08, folders=(tmp_path / "chief", tmp_path / "worker")) as processes:
        codes, outputs = processes.ended()
    assert codes == [1, 1], outputs
    assert "pictures.npz has other content on worker 1" in outputs[1]
    assert "worker 1 could not begin: its own message says why" in outputs[0]
    assert not (tmp_path / "chief" / "run").exists()
    assert "Traceback" not in "".join(outputs)
