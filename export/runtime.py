"""Sampling from a tfgan .onnx with numpy and onnxruntime, and nothing else.

from tfgan_kit.export import Sampler
images = Sampler("generator.onnx").sample(seeds=range(16))
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfgan_kit.errors import SampleError, nearest
from tfgan_kit.export.session import available_cores, open_session, read_model, read_spec
from tfgan_kit.latents import z_from_seeds

if TYPE_CHECKING:
    import onnxruntime

# Pictures a run of onnxruntime on the CPU: a larger one's maps fall out of the caches, and it is slower a picture.
_PER_RUN = 16

Labels = int | str | Sequence[int | str] | np.ndarray


class Sampler:
    """Pictures from a model file.

    Attributes:
        spec: what the file says of itself.
        device: "cpu" or "cuda", where it really runs.
        batch: most pictures made at a time where a call does not say.

    May be used from several threads.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, device: str = "cpu", threads: int | None = None, batch: int = 64
    ) -> None:
        """Open a model file.

        Args:
            path: the .onnx.
            device: "cpu" or "cuda".
            threads: CPU threads; None: as many as this process may use.
            batch: most pictures made at a time; memory grows with it.

        Raises:
            ModelFileError: missing, truncated, not of tfgan-kit, or of a newer format.
            DeviceError: an unknown device, or one that is not there.
            MissingPackageError: onnxruntime is not installed.
        """
        self.device, self.batch = device, _checked_batch(batch)
        self._content = read_model(Path(path))
        # The default counts the machine's cores, also where the process may use only some of them.
        self._threads = (threads or available_cores()) if device == "cpu" else 1
        # One thread a run, and several runs beside each other: unlike threads within a run, these never wait for one
        # another, so they lose nothing where other programs use the same cores.
        self._session = open_session(self._content, device, threads=1, source=str(path))
        self._wide: onnxruntime.InferenceSession | None = None
        # Its threads start with the first runs beside each other, and are kept for the next ones.
        self._pool = ThreadPoolExecutor(self._threads)
        self.spec = read_spec(self._session, str(path))

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
            batch: most pictures made at a time; None: the sampler's own.

        Returns:
            (N, H, W, C) uint8, whatever layout and dtype the file has.

        Raises:
            SampleError: a seed, class, truncation or batch that is not legal.
        """
        numbers = _checked_seeds(seeds)
        if not 0 <= truncation <= 1:
            raise SampleError(f"truncation must be in [0, 1]; got {truncation}")
        if truncation != 1 and self.spec.z_prior == "spherical":
            raise SampleError(f"a model with a spherical z takes only truncation 1; got {truncation}")

        def z_of(part: slice) -> np.ndarray:
            z = z_from_seeds(numbers[part], self.spec.z_dim, self.spec.z_prior)
            return z if truncation == 1 else z * np.float32(truncation)

        return self._made(len(numbers), z_of, self._classes(labels, numbers), batch)

    def generate(self, z: np.ndarray, labels: Labels | None = None, batch: int | None = None) -> np.ndarray:
        """The pictures of given latents, for walks between pictures and arithmetic on them.

        Args:
            z: (N, z_dim) float32.
            labels: as in `sample`; None: class i % num_classes for the i-th.
            batch: as in `sample`.

        Returns:
            (N, H, W, C) uint8.

        Raises:
            SampleError: a z of another shape or dtype, or a class or batch that is not legal.
        """
        if z.ndim != 2 or z.shape[1] != self.spec.z_dim or z.dtype != np.float32:
            raise SampleError(f"z must be (N, {self.spec.z_dim}) float32; got {z.shape} {z.dtype}")
        return self._made(len(z), lambda part: z[part], self._classes(labels, np.arange(len(z))), batch)

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
        elif isinstance(label, bool) or not isinstance(label, int | np.integer):
            raise SampleError(f"a class is an index or a name; got {label!r}; legal: 0 to {len(names) - 1}")
        if not 0 <= int(label) < len(names):
            raise SampleError(f"class {label} does not exist; legal: 0 to {len(names) - 1}, or {', '.join(names)}")
        return int(label)

    def _made(
        self, count: int, z_of: Callable[[slice], np.ndarray], classes: np.ndarray | None, batch: int | None
    ) -> np.ndarray:
        """`count` pictures, (count, H, W, C) uint8; `z_of` gives the latents of a part of them."""
        images = np.empty((count, *self.spec.image_shape), np.uint8)

        def make(part: slice) -> None:
            feed = {"z": z_of(part)}
            if classes is not None:
                feed["labels"] = classes[part]
            (made,) = session.run(["images"], feed)
            images[part] = _as_uint8(made.transpose(0, 2, 3, 1) if self.spec.layout == "nchw" else made)

        # A single picture, or few, on many cores: only threads within a run use them.
        beside = self._threads if 2 * count > self._threads else 1
        session = self._session if beside == self._threads else self._wide_session()
        size = -(-min(self.batch if batch is None else _checked_batch(batch), max(count, 1)) // beside)
        if self.device == "cpu":
            size = min(size, _PER_RUN)
        parts = [slice(start, start + size) for start in range(0, count, size)]
        if beside == 1 or len(parts) == 1:
            for part in parts:
                make(part)
        else:
            list(self._pool.map(make, parts))
        return images

    def _wide_session(self) -> onnxruntime.InferenceSession:
        """The session whose runs use every thread, opened when it is first needed."""
        if self._wide is None:
            self._wide = open_session(self._content, self.device, self._threads, source="the model")
        return self._wide

    def _classes(self, labels: Labels | None, seeds: np.ndarray) -> np.ndarray | None:
        """(N,) int64 class indices, or None for an unconditional model."""
        if labels is None:
            return seeds % self.spec.num_classes if self.spec.num_classes else None
        if isinstance(labels, str | int) or np.ndim(labels) == 0:
            return np.full(len(seeds), self.class_index(labels), np.int64)  # type: ignore[arg-type]
        if len(labels) != len(seeds):
            raise SampleError(f"labels must be one class, or one a seed; got {len(labels)} for {len(seeds)} seeds")
        return np.array([self.class_index(label) for label in labels], np.int64)


def _checked_batch(batch: int) -> int:
    if batch < 1:
        raise SampleError(f"batch must be at least 1; got {batch}")
    return batch


def _checked_seeds(seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    numbers = np.asarray(seeds)
    if numbers.size == 0:
        return np.zeros(0, np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= 2**63:
        raise SampleError(f"seeds must be whole numbers in [0, 2**63), one a picture; got {seeds!r:.80}")
    return numbers.astype(np.int64)


def _as_uint8(images: np.ndarray) -> np.ndarray:
    """Grey levels as a uint8 export has them."""
    if images.dtype == np.uint8:
        return images
    grey: np.ndarray = np.clip(np.rint((images + np.float32(1)) * np.float32(127.5)), 0, 255).astype(np.uint8)
    return grey
