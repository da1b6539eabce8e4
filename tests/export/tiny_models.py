"""Model files of a few kilobytes, made without TensorFlow: every kind of input, layout, dtype and batch."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tfgan_kit.export.spec import PROPERTY, ModelSpec, Parity, mapping_file

Z_DIM, W_DIM, HEIGHT, WIDTH, CHANNELS = 3, 4, 4, 5, 3
PIXELS = HEIGHT * WIDTH * CHANNELS


def tiny_spec(**fields):
    defaults = dict(
        z_dim=Z_DIM, z_prior="normal", attributes={}, height=HEIGHT, width=WIDTH, channels=CHANNELS, layout="nhwc",
        dtype="uint8", recipe_name="", recipe_digest="", recipe={}, data_spec="", data_digest="", data_images=0,
        nimg=0, weights="ema", parity=Parity(max_abs_error=0.0, batch_sizes=(), tolerance=0.0), tfgan_kit="0",
    )  # fmt: skip
    if fields.get("inputs") == "w":
        fields = {"w_dim": W_DIM, **fields}
    return ModelSpec(**defaults | fields)


def write_tiny(path, **fields):
    """A model file; beside one of inputs "w" its mapping."""
    spec = tiny_spec(**fields)
    weights = tiny_weights(spec)
    batch = "N" if spec.max_batch is None else spec.max_batch
    first = {"z": Z_DIM, "w": W_DIM}.get(spec.inputs)
    inputs, nodes = [], []
    if first is None:
        inputs.append(helper.make_tensor_value_info("seed", TensorProto.INT64, [batch]))
        nodes += [
            helper.make_node("Mod", ["seed", "prime"], ["rest"]),
            helper.make_node("Cast", ["rest"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["float", "one"], ["column"]),
            helper.make_node("Mul", ["column", "row"], ["x0"]),
        ]
    else:
        inputs.append(helper.make_tensor_value_info(spec.inputs, TensorProto.FLOAT, [batch, first]))
        nodes.append(helper.make_node("MatMul", [spec.inputs, f"from_{spec.inputs}"], ["x0"]))
    last = "x0"
    if spec.classes and spec.inputs != "w":
        last = _add_labels(spec, batch, "table", last, inputs, nodes)
    if spec.noise_dim and spec.inputs != "seed":
        inputs.append(helper.make_tensor_value_info("noise", TensorProto.FLOAT, [batch, spec.noise_dim]))
        nodes += [
            helper.make_node("MatMul", ["noise", "from_noise"], ["n"]),
            helper.make_node("Add", [last, "n"], ["y"]),
        ]
        last = "y"
    nodes += [helper.make_node("Tanh", [last], ["t"]), helper.make_node("Reshape", ["t", "shape"], ["i0"])]
    last = "i0"
    if spec.dtype == "uint8":
        nodes += [
            helper.make_node("Add", [last, "1"], ["i1"]),
            helper.make_node("Mul", ["i1", "127.5"], ["i2"]),
            helper.make_node("Round", ["i2"], ["i3"]),
            helper.make_node("Cast", ["i3"], ["i4"], to=TensorProto.UINT8),
        ]
        last = "i4"
    perm = [0, 3, 1, 2] if spec.layout == "nchw" else [0, 1, 2, 3]
    nodes.append(helper.make_node("Transpose", [last], ["images"], perm=perm))
    kind = TensorProto.UINT8 if spec.dtype == "uint8" else TensorProto.FLOAT
    output = helper.make_tensor_value_info("images", kind, [batch, *spec.output_shape])
    _write(path, nodes, inputs, output, weights, spec.to_json())
    if spec.inputs == "w":
        _write_mapping(mapping_file(path), spec, weights)
    return path


def tiny_weights(spec):
    rng = np.random.default_rng(0)
    noise, count = max(spec.noise_dim, 1), max(sum(spec.classes), 1)
    return {
        "from_z": rng.normal(size=(Z_DIM, PIXELS)), "from_w": rng.normal(size=(W_DIM, PIXELS)),
        "from_noise": rng.normal(size=(noise, PIXELS)), "row": rng.normal(size=(1, PIXELS)) / 60,
        "table": rng.normal(size=(count, PIXELS)), "to_w": rng.normal(size=(Z_DIM, W_DIM)),
        "w_table": rng.normal(size=(count, W_DIM)), "prime": np.int64(97), "one": np.array([1]),
        "shape": np.array([-1, HEIGHT, WIDTH, CHANNELS]), "1": 1.0, "127.5": 127.5, "low": 0.0,
    }  # fmt: skip


def _add_labels(spec, batch, table, last, inputs, nodes):
    """Add a row of a table for the first attribute's label."""
    several = len(spec.classes) > 1
    inputs.append(
        helper.make_tensor_value_info("labels", TensorProto.INT64, [batch, len(spec.classes)] if several else [batch])
    )
    nodes += [helper.make_node("ReduceSum", ["labels", "one"], ["index"], keepdims=0)] if several else []
    nodes += [
        helper.make_node("Gather", [table, "index" if several else "labels"], ["e"]),
        helper.make_node("Add", [last, "e"], ["conditioned"]),
    ]
    return "conditioned"


def _write_mapping(path, spec, weights):
    inputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", Z_DIM])]
    nodes = [helper.make_node("MatMul", ["z", "to_w"], ["w0"])]
    last = _add_labels(spec, "N", "w_table", "w0", inputs, nodes) if spec.classes else "w0"
    nodes.append(helper.make_node("LeakyRelu", [last], ["w"], alpha=0.25))
    output = helper.make_tensor_value_info("w", TensorProto.FLOAT, ["N", W_DIM])
    _write(path, nodes, inputs, output, weights, None)


def _write(path, nodes, inputs, output, weights, text):
    used = {name for node in nodes for name in node.input}
    arrays = {name: np.asarray(array) for name, array in weights.items() if name in used}
    initializers = [
        onnx.numpy_helper.from_array(a.astype(np.float32) if a.dtype.kind == "f" else a, name)
        for name, a in arrays.items()
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, [output], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if text is not None:
        helper.set_model_props(model, {PROPERTY: text})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
