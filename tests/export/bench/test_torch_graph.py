"""PyTorch makes the pictures that onnxruntime makes, operator by operator."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch")

from tiny_models import write_tiny  # noqa: E402

from tfgan_kit.errors import ExportError  # noqa: E402
from tfgan_kit.export.bench.torch_graph import TorchGraph  # noqa: E402
from tfgan_kit.export.runtime import Sampler, as_pictures  # noqa: E402

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def write(path, node, constants, x):
    """A model of one operator from x to images."""
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)],
        [helper.make_empty_tensor_value_info("images")],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


IMAGE, ROWS = floats(2, 6, 5, 7), floats(3, 4)
CASES = {
    "conv": ("Conv", {"w": floats(4, 6, 3, 3), "b": floats(4)}, {"pads": [1, 1, 1, 1]}, IMAGE),
    "conv of a stride": ("Conv", {"w": floats(4, 6, 3, 3)}, {"strides": [2, 2], "pads": [0, 1, 1, 0]}, IMAGE),
    "conv of groups": ("Conv", {"w": floats(4, 3, 3, 3)}, {"group": 2, "dilations": [2, 2]}, IMAGE),
    "transposed": (
        "ConvTranspose", {"w": floats(6, 3, 4, 4), "b": floats(3)}, {"strides": [2, 2], "pads": [1] * 4}, IMAGE,
    ),
    "transposed, odd": (
        "ConvTranspose", {"w": floats(6, 3, 5, 5)},
        {"strides": [2, 2], "pads": [2] * 4, "output_padding": [1, 1]}, IMAGE,
    ),
    "transposed, uneven": (
        "ConvTranspose", {"w": floats(6, 3, 5, 5)}, {"strides": [2, 2], "pads": [1, 1, 2, 2]}, IMAGE,
    ),
    "gemm": ("Gemm", {"w": floats(5, 4), "b": floats(5)}, {"transB": 1, "alpha": 0.5, "beta": 2.0}, ROWS),
    "gemm without a bias": ("Gemm", {"w": floats(3, 5)}, {"transA": 1}, ROWS),
    "nearest": (
        "Resize", {"": None, "scales": np.float32([1, 1, 2, 3])},
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, IMAGE,
    ),
    "linear": (
        "Resize", {"": None, "scales": np.float32([1, 1, 2, 2])},
        {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}, IMAGE,
    ),
    "slice": ("Slice", {"s": np.array([1, -4]), "e": np.array([2**40, -1]), "a": np.array([1, 3])}, {}, IMAGE),
    "mean": ("ReduceMean", {}, {"axes": [1, -1], "keepdims": 0}, IMAGE),
    "clip": ("Clip", {"l": np.float32(-0.5), "h": np.float32(0.25)}, {}, IMAGE),
    "reshape": ("Reshape", {"s": np.array([0, -1, 7])}, {}, IMAGE),
    "gather": ("Gather", {"i": np.array([[1, 0], [3, 3]])}, {"axis": 1}, IMAGE),
    "unsqueeze": ("Unsqueeze", {"a": np.array([0, 2])}, {}, ROWS),
    "round": ("Round", {}, {}, np.float32([0.5, 1.5, -0.5, 2.4])),
    "cast": ("Cast", {}, {"to": TensorProto.INT64}, np.float32([0.9, -1.2, 3.0])),
    "leaky": ("LeakyRelu", {}, {"alpha": 0.2}, ROWS),
    "tile": ("Tile", {"r": np.array([2, 3])}, {}, ROWS),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_operator_is_onnxruntimes(tmp_path, case):
    kind, constants, attributes, x = CASES[case]
    node = helper.make_node(kind, ["x", *constants], ["images"], **attributes)
    path = write(tmp_path / "x.onnx", node, {n: a for n, a in constants.items() if n}, x)
    (wanted,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    found = TorchGraph(path)({"x": x})
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_allclose(found, wanted, atol=2e-5)


@pytest.mark.parametrize(
    "fields",
    [{}, {"noise_dim": 2, "attributes": {"class": ("ant", "bee")}}, {"layout": "nchw", "dtype": "float32"}],
)
def test_a_model_gives_the_samplers_pictures(tmp_path, fields):
    path = write_tiny(tmp_path / "x.onnx", **fields)
    sampler = Sampler(path)
    found = as_pictures(TorchGraph(path)(sampler.inputs_of(range(9))), sampler.spec.layout)
    off = found.astype(int) - sampler.sample(range(9))
    assert np.abs(off).max() <= 1
    assert found.std() > 10


@pytest.mark.parametrize("kind", ["plain", "named", "several", "spherical"])
def test_a_generator_of_each_kind(exported, kind):
    sampler = Sampler(exported[kind])
    found = as_pictures(TorchGraph(exported[kind])(sampler.inputs_of(range(5))), sampler.spec.layout)
    assert np.abs(found.astype(int) - sampler.sample(range(5))).max() <= 1


@pytest.mark.parametrize(
    ("node", "constants", "message"),
    [
        (helper.make_node("Selu", ["x"], ["images"]), {}, "the graph has Selu, which PyTorch is not given here"),
        (
            helper.make_node("Conv", ["x", "w"], ["images"], auto_pad="SAME_UPPER"),
            {"w": floats(4, 6, 3, 3)},
            "auto_pad",
        ),
        (
            helper.make_node("Slice", ["x", "s", "e", "a", "t"], ["images"]),
            {"s": np.array([4]), "e": np.array([0]), "a": np.array([2]), "t": np.array([-1])},
            "backwards",
        ),
        (
            helper.make_node("Resize", ["x", "", "s"], ["images"], mode="cubic"),
            {"s": np.float32([1, 1, 2, 2])},
            "resizes in a way",
        ),
    ],
)
def test_what_it_is_not_given_is_said(tmp_path, node, constants, message):
    path = write(tmp_path / "x.onnx", node, constants, IMAGE)
    with pytest.raises(ExportError, match=message):
        TorchGraph(path)({"x": IMAGE})


def test_the_file_is_not_changed_by_running_it(tmp_path):
    path = write_tiny(tmp_path / "x.onnx")
    graph = TorchGraph(path)
    inputs = Sampler(path).inputs_of(range(3))
    first = graph(inputs).copy()
    np.testing.assert_array_equal(graph(inputs), first)
    assert onnx.load(path).graph.name == "tiny"
