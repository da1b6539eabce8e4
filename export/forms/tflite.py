"""A generator as a TFLite file of builtin operators, compared with the generator before it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan_kit.errors import ExportError
from tfgan_kit.export.forms import parity, traced
from tfgan_kit.export.forms.quiet import quiet
from tfgan_kit.export.forms.saved_model import SIGNATURE
from tfgan_kit.export.options import check_file
from tfgan_kit.export.source import Source
from tfgan_kit.export.spec import Parity
from tfgan_kit.files import write_atomic


def write_tflite(source: Source, file: Path, *, output: str = "uint8", max_batch: int | None = None) -> Parity:
    """Write a TFLite file whose signature takes those of `z`, `labels` and `noise` that G does, and gives `images`.

    Args:
        source: of `open_source`, with inputs "z".
        file: where it goes.
        output: "uint8", grey levels, or "float32", in [-1, 1]; (N, H, W, C) in any case.
        max_batch: N; None: any, by resizing the inputs.

    Returns:
        How far what was written is from TensorFlow's float images.

    Raises:
        ExportError: a file that cannot be written, a generator that has no form in TFLite, or a model that is not
            equal.
    """
    check_file(file, "tflite")
    function = traced.whole(source.G, batch=max_batch, grey=output == "uint8")
    content = _converted(function)
    spec = replace(source.spec, max_batch=max_batch)
    batches = [parity.batch_of(spec, seeds) for seeds in parity.seeds_of(spec)]
    # On the CPU, where the interpreter runs too: a GPU's float32 products are by default of lower precision.
    with tf.device("CPU:0"):
        expected = parity.reference(source.G, batches)
    measured = parity.check_equal(_runner(content), batches, expected)
    try:
        write_atomic(file, lambda temporary: temporary.write_bytes(content))
    except OSError as error:
        raise ExportError(f"{file} cannot be written: {error.strerror or error}") from None
    return measured


def _converted(function: traced.Traced) -> bytes:
    """The file's content.

    Raises:
        ExportError: the converter fails.
    """
    module = tf.Module()
    module.generate, module.read = function.function, function.variables
    with quiet("tensorflow"):
        concrete = function.function.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            content: bytes = converter.convert()
        except Exception as error:  # The converter raises whatever its passes run into.
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ExportError(f"the generator has no form in TFLite's builtin operators: {lines[0]:.200}") from error
    return content


def _runner(content: bytes) -> Callable[[parity.Batch], np.ndarray]:
    """What makes the images of a batch in TFLite's interpreter."""
    with quiet("tensorflow"):
        # The default's delegate announces itself on stderr.
        plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = tf.lite.Interpreter(model_content=content, experimental_op_resolver_type=plain)

    def run(batch: parity.Batch) -> np.ndarray:
        runner = interpreter.get_signature_runner(SIGNATURE)
        return np.asarray(runner(**{name: batch[name] for name in runner.get_input_details()})["images"])

    return run
