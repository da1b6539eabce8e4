"""What is said of a model file: what `onnx` finds in it, a snippet that runs, and what a foreign one lacks."""

import collections
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_models import write_tiny

from tfgan_kit.errors import ModelFileError
from tfgan_kit.export import describe as module
from tfgan_kit.export.describe import describe, finite, shape_of
from tfgan_kit.export.reading.model_proto import Value
from tfgan_kit.export.sampling.session import read_model


def foreign(path, inputs, outputs, nodes, initializers=(), opsets=((("", 17)),), **fields):
    """A model of other makers: inputs and outputs are (name, type, dims)."""
    values = [[helper.make_tensor_value_info(*value) for value in values] for values in (inputs, outputs)]
    graph = helper.make_graph(nodes, "g", *values, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*opset) for opset in opsets], ir_version=8)
    for name, value in fields.items():
        setattr(model, name, value)
    path.write_bytes(model.SerializeToString())
    return path


def style_like(path):
    """As a StyleGAN's export looks: a mapping and pictures, other names, a fixed batch and an input for truncation."""
    weights = numpy_helper.from_array(np.ones((512, 3 * 4 * 4), np.float32), "w")
    shape = numpy_helper.from_array(np.array([1, 3, 4, 4]), "shape")
    return foreign(
        path,
        [("latent", TensorProto.FLOAT, [1, 512]), ("psi", TensorProto.FLOAT, [])],
        [("img", TensorProto.FLOAT, [1, 3, 4, 4])],
        [
            helper.make_node("Mul", ["latent", "psi"], ["l"]),
            helper.make_node("MatMul", ["l", "w"], ["x"]),
            helper.make_node("Reshape", ["x", "shape"], ["img"]),
        ],
        [weights, shape],
        producer_name="pytorch",
        producer_version="2.1",
    )


@pytest.mark.parametrize("kind", ["plain", "named", "several", "spherical"])
def test_what_is_said_is_what_onnx_finds(exported, kind):
    found, model = describe(exported[kind]), onnx.load(exported[kind])
    assert found.operators == dict(collections.Counter(node.op_type for node in model.graph.node))
    floats = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT]
    assert found.parameters == sum(numpy_helper.to_array(t).size for t in floats)
    assert found.weights == {"float32": 4 * found.parameters}
    assert found.size_bytes == exported[kind].stat().st_size
    assert found.opsets == {opset.domain or "ai.onnx": opset.version for opset in model.opset_import}
    assert found.producer.startswith("tfgan-kit ")
    assert (found.opens, list(found.missing), list(found.external)) == (True, [], [])
    assert [value.name for value in found.inputs] == [value.name for value in model.graph.input]
    content = json.loads(json.dumps(found.to_json()))
    assert content["kind"] == "tfgan-kit"
    assert content["tfgan"] == json.loads(model.metadata_props[0].value)
    assert content["outputs"][0]["shape"][0] == "N"


def run_snippet(found, tail, cwd):
    code = f"{found.snippet}\n{tail}"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=cwd, timeout=60
    ).stdout.split()


@pytest.mark.parametrize("kind", ["plain", "named", "several", "spherical"])
def test_the_snippet_runs(exported, kind, tmp_path):
    found = describe(exported[kind])
    printed = run_snippet(found, "print(images.dtype, *images.shape, images.std() > 0)", tmp_path)
    assert printed == ["uint8", "4", *map(str, found.spec.image_shape), "True"]


def test_a_foreign_model_says_what_it_lacks(tmp_path):
    found = describe(style_like(tmp_path / "style.onnx"))
    assert found.spec is None
    assert found.opens
    assert found.producer == "pytorch 2.1"
    assert found.parameters == 512 * 48
    lacks = "\n".join(found.missing)
    for words in (
        "the metadata property 'tfgan'", "the name z for its input 'latent'", "leave out 'psi'",
        "the name images for its output 'img'", "an open first axis; it makes 1 at a time",
    ):  # fmt: skip
        assert words in lacks
    assert len(found.missing) == 5
    assert run_snippet(found, "print(outputs[0].shape)", tmp_path) == ["(1,", "3,", "4,", "4)"]
    assert found.to_json()["kind"] == "foreign"


def test_a_classifier_lacks_nearly_everything(tmp_path):
    path = foreign(
        tmp_path / "c.onnx",
        [("image", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [("label", TensorProto.INT64, ["batch"])],
        [helper.make_node("ReduceMean", ["image"], ["m"], axes=[1, 2, 3], keepdims=0),
         helper.make_node("Cast", ["m"], ["label"], to=TensorProto.INT64)],
    )  # fmt: skip
    lacks = "\n".join(describe(path).missing)
    assert "an input z of (N, length) float32; it has image (batch, 3, 8, 8) float32" in lacks
    assert "an output images" in lacks
    assert "label (batch,) int64" in lacks


def test_seed_w_and_mapping_say_how_they_are_called(tmp_path):
    write_tiny(tmp_path / "w.onnx", inputs="w", attributes={"class": ("a", "b")}, noise_dim=2)
    write_tiny(tmp_path / "s.onnx", inputs="seed", max_batch=3)
    write_tiny(tmp_path / "f.onnx", layout="nchw", dtype="float32")
    for name, shape in (("w", "(4,4,5,3)"), ("s", "(3,4,5,3)"), ("f", "(4,3,4,5)")):
        found = describe(tmp_path / f"{name}.onnx")
        assert found.opens
        assert list(found.missing) == []
        assert "".join(run_snippet(found, "print(images.shape)", tmp_path)) == shape
    mapping = describe(tmp_path / "w.mapping.onnx")
    assert "the mapping from z to w of the model beside it" in mapping.missing[0]
    assert len(mapping.missing) == 1


def test_outside_weights_loops_and_foreign_operators_are_told_and_not_opened(tmp_path):
    tensor = TensorProto(name="w", data_type=1, dims=[10, 10], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret.bin")
    x, y = [("x", TensorProto.FLOAT, ["N", 10])], [("y", TensorProto.FLOAT, ["N", 10])]
    found = describe(foreign(tmp_path / "e.onnx", x, y, [helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor]))
    assert list(found.external) == ["../secret.bin"]
    assert found.opens is None
    assert found.parameters == 100
    assert found.weights == {"float32": 0}
    assert "another file, '../secret.bin'" in found.missing[-1]
    own = helper.make_node("FancyOp", ["x"], ["y"], domain="com.example")
    found = describe(foreign(tmp_path / "d.onnx", x, y, [own], opsets=[("", 17), ("com.example", 1)]))
    assert found.operators == {"com.example.FancyOp": 1}
    assert found.opsets == {"ai.onnx": 17, "com.example": 1}
    assert found.opens is None


def test_a_model_that_lies_is_described_and_the_lie_told(exported, tmp_path):
    model = onnx.load(exported["plain"])
    content = json.loads(model.metadata_props[0].value)
    content["z"]["dim"] = 99
    model.metadata_props[0].value = json.dumps(content)
    path = tmp_path / "lie.onnx"
    path.write_bytes(model.SerializeToString())
    found = describe(path)
    assert found.spec.z_dim == 99
    assert "its metadata says" in found.missing[0]
    model.metadata_props[0].value = '{"format": 1}'
    path.write_bytes(model.SerializeToString())
    found = describe(path)
    assert found.spec is None
    assert "is damaged: z of its 'tfgan' property" in found.missing[0]


def test_without_onnxruntime_everything_else_is_said(exported, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = describe(exported["plain"])
    assert found.opens is None
    assert found.spec is not None
    assert list(found.missing) == []


def test_what_is_no_model_is_one_line(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"hello")
    for path, words in (
        (tmp_path / "x.onnx", "not an ONNX model"), (tmp_path / "no.onnx", "no model file"), (tmp_path, "not a file"),
    ):  # fmt: skip
        with pytest.raises(ModelFileError, match=words):
            describe(path)


def test_a_file_that_no_model_can_be_is_not_read(tmp_path):
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(2**31)
    for open_it in (describe, read_model):
        with pytest.raises(ModelFileError, match="larger than the 2 GB"):
            open_it(path)


def test_shapes_and_figures_in_words():
    assert shape_of(Value("x", "float32", ["N", 3, None])) == "(N, 3, ?)"
    assert shape_of(Value("x", "float32", ["N"])) == "(N,)"
    assert shape_of(Value("x", "float32", [])) == "()"
    assert shape_of(Value("x", "float32", None)) == "of any shape"
    junk = {"a": 1, "b": "x", "c": float("nan"), "d": True, "e": [1], "f": 0.5}
    assert finite(junk) == {"a": 1.0, "f": 0.5}


def test_no_onnx_package_is_needed():
    code = f"import sys, {module.__name__}; print(sorted({{'onnx', 'tensorflow', 'onnxruntime'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
