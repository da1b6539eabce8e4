"""The import of TensorFlow, without its remarks and with a clear line where it is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tfgan_kit.errors import MissingPackageError


def import_tensorflow() -> None:
    """Import TensorFlow.

    Raises:
        MissingPackageError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _stderr_closed():
            import tensorflow  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"training and exporting need TensorFlow ({error}): pip install 'tfgan-kit[train]'"
        ) from error


@contextmanager
def _stderr_closed() -> Iterator[None]:
    """Discard what native code writes to stderr: the library talks before its log level is read."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
