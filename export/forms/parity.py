"""Proof that an exported model makes the pictures of the generator it was made from."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import onnx
import onnxruntime

from tfgan_kit.calling import inputs_of
from tfgan_kit.errors import ExportError
from tfgan_kit.export.sampling.session import available_cores
from tfgan_kit.export.spec import ModelSpec, Parity
from tfgan_kit.latents import noise_from_seeds, z_from_seeds

# On values in [-1, 1]; a grey level is 2 / 255 = 7.8e-3.
TOLERANCE = 1e-4
GREY_LEVELS = 1
BATCH_SIZES = (1, 16)

Batch = dict[str, np.ndarray]


def check_legal(model: onnx.ModelProto) -> None:
    """Have ONNX's checker look at the whole model.

    Raises:
        ExportError: an operator that ONNX does not have, or a model that is not legal.
    """
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    unknown = sorted({node.op_type for node in model.graph.node if not onnx.defs.has(node.op_type, opset, node.domain)})
    if unknown:
        names = ", ".join(unknown)
        raise ExportError(
            f"the generator cannot be exported: opset {opset} has no {names}; change the layers that use it"
        )
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the exported model is not legal ONNX: {error}") from None


def batch_sizes(spec: ModelSpec) -> tuple[int, ...]:
    """The batch sizes to compare: the one that the graph takes, or a single picture and several."""
    return BATCH_SIZES if spec.max_batch is None else (spec.max_batch,)


def seeds_of(spec: ModelSpec) -> list[np.ndarray]:
    """Seeds of batches of every size, which together show every value of every attribute at least once."""
    most = max(spec.classes, default=0)
    sizes = batch_sizes(spec)
    return [
        np.arange(i * size, (i + 1) * size)
        for size in sizes
        for i in range(max(2, -(-most // size) if size == sizes[-1] else 0))
    ]


def batch_of(spec: ModelSpec, seeds: np.ndarray) -> Batch:
    """What a model may take for seeds (N,) int64: `seed`, `z`, and where the model has them `labels` and `noise`."""
    # Of the z that a graph makes from seeds; another model is given its z truncated.
    psi = np.float32(spec.psi if spec.inputs == "seed" and spec.truncation == "z" else 1.0)
    batch = {"seed": seeds, "z": psi * z_from_seeds(seeds, spec.z_dim, spec.z_prior)}
    if spec.classes:
        columns = [seeds % count for count in spec.classes]
        batch["labels"] = np.stack(columns, axis=1) if len(columns) > 1 else columns[0]
    if spec.noise_dim:
        batch["noise"] = noise_from_seeds(seeds, spec.noise_dim)
    return batch


def reference(G: keras.Model, inputs: list[Batch]) -> list[np.ndarray]:
    """TensorFlow's images, float32 (N, H, W, C) in [-1, 1], a batch each."""

    def images(batch: Batch) -> np.ndarray:
        c = batch["labels"].reshape(len(batch["z"]), -1).astype(np.int32) if "labels" in batch else None
        return np.asarray(G(inputs_of(batch["z"], c, batch.get("noise")), training=False))

    return [images(batch) for batch in inputs]


def runner(content: bytes) -> Callable[[Batch], np.ndarray]:
    """What makes the one output of a model file, in onnxruntime, from a batch that has at least its inputs.

    Raises:
        ExportError: onnxruntime does not take the model.
    """
    session = _session(content)
    names = [value.name for value in session.get_inputs()]
    return lambda batch: np.asarray(session.run(None, {name: batch[name] for name in names})[0])


def check_equal(
    run: Callable[[Batch], np.ndarray],
    inputs: list[Batch],
    expected: list[np.ndarray],
    layout: str = "nhwc",
    tolerance: float | None = None,
) -> Parity:
    """Compare a model with what TensorFlow made.

    Args:
        run: a batch to the model's output, uint8 or float32, as `runner` makes it.
        inputs: of `batch_of`.
        expected: of `reference`.
        layout: of the model's output.
        tolerance: of float32 values; None: TOLERANCE.

    Returns:
        The largest difference on values in [-1, 1]; for a uint8 model it, and its tolerance, include the rounding to
        grey levels.

    Raises:
        ExportError: a value is off by more than the tolerance, for uint8 by more than GREY_LEVELS.
    """
    tolerance = TOLERANCE if tolerance is None else tolerance
    worst, allowed = 0.0, tolerance
    for batch, images in zip(inputs, expected, strict=True):
        found = run(batch)
        found = found.transpose(0, 2, 3, 1) if layout == "nchw" else found
        if found.shape != images.shape:
            raise ExportError(f"the exported model makes images of shape {found.shape}, TensorFlow of {images.shape}")
        if found.dtype == np.uint8:
            grey = np.clip(np.rint((images + 1) * 127.5), 0, 255)
            off = np.abs(found - grey).max()
            if not off <= GREY_LEVELS:
                raise ExportError(
                    f"the exported model is off TensorFlow by {off:g} grey levels (at most {GREY_LEVELS})"
                )
            found = found / np.float32(127.5) - 1
            worst, allowed = max(worst, float(np.abs(found - images).max())), (GREY_LEVELS + 0.5) / 127.5
            continue
        error = float(np.abs(found - images).max())
        if not error <= tolerance:
            raise ExportError(
                f"the exported model is off TensorFlow by {error:.2g} (at most {tolerance:g}) at batch size "
                f"{len(images)}; layers that draw random numbers cannot be exported"
            )
        worst = max(worst, error)
    sizes = tuple(sorted({len(images) for images in expected}))
    return Parity(max_abs_error=worst, batch_sizes=sizes, tolerance=allowed)


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class but this one.
        raise ExportError(f"onnxruntime does not take the exported model: {error}") from None
