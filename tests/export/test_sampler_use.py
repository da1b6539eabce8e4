"""A sampler in other people's programs: streams, threads, processes, memory."""

import itertools
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest
from tiny_models import write_tiny

from tfgan_kit.errors import DeviceError, ModelFileError, SampleError
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.sampling.session import open_session, run_bound
from tfgan_kit.latents import z_from_seeds

NAMED = {"attributes": {"class": ("ant", "bee", "cat")}}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("plain") / "plain.onnx")


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("named") / "named.onnx", **NAMED)


def test_a_stream_without_an_end(plain):
    sampler = Sampler(plain)
    blocks = list(itertools.islice(sampler.sample_iter(itertools.count(5), batch=7), 4))
    assert [len(block) for block in blocks] == [7, 7, 7, 7]
    np.testing.assert_array_equal(np.concatenate(blocks), sampler.sample(range(5, 33)))


def test_a_stream_is_made_as_it_is_taken(plain):
    taken = []
    seeds = (taken.append(seed) or seed for seed in range(100))
    blocks = Sampler(plain, batch=10).sample_iter(seeds)
    assert not taken
    next(blocks)
    assert taken == list(range(10))


@pytest.mark.parametrize("seeds", [range(10), list(range(10)), np.arange(10), dict.fromkeys(range(10))])
def test_what_seeds_may_be(plain, seeds):
    sampler = Sampler(plain, batch=4)
    blocks = list(sampler.sample_iter(seeds))
    assert [len(block) for block in blocks] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(blocks), sampler.sample(range(10)))
    assert list(sampler.sample_iter([])) == []


@pytest.mark.parametrize(
    "labels",
    [
        None,
        "bee",
        2,
        [0, "bee", 2, "cat", 0, 1, 1],
        {"class": "cat"},
        {"class": np.arange(7) % 3},
        {},
        np.array([[0], [1], [2], [0], [1], [2], [2]]),
        [[0], [1], [2], [0], [1], [2], [2]],
    ],
)
def test_labels_of_a_stream(named, labels):
    sampler = Sampler(named)
    blocks = list(sampler.sample_iter(range(7), labels, truncation=0.7, batch=3))
    np.testing.assert_array_equal(np.concatenate(blocks), sampler.sample(range(7), labels, truncation=0.7))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"labels": "dog"}, "unknown class 'dog'"),
        ({"labels": {"hat": 1}}, "no attribute 'hat'"),
        ({"labels": [0, 1]}, "labels must be one for all, or one a seed; got 2 for 9 seeds"),
        ({"seeds": itertools.count(), "labels": [0, 1]}, "one for all where the seeds have no length"),
        ({"truncation": 1.5}, r"in \[0, 1\]"),
        ({"batch": 0}, "batch must be at least 1"),
    ],
)
def test_a_stream_that_is_not_legal_says_so_at_once(named, request_, message):
    with pytest.raises(SampleError, match=message):
        Sampler(named).sample_iter(**{"seeds": range(9)} | request_)


def test_a_wrong_seed_of_a_stream_is_said_at_its_block(plain):
    blocks = Sampler(plain, batch=2).sample_iter([0, 1, -1])
    assert len(next(blocks)) == 2
    with pytest.raises(SampleError, match="seeds must be"):
        next(blocks)


def test_many_threads_get_the_same_bits(named):
    sampler = Sampler(named, threads=3)
    whole = sampler.sample(range(200))
    barrier = threading.Barrier(16)

    def ask(i):
        barrier.wait()
        rng = np.random.default_rng(i)
        for _ in range(12):
            seeds = rng.integers(0, 200, size=rng.integers(1, 90))
            np.testing.assert_array_equal(sampler.sample(seeds, batch=int(rng.integers(1, 40))), whole[seeds])
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(16)))


def test_an_error_in_a_run_reaches_the_caller(plain):
    sampler = Sampler(plain, threads=3)
    z = z_from_seeds(range(100), 3)

    class Broken(np.ndarray):
        def __getitem__(self, part):
            if isinstance(part, slice) and part.start >= 48:
                raise ZeroDivisionError
            return np.asarray(self)[part]

    with pytest.raises(ZeroDivisionError):
        sampler.generate(z.view(Broken))
    np.testing.assert_array_equal(sampler.generate(z), sampler.sample(range(100)))


@pytest.mark.parametrize("fields", [{}, {"inputs": "seed"}, {"dtype": "float32", "layout": "nchw"}])
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path, fields):
    # Of latents that are long beside the pictures.
    sampler = Sampler(write_tiny(tmp_path / "x.onnx", noise_dim=300, **fields), threads=2)

    def peak_beyond(count):
        tracemalloc.start()
        images = sampler.sample(range(count))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # Seeds and their indices are 8 bytes a picture, some of them there more than once.
        return peak - images.nbytes - 4 * 8 * count

    sampler.sample(range(64))
    assert peak_beyond(6_000) < peak_beyond(1_000) + 1e6


def sampled(sampler, seeds):
    return sampler.sample(seeds)


def test_it_goes_to_other_processes_by_its_path(plain, monkeypatch):
    monkeypatch.chdir(plain.parent)
    sampler = Sampler(plain.name, threads=1, batch=5)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        made = pool.starmap(sampled, [(sampler, range(4)), (sampler, range(4, 9))])
    np.testing.assert_array_equal(np.concatenate(made), sampler.sample(range(9)))


def test_a_pickled_sampler_is_its_path(plain, tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(plain.read_bytes())
    sampler = Sampler(path, threads=2, batch=5)
    kept = pickle.dumps(sampler)
    assert len(kept) < 1000
    again = pickle.loads(kept)
    assert (again.batch, again.device, again.spec) == (5, "cpu", sampler.spec)
    np.testing.assert_array_equal(again.sample(range(9)), sampler.sample(range(9)))
    write_tiny(path, dtype="float32")
    with pytest.raises(ModelFileError, match="has changed since its sampler was pickled"):
        pickle.loads(kept)
    path.unlink()
    with pytest.raises(ModelFileError, match="no model file"):
        pickle.loads(kept)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_it_works_in_a_child_that_was_forked_from_its_user(plain):
    program = (
        "import os, sys, numpy as np\n"
        "from tfgan_kit.export import Sampler\n"
        f"sampler = Sampler({str(plain)!r}, threads=3, warm=True)\n"
        "whole = sampler.sample(range(100))\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    same = (sampler.sample(range(100)) == whole).all() and (sampler.sample([7]) == whole[7:8]).all()\n"
        "    os._exit(0 if same else 3)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=60, check=False).returncode == 0


def test_threads_must_be_some(plain):
    for threads in (0, -1):
        with pytest.raises(SampleError, match="threads must be at least 1; got"):
            Sampler(plain, threads=threads)


@pytest.mark.parametrize("fields", [{}, {"layout": "nchw", "dtype": "float32"}, NAMED | {"noise_dim": 2}])
def test_bound_memory_gives_what_a_run_gives(tmp_path, fields):
    """How pictures come from another device; on the CPU, where it can be told that they are the same."""
    session = open_session(write_tiny(tmp_path / "x.onnx", **fields).read_bytes(), "cpu", 1, source="x")
    inputs = {"z": z_from_seeds(range(8), 3)[::2]}
    if "attributes" in fields:
        # A column, as labels are of which there is one attribute, is not contiguous.
        inputs |= {"labels": np.arange(8).reshape(4, 2)[:, 0] % 3, "noise": np.ones((4, 2), np.float32)}
    found = run_bound(session, inputs, "images", "x")
    (wanted,) = session.run(["images"], inputs)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def test_bound_memory_of_a_graph_that_cannot_be_computed(tmp_path):
    path = write_tiny(tmp_path / "x.onnx", **NAMED)
    session = open_session(path.read_bytes(), "cpu", 1, source="x")
    inputs = {"z": z_from_seeds(range(2), 3), "labels": np.array([0, 3])}
    with pytest.raises(ModelFileError, match="x is damaged: its graph cannot be computed"):
        run_bound(session, inputs, "images", "x")


@pytest.mark.skipif("CUDAExecutionProvider" not in onnxruntime.get_available_providers(), reason="no CUDA build")
def test_cuda_where_it_is_and_an_error_where_it_is_not(plain, capfd):
    """The real thing, with the options of the real provider."""
    if (
        "CUDAExecutionProvider"
        in onnxruntime.InferenceSession(plain, providers=["CUDAExecutionProvider"]).get_providers()
    ):
        sampler = Sampler(plain, device="cuda", warm=True)
        off = sampler.sample(range(9)).astype(int) - Sampler(plain).sample(range(9))
        assert sampler.device == "cuda"
        assert np.abs(off).max() <= 1
        return
    capfd.readouterr()
    with pytest.raises(DeviceError, match="device cuda is not there: onnxruntime fell back to the CPU"):
        Sampler(plain, device="cuda")
    assert capfd.readouterr() == ("", "")


def test_the_parts_of_a_sample_come_out_even(plain):
    sampler = Sampler(plain, threads=2)
    sizes = []
    inner = sampler._runner._run
    sampler._runner._run = lambda session, inputs: sizes.append(len(inputs["z"])) or inner(session, inputs)
    for count, batch, most in ((34, 64, 9), (64, 64, 16), (200, 1000, 15), (10, 4, 2), (3, 1, 1)):
        sizes.clear()
        assert len(sampler.sample(range(count), batch=batch)) == count
        assert sum(sizes) == count
        assert max(sizes) == most
