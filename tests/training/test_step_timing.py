import numpy as np

from tfgan_kit.data.source import ArraySource
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.timing import time_steps


def test_a_few_steps_are_timed():
    source = ArraySource("here", np.zeros((16, 8, 8, 1), np.uint8), None, {})
    recipe = Recipe(kimg=1, batch_size=4, family="mlp", g_hidden=(8,), d_hidden=(8,), z_dim=4, jit=False, d_steps=2)
    timing = time_steps(recipe.replace(augment="auto"), source, steps=2)
    assert timing.img_per_sec > 0
    assert timing.compile_sec > 0
    assert timing.peak_memory_mb is None or timing.peak_memory_mb > 50
