"""What may be asked of a sampler: arguments that are not legal are refused in one line, before any work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfgan_kit.errors import SampleError
from tfgan_kit.export.spec import ModelSpec


def checked_count(name: str, value: int) -> int:
    """A number of things of which there must be one.

    Raises:
        SampleError: fewer than 1.
    """
    if value < 1:
        raise SampleError(f"{name} must be at least 1; got {value}")
    return value


def checked_seeds(seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    """(N,) int64 in [0, 2**63).

    Raises:
        SampleError: anything else.
    """
    numbers = np.asarray(seeds)
    if numbers.size == 0:
        return np.zeros(0, np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= 2**63:
        raise SampleError(f"seeds must be whole numbers in [0, 2**63), one a picture; got {seeds!r:.80}")
    return numbers.astype(np.int64)


def check_rows(name: str, array: np.ndarray, shape: tuple[int | None, int]) -> None:
    """Refuse an array that is not of float32 and of that shape; None is any.

    Raises:
        SampleError: another shape or dtype.
    """
    rows, columns = shape
    right = array.ndim == 2 and array.shape[1] == columns and rows in (None, len(array))
    if not right or array.dtype != np.float32:
        wanted = "N" if rows is None else rows
        raise SampleError(f"{name} must be ({wanted}, {columns}) float32; got {array.shape} {array.dtype}")


def check_truncation(spec: ModelSpec, psi: float) -> None:
    """Refuse a truncation that is out of range, or that the model cannot do.

    Raises:
        SampleError: with the reason.
    """
    if not 0 <= psi <= 1:
        raise SampleError(f"truncation must be in [0, 1]; got {psi}")
    if psi == 1:
        return
    if spec.truncation == "none":
        raise SampleError(f"the model normalises z, so that it takes only truncation 1; got {psi}")
    if spec.truncation == "w" or spec.inputs == "seed":
        raise SampleError(
            f"the model's truncation was set at export, to {spec.psi:g}, and it takes only 1 here; got {psi}: "
            f"tfgan export --onnx --truncation {psi} makes a model with another"
        )
    if spec.z_prior == "spherical":
        raise SampleError(f"a model with a spherical z takes only truncation 1; got {psi}")


def check_inputs(spec: ModelSpec, given: str) -> None:
    """Refuse latents that the model has no input for.

    Args:
        spec: of the model.
        given: "z" or "w".

    Raises:
        SampleError: the model makes its own z, or has no w.
    """
    if spec.inputs == "seed":
        raise SampleError(
            f"the model takes seeds and makes its own latents, so that it has no input {given}: give seeds to sample, "
            "or export it again with --inputs z"
        )
    if given == "w" and spec.inputs != "w":
        raise SampleError(
            "the model has no input w: a model of a style generator that was exported with --inputs w has one"
        )
