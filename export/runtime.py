"""Sampling from a tfgan .onnx with numpy and onnxruntime, and nothing else.

from tfgan_kit.export import Sampler
images = Sampler("generator.onnx").sample(seeds=range(16))
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgan_kit.errors import DeviceError, MissingPackageError, ModelFileError, SampleError, nearest
from tfgan_kit.export.spec import PROPERTY, ModelSpec
from tfgan_kit.latents import z_from_seeds

if TYPE_CHECKING:
    import onnxruntime

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_TYPES = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}

Labels = int | str | Sequence[int | str] | np.ndarray


class Sampler:
    """Pictures from a model file.

    Attributes:
        spec: what the file says of itself.
        device: "cpu" or "cuda", where it really runs.
        batch: pictures made at a time where a call does not say.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, device: str = "cpu", threads: int | None = None, batch: int = 64
    ) -> None:
        """Open a model file.

        Args:
            path: the .onnx.
            device: "cpu" or "cuda".
            threads: CPU threads; None: as many as this process may use.
            batch: pictures made at a time; memory grows with it.

        Raises:
            ModelFileError: missing, truncated, not of tfgan-kit, or of a newer format.
            DeviceError: an unknown device, or one that is not there.
            MissingPackageError: onnxruntime is not installed.
        """
        self.batch = _checked_batch(batch)
        self._session = _open(Path(path), device, threads)
        properties = self._session.get_modelmeta().custom_metadata_map
        self.spec = ModelSpec.from_json(properties.get(PROPERTY), source=str(path))
        self.device = device
        _check_interface(self._session, self.spec, str(path))

    def sample(
        self,
        seeds: Sequence[int] | np.ndarray = range(16),
        labels: Labels | None = None,
        truncation: float = 1.0,
        batch: int | None = None,
    ) -> np.ndarray:
        """The pictures of `seeds`: the same picture for the same seed and class, whatever it is drawn together with.

        On one machine and device that holds to the bit on the CPU; between machines, and on a GPU, whose matrix
        products depend on the batch, a value may round to the neighbouring grey level.

        Args:
            seeds: (N,) integers in [0, 2**63).
            labels: for a conditional model one class for all, or a sequence of N; an index or a name. None: class
                seed % num_classes, so that successive seeds go through the classes.
            truncation: factor of z in [0, 1], towards the mean picture; 1 leaves z as it is. A spherical prior has
                no mean on its sphere and takes only 1.
            batch: pictures made at a time; None: the sampler's own.

        Returns:
            (N, H, W, C) uint8, whatever layout and dtype the file has.

        Raises:
            SampleError: a seed, class, truncation or batch that is not legal.
        """
        spec = self.spec
        step = self.batch if batch is None else _checked_batch(batch)
        numbers = _checked_seeds(seeds)
        if not 0 <= truncation <= 1:
            raise SampleError(f"truncation must be in [0, 1]; got {truncation}")
        if truncation != 1 and spec.z_prior == "spherical":
            raise SampleError(f"a model with a spherical z takes only truncation 1; got {truncation}")
        classes = self._classes(labels, numbers)

        images = np.empty((len(numbers), *spec.image_shape), np.uint8)
        for start in range(0, len(numbers), step):
            part = slice(start, start + step)
            z = z_from_seeds(numbers[part], spec.z_dim, spec.z_prior)
            feed = {"z": z if truncation == 1 else z * np.float32(truncation)}
            if classes is not None:
                feed["labels"] = classes[part]
            (made,) = self._session.run(["images"], feed)
            images[part] = _as_uint8(made.transpose(0, 2, 3, 1) if spec.layout == "nchw" else made)
        return images

    def class_index(self, label: int | str) -> int:
        """The index of a class that is given as index or name; a name that is a number is a name first.

        Raises:
            SampleError: an unconditional model, or no such class.
        """
        names = self.spec.class_names
        if names is None:
            raise SampleError(f"the model is unconditional and has no classes; got class {label!r}: leave it out")
        if isinstance(label, str):
            if label in names:
                return names.index(label)
            if not label.isdecimal():
                raise SampleError(f"unknown class {label!r}: {nearest(label, names)}")
        if not 0 <= int(label) < len(names):
            raise SampleError(f"class {label} does not exist; legal: 0 to {len(names) - 1}, or {', '.join(names)}")
        return int(label)

    def _classes(self, labels: Labels | None, seeds: np.ndarray) -> np.ndarray | None:
        """(N,) int64 class indices, or None for an unconditional model."""
        if labels is None:
            return seeds % self.spec.num_classes if self.spec.num_classes else None
        if isinstance(labels, str | int | np.integer):
            return np.full(len(seeds), self.class_index(labels if isinstance(labels, str) else int(labels)), np.int64)
        if len(labels) != len(seeds):
            raise SampleError(f"labels must be one class, or one a seed; got {len(labels)} for {len(seeds)} seeds")
        return np.array([self.class_index(label) for label in labels], np.int64)


def _open(path: Path, device: str, threads: int | None) -> onnxruntime.InferenceSession:
    """A session that runs where it was asked to, or an error."""
    try:
        import onnxruntime
    except ImportError:
        raise MissingPackageError("sampling needs onnxruntime: pip install 'tfgan-kit[sample]'") from None
    if device not in PROVIDERS:
        raise DeviceError(f"unknown device {device!r}: {nearest(device, PROVIDERS)}")
    if not path.is_file():
        raise ModelFileError(f"there is no model file {path}: `tfgan export --onnx` makes one")
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise DeviceError(f"this onnxruntime has no {provider}: install onnxruntime-gpu, or take device cpu")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # The default counts the machine's cores, also where the process may use only some of them.
    options.intra_op_num_threads = threads or available_cores()
    try:
        session = onnxruntime.InferenceSession(path, options, providers=[provider])
    except Exception as error:  # onnxruntime's errors share no base class but this one.
        raise ModelFileError(
            f"{path} is not an ONNX model that onnxruntime can read, or is truncated: {error}"
        ) from None
    # Where a provider cannot start, onnxruntime goes on with the CPU.
    if provider not in session.get_providers():
        raise DeviceError(
            f"device {device} is not there: onnxruntime fell back to the CPU; check the driver, or take device cpu"
        )
    return session


def available_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_interface(session: onnxruntime.InferenceSession, spec: ModelSpec, source: str) -> None:
    """Refuse a graph that does not take and give what its metadata says."""
    expected: list[tuple[str, str, list[Any]]] = [("z", "tensor(float)", [spec.z_dim])]
    if spec.num_classes:
        expected.append(("labels", "tensor(int64)", []))
    expected.append(("images", _TYPES[spec.dtype], list(spec.output_shape)))
    found = [(value.name, value.type, value.shape[1:]) for value in [*session.get_inputs(), *session.get_outputs()]]
    if found != expected:
        raise ModelFileError(f"{source} is damaged: its graph has {found}, and its metadata says {expected}")


def _checked_batch(batch: int) -> int:
    if batch < 1:
        raise SampleError(f"batch must be at least 1; got {batch}")
    return batch


def _checked_seeds(seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    try:
        z_from_seeds(seeds, 1)
    except (ValueError, OverflowError) as error:
        raise SampleError(str(error)) from None
    return np.asarray(seeds, np.int64)


def _as_uint8(images: np.ndarray) -> np.ndarray:
    """Grey levels as a uint8 export has them."""
    if images.dtype == np.uint8:
        return images
    grey: np.ndarray = np.clip(np.rint((images + np.float32(1)) * np.float32(127.5)), 0, 255).astype(np.uint8)
    return grey
