"""A generator's graph made lean: the same pictures by fewer nodes.

What TensorFlow leaves behind is layers in its own order of axes, batch norms as products and sums, and guards around
an embedding's index. What stays here is matrix products, convolutions and activations.
"""

from __future__ import annotations

import numpy as np
import onnx

from tfgan_kit.export.rewrite.fold import fold_affines
from tfgan_kit.export.rewrite.gains import fold_gains
from tfgan_kit.export.rewrite.graph import Graph, attribute
from tfgan_kit.export.rewrite.layout import raise_transposes
from tfgan_kit.export.rewrite.soups import drop_tiles, drop_whole_slices, share, unsqueeze_to_reshape


def optimize(graph: Graph) -> None:
    """Rewrite a graph in place; its values stay the same up to rounding.

    Batch norms and constant factors go into the weights before them, changes of the order of axes cancel or go into
    the columns of a dense layer, what is there twice is shared, and nodes that do nothing go.
    """
    read_labels_directly(graph)
    plain_relu(graph)
    for clear in (drop_whole_slices, drop_tiles, unsqueeze_to_reshape, share):
        clear(graph)
    fold_affines(graph)
    raise_transposes(graph)
    share(graph)
    for rewrite in (_merge_transposes, _fold_transpose, _transpose_to_reshape, _drop_reshape, _sink_reshape):
        while rewrite(graph):
            pass
    fold_gains(graph)
    share(graph)
    graph.remove_dead()


def read_labels_directly(graph: Graph) -> None:
    """Let a lookup read `labels`, or its column of them, where what stands between is the identity on legal classes."""
    attributes = _label_columns(graph)
    for node in graph.nodes[:]:
        if node.op_type != "Gather" or node.input[0] not in graph.constants or node.input[1] == "labels":
            continue
        count = len(graph.constants[node.input[0]])
        classes = np.arange(count)
        if attributes is None:
            index = _evaluate_on_labels(graph, node.input[1], classes)
            if index is not None and np.array_equal(index, classes):
                node.input[1] = "labels"
        for a in range(attributes or 0):
            # In the other columns a class that this table does not have: the lookup must not read them.
            labels = np.full((count, attributes or 0), count)
            labels[:, a] = classes
            index = _evaluate_on_labels(graph, node.input[1], labels)
            if index is not None and np.array_equal(index, classes):
                node.input[1] = _label_column(graph, a)
                break
    graph.remove_dead()


def _label_columns(graph: Graph) -> int | None:
    """How many columns `labels` have; None where they have a single axis or are not there."""
    axes = [value.type.tensor_type.shape.dim for value in graph.inputs if value.name == "labels"]
    return int(axes[0][1].dim_value) if axes and len(axes[0]) == 2 else None


def _label_column(graph: Graph, a: int) -> str:
    """The name of a column of `labels`; the node that takes it comes first, once."""
    name = f"labels/{a}"
    if graph.producer(name) is None:
        place = graph.add_constant(f"{name}/place", np.array(a, np.int64))
        graph.nodes.insert(0, onnx.helper.make_node("Gather", ["labels", place], [name], name=name, axis=1))
    return name


def plain_relu(graph: Graph) -> None:
    """LeakyRelu of slope 0 is Relu, which runtimes fuse."""
    for node in [node for node in graph.nodes if node.op_type == "LeakyRelu"]:
        if attribute(node, "alpha", 0.01) == 0:
            graph.replace(node, "Relu", node.input)


def _evaluate_on_labels(graph: Graph, name: str, given: np.ndarray) -> np.ndarray | None:
    """A tensor's value for the given labels, or None if it depends on more than them."""
    from onnx.reference import ReferenceEvaluator

    needed, nodes = {name}, []
    for node in reversed(graph.nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            nodes.append(node)
    labels = [value for value in graph.inputs if value.name == "labels"]
    if not labels or needed & {value.name for value in graph.inputs} != {"labels"}:
        return None
    initializers = [onnx.numpy_helper.from_array(graph.constants[i], i) for i in needed if i in graph.constants]
    output = onnx.helper.make_empty_tensor_value_info(name)
    small = onnx.helper.make_graph(nodes[::-1], "index", labels, [output], initializers)
    model = onnx.helper.make_model(small, opset_imports=[onnx.helper.make_opsetid("", graph.opset)])
    dtype = onnx.helper.tensor_dtype_to_np_dtype(labels[0].type.tensor_type.elem_type)
    return np.asarray(ReferenceEvaluator(model).run(None, {"labels": given.astype(dtype)})[0])


def _merge_transposes(graph: Graph) -> bool:
    """A Transpose after a Transpose, elementwise nodes between them or not, is one or none."""
    for node in graph.nodes:
        if node.op_type != "Transpose":
            continue
        first = graph.above(node.input[0])
        if first is None or first.op_type != "Transpose":
            continue
        perm = [attribute(first, "perm")[axis] for axis in attribute(node, "perm")]
        graph.bypass(first)
        if perm == sorted(perm):
            graph.bypass(node)
        else:
            graph.replace(node, "Transpose", node.input, perm=perm)
        return True
    return False


def _fold_transpose(graph: Graph) -> bool:
    """A Transpose of a dense layer's reshaped units is another order of those units."""
    shapes = graph.shapes()
    for node in graph.nodes:
        if node.op_type != "Transpose" or attribute(node, "perm")[0] != 0:
            continue
        reshape = graph.above(node.input[0])
        if reshape is None or reshape.op_type != "Reshape":
            continue
        dense = graph.above(reshape.input[0])
        sample = shapes[reshape.output[0]][1:]
        if dense is None or dense.op_type not in ("Gemm", "MatMul") or None in sample:
            continue
        units = np.arange(np.prod(sample)).reshape(sample)  # type: ignore[arg-type]
        moved = units.transpose([axis - 1 for axis in attribute(node, "perm")[1:]])
        if not _reorder_units(graph, dense, moved.ravel()):
            continue
        shape = graph.add_constant(f"{reshape.output[0]}/shape", np.array([-1, *moved.shape], np.int64))
        graph.replace(reshape, "Reshape", [reshape.input[0], shape])
        graph.bypass(node)
        return True
    return False


def _reorder_units(graph: Graph, dense: onnx.NodeProto, order: np.ndarray) -> bool:
    """Give a dense layer's units another order; whether its weights are such that this is possible."""
    arrays = [graph.constants.get(name) for name in dense.input[1:]]
    axis = 0 if attribute(dense, "transB", 0) else -1
    for array in arrays:
        if array is None or array.shape[axis] != len(order):
            return False
    for i, array in enumerate(arrays, start=1):
        dense.input[i] = graph.add_constant(f"{dense.input[i]}/moved", np.take(array, order, axis if i == 1 else -1))  # type: ignore[arg-type]
    return True


def _transpose_to_reshape(graph: Graph) -> bool:
    """A Transpose that moves only axes of length 1 moves no data."""
    shapes = graph.shapes()
    for node in graph.nodes:
        sample = shapes[node.input[0]][1:] if node.op_type == "Transpose" else (None,)
        if None in sample or attribute(node, "perm")[0] != 0:
            continue
        longer = [axis for axis in attribute(node, "perm")[1:] if sample[axis - 1] != 1]
        if longer != sorted(longer):
            continue
        moved = [sample[axis - 1] for axis in attribute(node, "perm")[1:]]
        shape = graph.add_constant(f"{node.output[0]}/shape", np.array([-1, *moved], np.int64))
        graph.replace(node, "Reshape", [node.input[0], shape])
        return True
    return False


def _drop_reshape(graph: Graph) -> bool:
    """A Reshape before another one, or to the shape that is there, does nothing."""
    shapes = graph.shapes()
    for node in graph.nodes:
        if node.op_type != "Reshape" or node.input[1] not in graph.constants:
            continue
        before, after = shapes[node.input[0]], shapes[node.output[0]]
        if None not in before[1:] and before[1:] == after[1:] and graph.data_input(node):
            graph.bypass(node)
            return True
        first = graph.above(node.input[0])
        # 0 in a Reshape's shape would copy an axis of the one that goes.
        if first is not None and first.op_type == "Reshape" and 0 not in graph.constants[node.input[1]]:
            graph.bypass(first)
            return True
    return False


def _sink_reshape(graph: Graph) -> bool:
    """An activation before the Reshape, not after it, is one that runtimes fuse with the dense layer above."""
    for node in graph.nodes:
        data = graph.data_input(node)
        if data is None or not graph.is_elementwise(node) or not graph.only_use(data):
            continue
        reshape = graph.producer(data)
        # 0 in a Reshape's shape copies an axis of its own input, which stays the same here.
        if reshape is None or reshape.op_type != "Reshape" or reshape.input[1] not in graph.constants:
            continue
        graph.swap(reshape, node)
        return True
    return False
