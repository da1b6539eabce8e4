"""The look at a model before onnxruntime has it: what is whole passes, and each kind of lie is one line."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tfgan_kit.errors import ModelFileError
from tfgan_kit.export.reading import guard
from tfgan_kit.export.reading.guard import check_model, external_files
from tfgan_kit.export.reading.model_proto import MOST_NESTED, parse_model


def model_of(nodes=(), initializers=(), **fields):
    """A model of the float input x (N, 4) and the output y."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4]) for name in "xy")
    graph = helper.make_graph(list(nodes), "g", [x], [y], list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], **fields)


def relu(**attributes):
    return helper.make_node("Relu", ["x"], ["y"], **attributes)


def refused(model, *words):
    content = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(ModelFileError) as raised:
        check_model(content, "m.onnx")
    message = str(raised.value)
    assert message.startswith("m.onnx ")
    assert "\n" not in message
    assert len(message) < 500
    for word in words:
        assert word in message


@pytest.mark.parametrize("kind", ["plain", "named", "several", "spherical"])
def test_exported_models_pass(exported, kind):
    check_model(exported[kind].read_bytes(), "m.onnx")


@pytest.mark.parametrize(
    "values",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 4), np.int64), np.float64(1), np.array([True]),
        np.arange(3, dtype=np.int8), np.arange(300, dtype=np.uint64), np.ones(5, np.float16), np.array([-1, 2**40]),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("raw", [True, False])
def test_weights_of_every_form_pass(values, raw):
    dtype = helper.np_dtype_to_tensor_dtype(values.dtype)
    content = values.tobytes() if raw else values.ravel().tolist()
    tensor = helper.make_tensor("w", dtype, values.shape, content, raw=raw)
    check_model(model_of([relu()], [tensor]).SerializeToString(), "m.onnx")


def test_nothing_a_text_and_a_picture_are_refused():
    for content in (b"", b"hello, world", b"\x89PNG\r\n\x1a\n" + bytes(99), b"\xff" * 1000, b"\x08\x08"):
        refused(content, "not an ONNX model")


def test_every_truncation_is_refused(exported):
    content = exported["plain"].read_bytes()
    whole = parse_model(content)
    for size in [*range(0, 400, 7), *range(400, len(content), len(content) // 97)]:
        # What stands behind the graph may be missing without the file being broken.
        try:
            parsed = parse_model(content[:size])
        except ValueError:
            refused(content[:size], "not an ONNX model")
        else:
            assert parsed.graph == whole.graph


def test_graphs_within_graphs_without_end_are_refused():
    inner = helper.make_graph([], "g", [], [])
    for _ in range(MOST_NESTED + 1):
        inner = helper.make_graph([helper.make_node("If", ["c"], ["y"], then_branch=inner)], "g", [], [])
    refused(model_of([relu(), *inner.node]), "nested")


def nested(numbers):
    """Fields within one another, the outermost first; deeper than a protobuf library would write."""
    content = b""
    for number in reversed(numbers):
        size, length = len(content), b""
        while size > 127:
            length += bytes([size & 127 | 128])
            size >>= 7
        content = bytes([number << 3 | 2]) + length + bytes([size]) + content
    return content


def test_a_thousand_graphs_within_one_another_do_not_exhaust_the_stack():
    # The graph, its node, the node's attribute, and the graph in that.
    refused(nested([7, *[1, 5, 6] * 1000]), "nested")


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "weights.bin", "", "C:\\Windows\\win.ini", "a" * 3000, "a\nb"]
)
def test_weights_in_another_file_are_refused_wherever_that_is(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tensor = numpy_helper.from_array(np.ones(4, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=path)
    refused(model_of([relu()], [tensor]), "another file", "nothing outside a model is read")
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    refused(model_of([relu(), constant]), "another file")
    assert external_files(parse_model(model_of([constant]).SerializeToString())) == [path]


def test_external_weights_without_a_path_are_refused():
    tensor = TensorProto(name="w", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    refused(model_of([relu()], [tensor]), "another file")


@pytest.mark.parametrize("dims", [[5], [2**62, 4], [2**40], [-4], [4, -1], [1] * 17 + [4], []])
@pytest.mark.parametrize("listed", [False, True])
def test_weights_of_another_size_than_they_say_are_refused(dims, listed):
    tensor = numpy_helper.from_array(np.ones(4, np.float32), "w")
    if listed:
        tensor.ClearField("raw_data")
        tensor.float_data.extend([1.0] * 4)
    tensor.ClearField("dims")
    tensor.dims.extend(dims)
    refused(model_of([relu()], [tensor]), "'w'")


def test_weights_of_another_type_than_they_say_are_refused():
    for dtype in (0, 7, 8, 10, 11, 99, -1):
        tensor = numpy_helper.from_array(np.ones(4, np.float32), "w")
        tensor.data_type = dtype
        refused(model_of([relu()], [tensor]), "'w'")


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("ConvTranspose", {"strides": [0, 2]}), ("ConvTranspose", {"strides": [2, 10_000]}),
        ("Conv", {"dilations": [0, 1]}), ("Conv", {"group": 0}), ("Conv", {"kernel_shape": [3, -3]}),
        ("Conv", {"pads": [2**40] * 4}), ("DepthToSpace", {"blocksize": 0}), ("RandomNormal", {"shape": [2**20] * 3}),
        ("ConvTranspose", {"output_shape": [2**30, 1]}),
    ],
)  # fmt: skip
def test_attributes_by_which_nothing_can_be_made_are_refused(op, attributes):
    refused(model_of([helper.make_node(op, ["x", "w"], ["y"], **attributes)]), op, str(next(iter(attributes))))


@pytest.mark.parametrize(
    ("op", "position", "values"),
    [
        ("Expand", 1, [2**20, 2**20]), ("ConstantOfShape", 0, [2**40]), ("Tile", 1, [1, 2**30]),
        ("Pad", 1, [0, 2**33]), ("Resize", 3, [1, 2**20, 2**20, 3]), ("Range", 1, 2**50), ("OneHot", 1, 2**40),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_node", [False, True])
def test_constants_that_ask_for_huge_tensors_are_refused(op, position, values, as_node):
    tensor = numpy_helper.from_array(np.array(values, np.int64), "size")
    inputs = [*["x", "", ""][:position], "size"]
    node = helper.make_node(op, inputs, ["y"])
    if as_node:
        refused(model_of([helper.make_node("Constant", [], ["size"], value=tensor), node]), op)
    else:
        refused(model_of([node], [tensor]), op)
        check_model(model_of([node], [numpy_helper.from_array(np.array([1, 2]), "size")]).SerializeToString(), "m")


@pytest.mark.parametrize("scale", [1e30, np.inf, np.nan])
def test_a_resize_by_a_huge_scale_is_refused(scale):
    scales = numpy_helper.from_array(np.array([1, 1, scale, 2], np.float32), "size")
    refused(model_of([helper.make_node("Resize", ["x", "", "size"], ["y"])], [scales]), "Resize")


def test_loops_functions_training_and_foreign_operators_are_refused():
    body = helper.make_graph([relu()], "b", [], [])
    refused(model_of([helper.make_node("Loop", ["n"], ["y"], body=body)]), "Loop")
    refused(model_of([helper.make_node("Evil", ["x"], ["y"], domain="my.domain")]), "Evil", "my.domain")
    function = helper.make_function("d", "F", ["x"], ["y"], [relu()], [helper.make_opsetid("", 17)])
    refused(model_of([relu()], functions=[function]), "functions")
    model = model_of([relu()])
    model.training_info.add()
    refused(model, "training")


def test_wild_metadata_is_refused():
    model = model_of([relu()])
    model.metadata_props.add(key="a", value="b" * (guard.MOST_METADATA + 1))
    refused(model, "metadata")
    model = model_of([relu()])
    for value in ("1", "2"):
        model.metadata_props.add(key="tfgan", value=value)
    refused(model, "twice")


def test_two_graphs_or_two_values_of_an_attribute_are_refused():
    content = model_of([relu()]).SerializeToString()
    refused(content + onnx.ModelProto(graph=onnx.GraphProto(name="h")).SerializeToString(), "two graphs")


def test_names_that_are_no_text_are_refused():
    content = model_of([helper.make_node("Relu", ["x"], ["yyyy"])]).SerializeToString()
    refused(content.replace(b"yyyy", b"y\xff\xfey"), "UTF-8")


def test_what_is_read_is_what_onnx_reads(exported):
    for file in exported.values():
        ours, theirs = parse_model(file.read_bytes()), onnx.load(file)
        graph = theirs.graph
        assert [(n.op, n.inputs, n.outputs) for n in ours.graph.nodes] == [
            (n.op_type, list(n.input), list(n.output)) for n in graph.node
        ]
        assert [(t.name, t.dtype, t.dims) for t in ours.graph.initializers] == [
            (t.name, t.data_type, list(t.dims)) for t in graph.initializer
        ]
        for mine, other in zip(ours.graph.initializers, graph.initializer, strict=True):
            if mine.few_values():
                assert mine.few_values() == numpy_helper.to_array(other).ravel().tolist()
        assert dict(ours.metadata) == {entry.key: entry.value for entry in theirs.metadata_props}
        assert [value.name for value in ours.graph.inputs + ours.graph.outputs] == [
            value.name for value in [*graph.input, *graph.output]
        ]
        assert ours.opsets == {opset.domain: opset.version for opset in theirs.opset_import}
