"""A run's generator as what a search goes down by its gradient. Needs TensorFlow."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfgan_kit.build import build_generator
from tfgan_kit.calling import inputs_of, noise_dim
from tfgan_kit.export.latent_space.project import Descent
from tfgan_kit.export.latent_space.search import Point, plausible
from tfgan_kit.latents import noise_from_seeds, z_from_seeds
from tfgan_kit.training.run_folder import RunFolder
from tfgan_kit.training.state import load_network

# Steps of a gradient for each one of least squares, which learns from z_dim pictures; pictures drawn at a time.
STEPS_EACH, _BLOCK = 10, 64
_LEARNING_RATE = 0.1


class RunGenerator:
    """The averaged generator of a run's newest intact checkpoint, with the noise of seed 0.

    Attributes:
        prior, dim: of z.
        refused: a line for each damaged checkpoint that was passed over.
    """

    def __init__(self, folder: RunFolder) -> None:
        """Build and load it.

        Raises:
            RunError: not a run, or none of its checkpoints is intact.
        """
        recipe, facts, _ = folder.read()
        _, state, self.refused = folder.load()
        self._G = build_generator(recipe, shape=facts.shape, classes=facts.classes, dtype="float32", in_use=True)
        load_network(self._G, state, "G_ema")
        self.prior, self.dim = recipe.z_prior, recipe.z_dim
        self._noise = tf.constant(noise_from_seeds([0], noise_dim(self._G))) if noise_dim(self._G) else None
        self._step = tf.function(self._one_step, reduce_retracing=True)
        self._images = tf.function(self._call, reduce_retracing=True)

    def latents(self, seeds: np.ndarray) -> np.ndarray:
        """(N,) seeds to (N, dim) float32 latents."""
        return z_from_seeds(seeds, self.dim, self.prior)

    def draw(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """(N, dim) float32 latents and (N, A) labels to (N, H, W, C) uint8 pictures."""
        blocks = [slice(start, start + _BLOCK) for start in range(0, len(latents), _BLOCK)]
        c = None if labels is None else labels.astype(np.int32)
        made = [
            self._images(tf.constant(latents[part]), None if c is None else tf.constant(c[part])) for part in blocks
        ]
        grey = (np.concatenate([np.asarray(images) for images in made]) + np.float32(1)) * np.float32(127.5)
        pictures: np.ndarray = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        return pictures

    def descent(self) -> Descent:
        """Adam on all starts at once, each step brought back among plausible latents; the nearest on the way is it."""
        allow = plausible(self.prior, self.dim)

        def go_down(target: np.ndarray, starts: np.ndarray, labels: np.ndarray | None, steps: int) -> list[Point]:
            wanted = tf.constant(target.astype(np.float32)[None] / np.float32(127.5) - np.float32(1))
            c = None if labels is None else tf.constant(labels.astype(np.int32))
            z = best = starts.astype(np.float32)
            nearest = np.full(len(z), np.inf)
            first, second = np.zeros(z.shape), np.zeros(z.shape)
            count = steps * STEPS_EACH
            for i in range(count):
                mse, gradient = (np.asarray(value) for value in self._step(tf.constant(z), c, wanted))
                better = mse < nearest
                nearest, best = np.where(better, mse, nearest), np.where(better[:, None], z, best)
                first = 0.9 * first + 0.1 * gradient
                second = 0.99 * second + 0.01 * gradient**2
                move = (first / (1 - 0.9 ** (i + 1))) / (np.sqrt(second / (1 - 0.99 ** (i + 1))) + 1e-12)
                # A cosine to 0, so that it ends at rest.
                rate = _LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * i / count))
                z = allow((z - rate * move).astype(np.float32)).astype(np.float32)
            return [Point(latent, float(mse), count) for latent, mse in zip(best, nearest, strict=True)]

        return go_down

    def _call(self, z: tf.Tensor, c: tf.Tensor | None) -> tf.Tensor:
        noise = None if self._noise is None else tf.repeat(self._noise, tf.shape(z)[0], axis=0)
        return self._G(inputs_of(z, c, noise), training=False)

    def _one_step(self, z: tf.Tensor, c: tf.Tensor | None, wanted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The mean square of each row's distance, on values in [0, 1], and its gradient."""
        with tf.GradientTape() as tape:
            tape.watch(z)
            mse = tf.reduce_mean(tf.square((self._call(z, c) - wanted) / 2), axis=(1, 2, 3))
            total = tf.reduce_sum(mse)
        return mse, tape.gradient(total, z)
