"""A Keras generator as what draws pictures by seed: for previews, for evaluations, and for walks in its latents."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfgan_kit.build import build_generator
from tfgan_kit.calling import inputs_of, noise_dim
from tfgan_kit.evaluation.subject import Latents, Subject
from tfgan_kit.latents import classes_from_seeds, noise_from_seeds, z_from_seeds
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import DataFacts, RunFolder
from tfgan_kit.training.state import load_network

# Pictures drawn at a time: what bounds memory.
_BLOCK = 100


class Painter:
    """The pictures of a generator: a seed is the same one in any batch, and the same that `tfgan sample` draws."""

    def __init__(self, G: keras.Model, recipe: Recipe, facts: DataFacts) -> None:
        """Take a generator as pictures are drawn from it; its weights may change later.

        Args:
            G: inputs as `inputs_of` gives them, to images (N, H, W, C) in [-1, 1].
            recipe: that it is of.
            facts: of the data it is trained on.
        """
        self._recipe, self._facts, self._G = recipe, facts, G
        self._noise_dim = noise_dim(G)
        self._images = tf.function(lambda *inputs: G(inputs_of(*inputs), training=False), reduce_retracing=True)
        if hasattr(G, "mapping"):
            self._mapping = tf.function(lambda *inputs: G.mapping(inputs_of(*inputs)), reduce_retracing=True)
            self._synthesis = tf.function(lambda *inputs: G.synthesis(inputs_of(*inputs)), reduce_retracing=True)

    def draw(self, seeds: np.ndarray) -> np.ndarray:
        """(N,) seeds to (N, H, W, C) uint8 pictures."""
        blocks = [seeds[start : start + _BLOCK] for start in range(0, len(seeds), _BLOCK)]
        return np.concatenate([_rounded(self._images(*self._inputs(block))) for block in blocks])

    def labels(self, seeds: np.ndarray) -> np.ndarray:
        """(N,) seeds to the (N, A) int32 labels that they are drawn with."""
        return classes_from_seeds(seeds, self._facts.classes, self._facts.counts).astype(np.int32)

    def spaces(self) -> dict[str, Latents]:
        """z, and w where the generator has one; the i-th latent of a call has the labels and the noise of seed i."""
        found = {"z": Latents(draw=self._z, synthesize=self._from_z)}
        if hasattr(self._G, "mapping"):
            found["w"] = Latents(draw=self._w, synthesize=self._from_w)
        return found

    def _inputs(self, seeds: np.ndarray) -> list[tf.Tensor]:
        """z (N, z_dim) float32, c (N, A) int32 and noise (N, M) float32, each where there is one."""
        inputs = [tf.constant(self._z(seeds))]
        if self._facts.classes:
            inputs.append(tf.constant(self.labels(seeds)))
        return inputs + self._noise(seeds)

    def _z(self, seeds: np.ndarray) -> np.ndarray:
        return z_from_seeds(seeds, self._recipe.z_dim, self._recipe.z_prior)

    def _noise(self, seeds: np.ndarray) -> list[tf.Tensor]:
        return [tf.constant(noise_from_seeds(seeds, self._noise_dim))] if self._noise_dim else []

    def _w(self, seeds: np.ndarray) -> np.ndarray:
        c = [tf.constant(self.labels(np.arange(len(seeds))))] if self._facts.classes else []
        return np.asarray(self._mapping(tf.constant(self._z(seeds)), *c))

    def _from_z(self, z: np.ndarray) -> np.ndarray:
        _, *rest = self._inputs(np.arange(len(z)))
        return _grey(self._images(tf.constant(z), *rest))

    def _from_w(self, w: np.ndarray) -> np.ndarray:
        return _grey(self._synthesis(tf.constant(w), *self._noise(np.arange(len(w)))))


def subject_of(painter: Painter, *, name: str, digest: str, nimg: int, facts: DataFacts) -> Subject:
    """A painter's generator as what is evaluated."""
    return Subject(
        kind="run",
        name=name,
        digest=digest,
        nimg=nimg,
        shape=facts.shape,
        draw=painter.draw,
        attributes=facts.attributes,
        labels=painter.labels if facts.attributes else None,
        spaces=painter.spaces(),
    )


def load_painter(folder: RunFolder) -> tuple[Painter, checkpoint.Manifest, list[str]]:
    """The averaged generator of a run's newest intact checkpoint.

    Returns:
        The painter, the checkpoint's manifest, and a line for each damaged checkpoint that was passed over.

    Raises:
        RunError: not a run, or none of its checkpoints is intact.
    """
    recipe, facts, _ = folder.read()
    manifest, state, refused = folder.load()
    G = build_generator(recipe, shape=facts.shape, classes=facts.classes, dtype="float32", in_use=True)
    load_network(G, state, "G_ema")
    return Painter(G, recipe, facts), manifest, refused


def _rounded(images: tf.Tensor) -> np.ndarray:
    """Images in [-1, 1] as uint8, rounded half to even."""
    grey: np.ndarray = np.clip(np.rint(_grey(images)), 0, 255).astype(np.uint8)
    return grey


def _grey(images: tf.Tensor) -> np.ndarray:
    """Images in [-1, 1] as float32 in [0, 255]."""
    return (np.asarray(images, np.float32) + np.float32(1)) * np.float32(127.5)
