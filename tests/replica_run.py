"""Trains tiny GANs on several logical CPU devices: `python replica_run.py REPLICAS OUT.npz CASES`.

What is written has a name CASE|ACCUMULATE|STEP|VARIABLE for each variable after each step. A process can have one
number of replicas alone: TensorFlow gives the groups of a second strategy the numbers of the first.
"""

import contextlib
import json
import sys

import numpy as np
import tensorflow as tf

from tfgan_kit.build import build_gan
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.state import numpy_state

SHAPE, STEPS = (8, 8, 3), 3


def trained(strategy, changes, classes, accumulate):
    """The state after each step."""
    recipe = Recipe(
        kimg=1, z_dim=4, batch_size=8, jit=False, g_width=4, d_width=4, g_start_px=4, d_end_px=4, kernel_px=3,
        g_hidden=(8,), d_hidden=(8,), g_lr=1e-2, d_lr=1e-2, g_optimizer="sgd", d_optimizer="sgd", seed=5,
        accumulate=accumulate,
    )  # fmt: skip
    recipe = Recipe.from_json(recipe.to_json() | changes)
    with strategy.scope() if strategy else contextlib.nullcontext():
        gan = build_gan(recipe, SHAPE, classes)

        def step(data):
            gan.train_step(data)

        step = tf.function(step)
        count = recipe.batch_size * recipe.d_steps
        states = []
        for i in range(STEPS):
            draw = np.random.default_rng(i)
            images = tf.constant(draw.integers(0, 256, (count, *SHAPE)), tf.uint8)
            columns = [draw.integers(0, values, count) for values in classes]
            step((images, tf.constant(np.stack(columns, 1), tf.int32)) if classes else images)
            states.append(numpy_state(gan))
    return states


def main():
    replicas, out, cases = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * replicas
    )
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)]) if replicas > 1 else None
    found = {}
    for case, (changes, classes, accumulates) in cases.items():
        for accumulate in accumulates:
            for step, state in enumerate(trained(strategy, changes, tuple(classes), accumulate)):
                for name, array in state.items():
                    found[f"{case}|{accumulate}|{step}|{name}"] = array
    np.savez(out, **found)


if __name__ == "__main__":
    main()
