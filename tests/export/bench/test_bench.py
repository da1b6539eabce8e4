"""A bench: every figure is there, is of what it says, and adds up; no figure is compared with a clock."""

import json
import math

import numpy as np
import pytest
from PIL import Image
from tiny_models import write_tiny

from tfgan_kit.errors import MissingPackageError, ModelFileError
from tfgan_kit.export.bench import measure as module
from tfgan_kit.export.bench.cold_start import ColdStart, cold_start, peak_mb
from tfgan_kit.export.bench.measure import BATCHES, OURS, bench
from tfgan_kit.export.bench.plot import check_plotting, draw_bench
from tfgan_kit.export.sampling.session import available_cores


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("bench") / "tiny.onnx", max_batch=None)


@pytest.fixture(scope="module")
def measured(model):
    calls = []

    def other(count):
        calls.append(count)
        return np.zeros((count, 4, 5, 3), np.uint8)

    steps = []
    result = bench(model, quick=True, others={"other": other}, on_progress=lambda what, share: steps.append(what))
    return result, calls, steps


def test_every_figure_is_there(measured, model):
    result, calls, steps = measured
    assert result.sides == (OURS, "other")
    assert {(row.side, row.batch) for row in result.throughput} == {
        (side, n) for side in result.sides for n in (1, 8, 64)
    }
    assert all(row.images_per_sec > 0 for row in result.throughput)
    assert all(0 < row.median_ms <= row.p99_ms and row.calls >= 2 for row in result.latency)
    assert set(calls) == {1, 8, 64}
    assert {1, available_cores()} <= set(result.threads)
    assert max(result.threads) == available_cores()
    assert min(*result.threads.values(), result.open_ms, result.first_ms, result.cold.sec) > 0
    assert result.model["file"] == str(model)
    assert result.model["size_bytes"] == model.stat().st_size
    assert result.model["image_shape"] == [4, 5, 3]
    assert result.machine["cores"] == available_cores()
    assert set(steps) == {"a process of its own", "single pictures", "batches", "threads"}


def test_rates_are_of_their_side_and_batch(measured):
    result = measured[0]
    for row in result.throughput:
        assert result.rate(row.side, row.batch) == row.images_per_sec
    assert result.rate(OURS, 3) is None
    assert result.rate("nobody", 8) is None


def test_the_whole_of_it_is_json(measured):
    content = json.loads(json.dumps(measured[0].to_json()))
    assert set(content) == {
        "model", "machine", "latency", "throughput", "threads", "open_ms", "first_ms", "cold",
    }  # fmt: skip
    assert content["cold"].keys() == {"sec", "first_mb", "batch_mb"}
    assert content["throughput"][0].keys() == {"side", "batch", "images_per_sec"}


def test_batches_that_take_too_long_are_left_out(model, monkeypatch):
    monkeypatch.setattr(module, "_LIMIT_SEC", -1.0)
    result = bench(model, quick=True)
    assert result.throughput == ()
    assert result.sides == (OURS,)


def test_batches_are_those_of_the_issue():
    assert BATCHES == (1, 2, 4, 8, 16, 32, 64, 128, 256)


def test_a_process_of_its_own(model):
    found = cold_start(model, device="cpu", threads=1, batch=8)
    assert found.sec > 0
    if peak_mb() is not None:
        # Python, numpy and onnxruntime; not this process, which holds TensorFlow or pytest besides.
        assert 20 < found.first_mb <= found.batch_mb < 400


def test_a_process_of_its_own_that_fails_says_why(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"hello")
    with pytest.raises(ModelFileError, match=r"cannot sample from .*x\.onnx: .*ModelFileError"):
        cold_start(tmp_path / "x.onnx", device="cpu", threads=None, batch=1)


def test_the_peak_of_memory_grows_with_memory():
    before = peak_mb()
    if before is None:
        pytest.skip("the system does not tell")
    # Well above whatever the peak was, though this is far from it now.
    block = np.ones(int((before + 64) * 2**20) // 8)
    assert peak_mb() > before + 32
    assert block[-1] == 1


def test_a_median_of_starts(model, monkeypatch):
    starts = iter([ColdStart(3.0, None, 9.0), ColdStart(1.0, 5.0, 7.0), ColdStart(2.0, 6.0, None)] + [
        ColdStart(math.inf, 8.0, 8.0)
    ] * 2)  # fmt: skip
    monkeypatch.setattr(module, "cold_start", lambda *given, **named: next(starts))
    monkeypatch.setattr(module, "interleaved", lambda cases, rounds, **named: {case: [0.5] for case in cases})
    result = bench(model)
    assert result.cold == ColdStart(3.0, 7.0, 8.0)
    assert result.rate(OURS, 256) == 512
    assert [row.batch for row in result.throughput] == list(BATCHES)


def test_the_plot_is_a_picture(measured, tmp_path):
    draw_bench(measured[0], tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 900


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingPackageError, match=r"--plot needs matplotlib: pip install 'tfgan-kit\[evaluate\]'"):
        check_plotting()
