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

from tfgan_kit.errors import SampleError
from tfgan_kit.export.labels import Labels, class_index, labels_for
from tfgan_kit.export.session import available_cores, open_session, read_model, read_spec
from tfgan_kit.latents import noise_from_seeds, z_from_seeds

if TYPE_CHECKING:
    import onnxruntime

# Pictures a run of onnxruntime on the CPU: a larger one's maps fall out of the caches, and it is slower a picture.
_PER_RUN = 16

# The inputs of a part of the pictures, by name.
Feed = Callable[[slice], dict[str, np.ndarray]]


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
        """The pictures of `seeds`: the same picture for the same seed and labels, whatever it is drawn together with.

        On one machine and device that holds to the bit on the CPU; between machines, and on a GPU, whose matrix
        products depend on the batch, a value may round to the neighbouring grey level.

        Args:
            seeds: (N,) integers in [0, 2**63).
            labels: for a conditional model one class for all, or a sequence of N; an index or a name. For a model of
                several attributes the same for each by name, such as {"hair": "brown", "glasses": 0}, or (N, A)
                indices. None, or for attributes that are not named: by the seed, which goes through a single
                attribute's classes, seed % K, and draws several independently.
            truncation: factor of z in [0, 1], towards the mean picture; 1 leaves z as it is, and is all that a model
                takes whose z is spherical, with no mean on its sphere, or whose w was truncated at export.
            batch: most pictures made at a time; None: the sampler's own.

        Returns:
            (N, H, W, C) uint8, whatever layout and dtype the file has.

        Raises:
            SampleError: a seed, class, truncation or batch that is not legal.
        """
        numbers = _checked_seeds(seeds)
        self._check_truncation(truncation)
        c = labels_for(self.spec, labels, numbers)

        def feed(part: slice) -> dict[str, np.ndarray]:
            z = z_from_seeds(numbers[part], self.spec.z_dim, self.spec.z_prior)
            z = z if truncation == 1 else z * np.float32(truncation)
            return _inputs(z, c, part) | self._noise(numbers[part])

        return self._made(len(numbers), feed, batch)

    def generate(
        self,
        z: np.ndarray,
        labels: Labels | None = None,
        batch: int | None = None,
        noise: np.ndarray | None = None,
    ) -> np.ndarray:
        """The pictures of given latents, for walks between pictures and arithmetic on them.

        Args:
            z: (N, z_dim) float32.
            labels: as in `sample`; what is left open is by the seed i for the i-th.
            batch: as in `sample`.
            noise: (N, noise_dim) float32, for a model that has such an input; None: that of the seed i for the i-th.

        Returns:
            (N, H, W, C) uint8.

        Raises:
            SampleError: a z or noise of another shape or dtype, or a class or batch that is not legal.
        """
        _check_rows("z", z, (None, self.spec.z_dim))
        if noise is not None:
            if not self.spec.noise_dim:
                raise SampleError("the model has no input noise: leave noise out")
            _check_rows("noise", noise, (len(z), self.spec.noise_dim))
        seeds = np.arange(len(z))
        c = labels_for(self.spec, labels, seeds)

        def feed(part: slice) -> dict[str, np.ndarray]:
            drawn = self._noise(seeds[part]) if noise is None else {"noise": noise[part]}
            return _inputs(z[part], c, part) | drawn

        return self._made(len(z), feed, batch)

    def class_index(self, label: int | str, attribute: str | None = None) -> int:
        """The index of a class that is given as index or name; a name that is a number is a name first.

        Args:
            label: index or name.
            attribute: whose value it is; None: the only one's.

        Raises:
            SampleError: an unconditional model, no such attribute, or no such class.
        """
        return class_index(self.spec, label, attribute)

    def _check_truncation(self, psi: float) -> None:
        if not 0 <= psi <= 1:
            raise SampleError(f"truncation must be in [0, 1]; got {psi}")
        if psi != 1 and self.spec.truncation == "w":
            raise SampleError(
                f"the model's truncation was set at export, to {self.spec.psi:g}, and it takes only 1 here; got {psi}: "
                f"tfgan export --onnx --truncation {psi} makes a model with another"
            )
        if psi != 1 and self.spec.truncation == "none":
            raise SampleError(f"the model normalises z, so that it takes only truncation 1; got {psi}")
        if psi != 1 and self.spec.z_prior == "spherical":
            raise SampleError(f"a model with a spherical z takes only truncation 1; got {psi}")

    def _noise(self, seeds: np.ndarray) -> dict[str, np.ndarray]:
        """The input `noise` of seeds, where there is one."""
        return {"noise": noise_from_seeds(seeds, self.spec.noise_dim)} if self.spec.noise_dim else {}

    def _made(self, count: int, feed: Feed, batch: int | None) -> np.ndarray:
        """`count` pictures, (count, H, W, C) uint8."""
        images = np.empty((count, *self.spec.image_shape), np.uint8)

        def make(part: slice) -> None:
            (made,) = session.run(["images"], feed(part))
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


def _inputs(z: np.ndarray, c: np.ndarray | None, part: slice) -> dict[str, np.ndarray]:
    """The inputs `z`, which is of the part, and `labels`, where there are some."""
    return {"z": z} if c is None else {"z": z, "labels": c[part]}


def _check_rows(name: str, array: np.ndarray, shape: tuple[int | None, int]) -> None:
    """Refuse an array that is not of float32 and of that shape; None is any."""
    rows, columns = shape
    right = array.ndim == 2 and array.shape[1] == columns and rows in (None, len(array))
    if not right or array.dtype != np.float32:
        wanted = "N" if rows is None else rows
        raise SampleError(f"{name} must be ({wanted}, {columns}) float32; got {array.shape} {array.dtype}")


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
