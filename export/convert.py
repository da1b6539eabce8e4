"""From a Keras generator to an ONNX model, and from a run folder to a file that is proven equal to it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import keras
import onnx
import tensorflow as tf

from tfgan_kit._version import __version__
from tfgan_kit.build import build_generator
from tfgan_kit.calling import inputs_of, noise_dim, takes
from tfgan_kit.errors import ExportError, RecipeError
from tfgan_kit.export import parity
from tfgan_kit.export.graph import Graph
from tfgan_kit.export.optimize import optimize
from tfgan_kit.export.options import check_file, check_options
from tfgan_kit.export.spec import PROPERTY, ModelSpec, Parity
from tfgan_kit.export.tail import append_tail
from tfgan_kit.files import write_atomic
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.run_folder import DataFacts, RunFolder
from tfgan_kit.training.state import load_network

# What every onnxruntime since 1.10 reads.
IR_VERSION = 8


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """What `export_onnx` made.

    Attributes:
        file: the model.
        spec: what it says of itself, parity included.
        size_bytes: of the file.
        refused: one line for each damaged checkpoint that was passed over.
    """

    file: Path
    spec: ModelSpec
    size_bytes: int
    refused: tuple[str, ...]


def export_onnx(
    run: Path,
    file: Path | None = None,
    *,
    layout: str = "nhwc",
    output: str = "uint8",
    opset: int = 17,
    weights: str = "ema",
    best: bool = False,
    truncation: float = 1.0,
    figures: Mapping[str, float] | None = None,
) -> ExportResult:
    """Export the generator of a run's newest intact checkpoint; what is written was compared with TensorFlow.

    Args:
        run: the run folder.
        file: where the model goes; None: generator.onnx in the run folder.
        layout: axes of the images after N, "nhwc" or "nchw".
        output: "uint8", grey levels, or "float32", in [-1, 1].
        opset: of the default operator set, 13 to 18.
        weights: "ema" for the moving average, "last" for the weights of the last step.
        best: take the checkpoint that the run's evaluations found best, in place of the newest.
        truncation: psi in [0, 1], how much is left of w's distance from its average; 1 leaves w as it is. Other values
            are for families that have a w; z is truncated when pictures are drawn.
        figures: measured figures to keep in the file, by name.

    Raises:
        ExportError: an option that is not legal, a generator that has no ONNX form, or a model that is not equal to it;
            what was at `file` before is as it was.
        RunError: `run` is not a run or has no intact checkpoint.
    """
    check_options(layout=layout, output=output, opset=opset, weights=weights, truncation=truncation)
    folder = RunFolder(run)
    recipe, facts, name = folder.read()
    manifest, state, refused = folder.load(best=best)
    file = run / "generator.onnx" if file is None else file
    check_file(file)

    height, width, channels = facts.shape
    spec = ModelSpec(
        z_dim=recipe.z_dim,
        z_prior=recipe.z_prior,
        attributes=facts.attributes,
        counts=facts.counts if len(facts.attributes) > 1 else (),
        height=height,
        width=width,
        channels=channels,
        layout=layout,
        dtype=output,
        recipe_name=name,
        recipe_digest=recipe.digest(),
        recipe=recipe.to_json(),
        data_spec=facts.spec,
        data_digest=facts.digest,
        data_images=facts.images,
        nimg=manifest.nimg,
        weights=weights,
        parity=Parity(max_abs_error=0.0, batch_sizes=parity.BATCH_SIZES, tolerance=parity.TOLERANCE),
        tfgan_kit=__version__,
        figures=dict(figures or {}),
    )
    # On the CPU: training may be using the GPU, whose float32 products are by default of lower precision.
    with tf.device("CPU:0"):
        G = _generator(recipe, facts, truncation)
        load_network(G, state, "G_ema" if weights == "ema" else "G")
        spec = replace(spec, noise_dim=noise_dim(G), truncation=_truncates(G), psi=truncation)
        spec, content = proven_model(G, spec, opset)
    try:
        write_atomic(file, lambda temporary: temporary.write_bytes(content))
    except OSError as error:
        raise ExportError(f"{file} cannot be written: {error.strerror or error}") from None
    return ExportResult(file=file, spec=spec, size_bytes=len(content), refused=tuple(refused))


def _truncates(G: keras.Model) -> str:
    """What truncation means for a generator: w, where it maps z to one; nothing, where it normalises z; else z."""
    if hasattr(G, "mapping"):
        return "w"
    return "none" if any(layer.name == "z_norm" for layer in G.layers) else "z"


def proven_model(G: keras.Model, spec: ModelSpec, opset: int) -> tuple[ModelSpec, bytes]:
    """The optimised model of a float32 generator, compared with it at every stage.

    Args:
        G: z (N, z_dim) float32 [and c (N, A) int32] [and noise (N, M) float32] to images (N, H, W, C) float32 in
            [-1, 1].
        spec: what the file is to be; its parity is measured here.
        opset: of the default operator set.

    Returns:
        `spec` with the parity of the float images, and the content of the file.

    Raises:
        ExportError: a model that is not legal ONNX, or not equal to `G`.
    """
    inputs = parity.batches(spec)
    expected = parity.reference(G, inputs)

    # As tf2onnx has it; then optimised, with float images; then the file itself.
    raw = to_onnx(G, opset)
    parity.check_legal(raw)
    parity.check_equal(raw.SerializeToString(), inputs, expected, "nhwc")
    as_float = _finished(raw, replace(spec, dtype="float32"))
    measured = parity.check_equal(as_float.SerializeToString(), inputs, expected, spec.layout)
    spec = replace(spec, parity=measured)
    model = _finished(raw, spec)
    parity.check_legal(model)
    content: bytes = model.SerializeToString()
    parity.check_equal(content, inputs, expected, spec.layout)
    return spec, content


def to_onnx(G: keras.Model, opset: int) -> onnx.ModelProto:
    """tf2onnx's model of a generator, with those of the inputs `z`, `labels` and `noise` that it takes.

    `labels` are int64, (N,) for one attribute and (N, A) for several; the output is `images`.

    Raises:
        ExportError: tf2onnx fails.
    """
    signature = [tf.TensorSpec((None, G.inputs[0].shape[1]), tf.float32, name="z")]
    if takes(G, "c"):
        attributes = G.inputs[1].shape[1]
        axes = (None, attributes) if attributes > 1 else (None,)
        signature.append(tf.TensorSpec(axes, tf.int64, name="labels"))
    if noise_dim(G):
        signature.append(tf.TensorSpec((None, noise_dim(G)), tf.float32, name="noise"))

    @tf.function(input_signature=signature)
    def generate(z: tf.Tensor, *others: tf.Tensor) -> dict[str, tf.Tensor]:
        c = tf.cast(others[0], tf.int32) if takes(G, "c") else None
        if c is not None and c.shape.rank == 1:
            c = c[:, tf.newaxis]
        return {"images": G(inputs_of(z, c, others[-1] if noise_dim(G) else None), training=False)}

    with _silence():
        import tf2onnx

        try:
            model, _ = tf2onnx.convert.from_function(generate, input_signature=signature, opset=opset)
        except Exception as error:  # tf2onnx raises whatever its rewriters run into.
            raise ExportError(f"the generator cannot be exported to opset {opset}: {error}") from error
    return model


def _generator(recipe: Recipe, facts: DataFacts, truncation: float) -> keras.Model:
    """G as pictures are drawn from it, in float32 and with its initial weights.

    Raises:
        ExportError: a truncation that the family does not have.
    """
    build = partial(build_generator, recipe, shape=facts.shape, classes=facts.classes, dtype="float32", in_use=True)
    if truncation == 1:
        return build()
    try:
        return build(truncation=truncation)
    except RecipeError as error:
        raise ExportError(
            f"truncation {truncation} cannot be exported ({error}): leave it out, and draw pictures with "
            f"tfgan sample --truncation {truncation}"
        ) from None


def _finished(raw: onnx.ModelProto, spec: ModelSpec) -> onnx.ModelProto:
    """The optimised model with the output and the metadata that `spec` states."""
    copy = onnx.ModelProto()
    copy.CopyFrom(raw)
    graph = Graph(copy)
    for value in graph.inputs:
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    append_tail(graph, spec.image_shape, layout=spec.layout, dtype=spec.dtype)
    optimize(graph)
    model = graph.to_model(IR_VERSION, producer="tfgan-kit", version=__version__)
    onnx.helper.set_model_props(model, {PROPERTY: spec.to_json()})
    return model


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the converter's own warnings and log lines from the user: what matters is checked afterwards."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logger.setLevel(logging.CRITICAL + 1)
            yield
    finally:
        logger.setLevel(level)
