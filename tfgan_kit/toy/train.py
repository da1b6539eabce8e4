"""A GAN of points, trained by the train step of all recipes, and looked at from time to time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfgan_kit import rng
from tfgan_kit.build import build_gan
from tfgan_kit.calling import inputs_of, noise_dim, noise_for, without_updates
from tfgan_kit.errors import DivergedError
from tfgan_kit.latents import noise_from_seeds, z_from_seeds
from tfgan_kit.losses import LOSSES
from tfgan_kit.recipe import Recipe
from tfgan_kit.rng import Stream
from tfgan_kit.toy.points import Points

Floats = NDArray[np.float64]

# A point is a picture of one pixel with two channels, x and y.
SHAPE = (1, 1, 2)
# Points of a call of a network.
_BLOCK = 1 << 16
# Latents that gradients are of.
_GRADIENT = 512
G_LOSSES = ("minimax", "nonsaturating")


class Toy:
    """A GAN of points and its data.

    Attributes:
        gan: the networks and their train step.
        recipe: that it is of.
        data: what it learns.
        step: steps done.
    """

    def __init__(self, recipe: Recipe, data: Points) -> None:
        """Build the GAN of a recipe of the family mlp.

        Raises:
            RecipeError: a switch that the family does not have.
        """
        self.recipe, self.data, self.step = recipe, data, 0
        self.gan = build_gan(recipe, SHAPE)
        self._centres = tf.constant(data.centres, tf.float32)
        self._run = tf.function(self._steps)
        self._gradients = tf.function(self._gradient_norms)
        self._D = tf.function(without_updates(self.gan.D), reduce_retracing=True)
        self._G = {
            "G": tf.function(without_updates(self.gan.G), reduce_retracing=True),
            "G_ema": tf.function(lambda inputs: self.gan.G_ema(inputs, training=False), reduce_retracing=True),
        }

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return round(self.recipe.kimg * 1000 / self._per_step) if self.recipe.kimg else 0

    @property
    def progress(self) -> float:
        """Share of the training that is done."""
        return self.step / self.steps

    def train(self, until: int) -> dict[str, float]:
        """Train up to that step.

        Returns:
            The means of the losses and norms since the last call.

        Raises:
            DivergedError: a loss stopped being finite, or a loss scale fell below 1.
        """
        for mean in self.gan.metrics:
            mean.reset_state()
        self._run(tf.constant(until - self.step))
        self.step = until
        failure = self.gan.first_failure()
        if failure:
            name, step = failure
            if name.endswith("loss_scale"):
                raise DivergedError(
                    f"{name} was below 1 at step {step}: gradients stay infinite; try precision=mixed_bfloat16 "
                    "or float32, or a lower learning rate"
                )
            raise DivergedError(
                f"{name} was not finite at step {step}: try a lower d_lr and g_lr, or a higher r1_gamma"
            )
        return {mean.name: float(mean.result()) for mean in self.gan.metrics}

    def samples(self, n: int, network: str = "G_ema") -> Floats:
        """(n, 2) points of the seeds 0 to n - 1, by "G_ema" or by "G" as it is in training."""
        G = self._G[network]
        model = self.gan.G if network == "G" else self.gan.G_ema
        seeds, parts = np.arange(n), []
        for block in np.split(seeds, range(_BLOCK, n, _BLOCK)):
            noise = tf.constant(noise_from_seeds(block, noise_dim(model))) if noise_dim(model) else None
            z = tf.constant(z_from_seeds(block, self.recipe.z_dim, self.recipe.z_prior))
            parts.append(np.asarray(G(inputs_of(z, noise)), np.float64).reshape(-1, 2))
        return np.concatenate(parts)

    def logits(self, points: Floats) -> Floats:
        """D's logits (N,) of points (N, 2)."""
        parts = []
        for block in np.split(points, range(_BLOCK, len(points), _BLOCK)):
            x = tf.constant(block.reshape(-1, *SHAPE), tf.float32)
            noise = noise_for(self.gan.D, rng.key(self.recipe.seed, Stream.D_NOISE, self.step), len(block))
            parts.append(np.asarray(self._D(inputs_of(x, noise))["logits"], np.float64))
        return np.concatenate(parts)

    def g_gradients(self) -> dict[str, float]:
        """The norm of the gradient of G's weights under each of G_LOSSES, on the same latents and the present D."""
        return {name: float(value) for name, value in self._gradients().items()}

    @property
    def _per_step(self) -> int:
        return self.recipe.batch_size * self.recipe.d_steps

    def _real(self, step: tf.Tensor) -> tf.Tensor:
        """Fresh points of a step, so that what D learns is the density and not a data set."""
        key = rng.key(self.recipe.seed, Stream.ORDER, step)
        at = rng.integers(key, (self._per_step,), len(self.data.centres))
        points = tf.gather(self._centres, at) + self.data.deviation * rng.normal(rng.split(key, 1), (self._per_step, 2))
        return tf.reshape(points, (-1, *SHAPE))

    def _steps(self, n: tf.Tensor) -> None:
        for _ in tf.range(n):
            self.gan.train_step(self._real(self.gan.step))

    def _gradient_norms(self) -> dict[str, tf.Tensor]:
        G, D = without_updates(self.gan.G), without_updates(self.gan.D)
        z = rng.latents(
            rng.key(self.recipe.seed, Stream.G_LATENTS, 0), _GRADIENT, self.recipe.z_dim, self.recipe.z_prior
        )
        noise = [
            noise_for(net, rng.key(self.recipe.seed, Stream.G_NOISE, 0), _GRADIENT) for net in (self.gan.G, self.gan.D)
        ]
        with tf.GradientTape(persistent=True) as tape:
            logits = D(inputs_of(G(inputs_of(z, noise[0])), noise[1]))["logits"]
            losses = {name: tf.reduce_mean(LOSSES[name].g(real_logits=logits, fake_logits=logits)) for name in G_LOSSES}
        weights = self.gan.G.trainable_variables
        return {name: tf.linalg.global_norm(tape.gradient(loss, weights)) for name, loss in losses.items()}


def moments(steps: int, count: int) -> list[int]:
    """The steps at which to look: `count` of them after the first, more densely at the beginning.

    Args:
        steps: of the whole training.
        count: at least 1.
    """
    share = np.linspace(0.0, 1.0, count + 1) ** 1.5
    return sorted({round(steps * each) for each in share})


def looks(toy: Toy, count: int, look: Callable[[Toy, dict[str, float]], Any]) -> Iterator[Any]:
    """What `look(toy, means)` finds at each of `moments`, as training goes on."""
    for step in moments(toy.steps, count):
        yield look(toy, toy.train(step) if step else {})
