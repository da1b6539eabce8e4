"""Sampling by ONNX against the same generator in TensorFlow and in PyTorch eager, at batch 64 and 1.

    pip install torch==2.13.0
    python benchmarks/sampling.py [--rounds 15]

The generator is the 28x28 DCGAN (dense 7x7x128, 64, 1; kernels 4x4 of stride 2; batch norm), with the same weights on
all sides, and their pictures are checked to be equal. ONNX gives uint8 pictures, the others float32. PyTorch runs in
its default layout and channels-last, and the faster of the two counts. The sides run in turn, several times, in one
process; the table shows medians and their ratios. Without torch its rows are left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

Z_DIM = 100
Side = Callable[[np.ndarray], np.ndarray]
ONNX, FUNCTION, PREDICT, TORCH = "ONNX, tfgan-kit's Sampler", "TensorFlow function", "model.predict", "PyTorch eager"
# (side, batch size) -> how many times as long it takes as ONNX, at least.
TARGETS = {(FUNCTION, 64): 2.5, (PREDICT, 64): 8.0, (TORCH, 64): 1.1, (TORCH, 1): 2.0}
# Calls of each side in a round; a multiple of a second in all.
CALLS = {64: 5, 1: 40}
PAUSE_SEC = 0.25


def make_generator() -> Any:
    """The Keras generator, its batch norms away from where they start."""
    from tfgan_kit.build import build_generator
    from tfgan_kit.recipe import Recipe

    G = build_generator(Recipe(kimg=1, z_dim=Z_DIM, g_width=64), shape=(28, 28, 1), classes=())
    rng = np.random.default_rng(0)
    for variable in G.variables:
        if "norm" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return G


def onnx_side(G: Any) -> Side:
    from tfgan_kit.export.proven import proven_model
    from tfgan_kit.export.runtime import Sampler
    from tfgan_kit.export.spec import ModelSpec, Parity

    spec = ModelSpec(
        z_dim=Z_DIM, z_prior="normal", class_names=None, height=28, width=28, channels=1, layout="nhwc", dtype="uint8",
        recipe_name="", recipe_digest="", recipe={}, data_spec="", data_digest="", data_images=0, nimg=0,
        weights="ema", parity=Parity(max_abs_error=0.0, batch_sizes=(), tolerance=0.0), tfgan_kit="",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "generator.onnx"
        file.write_bytes(proven_model(G, spec, 17)[1])
        return Sampler(file).generate


def tensorflow_sides(G: Any) -> dict[str, Side]:
    import tensorflow as tf

    function = tf.function(lambda z: G(z, training=False), input_signature=[tf.TensorSpec((None, Z_DIM))])
    return {
        FUNCTION: lambda z: function(z).numpy(),
        PREDICT: lambda z: G.predict(z, batch_size=len(z), verbose=0),
    }


def pytorch_side(G: Any, channels_last: bool) -> Side:
    import torch
    from torch import nn

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = nn.Sequential(
        nn.Linear(Z_DIM, 7 * 7 * 128, bias=False), nn.Unflatten(1, (128, 7, 7)), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh(),
    ).to(memory_format=layout)  # fmt: skip
    model.eval()

    def put(parameter: Any, array: np.ndarray) -> None:
        parameter.data.copy_(torch.tensor(array))

    layers = {layer.name: layer for layer in G.layers}
    # Keras's units are in the order 7, 7, 128 and PyTorch's 128, 7, 7.
    units = np.arange(7 * 7 * 128).reshape(7, 7, 128).transpose(2, 0, 1).ravel()
    put(model[0].weight, layers["start"].kernel.numpy()[:, units].T)
    for index, name in ((2, "norm0"), (5, "norm1")):
        norm = layers[name]
        put(model[index].weight, norm.gamma.numpy())
        put(model[index].bias, norm.beta.numpy())
        put(model[index].running_mean, norm.moving_mean.numpy())
        put(model[index].running_var, norm.moving_variance.numpy())
    for index, name in ((4, "up0"), (7, "image")):
        put(model[index].weight, layers[name].kernel.numpy().transpose(3, 2, 0, 1))
    put(model[7].bias, layers["image"].bias.numpy())

    def run(z: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(z)).numpy()

    return run


def check_equal(sides: dict[str, Side], z: np.ndarray) -> None:
    """Stop where a side does not make the pictures of the TensorFlow function."""
    expected = sides[FUNCTION](z).reshape(len(z), 28, 28)
    for name, side in sides.items():
        images = side(z).reshape(expected.shape)
        if images.dtype == np.uint8:
            off = np.abs(images - np.rint((expected + 1) * 127.5)).max() / 127.5
        else:
            off = np.abs(images - expected).max()
        if not off <= (1.01 / 127.5 if images.dtype == np.uint8 else 1e-4):
            sys.exit(f"{name} makes other pictures: off by {off:g}")


def measure(sides: dict[str, Side], z: np.ndarray, rounds: int, calls: int) -> dict[str, float]:
    """Median seconds of a call, for each side."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side(z)
    for _ in range(rounds):
        for name, side in sides.items():
            # Until the threads of the side before no longer wait for work by spinning on the cores.
            time.sleep(PAUSE_SEC)
            side(z)
            for _ in range(calls):
                started = time.perf_counter()
                side(z)
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()

    G = make_generator()
    sides = {ONNX: onnx_side(G), **tensorflow_sides(G)}
    try:
        import torch  # noqa: F401

        sides |= {
            TORCH: pytorch_side(G, channels_last=False),
            f"{TORCH}, channels-last": pytorch_side(G, channels_last=True),
        }
    except ImportError:
        print("without PyTorch: pip install torch==2.13.0 adds it")
    z = np.random.default_rng(1).normal(size=(64, Z_DIM)).astype(np.float32)
    check_equal(sides, z)

    print(f"{'batch':>5}  {'':28} {'ms':>9} {'images/s':>9} {'ratio':>7}  target")
    for size, calls in CALLS.items():
        medians = measure(sides, z[:size], options.rounds, calls)
        faster = min((median for name, median in medians.items() if name.startswith(TORCH)), default=0.0)
        for name, median in medians.items():
            target = TARGETS.get((name, size))
            # The target is for PyTorch's better layout.
            counted = faster if name == TORCH and faster else median
            note = "" if target is None else f">= {target:g}: {'yes' if counted / medians[ONNX] >= target else 'NO'}"
            print(f"{size:5}  {name:28} {median * 1e3:9.2f} {size / median:9.0f} {median / medians[ONNX]:7.2f}  {note}")
    print(f"python {' '.join(sys.argv)}; a ratio is how many times as long a side takes as ONNX")


if __name__ == "__main__":
    main()
