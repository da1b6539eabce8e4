"""Train steps in groups: one compiled call does many."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgan_kit.build import build_gan
from tfgan_kit.data import Feed, Source, open_feed, rows_of_worker
from tfgan_kit.errors import RecipeError
from tfgan_kit.gan import GAN
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.length import img_per_step
from tfgan_kit.training.run_folder import DataFacts
from tfgan_kit.training.team import Team

# n -> None: n train steps.
Steps = Callable[[tf.Tensor], None]


def build_on(team: Team, recipe: Recipe, facts: DataFacts) -> GAN:
    """The GAN of a recipe on the devices of a team.

    Raises:
        RecipeError: as `build_gan` does, or the devices cannot share a batch.
    """
    devices = team.strategy.num_replicas_in_sync
    if recipe.batch_size % (devices * recipe.accumulate):
        parts = f"{devices} devices" + (f" times accumulate={recipe.accumulate}" if recipe.accumulate > 1 else "")
        raise RecipeError(
            f"batch_size={recipe.batch_size} cannot be shared by {parts}, each of which takes as many pictures: choose "
            f"a multiple of {devices * recipe.accumulate}"
        )
    with team.strategy.scope():
        return build_gan(recipe, facts.shape, facts.classes)


def open_steps(gan: GAN, source: Source, recipe: Recipe, team: Team) -> Steps:
    """Steps from where the GAN is, on this process's share of the data."""
    batch = img_per_step(recipe)
    feed = open_feed(
        source,
        batch=batch,
        seed=recipe.seed,
        mirror=recipe.mirror,
        memory_mb=recipe.memory_mb,
        start_step=int(gan.step.numpy()),
        rows=rows_of_worker(team.worker, workers=team.workers, batch=batch, d_steps=recipe.d_steps),
    )
    return compile_steps(gan, feed)


def compile_steps(gan: GAN, feed: Feed) -> Steps:
    """Steps on what `feed` gives.

    The loop is a plain graph around the GAN's own jitted turns: inside an XLA loop the CPU's convolutions are many
    times slower.
    """

    def run(n: tf.Tensor) -> None:
        with gan.distribute_strategy.scope():
            for _ in tf.range(n):
                gan.train_step(feed(gan.step))

    compiled: Steps = tf.function(run)
    return compiled
