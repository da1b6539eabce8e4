"""Models that take seeds or w, a fixed batch or float16 make the pictures of the plain one."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from tfgan_kit.errors import ExportError
from tfgan_kit.export.convert import export_onnx
from tfgan_kit.export.forms import float16
from tfgan_kit.export.spec import ModelSpec, mapping_file
from tfgan_kit.latents import noise_from_seeds, z_from_seeds

STYLE = {"family": "style", "shape": (8, 8, 3), "g_start_px": 4, "g_mapping": 1}
CLASSES = {"class": ("ant", "bee", "cat")}
SEVERAL = {"hair": ("red", "blue"), "hat": ("none", "top", "cap")}


def run_file(file, **given):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return session.run(None, {value.name: given[value.name] for value in session.get_inputs()})[0]


def inputs_of(file):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return {value.name: (value.type, value.shape) for value in session.get_inputs()}


def spec_of(file):
    return ModelSpec.from_json({p.key: p.value for p in onnx.load(file).metadata_props}["tfgan"])


@pytest.mark.parametrize(
    "fields",
    [
        {"family": "mlp", "shape": (8, 8, 1), "z_prior": "uniform", "attributes": CLASSES},
        {"shape": (12, 12, 3), "attributes": SEVERAL, "g_noise": 0.5, "g_random_in_use": True},
        {"family": "progressive", "shape": (8, 8, 1), "z_prior": "spherical"},
        STYLE,
    ],
)
def test_seeds_make_the_pictures_of_their_z(make_run, tmp_path, fields):
    run = make_run(tmp_path / "run", **fields)
    plain = export_onnx(run, tmp_path / "z.onnx", output="float32").file
    result = export_onnx(run, tmp_path / "seed.onnx", output="float32", inputs="seed")
    spec = result.spec
    assert (spec.inputs, spec.psi) == ("seed", 1)
    assert spec_of(result.file) == spec
    assert {entry.version for entry in onnx.load(result.file).opset_import} == {18}
    attributes = fields.get("attributes", {})
    labels = {"labels": ("tensor(int64)", ["N", 2] if len(attributes) > 1 else ["N"])} if attributes else {}
    assert inputs_of(result.file) == {"seed": ("tensor(int64)", ["N"])} | labels
    seeds = np.array([0, 7, 2**32, 2**63 - 1])
    given = {
        "seed": seeds,
        "z": z_from_seeds(seeds, spec.z_dim, spec.z_prior),
        "labels": np.array([[0, 2], [1, 1], [1, 0], [0, 1]]) if len(attributes) > 1 else np.array([0, 2, 1, 1]),
        "noise": noise_from_seeds(seeds, max(1, spec.noise_dim)),
    }
    np.testing.assert_allclose(run_file(result.file, **given), run_file(plain, **given), atol=2e-5)


def test_a_truncation_of_seeds_is_in_the_graph(make_run, tmp_path):
    run = make_run(tmp_path / "run", shape=(8, 8, 1))
    plain = export_onnx(run, tmp_path / "z.onnx", output="float32").file
    result = export_onnx(run, tmp_path / "seed.onnx", output="float32", inputs="seed", truncation=0.4)
    assert (result.spec.truncation, result.spec.psi) == ("z", 0.4)
    seeds = np.arange(5)
    expected = run_file(plain, z=np.float32(0.4) * z_from_seeds(seeds, 6))
    np.testing.assert_allclose(run_file(result.file, seed=seeds), expected, atol=1e-5)


@pytest.mark.parametrize("more", [{}, {"attributes": SEVERAL, "g_noise": 0.3, "g_random_in_use": True}])
def test_w_is_made_by_the_file_beside(make_run, tmp_path, more):
    run = make_run(tmp_path / "run", **STYLE, **more)
    plain = export_onnx(run, tmp_path / "z.onnx", output="float32", truncation=0.5).file
    result = export_onnx(run, tmp_path / "w.onnx", output="float32", inputs="w", truncation=0.5)
    spec = result.spec
    assert (spec.inputs, spec.w_dim, spec.truncation, spec.psi) == ("w", 6, "w", 0.5)
    beside = mapping_file(result.file)
    assert beside == tmp_path / "w.mapping.onnx"
    noise = {"noise": ("tensor(float)", ["N", spec.noise_dim])} if more else {}
    assert inputs_of(result.file) == {"w": ("tensor(float)", ["N", 6])} | noise
    labels = {"labels": ("tensor(int64)", ["N", 2])} if more else {}
    assert inputs_of(beside) == {"z": ("tensor(float)", ["N", 6])} | labels
    seeds = np.arange(4)
    given = {"z": z_from_seeds(seeds, 6), "noise": noise_from_seeds(seeds, max(1, spec.noise_dim))}
    given["labels"] = np.array([[0, 2], [1, 1], [1, 0], [0, 1]])
    w = run_file(beside, **given)
    assert w.shape == (4, 6)
    np.testing.assert_allclose(run_file(result.file, w=w, **given), run_file(plain, **given), atol=2e-5)


def test_w_is_not_exported_without_a_mapping(make_run, tmp_path):
    run = make_run(tmp_path / "run", shape=(8, 8, 1))
    with pytest.raises(ExportError, match="inputs w needs a generator that maps z to w"):
        export_onnx(run, tmp_path / "w.onnx", inputs="w")
    assert not list(tmp_path.glob("*.onnx"))


@pytest.mark.parametrize(("batch", "inputs"), [(1, "seed"), (3, "z")])
def test_a_fixed_batch_has_static_shapes(make_run, tmp_path, batch, inputs):
    run = make_run(tmp_path / "run", shape=(12, 12, 3), attributes=CLASSES)
    result = export_onnx(run, tmp_path / "x.onnx", max_batch=batch, inputs=inputs)
    assert result.spec.max_batch == batch
    assert result.spec.parity.batch_sizes == (batch,)
    session = onnxruntime.InferenceSession(result.file, providers=["CPUExecutionProvider"])
    assert [value.shape[0] for value in [*session.get_inputs(), *session.get_outputs()]] == [batch] * 3
    inferred = onnx.shape_inference.infer_shapes(onnx.load(result.file), data_prop=True).graph.value_info
    assert all(axis.HasField("dim_value") for value in inferred for axis in value.type.tensor_type.shape.dim)
    seeds, labels = np.arange(batch), np.arange(batch) % 3
    images = run_file(result.file, seed=seeds, z=z_from_seeds(seeds, 6), labels=labels)
    free = run_file(export_onnx(run).file, z=z_from_seeds(seeds, 6), labels=labels)
    assert np.abs(images.astype(int) - free).max() <= 1


@pytest.mark.parametrize(
    ("fields", "layout"),
    [({"shape": (28, 28, 1), "g_width": 16, "g_max_width": 32, "attributes": CLASSES}, "nhwc"), (STYLE, "nchw")],
)
def test_float16_halves_the_file_and_hardly_changes_pictures(make_run, tmp_path, fields, layout):
    run = make_run(tmp_path / "run", **fields)
    plain = export_onnx(run, tmp_path / "plain.onnx", layout=layout)
    half = export_onnx(run, tmp_path / "half.onnx", layout=layout, precision="float16")
    model = onnx.load(half.file)
    types = {i.name: i.data_type for i in model.graph.initializer}
    assert not [
        name for name, kind in types.items() if kind == TensorProto.FLOAT and np.prod(array_of(model, name)) > 16
    ]
    assert weights_bytes(half.file) < 0.53 * weights_bytes(plain.file)
    drift = half.spec.drift
    assert drift["samples"] == 64
    assert 0 < drift["mean_abs_error"] <= drift["max_abs_error"] <= float16.MAX_ERROR
    assert half.spec.parity == plain.spec.parity
    assert inputs_of(half.file) == inputs_of(plain.file)
    said = json.loads({p.key: p.value for p in model.metadata_props}["tfgan"])["precision"]
    assert said == {"of": "float16", **drift}
    seeds = np.arange(64)
    given = {"z": z_from_seeds(seeds, 6), "labels": seeds % 3}
    off = np.abs(run_file(plain.file, **given).astype(int) - run_file(half.file, **given))
    # The drift in grey levels, and half of one from rounding either picture.
    assert off.max() <= np.ceil(drift["max_abs_error"] * 127.5) + 1
    assert off.mean() < 0.2


def array_of(model, name):
    return next(tuple(i.dims) for i in model.graph.initializer if i.name == name)


def weights_bytes(file):
    return sum(len(i.raw_data) for i in onnx.load(file).graph.initializer)


def test_float16_keeps_the_seeds(make_run, tmp_path):
    run = make_run(tmp_path / "run", shape=(8, 8, 1))
    half = export_onnx(run, tmp_path / "half.onnx", inputs="seed", precision="float16")
    plain = export_onnx(run, tmp_path / "plain.onnx")
    seeds = np.array([3, 2**62, 5])
    off = run_file(half.file, seed=seeds).astype(int) - run_file(plain.file, z=z_from_seeds(seeds, 6))
    assert np.abs(off).max() <= 2


def test_sums_of_squares_do_not_overflow():
    """x / |x| of numbers whose squares float16 does not have."""
    helper = onnx.helper
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 4])
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 4])
    nodes = [
        helper.make_node("Mul", ["z", "z"], ["squares"]), helper.make_node("ReduceMean", ["squares"], ["m"], axes=[1]),
        helper.make_node("Sqrt", ["m"], ["root"]), helper.make_node("Div", ["z", "root"], ["images"]),
    ]  # fmt: skip
    graph = helper.make_graph(nodes, "g", [z], [images])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    lowered = float16.in_float16(model)
    x = np.array([[3000, -4000, 0, 1000]], np.float32)
    session = onnxruntime.InferenceSession(lowered.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = x / np.sqrt((x.astype(np.float64) ** 2).mean())
    np.testing.assert_allclose(session.run(None, {"z": x})[0], expected, rtol=2e-3)


@pytest.mark.parametrize("bound", ["MAX_ERROR", "MEAN_ERROR"])
def test_a_drift_above_the_bound_leaves_no_file(make_run, tmp_path, monkeypatch, bound):
    run = make_run(tmp_path / "run", shape=(8, 8, 1))
    monkeypatch.setattr(float16, bound, 1e-9)
    with pytest.raises(ExportError, match=r"float16 changes pictures by up to .* at most .*: keep precision float32"):
        export_onnx(run, tmp_path / "x.onnx", precision="float16")
    assert not list(tmp_path.glob("*.onnx"))


def test_a_drift_that_is_not_a_number_is_refused():
    with pytest.raises(ExportError, match="float16 changes pictures by up to nan"):
        float16.check_drift({"max_abs_error": float("nan"), "mean_abs_error": 0.0, "samples": 64})


def test_basic_is_tf2onnx_s_graph(make_run, tmp_path):
    run = make_run(tmp_path / "run", shape=(8, 8, 1), attributes=CLASSES)
    ops = {}
    for how in ("basic", "full"):
        file = export_onnx(run, tmp_path / f"{how}.onnx", optimize=how).file
        ops[how] = [node.op_type for node in onnx.load(file).graph.node]
    assert len(ops["full"]) < len(ops["basic"])
    assert {"Slice", "Transpose"} <= set(ops["basic"])
    assert not {"Slice", "Transpose"} & set(ops["full"])
