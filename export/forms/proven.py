"""ONNX models of a generator in float32, compared with it at every stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np
import onnx

from tfgan_kit._version import __version__
from tfgan_kit.errors import ExportError
from tfgan_kit.export.forms import parity, traced
from tfgan_kit.export.forms.quiet import quiet
from tfgan_kit.export.rewrite.graph import Graph, set_batch
from tfgan_kit.export.rewrite.optimize import optimize
from tfgan_kit.export.rewrite.seed_graph import draw_from_seeds
from tfgan_kit.export.rewrite.tail import append_tail
from tfgan_kit.export.spec import PROPERTY, ModelSpec

# What every onnxruntime since 1.10 reads.
IR_VERSION = 8


@dataclass(frozen=True, kw_only=True)
class Proven:
    """A model in the form that is asked for, and what its values are before they become that.

    Attributes:
        spec: what the model says of itself, parity included.
        model: the model.
        as_float: the same with float32 images in [-1, 1].
        feed: seeds (N,) int64 to arrays by name, of which the model takes some.
    """

    spec: ModelSpec
    model: onnx.ModelProto
    as_float: onnx.ModelProto
    feed: Callable[[np.ndarray], parity.Batch]


def proven_model(G: keras.Model, spec: ModelSpec, opset: int, *, lean: bool = True) -> tuple[ModelSpec, bytes]:
    """The file of a float32 generator, as `prove` makes it.

    Returns:
        Its spec, and its content.
    """
    proven = prove(G, spec, opset, lean=lean)
    return proven.spec, proven.model.SerializeToString()


def prove(G: keras.Model, spec: ModelSpec, opset: int, *, lean: bool = True) -> Proven:
    """The model of a float32 generator, compared with it at every stage.

    Args:
        G: z (N, z_dim) float32 [and c (N, A) int32] [and noise (N, M) float32] to images (N, H, W, C) float32 in
            [-1, 1].
        spec: what the file is to be; its parity is measured here.
        opset: of the default operator set.
        lean: whether the graph is optimised; else it is tf2onnx's.

    Raises:
        ExportError: a model that is not legal ONNX, or not equal to `G`.
    """
    function = traced.synthesis(G) if spec.inputs == "w" else traced.whole(G)
    to_w = traced.mapping(G) if spec.inputs == "w" else None

    def feed(seeds: np.ndarray) -> parity.Batch:
        batch = parity.batch_of(spec, seeds)
        return batch if to_w is None else batch | {"w": to_w.call(batch).numpy()}

    inputs = [feed(seeds) for seeds in parity.seeds_of(spec)]
    expected = parity.reference(G, inputs)

    # As tf2onnx has it; then in the form that is asked for, with float images; then the file itself.
    raw = to_onnx(function, opset)
    parity.check_legal(raw)
    parity.check_equal(parity.runner(raw.SerializeToString()), inputs, expected)
    as_float = _finished(raw, replace(spec, dtype="float32"), lean)
    measured = parity.check_equal(parity.runner(as_float.SerializeToString()), inputs, expected, spec.layout)
    spec = replace(spec, parity=measured)
    model = _finished(raw, spec, lean)
    parity.check_legal(model)
    parity.check_equal(parity.runner(model.SerializeToString()), inputs, expected, spec.layout)
    return Proven(spec=spec, model=model, as_float=as_float, feed=feed)


def proven_mapping(G: keras.Model, spec: ModelSpec, opset: int) -> bytes:
    """The file that makes the `w` of a style generator: z (N, z_dim) float32 [and labels] to w (N, w_dim) float32.

    Raises:
        ExportError: as `prove`.
    """
    to_w = traced.mapping(G)
    free = replace(spec, max_batch=None)
    inputs = [parity.batch_of(free, seeds) for seeds in parity.seeds_of(free)]
    expected = [to_w.call(batch).numpy() for batch in inputs]
    graph = Graph(to_onnx(to_w, opset))
    set_batch(graph, None)
    optimize(graph)
    model = graph.to_model(IR_VERSION, producer="tfgan-kit", version=__version__)
    parity.check_legal(model)
    content: bytes = model.SerializeToString()
    # w has no unit of its own: what an error of it does to pictures is in the parity of the whole.
    largest = max(float(abs(w).max()) for w in expected)
    parity.check_equal(parity.runner(content), inputs, expected, tolerance=parity.TOLERANCE * max(1.0, largest))
    return content


def to_onnx(function: traced.Traced, opset: int) -> onnx.ModelProto:
    """tf2onnx's model of a function, with its names.

    Raises:
        ExportError: tf2onnx fails.
    """
    with quiet("tf2onnx"):
        import tf2onnx

        try:
            model, _ = tf2onnx.convert.from_function(
                function.function, input_signature=list(function.signature), opset=opset
            )
        except Exception as error:  # tf2onnx raises whatever its rewriters run into.
            raise ExportError(f"the generator cannot be exported to opset {opset}: {error}") from error
    return model


def with_spec(model: onnx.ModelProto, spec: ModelSpec) -> onnx.ModelProto:
    """The same model, which now says what `spec` does."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {PROPERTY: spec.to_json()})
    return model


def _finished(raw: onnx.ModelProto, spec: ModelSpec, lean: bool) -> onnx.ModelProto:
    """The model with the inputs, the output and the metadata that `spec` states."""
    copy = onnx.ModelProto()
    copy.CopyFrom(raw)
    graph = Graph(copy)
    set_batch(graph, None)
    append_tail(graph, spec.image_shape, layout=spec.layout, dtype=spec.dtype)
    if lean:
        optimize(graph)
    if spec.inputs == "seed":
        draw_from_seeds(graph, prior=spec.z_prior, truncation=spec.psi if spec.truncation == "z" else 1.0)
    if spec.max_batch is not None:
        set_batch(graph, spec.max_batch)
    return with_spec(graph.to_model(IR_VERSION, producer="tfgan-kit", version=__version__), spec)
