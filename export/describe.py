"""What an .onnx is, of whatever origin, from its bytes; whether it can be sampled from, and what it lacks where not.

The `onnx` package is not needed, and onnxruntime only to say whether it can open the file.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfgan_kit.errors import MissingPackageError, ModelFileError
from tfgan_kit.export.reading.guard import MOST_BYTES, check_model, external_files
from tfgan_kit.export.reading.model_proto import DTYPES, Graph, Model, Tensor, Value, nodes_of, parse_model, tensors_of
from tfgan_kit.export.reading.wire import WireError
from tfgan_kit.export.sampling.session import open_session, read_spec
from tfgan_kit.export.snippet import snippet_of, snippet_of_any
from tfgan_kit.export.spec import PROPERTY, ModelSpec

# Types of shapes, indices and switches, which are no parameters.
_NO_WEIGHTS = ("int64", "int32", "bool", "string")


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a model file is.

    Attributes:
        file: its path, as given.
        size_bytes, sha256: of its content.
        producer: the program that wrote it and that program's version, as it says.
        ir_version, opsets: of ONNX; an opset a domain.
        inputs, outputs: of the graph; inputs that have a value of their own are left out.
        operators: how many there are of each kind, the commonest first.
        parameters: numbers in its weights; those in other files included, as they are declared.
        weights: bytes of the weights within the file, by type.
        external: other files that it says its weights are in; they were not opened.
        spec: what a model of tfgan-kit says of itself; None: it is none.
        missing: what keeps it from being sampled from, a line each; () where nothing does.
        opens: whether onnxruntime opens it; None: it was not asked, since it is not there or the file is not for it.
        snippet: a program that runs it with numpy and onnxruntime.
    """

    file: str
    size_bytes: int
    sha256: str
    producer: str
    ir_version: int
    opsets: Mapping[str, int]
    inputs: Sequence[Value]
    outputs: Sequence[Value]
    operators: Mapping[str, int]
    parameters: int
    weights: Mapping[str, int]
    external: Sequence[str]
    spec: ModelSpec | None
    missing: Sequence[str]
    opens: bool | None
    snippet: str

    def to_json(self) -> dict[str, Any]:
        """The whole as JSON; `tfgan` holds the metadata of a model of tfgan-kit as its file does."""
        import json

        return {
            "format": 1,
            "file": self.file,
            "kind": "foreign" if self.spec is None else "tfgan-kit",
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "producer": self.producer,
            "ir_version": self.ir_version,
            "opsets": dict(self.opsets),
            "inputs": [_value_json(value) for value in self.inputs],
            "outputs": [_value_json(value) for value in self.outputs],
            "operators": dict(self.operators),
            "parameters": self.parameters,
            "weights_bytes": dict(self.weights),
            "external_files": list(self.external),
            "opens": self.opens,
            "missing": list(self.missing),
            "snippet": self.snippet,
            "tfgan": None if self.spec is None else json.loads(self.spec.to_json()),
        }


def describe(path: Path) -> Description:
    """Describe a model file.

    Raises:
        ModelFileError: it is not there, or is not ONNX.
    """
    content = _content(path)
    try:
        model = parse_model(content)
    except WireError as error:
        raise ModelFileError(f"{path} is not an ONNX model, or is truncated: {error}") from None
    graph = model.graph
    assert graph is not None
    inputs = _inputs(graph)
    spec, opens, missing = _judged(content, model, str(path))
    operators = Counter(f"{node.domain}.{node.op}" if node.domain else node.op for node in nodes_of(graph))
    weights = [tensor for tensor in tensors_of(graph) if _dtype(tensor) not in _NO_WEIGHTS]
    held: Counter[str] = Counter()
    for tensor in weights:
        held[_dtype(tensor)] += 0 if tensor.external else tensor.stored_bytes
    return Description(
        file=str(path),
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        producer=f"{model.producer} {model.producer_version}".strip(),
        ir_version=model.ir_version,
        opsets={domain or "ai.onnx": version for domain, version in model.opsets.items()},
        inputs=inputs,
        outputs=graph.outputs,
        operators=dict(operators.most_common()),
        parameters=sum(max(tensor.count, 0) for tensor in weights),
        weights=dict(held),
        external=external_files(model),
        spec=spec,
        missing=missing,
        opens=opens,
        snippet=snippet_of_any(inputs, graph.outputs, str(path)) if spec is None else snippet_of(spec, str(path)),
    )


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ModelFileError(f"{path} is not a file: name an .onnx")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelFileError(f"{path} is larger than the 2 GB that an ONNX file may have")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"there is no model file {path} ({error.strerror or error})") from None


def _judged(content: bytes, model: Model, source: str) -> tuple[ModelSpec | None, bool | None, list[str]]:
    """The spec, whether onnxruntime opens the file, and what keeps it from being sampled from."""
    spec, missing = None, []
    text = dict(model.metadata).get(PROPERTY)
    try:
        spec = ModelSpec.from_json(text, source)
    except ModelFileError as error:
        if text is None:
            missing += _lacks(model)
        else:
            missing.append(str(error))
    try:
        check_model(content, source)
    except ModelFileError as error:
        return spec, None, [*missing, str(error)]
    try:
        session = open_session(content, "cpu", 1, source=source)
        if spec is not None:
            read_spec(session, source)
    except MissingPackageError:
        return spec, None, missing
    except ModelFileError as error:
        return spec, spec is not None and "its metadata says" in str(error), [*missing, str(error)]
    return spec, True, missing


def _lacks(model: Model) -> list[str]:
    """What a foreign model has not that a generator of tfgan-kit has."""
    graph = model.graph
    assert graph is not None
    lines = [
        f"the metadata property {PROPERTY!r}, which says what z, classes and pictures are "
        "(its form: tfgan_kit.export.ModelSpec.to_json)"
    ]
    if [value.name for value in graph.outputs] == ["w"]:
        return ["pictures: it is the mapping from z to w of the model beside it, without .mapping in its name"]
    inputs, shown = _inputs(graph), [value.name for value in _inputs(graph)]
    latents = [value for value in inputs if value.dtype == "float32" and len(value.dims or ()) == 2]
    if not latents:
        lines.append(f"an input z of (N, length) float32; it has {', '.join(map(_value, inputs)) or 'no inputs'}")
    elif latents[0].name not in ("z", "w"):
        lines.append(f"the name z for its input {latents[0].name!r}")
    others = [
        name for name in shown if name not in ("z", "w", "seed", "labels", "noise", *(v.name for v in latents[:1]))
    ]
    if others:
        lines.append(
            f"a way to leave out {', '.join(map(repr, others))}: what is not z, labels or noise must be constant"
        )
    pictures = [value for value in graph.outputs if _is_picture(value)]
    if not pictures:
        outputs = ", ".join(map(_value, graph.outputs)) or "no outputs"
        lines.append(f"an output images of (N, H, W, C) or (N, C, H, W) uint8 or float32; it has {outputs}")
    elif pictures[0].name != "images" or len(graph.outputs) > 1:
        lines.append(f"the name images for its output {pictures[0].name!r}, as the only output")
    fixed = {value.dims[0] for value in (*latents[:1], *pictures[:1]) if value.dims and isinstance(value.dims[0], int)}
    if fixed and len(latents) + len(pictures) > 1:
        lines.append(f"an open first axis; it makes {', '.join(map(str, sorted(fixed)))} at a time")
    return lines


def _is_picture(value: Value) -> bool:
    dims = value.dims or []
    return len(dims) == 4 and value.dtype in ("uint8", "float32") and (dims[1] in (1, 3) or dims[3] in (1, 3))


def _inputs(graph: Graph) -> list[Value]:
    own = {tensor.name for tensor in graph.initializers}
    return [value for value in graph.inputs if value.name not in own]


def _dtype(tensor: Tensor) -> str:
    return DTYPES.get(tensor.dtype, (f"type {tensor.dtype}", 0))[0]


def _value(value: Value) -> str:
    return f"{value.name} {shape_of(value)} {value.dtype}"


def shape_of(value: Value) -> str:
    """The shape of an input or output in words: "(N, 64)"."""
    if value.dims is None:
        return "of any shape"
    return (
        "(" + ", ".join("?" if dim is None else str(dim) for dim in value.dims) + ("," * (len(value.dims) == 1)) + ")"
    )


def _value_json(value: Value) -> dict[str, Any]:
    return {"name": value.name, "dtype": value.dtype, "shape": value.dims}


def finite(figures: Mapping[str, object]) -> dict[str, float]:
    """Those of a model's figures that are numbers; a file may hold anything there."""
    return {
        name: float(value)
        for name, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
