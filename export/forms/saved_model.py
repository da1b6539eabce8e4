"""A generator as a TensorFlow SavedModel, compared with the generator before it is where it is asked for."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan_kit.errors import ExportError
from tfgan_kit.export.forms import parity, traced
from tfgan_kit.export.forms.quiet import quiet
from tfgan_kit.export.options import check_folder
from tfgan_kit.export.source import Source
from tfgan_kit.export.spec import Parity
from tfgan_kit.files import TEMPORARY

SIGNATURE = "serving_default"


def write_saved_model(source: Source, folder: Path, *, output: str = "uint8") -> Parity:
    """Write a SavedModel whose signature takes those of `z`, `labels` and `noise` that G does, and gives `images`.

    Args:
        source: of `open_source`, with inputs "z".
        folder: a new or empty folder.
        output: "uint8", grey levels, or "float32", in [-1, 1]; (N, H, W, C) in any case.

    Returns:
        How far what was written is from TensorFlow's float images.

    Raises:
        ExportError: a folder that is not empty or cannot be written, or a model that is not equal.
    """
    check_folder(folder)
    temporary = folder.with_name(f"{TEMPORARY}{uuid.uuid4().hex}-{folder.name}")
    try:
        _save(traced.whole(source.G, grey=output == "uint8"), temporary)
        # On the CPU, as the ONNX is compared: a GPU's float32 products are by default of lower precision.
        with tf.device("CPU:0"):
            measured = _check(source, temporary)
        os.replace(temporary, folder)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return measured


def _save(function: traced.Traced, folder: Path) -> None:
    """Write a function and the variables that it reads."""
    module = tf.Module()
    module.generate, module.read = function.function, function.variables
    with quiet("tensorflow"):
        tf.saved_model.save(module, str(folder), {SIGNATURE: module.generate})


def _check(source: Source, folder: Path) -> Parity:
    """Compare what is in the folder with the generator."""
    batches = [parity.batch_of(source.spec, seeds) for seeds in parity.seeds_of(source.spec)]
    expected = parity.reference(source.G, batches)
    with quiet("tensorflow"):
        loaded = tf.saved_model.load(str(folder))
    signature = loaded.signatures[SIGNATURE]
    names = signature.structured_input_signature[1]

    def run(batch: parity.Batch) -> np.ndarray:
        return np.asarray(signature(**{name: tf.constant(batch[name]) for name in names})["images"])

    return parity.check_equal(run, batches, expected)
