"""Proof that an exported model makes the pictures of the generator it was made from."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import onnx
import onnxruntime

from tfgan_kit.calling import inputs_of
from tfgan_kit.errors import ExportError
from tfgan_kit.export.session import available_cores
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


def batches(spec: ModelSpec) -> list[Batch]:
    """Inputs of both BATCH_SIZES that show every value of every attribute at least once."""
    most = max(spec.classes, default=0)

    def make() -> Iterator[Batch]:
        for size in BATCH_SIZES:
            for i in range(max(2, -(-most // size) if size > 1 else 0)):
                seeds = np.arange(i * size, (i + 1) * size)
                batch = {"z": z_from_seeds(seeds, spec.z_dim, spec.z_prior)}
                if spec.classes:
                    columns = [seeds % count for count in spec.classes]
                    batch["labels"] = np.stack(columns, axis=1) if len(columns) > 1 else columns[0]
                if spec.noise_dim:
                    batch["noise"] = noise_from_seeds(seeds, spec.noise_dim)
                yield batch

    return list(make())


def reference(G: keras.Model, inputs: list[Batch]) -> list[np.ndarray]:
    """TensorFlow's images, float32 (N, H, W, C) in [-1, 1], a batch each."""

    def images(batch: Batch) -> np.ndarray:
        c = batch["labels"].reshape(len(batch["z"]), -1).astype(np.int32) if "labels" in batch else None
        return np.asarray(G(inputs_of(batch["z"], c, batch.get("noise")), training=False))

    return [images(batch) for batch in inputs]


def check_equal(content: bytes, inputs: list[Batch], expected: list[np.ndarray], layout: str) -> Parity:
    """Run a model in onnxruntime and compare it with what TensorFlow made.

    Args:
        content: the model file.
        inputs: of `batches`.
        expected: of `reference`.
        layout: of the model's output, whose dtype is uint8 or float32.

    Returns:
        The largest difference on values in [-1, 1]; for a uint8 model it includes the rounding to grey levels.

    Raises:
        ExportError: onnxruntime does not take the model, or a value is off by more than TOLERANCE, for uint8 by more
            than GREY_LEVELS.
    """
    session = _session(content)
    worst = 0.0
    for batch, images in zip(inputs, expected, strict=True):
        (found,) = session.run(["images"], batch)
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
            worst = max(worst, float(np.abs(found - images).max()))
            continue
        error = float(np.abs(found - images).max())
        if not error <= TOLERANCE:
            raise ExportError(
                f"the exported model is off TensorFlow by {error:.2g} (at most {TOLERANCE:g}) at batch size "
                f"{len(images)}; layers that draw random numbers cannot be exported"
            )
        worst = max(worst, error)
    return Parity(max_abs_error=worst, batch_sizes=BATCH_SIZES, tolerance=TOLERANCE)


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class but this one.
        raise ExportError(f"onnxruntime does not take the exported model: {error}") from None
