"""Feeds: what the training loop calls, inside its compiled function, for the pictures of a step."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfgan_kit import rng
from tfgan_kit.data.crop import whole_of
from tfgan_kit.data.order import batch_indices
from tfgan_kit.data.parallel import available_cpus
from tfgan_kit.data.source import Source, fits_memory

Rows = NDArray[np.int64]

_READ_AHEAD = 2  # batches that wait, read, while each core reads another


class Feed(ABC):
    """The pictures and labels of each step; call it inside a tf.function, outside a jitted one.

    Attributes:
        in_memory: whether the whole set is held in memory.
    """

    in_memory: bool

    def __init__(self, source: Source, *, batch: int, seed: int, mirror: bool, rows: Rows) -> None:
        """Arguments as for `open_feed`, and which rows of a batch are wanted."""
        self._whole = whole_of(source)
        self._window = None if self._whole is source else source.shape[:2]
        self._shards = source.shards
        self._batch, self._rows = batch, rows
        self._seed = seed
        self._mirror = mirror
        self._labels = None if source.labels is None else tf.constant(source.labels, tf.int32)

    def __call__(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """The data of a step.

        Args:
            step: scalar int64.

        Returns:
            images: (rows, H, W, C) uint8, the wanted rows of the batch; cut first, then mirrored.
            labels: (rows, A) int32, or None where the source has none.
        """
        indices = self._indices(step)
        images = self._images(step, indices)
        if self._mirror:
            images = mirrored(images, step, seed=self._seed, batch=self._batch, rows=self._rows)
        return images, None if self._labels is None else tf.gather(self._labels, indices)

    def _indices(self, step: tf.Tensor) -> tf.Tensor:
        indices = batch_indices(step, seed=self._seed, shards=self._shards, batch=self._batch)
        return tf.gather(indices, self._rows)

    def _cut(self, images: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """The step's windows of whole pictures; those themselves where the source shows them whole."""
        if self._window is None:
            return images
        return cropped(images, self._window, step, seed=self._seed, batch=self._batch, rows=self._rows)

    @abstractmethod
    def _images(self, step: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
        """Pictures `indices`, (rows,) int64, as (rows, H, W, C) uint8."""


class MemoryFeed(Feed):
    """The whole set as one tensor, which a tf.function captures by reference: no input pipeline to wait for."""

    in_memory = True

    def __init__(self, source: Source, *, batch: int, seed: int, mirror: bool, rows: Rows) -> None:
        """Arguments as for `Feed`."""
        super().__init__(source, batch=batch, seed=seed, mirror=mirror, rows=rows)
        # In host memory, where the indices are computed too: an accelerator gets a batch, not the set.
        with tf.device("CPU:0"):
            self._pictures = tf.constant(self._whole.read(np.arange(len(source))), tf.uint8)

    def _images(self, step: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
        with tf.device("CPU:0"):
            return self._cut(tf.gather(self._pictures, indices), step)


class StreamFeed(Feed):
    """Pictures read by tf.data ahead of the steps, from memory-mapped or encoded files; steps must come in order."""

    in_memory = False

    def __init__(self, source: Source, *, batch: int, seed: int, mirror: bool, rows: Rows, start_step: int) -> None:
        """Arguments as for `Feed` and `open_feed`."""
        super().__init__(source, batch=batch, seed=seed, mirror=mirror, rows=rows)

        def read(step: tf.Tensor) -> tf.Tensor:
            images = tf.numpy_function(self._whole.read, [self._indices(step)], tf.uint8)
            return self._cut(tf.ensure_shape(images, (len(rows), *self._whole.shape)), step)

        steps = tf.data.Dataset.range(start_step, tf.int64.max)
        batches = steps.map(read, num_parallel_calls=available_cpus(), deterministic=True)
        self._iterator = iter(batches.prefetch(_READ_AHEAD))

    def _images(self, step: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
        return next(self._iterator)


def cropped(
    images: tf.Tensor, window: tuple[int, int], step: tf.Tensor, *, seed: int, batch: int, rows: Rows
) -> tf.Tensor:
    """A window of each picture, at any place in it with equal probability, as the step and its row alone decide.

    Args:
        images: (B, H, W, C).
        window: height and width, px, at most H and W.
        step: scalar int64.
        seed: of the run.
        batch: pictures of the whole batch.
        rows: (B,) in [0, batch), which of them these are.

    Returns:
        (B, *window, C), pixels as they are.
    """
    count, height, width, channels = images.shape
    key = rng.key(seed, rng.Stream.CROP, step)
    tops, lefts = (
        tf.gather(rng.integers(rng.split(key, i), (batch,), side - part + 1), rows)
        for i, (side, part) in enumerate(zip((height, width), window, strict=True))
    )
    corners = tf.stack([tf.range(count), tops, lefts, tf.zeros_like(tops)], axis=1)
    # A slice for each picture: nearly twice as fast as gathering the pixels.
    return tf.concat([tf.slice(images, corner, (1, *window, channels)) for corner in tf.unstack(corners)], axis=0)


def mirrored(images: tf.Tensor, step: tf.Tensor, *, seed: int, batch: int, rows: Rows) -> tf.Tensor:
    """Each picture flipped left to right with probability 1/2, as the step and its row alone decide.

    Args:
        images: (B, H, W, C).
        step: scalar int64.
        seed: of the run.
        batch: pictures of the whole batch.
        rows: (B,) in [0, batch), which of them these are.
    """
    count = images.shape[0]
    chance = tf.gather(rng.uniform(rng.key(seed, rng.Stream.MIRROR, step), (batch,)), rows)
    # Rows of both versions: five times faster than a broadcast select.
    both = tf.concat([images, tf.reverse(images, axis=[2])], axis=0)
    return tf.gather(both, tf.range(count) + tf.where(chance < 0.5, count, 0))


def rows_of_worker(worker: int, *, workers: int, batch: int, d_steps: int) -> Rows:
    """The rows of a step's pictures that one process of several reads: its share of each of the `d_steps` batches.

    Args:
        worker: which process, in [0, workers).
        workers: how many; the pictures of a batch are a multiple of it.
        batch: pictures a step, those of all `d_steps` batches.
        d_steps: batches a step.
    """
    return np.arange(batch).reshape(d_steps, workers, -1)[:, worker].ravel()


def open_feed(
    source: Source,
    *,
    batch: int,
    seed: int,
    mirror: bool,
    memory_mb: int,
    start_step: int,
    rows: Rows | None = None,
) -> Feed:
    """A feed of a source: from memory if its pictures take at most `memory_mb` MiB, else streamed, to the same bits.

    Args:
        source: of the pictures; where it shows windows, each step cuts its own.
        batch: pictures a call, which is the recipe's batch size times its D steps.
        seed: of the run.
        mirror: show each picture flipped left to right half of the time.
        memory_mb: budget of the whole pictures, MiB.
        start_step: the first step that will be asked for; a stream begins to read it now.
        rows: of a batch that are wanted, ascending; None: all.
    """
    wanted = np.arange(batch) if rows is None else rows
    if fits_memory(len(source), whole_of(source).shape, memory_mb):
        return MemoryFeed(source, batch=batch, seed=seed, mirror=mirror, rows=wanted)
    return StreamFeed(source, batch=batch, seed=seed, mirror=mirror, rows=wanted, start_step=start_step)
