"""Every error that tfgan-kit raises on purpose.

    TfganKitError
    ├── RecipeError            a recipe, field or value that is not legal
    ├── DataError              a data source that cannot be read or does not fit the recipe
    ├── RunError               a run folder that is in use, of another recipe, damaged or not a run
    │   └── CheckpointError    no checkpoint, or none whose hash is right
    ├── FailedError            a run that failed while it trained, and was to stop where it does
    │   └── DivergedError      a loss, a gradient or the loss scale stopped being a finite number
    ├── ExportError            a generator that could not be exported, or whose export is not equal to it
    ├── ModelFileError         an .onnx that cannot be sampled from
    ├── SampleError            a request that the model cannot answer: a class, seed or size that is not legal
    ├── DeviceError            a device that was asked for and is not there
    ├── StrategyError          processes or devices that cannot train together as asked
    ├── ServeError             an address that cannot be listened at
    └── MissingPackageError    an optional package that the command needs

A message is one line: what was wrong, what is legal, what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TfganKitError(Exception):
    """Base of all errors that a user can act on; the command line prints it as one line and exits with 1."""


class RecipeError(TfganKitError):
    """A recipe, field or value that is not legal."""


class DataError(TfganKitError):
    """A data source that cannot be read or does not fit the recipe."""


class RunError(TfganKitError):
    """A run folder that is in use, of another recipe, damaged or not a run."""


class CheckpointError(RunError):
    """No checkpoint, or none whose hash is right."""


class FailedError(TfganKitError):
    """A run that failed while it trained, and was to stop where it does.

    Attributes:
        why: what failed, without what to do.
        since_nimg: images seen before it began to fail.
    """

    def __init__(self, message: str, *, why: str = "", since_nimg: int = 0) -> None:
        super().__init__(message)
        self.why = why or message
        self.since_nimg = since_nimg


class DivergedError(FailedError):
    """A loss, a gradient or the loss scale stopped being a finite number."""


class ExportError(TfganKitError):
    """A generator that could not be exported, or whose export is not equal to it."""


class ModelFileError(TfganKitError):
    """An .onnx that cannot be sampled from: truncated, foreign, or of a newer format."""


class SampleError(TfganKitError):
    """A request that the model cannot answer: a class, seed or size that is not legal."""


class DeviceError(TfganKitError):
    """A device that was asked for and is not there."""


class StrategyError(TfganKitError):
    """Processes or devices that cannot train together as asked."""


class ServeError(TfganKitError):
    """An address that cannot be listened at."""


class MissingPackageError(TfganKitError):
    """An optional package that the command needs."""


def nearest(name: str, legal: Iterable[str]) -> str:
    """A hint that names the legal word nearest to `name`, or lists them all; for the end of an error line."""
    words = sorted(legal)
    close = difflib.get_close_matches(name, words, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}legal: {', '.join(words)}"
