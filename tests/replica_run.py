"""Trains tiny GANs on one and on several logical CPU devices: `python replica_run.py OUT.npz CASES`.

CASES, in JSON: name -> [changes of the recipe, values of each label attribute, cuts], a cut [devices, accumulate].
What is written has a name CASE|DEVICESxACCUMULATE|STEP|VARIABLE for each variable after each step. In "overflow"
the second step has pictures on the last device that half precision cannot hold; what each device has is noted too.
"""

import json
import sys

import numpy as np
import tensorflow as tf

from tfgan_kit.build import build_gan
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.state import numpy_state

SHAPE, STEPS, DEVICES = (8, 8, 3), 3, 4


def strategy_of(devices):
    if devices == 1:
        return tf.distribute.get_strategy()
    # As `make_strategy` makes it of all devices there are; 0 stands for a single one under a strategy.
    return tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(devices or 1)], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


def trained(changes, classes, devices, accumulate, overflow=False):
    """The state after each step."""
    recipe = Recipe(
        kimg=1, z_dim=4, batch_size=8, jit=False, g_width=4, d_width=4, g_start_px=4, d_end_px=4, kernel_px=3,
        g_hidden=(8,), d_hidden=(8,), g_lr=1e-2, d_lr=1e-2, g_optimizer="sgd", d_optimizer="sgd", seed=5,
        accumulate=accumulate,
    )  # fmt: skip
    recipe = Recipe.from_json(recipe.to_json() | changes)
    with strategy_of(devices).scope():
        gan = build_gan(recipe, SHAPE, classes)

        def step(data):
            gan.train_step(data)

        step = tf.function(step)
        count, states = recipe.batch_size * recipe.d_steps, []
        for i in range(STEPS):
            draw = np.random.default_rng(i)
            images = tf.constant(draw.integers(0, 256, (count, *SHAPE)), tf.uint8)
            columns = [draw.integers(0, values, count) for values in classes]
            if overflow:
                shown = tf.cast(images, tf.float32) / 127.5 - 1.0
                last = tf.range(count) >= count - count // max(devices, 1)
                images = tf.where((i == 1) & last[:, None, None, None], 1e30, shown)
            step((images, tf.constant(np.stack(columns, 1), tf.int32) if classes else None))
            states.append(numpy_state(gan) | (each_device(gan) if overflow else {}))
    return states


def each_device(gan):
    """The loss scale and a kernel as each device has them."""
    watched = {"scale": gan.d_optimizer.dynamic_scale, "kernel": gan.D.get_layer("down0").kernel}
    return {
        f"device {i}/{name}": each.numpy()
        for name, variable in watched.items()
        for i, each in enumerate(gan.distribute_strategy.experimental_local_results(variable.value))
    }


def main():
    out, cases = sys.argv[1], json.loads(sys.argv[2])
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * DEVICES
    )
    found = {}
    for case, (changes, classes, cuts) in cases.items():
        for devices, accumulate in cuts:
            states = trained(changes, tuple(classes), devices, accumulate, overflow=case == "overflow")
            for step, state in enumerate(states):
                found |= {f"{case}|{devices}x{accumulate}|{step}|{name}": array for name, array in state.items()}
    np.savez(out, **found)


if __name__ == "__main__":
    main()
