"""Whether an .onnx is one that may be handed to onnxruntime: before its bytes are, by its bytes. Standard library only.

onnxruntime trusts a model in places: it opens files that a model names, divides by a stride of 0, makes a tensor of any
size that a constant asks for. A generator needs none of that, so a model that does it is refused.
"""

from __future__ import annotations

import math

from tfgan_kit.errors import ModelFileError
from tfgan_kit.export.reading.model_proto import DTYPES, Graph, Model, Node, Tensor, nodes_of, parse_model, tensors_of
from tfgan_kit.export.reading.wire import WireError

# Of the file, as protocol buffers have it; of the JSON in its metadata.
MOST_BYTES, MOST_METADATA = 2**31 - 1, 2**22
_MOST_NODES, _MOST_AXES = 100_000, 16
# Values of a tensor whose size a constant says, and what multiplies sizes.
_MOST_VALUES, _MOST_FACTOR = 2**27, 256
_DOMAINS = ("", "ai.onnx")
# Legal values of attributes by which onnxruntime divides, or sizes what it makes.
_RANGES = {
    "strides": (1, 64),
    "dilations": (1, 64),
    "kernel_shape": (1, 1024),
    "pads": (-1024, 1024),
    "output_padding": (0, 64),
    "output_shape": (0, 2**16),
    "group": (1, 2**20),
    "blocksize": (1, 64),
    "scales": (0, 64),
    "num_outputs": (1, 2**16),
}
# Operators whose output has the size that an input says: which input, by where it may stand; and whether its values
# are sizes, or factors of sizes.
_SIZES = {"Expand": 1, "ConstantOfShape": 0, "OneHot": 1, "Range": 1, "EyeLike": 0}
_FACTORS = {"Tile": 1, "Upsample": 1, "Pad": 1}
_REFUSED = ("Loop", "If", "Scan", "SequenceMap", "Optional", "StringNormalizer", "TfIdfVectorizer")


def check_model(content: bytes, source: str) -> None:
    """Refuse a model file that is not whole, lies about its weights, or is made to take memory or other files.

    A model that passes may still not be a generator, which its metadata and its inputs say; and what its numbers are
    is its own affair.

    Args:
        content: of the file.
        source: its name, for errors.

    Raises:
        ModelFileError: one line that says what is wrong.
    """
    if len(content) > MOST_BYTES:
        raise ModelFileError(f"{source} is larger than the 2 GB that an ONNX file may have")
    try:
        model = parse_model(content)
    except WireError as error:
        raise ModelFileError(f"{source} is not an ONNX model, or is truncated: {error}") from None
    wrong = _wrong(model)
    if wrong:
        raise ModelFileError(f"{source} cannot be opened: {wrong}; `tfgan export --onnx` writes models that can")


def external_files(model: Model) -> list[str]:
    """The other files that a model names as holding its weights, as it names them; none of them is opened."""
    assert model.graph is not None
    return sorted({tensor.external.get("location", "") for tensor in tensors_of(model.graph) if tensor.external})


def _wrong(model: Model) -> str | None:
    """What keeps a model from being opened; None: nothing."""
    graph = model.graph
    assert graph is not None
    outside = external_files(model)
    if outside:
        return f"its weights lie in another file, {outside[0]!r:.80}, and nothing outside a model is read"
    if model.functions or model.training:
        return "it brings functions or training steps of its own"
    if sum(len(key) + len(value) for key, value in model.metadata) > MOST_METADATA:
        return f"its metadata is larger than {MOST_METADATA // 2**20} MB"
    if len({key for key, _ in model.metadata}) < len(model.metadata):
        return "its metadata says the same thing twice"
    for tensor in tensors_of(graph):
        wrong = _wrong_tensor(tensor)
        if wrong:
            return f"the constant {tensor.name!r:.60} {wrong}"
    return _wrong_graph(graph)


def _wrong_tensor(tensor: Tensor) -> str | None:
    if tensor.dtype not in DTYPES or tensor.dtype == 8:
        return f"is of type {DTYPES.get(tensor.dtype, (tensor.dtype,))[0]}, which no weights are"
    if tensor.in_parts:
        return "is in parts"
    if len(tensor.dims) > _MOST_AXES or any(dim < 0 for dim in tensor.dims):
        return f"has the shape {tensor.dims!r:.60}"
    name, bits = DTYPES[tensor.dtype]
    declared = -(-tensor.count * bits // 8)
    # Types of 4 bits have no one form in typed lists.
    if declared != tensor.stored_bytes and not (bits < 8 and tensor.raw is None):
        shape = "x".join(map(str, tensor.dims)) or "scalar"
        return f"is declared as {shape:.60} {name}, {declared:,} bytes, and has {tensor.stored_bytes:,}"
    if tensor.raw is not None and tensor.listed:
        return "has its values twice"
    return None


def _wrong_graph(graph: Graph) -> str | None:
    if graph.sparse:
        return "it has sparse weights"
    if len(graph.nodes) > _MOST_NODES:
        return f"it has {len(graph.nodes):,} operators, more than {_MOST_NODES:,}"
    constants = {tensor.name: tensor for tensor in graph.initializers}
    for node in graph.nodes:
        for attribute in node.attributes:
            if node.op == "Constant" and node.outputs and attribute.tensors:
                constants[node.outputs[0]] = attribute.tensors[0]
    for node in nodes_of(graph):
        wrong = _wrong_node(node) or _too_large(node, constants)
        if wrong:
            return f"its operator {node.op!r:.40} {wrong}"
    return None


def _wrong_node(node: Node) -> str | None:
    if node.domain not in _DOMAINS:
        return f"is of {node.domain!r:.40}, and not of ONNX itself"
    if node.op in _REFUSED or any(attribute.graphs for attribute in node.attributes):
        return "has a graph or a loop within it"
    for attribute in node.attributes:
        if attribute.sparse:
            return "has sparse weights"
        low, high = _RANGES.get(attribute.name, (-math.inf, math.inf))
        values = [*attribute.integers, *attribute.floats]
        if attribute.name in _RANGES and not all(low <= value <= high for value in values):
            return f"has {attribute.name} {values!r:.60}; legal: {low} to {high}"
        if attribute.name == "shape" and not _fits(values, sizes=True):
            return f"makes a tensor of the shape {values!r:.60}"
    return None


def _too_large(node: Node, constants: dict[str, Tensor]) -> str | None:
    """Whether an operator is asked for a tensor that is too large, as far as constants say what it is asked for."""
    asked: list[tuple[int, bool]] = []
    if node.op in _SIZES:
        asked = [(_SIZES[node.op], True)]
    elif node.op in _FACTORS:
        asked = [(_FACTORS[node.op], False)]
    elif node.op == "Resize":
        asked = [(2, False), (3, True)]
    for position, sizes in asked:
        tensor = constants.get(node.inputs[position]) if position < len(node.inputs) else None
        if tensor is not None and not _fits(tensor.few_values(), sizes):
            return f"makes a tensor of the size {tensor.few_values()!r:.60}"
    return None


def _fits(values: list[float], sizes: bool) -> bool:
    """Whether a tensor of those sizes, or one that is that many times as large, can be made."""
    if not all(math.isfinite(value) for value in values):
        return False
    if sizes:
        return math.prod(max(abs(value), 1) for value in values) <= _MOST_VALUES
    return all(abs(value) <= _MOST_FACTOR for value in values)
