"""Rewrites of a graph keep its values, and leave alone what they do not fit."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tfgan_kit.export.convert import export_onnx
from tfgan_kit.export.rewrite.gains import fold_gains
from tfgan_kit.export.rewrite.graph import Graph
from tfgan_kit.export.rewrite.layout import raise_transposes
from tfgan_kit.export.rewrite.optimize import optimize
from tfgan_kit.export.rewrite.soups import drop_tiles, drop_whole_slices, share, unsqueeze_to_reshape
from tfgan_kit.recipe import FAMILIES

RNG = np.random.default_rng(0)
FLOAT = TensorProto.FLOAT


def graph_of(nodes, inputs, output, constants, opset=17):
    """`nodes` are (op, inputs, output, attributes); inputs and output are (name, shape)."""
    made = [helper.make_node(op, names, [out], name=out, **attributes) for op, names, out, attributes in nodes]
    values = [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs]
    out = helper.make_tensor_value_info(output[0], FLOAT, output[1])
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(made, "g", values, [out], initializers)
    return Graph(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8))


def values(graph, feed):
    content = graph.to_model(8).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, feed)[0]


def ops(graph):
    return [node.op_type for node in graph.nodes]


def random(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def check(make, rewrite, feed, expected_ops):
    """A rewrite keeps the values and leaves these operators."""
    before = values(make(), feed)
    graph = make()
    rewrite(graph)
    np.testing.assert_allclose(values(graph, feed), before, rtol=1e-5, atol=1e-6)
    assert ops(graph) == expected_ops


def slice_of(starts, ends, steps=(1, 1)):
    def make():
        constants = {"s": np.array(starts), "e": np.array(ends), "a": np.array([0, 1]), "t": np.array(steps)}
        nodes = [("Slice", ["x", "s", "e", "a", "t"], "y", {}), ("Neg", ["y"], "o", {})]
        return graph_of(nodes, [("x", ["N", 4])], ("o", ["N", None]), constants)

    return make


@pytest.mark.parametrize(
    ("parts", "left"),
    [
        (([0, 0], [10**9, 10**9]), ["Neg"]),
        (([0, 0], [2**31 - 1, 2**63 - 1]), ["Neg"]),
        (([0, 1], [10**9, 10**9]), ["Slice", "Neg"]),
        (([0, 0], [10**9, 3]), ["Slice", "Neg"]),
        (([0, 0], [10**9, 10**9], [1, 2]), ["Slice", "Neg"]),
    ],
)
def test_a_slice_of_everything_goes(parts, left):
    check(slice_of(*parts), drop_whole_slices, {"x": random(3, 4)}, left)


def tiled(other):
    """A learned constant for each picture, by each picture's `other`."""

    def make():
        nodes = [
            ("Shape", ["x"], "shape", {}), ("Slice", ["shape", "zero", "one"], "n", {}),
            ("Concat", ["n", "one", "one", "one"], "times", {"axis": 0}), ("Tile", ["c", "times"], "many", {}),
            ("Unsqueeze", ["x", "axes"], "x4", {}), ("Mul", ["many", other], "o", {}),
        ]  # fmt: skip
        constants = {
            "zero": np.array([0]), "one": np.array([1]), "c": np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4),
            "axes": np.array([1, 2]), "two": np.float32(2),
        }  # fmt: skip
        return graph_of(nodes, [("x", ["N", 4])], ("o", ["N", 2, 3, 4]), constants)

    return make


def test_a_constant_for_each_picture_broadcasts():
    check(tiled("x4"), drop_tiles, {"x": random(3, 4)}, ["Unsqueeze", "Mul"])


def test_a_constant_that_nothing_repeats_stays():
    x = random(3, 4)
    graph = tiled("two")()
    drop_tiles(graph)
    assert "Tile" in ops(graph)
    assert values(graph, {"x": x}).shape == (3, 2, 3, 4)


def test_new_axes_are_a_reshape():
    def make():
        nodes = [("Unsqueeze", ["x", "axes"], "y", {}), ("Neg", ["y"], "o", {})]
        return graph_of(nodes, [("x", ["N", 4])], ("o", ["N", 1, 1, 4]), {"axes": np.array([1, 2])})

    check(make, unsqueeze_to_reshape, {"x": random(3, 4)}, ["Reshape", "Neg"])


def test_what_is_there_twice_is_shared():
    def make():
        nodes = [
            ("Mul", ["x", "a"], "p", {}), ("Mul", ["x", "b"], "q", {}), ("Mul", ["x", "c"], "r", {}),
            ("LeakyRelu", ["p"], "s", {"alpha": 0.1}), ("LeakyRelu", ["q"], "t", {"alpha": 0.2}),
            ("LeakyRelu", ["q"], "u", {"alpha": 0.1}), ("Sum", ["r", "s", "t", "u"], "o", {}),
        ]  # fmt: skip
        constants = {"a": np.float32(2), "b": np.float32(2), "c": np.array([2], np.float32)}
        return graph_of(nodes, [("x", ["N", 4])], ("o", ["N", 4]), constants)

    # c has another shape.
    check(make, share, {"x": random(3, 4)}, ["Mul", "Mul", "LeakyRelu", "LeakyRelu", "Sum"])


NCHW, NHWC = {"perm": [0, 3, 1, 2]}, {"perm": [0, 2, 3, 1]}


@pytest.mark.parametrize("opset", [17, 18])
def test_changes_of_axes_go_through_sums_and_residuals(opset):
    def make():
        rng = np.random.default_rng(1)
        axes = {"axes": [3]} if opset == 17 else {}
        more = ["last"] if opset == 18 else []
        nodes = [
            ("Conv", ["x", "w"], "y", {}), ("Transpose", ["y"], "h", NHWC), ("Mul", ["h", "h"], "hh", {}),
            ("ReduceMean", ["hh", *more], "m", {"keepdims": 1, **axes}), ("Sqrt", ["m"], "s", {}),
            ("Reciprocal", ["s"], "r", {}), ("Mul", ["h", "r"], "n", {}), ("Add", ["n", "b"], "p", {}),
            ("Add", ["p", "h"], "q", {}), ("Transpose", ["q"], "t", NCHW), ("Conv", ["t", "v"], "u", {}),
            ("Transpose", ["p"], "t2", NCHW), ("Add", ["u", "t2"], "o", {}),
        ]  # fmt: skip
        constants = {
            "w": rng.normal(size=(4, 2, 1, 1)).astype(np.float32), "b": np.arange(4, dtype=np.float32),
            "v": rng.normal(size=(4, 4, 1, 1)).astype(np.float32), "last": np.array([3]),
        }  # fmt: skip
        return graph_of(nodes, [("x", ["N", 2, 3, 5])], ("o", ["N", 4, 3, 5]), constants, opset)

    def rewrite(graph):
        raise_transposes(graph)
        share(graph)
        raise_transposes(graph)

    left = ["Conv", "Mul", "ReduceMean", "Sqrt", "Reciprocal", "Mul", "Add", "Add", "Conv", "Add"]
    check(make, rewrite, {"x": random(3, 2, 3, 5)}, left)


def test_a_change_of_axes_that_others_do_not_want_stays():
    def make():
        nodes = [
            ("Tanh", ["x"], "y", {}), ("Transpose", ["y"], "t", NCHW), ("ReduceMean", ["y"], "m", {"axes": [3]}),
            ("Add", ["t", "m1"], "o1", {}), ("Mul", ["o1", "k"], "o", {}), ("Transpose", ["m"], "m1", NCHW),
        ]  # fmt: skip
        nodes = [nodes[i] for i in (0, 1, 2, 5, 3, 4)]
        return graph_of(nodes, [("x", ["N", 3, 5, 2])], ("o", ["N", 2, 3, 5]), {"k": np.float32(3)})

    before = values(make(), {"x": (x := random(2, 3, 5, 2))})
    graph = make()
    raise_transposes(graph)
    np.testing.assert_allclose(values(graph, {"x": x}), before, rtol=1e-6)


def gained(gain, act="LeakyRelu"):
    def make():
        nodes = [
            ("Conv", ["x", "w", "b"], "y", {}), ("Mul", ["y", "d"], "z", {}), ("Add", ["z", "c"], "a", {}),
            (act, ["a"], "r", {}), ("Mul", ["r", "g"], "o", {}),
        ]  # fmt: skip
        rng = np.random.default_rng(2)
        constants = {
            "w": rng.normal(size=(3, 2, 1, 1)).astype(np.float32), "b": rng.normal(size=3).astype(np.float32),
            "c": rng.normal(size=(1, 3, 1, 1)).astype(np.float32), "g": np.float32(gain),
        }  # fmt: skip
        inputs = [("x", ["N", 2, 4, 4]), ("d", ["N", 3, 1, 1])]
        return graph_of(nodes, inputs, ("o", ["N", 3, 4, 4]), constants)

    return make


@pytest.mark.parametrize(
    ("make", "gone"),
    [(gained(1.4), True), (gained(1.4, "Relu"), True), (gained(-1.4), False), (gained(1.4, "Tanh"), False)],
)
def test_a_positive_gain_goes_through_a_rectifier(make, gone):
    left = ops(make())
    feed = {"x": random(2, 2, 4, 4), "d": random(2, 3, 1, 1)}
    check(make, fold_gains, feed, left[:-1] if gone else left)


def test_a_gain_of_what_two_read_stays():
    def make():
        graph = gained(1.4)()
        graph.nodes.append(helper.make_node("Add", ["o", "r"], ["both"]))
        graph.outputs = [helper.make_tensor_value_info("both", FLOAT, ["N", 3, 4, 4])]
        return graph

    check(make, fold_gains, {"x": random(2, 2, 4, 4), "d": random(2, 3, 1, 1)}, ops(make()))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_leaves_a_soup(make_run, tmp_path, family):
    shape = (28, 28, 1) if family == "keras_dcgan" else (8, 8, 3)
    run = make_run(tmp_path / "run", family=family, shape=shape, g_start_px=4, g_mapping=2)
    model = onnx.load(export_onnx(run).file)
    names = [node.op_type for node in model.graph.node]
    assert not {"Shape", "Slice", "Tile", "Unsqueeze", "Squeeze", "Concat", "BatchNormalization"} & set(names)
    # At most that of the finished picture's bytes.
    assert names.count("Transpose") == (shape[2] > 1 and family != "mlp")
    assert names.count("Cast") == 1
    arrays = [(i.data_type, tuple(i.dims), numpy_helper.to_array(i).tobytes()) for i in model.graph.initializer]
    assert len(arrays) == len(set(arrays))
    # Once more changes nothing.
    graph = Graph(model)
    optimize(graph)
    assert ops(graph) == names
