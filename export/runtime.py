"""Sampling from a tfgan .onnx with numpy and onnxruntime, and nothing else.

from tfgan_kit.export import Sampler
images = Sampler("generator.onnx").sample(seeds=range(16))
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from tfgan_kit.errors import ModelFileError
from tfgan_kit.export.sampling import display
from tfgan_kit.export.sampling.feeds import Feeds
from tfgan_kit.export.sampling.labels import Labels, check_stream, class_index, labels_at, labels_for
from tfgan_kit.export.sampling.requests import check_inputs, check_rows, check_truncation, checked_count, checked_seeds
from tfgan_kit.export.sampling.runner import Feed, Runner
from tfgan_kit.export.sampling.session import available_cores, read_model, read_spec
from tfgan_kit.export.sampling.style_mapping import StyleMapping


class Sampler:
    """Pictures from a model file.

    Attributes:
        spec: what the file says of itself.
        device: "cpu" or "cuda", where it really runs.
        batch: most pictures made at a time where a call does not say.

    May be used from several threads, and after a fork. A pickled one holds the path and opens the file anew.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        device: str = "cpu",
        threads: int | None = None,
        batch: int = 64,
        warm: bool = False,
    ) -> None:
        """Open a model file.

        Args:
            path: the .onnx.
            device: "cpu" or "cuda".
            threads: CPU threads; None: as many as this process may use.
            batch: most pictures made at a time; memory grows with it.
            warm: make a picture now, so that the first call is as fast as the later ones.

        Raises:
            ModelFileError: missing, truncated, not of tfgan-kit, or of a newer format.
            DeviceError: an unknown device, or one that is not there.
            MissingPackageError: onnxruntime is not installed.
            SampleError: threads or batch below 1.
        """
        self.device, self.batch = device, checked_count("batch", batch)
        self._path, self._threads = Path(path), threads
        # The default counts the machine's cores, also where the process may use only some of them.
        cores = available_cores() if threads is None else checked_count("threads", threads)
        self._runner = Runner(read_model(self._path), device, cores, source=str(path))
        self.spec = read_spec(self._runner.session, str(path))
        self._runner.fixed = self.spec.max_batch
        self._style = StyleMapping(self._path, self.spec, device) if self.spec.inputs == "w" else None
        self._feeds = Feeds(self.spec, self._style)
        if warm:
            first = np.zeros(1, np.int64)
            self._runner.warm(self._feeds.of_seeds(first, labels_for(self.spec, None, first), 1.0))

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
                takes whose z is spherical, with no mean on its sphere, or whose truncation was set at export.
            batch: most pictures made at a time; None: the sampler's own. A model of a fixed batch makes that many.

        Returns:
            (N, H, W, C) uint8, whatever layout and dtype the file has.

        Raises:
            SampleError: a seed, class, truncation or batch that is not legal.
        """
        numbers = checked_seeds(seeds)
        check_truncation(self.spec, truncation)
        c = labels_for(self.spec, labels, numbers)
        return self._made(len(numbers), self._feeds.of_seeds(numbers, c, truncation), batch)

    def sample_iter(
        self,
        seeds: Iterable[int],
        labels: Labels | None = None,
        truncation: float = 1.0,
        batch: int | None = None,
    ) -> Iterator[np.ndarray]:
        """The pictures of `sample` as a stream of blocks in the order of the seeds, with the memory of one block.

        Args:
            seeds: integers in [0, 2**63), any iterable of them, also one without an end such as itertools.count().
            labels: as in `sample`; one a picture only where `seeds` has a length.
            truncation: as in `sample`.
            batch: pictures of a block, of which the last may have fewer; None: the sampler's own.

        Returns:
            An iterator over (at most batch, H, W, C) uint8. What is wrong with the request is said here, what is wrong
            with a seed where its block is due.

        Raises:
            SampleError: as `sample`.
        """
        size = self.batch if batch is None else checked_count("batch", batch)
        check_truncation(self.spec, truncation)
        check_stream(self.spec, labels, seeds)

        def blocks() -> Iterator[np.ndarray]:
            coming, start = iter(seeds), 0
            while block := list(itertools.islice(coming, size)):
                given = labels_at(labels, slice(start, start + len(block)))
                yield self.sample(block, given, truncation, batch)
                start += len(block)

        return blocks()

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
            SampleError: a z or noise of another shape or dtype, a class or batch that is not legal, or a model that
                takes seeds.
        """
        check_inputs(self.spec, "z")
        check_rows("z", z, (None, self.spec.z_dim))
        c = labels_for(self.spec, labels, np.arange(len(z)))
        return self._made(len(z), self._feeds.of_z(z, c, noise), batch)

    def generate_w(self, w: np.ndarray, batch: int | None = None, noise: np.ndarray | None = None) -> np.ndarray:
        """The pictures of given style vectors, for a model that was exported with inputs w.

        Args:
            w: (N, w_dim) float32, see `w_from_z`.
            batch, noise: as in `generate`.

        Returns:
            (N, H, W, C) uint8.

        Raises:
            SampleError: a model of other inputs, or a w, noise or batch that is not legal.
        """
        check_inputs(self.spec, "w")
        check_rows("w", w, (None, self.spec.w_dim))
        return self._made(len(w), self._feeds.of_w(w, noise), batch)

    def w_from_z(self, z: np.ndarray, labels: Labels | None = None) -> np.ndarray:
        """The style vectors of latents, for a model that was exported with inputs w.

        Args:
            z: (N, z_dim) float32.
            labels: as in `generate`.

        Returns:
            (N, w_dim) float32, truncated as the model was exported.

        Raises:
            SampleError: a model of other inputs, or a z or class that is not legal.
        """
        check_inputs(self.spec, "w")
        check_rows("z", z, (None, self.spec.z_dim))
        c = labels_for(self.spec, labels, np.arange(len(z)))
        return self._feeds.w(z, c)

    def inputs_of(self, seeds: Sequence[int] | np.ndarray, labels: Labels | None = None) -> dict[str, np.ndarray]:
        """What the graph itself takes for the pictures of seeds, for programs that run the file by other means.

        Args:
            seeds, labels: as in `sample`.

        Returns:
            Arrays of N rows by the names of the graph's inputs.

        Raises:
            SampleError: a seed or class that is not legal.
        """
        numbers = checked_seeds(seeds)
        c = labels_for(self.spec, labels, numbers)
        return self._feeds.of_seeds(numbers, c, 1.0)(slice(0, len(numbers)))

    def class_index(self, label: int | str, attribute: str | None = None) -> int:
        """The index of a class that is given as index or name; a name that is a number is a name first.

        Args:
            label: index or name.
            attribute: whose value it is; None: the only one's.

        Raises:
            SampleError: an unconditional model, no such attribute, or no such class.
        """
        return class_index(self.spec, label, attribute)

    def __repr__(self) -> str:
        return f"Sampler({str(self._path)!r})"

    def _repr_html_(self) -> str:
        return display.as_html(self)

    def _repr_png_(self) -> bytes:
        return display.png(self)

    def __reduce__(self) -> tuple[Callable[..., Sampler], tuple[object, ...]]:
        state = str(self._path.absolute()), self.device, self._threads, self.batch, self._digest()
        return _reopened, state

    def _digest(self) -> str:
        content = self._runner.content + (self._style.content if self._style else b"")
        return hashlib.sha256(content).hexdigest()

    def _made(self, count: int, feed: Feed, batch: int | None) -> np.ndarray:
        """`count` pictures, (count, H, W, C) uint8."""
        most = self.batch if batch is None else checked_count("batch", batch)
        images = np.empty((count, *self.spec.image_shape), np.uint8)

        def keep(part: slice, made: np.ndarray) -> None:
            images[part] = as_pictures(made, self.spec.layout)

        self._runner.make(count, most, feed, keep)
        return images


def _reopened(path: str, device: str, threads: int | None, batch: int, digest: str) -> Sampler:
    """The sampler that was pickled, from its file.

    Raises:
        ModelFileError: the file is gone, or another one by now.
    """
    sampler = Sampler(path, device=device, threads=threads, batch=batch)
    if sampler._digest() != digest:
        raise ModelFileError(f"{path} has changed since its sampler was pickled: open the file anew with Sampler")
    return sampler


def as_pictures(images: np.ndarray, layout: str) -> np.ndarray:
    """What a model gives, in its layout and as uint8 or as float32 in [-1, 1], as (N, H, W, C) uint8."""
    pictures = images.transpose(0, 2, 3, 1) if layout == "nchw" else images
    if pictures.dtype == np.uint8:
        return pictures
    # A file may give anything, also what is no number.
    bounded = np.clip(np.nan_to_num(pictures), np.float32(-1), np.float32(1))
    grey: np.ndarray = np.rint((bounded + np.float32(1)) * np.float32(127.5)).astype(np.uint8)
    return grey
