"""Opening a model file in onnxruntime: where it was asked to run, and only if it is what it says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgan_kit.errors import DeviceError, MissingPackageError, ModelFileError, nearest
from tfgan_kit.export.reading.guard import MOST_BYTES, check_model
from tfgan_kit.export.spec import PROPERTY, ModelSpec

if TYPE_CHECKING:
    import onnxruntime

# Name, type and axes of a tensor.
Value = tuple[str, str, list[Any]]

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_TYPES = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}
# Float32 is to be float32, as it was proven at export; and no search for the fastest algorithm, which would begin anew
# at every size of a batch.
_OPTIONS = {"cuda": {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}}
# onnxruntime's levels of logging.
_WARNINGS, _NOTHING = 2, 4


def read_model(path: Path) -> bytes:
    """The content of a model file that may be opened.

    Raises:
        ModelFileError: it is missing, cannot be read, or is not to be opened, see `check_model`.
    """
    try:
        # A device or a pipe may never end.
        if path.exists() and not path.is_file():
            raise OSError("not a file")
        if path.stat().st_size > MOST_BYTES:
            raise OSError("it is larger than the 2 GB that an ONNX file may have")
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise ModelFileError(f"there is no model file {path} ({reason}): `tfgan export --onnx` makes one") from None
    check_model(content, str(path))
    return content


def open_session(content: bytes, device: str, threads: int, *, source: str) -> onnxruntime.InferenceSession:
    """An onnxruntime session that runs where it was asked to.

    Args:
        content: of the .onnx.
        device: "cpu" or "cuda".
        threads: CPU threads within a run.
        source: the file's name, for errors.

    Raises:
        ModelFileError: not ONNX, or truncated.
        DeviceError: an unknown device, or one that is not there.
        MissingPackageError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingPackageError("sampling needs onnxruntime: pip install 'tfgan-kit[sample]'") from None
    if device not in PROVIDERS:
        raise DeviceError(f"unknown device {device!r}: {nearest(device, PROVIDERS)}")
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise DeviceError(f"this onnxruntime has no {provider}: install onnxruntime-gpu, or take device cpu")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _NOTHING
    options.intra_op_num_threads = threads
    if device != "cpu":
        # What it logs where a GPU is not there, the error below says.
        onnxruntime.set_default_logger_severity(_NOTHING)
    try:
        session = onnxruntime.InferenceSession(
            content,
            options,
            providers=[(provider, _OPTIONS.get(device, {}))],
            # From the CPU there is nothing to fall back to, and it would print that it does.
            enable_fallback=int(device != "cpu"),
        )
    except Exception as error:  # onnxruntime's errors share no base class but this one.
        raise ModelFileError(
            f"{source} is not an ONNX model that onnxruntime can read, or is truncated: {error}"
        ) from None
    finally:
        if device != "cpu":
            onnxruntime.set_default_logger_severity(_WARNINGS)
    # Where a provider cannot start, onnxruntime goes on with the CPU.
    if provider not in session.get_providers():
        raise DeviceError(
            f"device {device} is not there: onnxruntime fell back to the CPU; check the driver, or take device cpu"
        )
    return session


def run_one(
    session: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray], output: str, source: str
) -> np.ndarray:
    """One output of a run.

    Args:
        session: of a graph that takes and gives what it says.
        inputs: by name.
        output: its name.
        source: the file's name, for errors.

    Returns:
        An array of as many rows as the inputs have, of the shape that the graph says.

    Raises:
        ModelFileError: the graph does not compute what it says.
    """
    shape = next(value.shape for value in session.get_outputs() if value.name == output)
    try:
        made: np.ndarray = session.run([output], inputs)[0]
    except Exception as error:  # onnxruntime's errors share no base class but this one.
        raise ModelFileError(f"{source} is damaged: its graph cannot be computed: {error}") from None
    wanted = (len(next(iter(inputs.values()))), *shape[1:])
    if made.shape != wanted:
        raise ModelFileError(f"{source} is damaged: its graph makes {output} of {made.shape}, and not of {wanted}")
    return made


def run_bound(
    session: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray], output: str, source: str
) -> np.ndarray:
    """As `run_one`, with inputs and output bound to memory of ours, so that each is copied once to or from a device."""
    value = next(value for value in session.get_outputs() if value.name == output)
    dtype = next(np.dtype(name) for name, kind in _TYPES.items() if kind == value.type)
    made = np.empty((len(next(iter(inputs.values()))), *value.shape[1:]), dtype)
    binding = session.io_binding()
    for name, array in inputs.items():
        binding.bind_cpu_input(name, np.ascontiguousarray(array))
    binding.bind_output(output, "cpu", 0, dtype, made.shape, made.ctypes.data)
    try:
        session.run_with_iobinding(binding)
    except Exception as error:  # As above; an output of another shape is among them.
        raise ModelFileError(f"{source} is damaged: its graph cannot be computed: {error}") from None
    return made


def read_spec(session: onnxruntime.InferenceSession, source: str) -> ModelSpec:
    """What a model says of itself, if its graph takes and gives just that.

    Raises:
        ModelFileError: not of tfgan-kit, of a newer format, or with another graph than it says.
    """
    spec = ModelSpec.from_json(session.get_modelmeta().custom_metadata_map.get(PROPERTY), source=source)
    expected: list[Value] = []
    if spec.inputs == "seed":
        expected.append(("seed", "tensor(int64)", []))
    else:
        expected.append((spec.inputs, "tensor(float)", [spec.w_dim if spec.inputs == "w" else spec.z_dim]))
    if spec.inputs != "w":
        expected += labels_input(spec)
    if spec.noise_dim and spec.inputs != "seed":
        expected.append(("noise", "tensor(float)", [spec.noise_dim]))
    expected.append(("images", _TYPES[spec.dtype], list(spec.output_shape)))
    values = described(session)
    found = [(name, kind, shape[1:] if shape else None) for name, kind, shape in values]
    if found != expected:
        raise ModelFileError(f"{source} is damaged: its graph has {found}, and its metadata says {expected}")
    batches = {shape[0] if isinstance(shape[0], int) else None for _, _, shape in values}
    if batches != {spec.max_batch}:
        wanted = spec.max_batch or "any"
        raise ModelFileError(f"{source} is damaged: its graph has batches of {batches}, and its metadata says {wanted}")
    return spec


def labels_input(spec: ModelSpec) -> list[Value]:
    """The input `labels` but for its first axis, if there is one."""
    several = len(spec.classes) > 1
    return [("labels", "tensor(int64)", [len(spec.classes)] if several else [])] if spec.classes else []


def described(session: onnxruntime.InferenceSession) -> list[Value]:
    """Name, type and axes of a model's inputs and outputs, in their order."""
    return [(value.name, value.type, value.shape) for value in [*session.get_inputs(), *session.get_outputs()]]


def available_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
