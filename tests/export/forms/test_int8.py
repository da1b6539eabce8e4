"""int8 models are written where they are no slower and no worse, and refused with the figures elsewhere."""

import dataclasses

import numpy as np
import onnx
import onnxruntime
import pytest

from tfgan_kit.errors import ExportError
from tfgan_kit.export import convert
from tfgan_kit.export.convert import export_onnx
from tfgan_kit.export.forms import int8, judge
from tfgan_kit.export.forms.judge import Judge, seconds
from tfgan_kit.export.spec import ModelSpec
from tfgan_kit.latents import z_from_seeds
from tfgan_kit.recipe import Recipe

RESNET = {"family": "resnet", "shape": (16, 16, 3), "g_start_px": 4}


class Fixed:
    """A judge with a distance for each model that it is asked of, in turn."""

    def __init__(self, *distances):
        self.distances = list(distances)

    def __call__(self, recipe):
        self.recipe = recipe
        return self

    def distance(self, run, feed, layout):
        images = run(feed(np.arange(4)))
        assert images.shape == ((4, 3, 16, 16) if layout == "nchw" else (4, 16, 16, 3))
        return self.distances.pop(0)


@pytest.fixture
def judged(monkeypatch):
    """A function that says what is measured of float32 and int8."""

    def say(times=(0.02, 0.01), distances=(10.0, 10.1)):
        monkeypatch.setattr(convert, "Judge", Fixed(*distances))
        monkeypatch.setattr(int8, "seconds", lambda *_: times)

    return say


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_products_are_in_int8_and_pictures_alike(make_run, tmp_path, judged, layout):
    judged()
    run = make_run(tmp_path / "run", **RESNET)
    plain = export_onnx(run, tmp_path / "plain.onnx", layout=layout)
    result = export_onnx(run, tmp_path / "int8.onnx", layout=layout, precision="int8")
    model = onnx.load(result.file)
    names = [node.op_type for node in model.graph.node]
    assert names.count("Conv") == [node.op_type for node in onnx.load(plain.file).graph.node].count("Conv")
    weights = {i.name: i.data_type for i in model.graph.initializer if len(i.dims) == 4}
    assert onnx.TensorProto.INT8 in weights.values()
    assert onnx.TensorProto.FLOAT not in weights.values()
    said = ModelSpec.from_json({p.key: p.value for p in model.metadata_props}["tfgan"])
    assert said == result.spec
    drift = said.drift
    assert said.precision == "int8"
    assert (drift["ms_float32"], drift["ms_int8"], drift["frechet_float32"], drift["frechet_int8"]) == (
        20,
        10,
        10,
        10.1,
    )
    assert 0 < drift["mean_abs_error"] < drift["max_abs_error"]
    seeds = np.arange(32)
    images = [
        onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"z": z_from_seeds(seeds, 6)})[
            0
        ]
        for file in (plain.file, result.file)
    ]
    # Far nearer to its own picture than to another's.
    own = np.abs(images[0].astype(float) - images[1]).mean()
    other = np.abs(images[0].astype(float) - np.roll(images[1], 1, axis=0)).mean()
    assert own < 0.3 * other


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        ({"times": (0.01, 0.02)}, "20.0 ms for 16 pictures, float32 takes 10.0 ms; .* keep precision float32"),
        ({"distances": (10.0, 10.3)}, r"Frechet distance 10.30, that of float32 is 10.00 \(at most 2% more\)"),
        ({"distances": (10.0, float("nan"))}, "Frechet distance nan"),
    ],
)
def test_what_does_not_pay_is_refused_with_the_figures(make_run, tmp_path, judged, measured, message):
    judged(**measured)
    run = make_run(tmp_path / "run", **RESNET)
    with pytest.raises(ExportError, match=message):
        export_onnx(run, tmp_path / "x.onnx", precision="int8")
    assert not list(tmp_path.glob("*.onnx"))


def test_a_quantiser_that_fails_is_an_export_error(make_run, tmp_path, judged, monkeypatch):
    import onnxruntime.quantization

    def fail(*_, **__):
        raise RuntimeError("no")

    judged()
    monkeypatch.setattr(onnxruntime.quantization, "quantize_static", fail)
    with pytest.raises(ExportError, match="onnxruntime cannot quantise this generator: no"):
        export_onnx(make_run(tmp_path / "run", **RESNET), tmp_path / "x.onnx", precision="int8")


def test_without_the_data_it_is_refused_before_the_work(make_run, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run", data=f"npz:{tmp_path / 'gone.npz'}", **RESNET)
    monkeypatch.setattr(convert, "prove", lambda *_, **__: pytest.fail("the work was begun"))
    with pytest.raises(ExportError, match=r"judged beside the pictures .* not there \(.*gone.npz.*\): bring them back"):
        export_onnx(run, precision="int8")


def test_the_judge_measures_distances(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(judge, "SAMPLES", 200)
    pictures = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "x.npz", images=pictures)
    # Of a D that compares the pictures of a batch, whose size is not to be changed.
    one = Judge(
        Recipe(kimg=1, data=f"npz:{tmp_path / 'x.npz'}", extractor="pixels", family="style", d_minibatch="stddev")
    )

    def feed(seeds):
        return {"seed": seeds}

    def dark(batch):
        return pictures[batch["seed"]] // 2

    assert one.distance(lambda batch: pictures[batch["seed"]], feed, "nhwc") == pytest.approx(0, abs=1e-6)
    there = one.distance(dark, feed, "nhwc")
    assert there > 0.1
    assert one.distance(lambda batch: dark(batch).transpose(0, 3, 1, 2), feed, "nchw") == pytest.approx(there)
    as_float = one.distance(lambda batch: dark(batch).astype(np.float32) / np.float32(127.5) - 1, feed, "nhwc")
    assert as_float == pytest.approx(there)


def test_two_models_are_timed_in_turn():
    calls = []
    first, second = seconds(lambda _: calls.append("a"), lambda _: calls.append("b"), {})
    assert first >= 0 <= second
    assert calls[:6] == ["a", "b", "a", "b", "a", "b"]
    assert calls.count("a") == calls.count("b")


def test_a_recipe_s_own_extractor_is_taken(make_run, tmp_path, judged):
    judged()
    export_onnx(make_run(tmp_path / "run", extractor="pixels", **RESNET), precision="int8")
    assert convert.Judge.recipe.extractor == "pixels"
    assert dataclasses.is_dataclass(convert.Judge.recipe)
