"""What a recipe will take on this machine, from a few of its steps."""

from __future__ import annotations

import time
from dataclasses import dataclass

import tensorflow as tf

from tfgan_kit.build import build_gan
from tfgan_kit.data import Source, open_feed
from tfgan_kit.gan import GAN
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.length import img_per_step
from tfgan_kit.training.records import peak_memory_mb
from tfgan_kit.training.resolve import resolve
from tfgan_kit.training.steps import compile_steps


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What was measured.

    Attributes:
        img_per_sec: images a second, once compiled.
        compile_sec: from nothing to the end of the first step.
        peak_memory_mb: of this process, MiB; None where the system does not tell.
    """

    img_per_sec: float
    compile_sec: float
    peak_memory_mb: float | None


def time_steps(recipe: Recipe, source: Source, steps: int = 8) -> Timing:
    """Train for a few steps, and keep nothing.

    Args:
        recipe: to be timed.
        source: its data, opened.
        steps: that are timed, at least 1, after one that compiles.

    Raises:
        RecipeError, DataError: as training does.
    """
    recipe, facts = resolve(recipe, source)
    started = time.perf_counter()
    gan = build_gan(recipe, facts.shape, facts.classes)
    batch = img_per_step(recipe)
    feed = open_feed(
        source, batch=batch, seed=recipe.seed, mirror=recipe.mirror, memory_mb=recipe.memory_mb, start_step=0
    )
    run = compile_steps(gan, feed)
    run(tf.constant(1))
    _wait_for(gan)
    compiled = time.perf_counter()
    run(tf.constant(steps))
    _wait_for(gan)
    seconds = time.perf_counter() - compiled
    return Timing(img_per_sec=steps * batch / seconds, compile_sec=compiled - started, peak_memory_mb=peak_memory_mb())


def _wait_for(gan: GAN) -> None:
    """Until what was asked of an accelerator is done, as a call returns before that."""
    gan.first_nonfinite.numpy()
