"""Sampling by ONNX against the same generator in TensorFlow and in PyTorch, eager and compiled, at batch 64 and 1.

    pip install torch==2.13.0
    python benchmarks/sampling.py [--size 28] [--rounds 15] [--no-tensorflow]

The generators are DCGANs (kernels 4x4 of stride 2; batch norm): of 28x28 px with maps of 7x7x128 and 14x14x64, and of
64x64 px with 4x4x512 to 32x32x64. All sides have the same weights, and their pictures are checked to be equal. ONNX
gives uint8 pictures, the others float32. PyTorch runs in its default layout and channels-last, eagerly and by
torch.compile, which is compiled for each batch size on its own; of each the faster one counts. The sides run in turn,
several times, in one process; the table shows medians and their ratios. Without torch its rows are left out, and
without a C++ compiler those of torch.compile.
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
SHAPES = {28: (28, 28, 1), 64: (64, 64, 3)}
Side = Callable[[np.ndarray], np.ndarray]
ONNX, FUNCTION, PREDICT = "ONNX, tfgan-kit's Sampler", "TensorFlow function", "model.predict"
TORCH, COMPILED = "PyTorch eager", "torch.compile"
# (size, side, batch) -> how many times as long it takes as ONNX, at least.
TARGETS = {
    (28, FUNCTION, 64): 2.5, (28, PREDICT, 64): 8.0, (28, TORCH, 64): 1.1, (28, TORCH, 1): 2.0,
    (28, COMPILED, 64): 1.0, (28, COMPILED, 1): 1.0, (64, TORCH, 64): 1.0, (64, TORCH, 1): 1.0,
    (64, COMPILED, 64): 1.0, (64, COMPILED, 1): 1.0,
}  # fmt: skip
# Calls of each side in a round; a multiple of a second in all.
CALLS = {28: {64: 5, 1: 40}, 64: {64: 2, 1: 15}}
PAUSE_SEC = 0.25


def make_generator(size: int) -> Any:
    """The Keras generator, its batch norms away from where they start."""
    from tfgan_kit.build import build_generator
    from tfgan_kit.recipe import Recipe

    G = build_generator(Recipe(kimg=1, z_dim=Z_DIM, g_width=64), shape=SHAPES[size], classes=())
    rng = np.random.default_rng(0)
    for variable in G.variables:
        if "norm" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return G


def onnx_side(G: Any, shape: tuple[int, int, int]) -> Side:
    from tfgan_kit.export.forms.proven import proven_model
    from tfgan_kit.export.runtime import Sampler
    from tfgan_kit.export.spec import ModelSpec, Parity

    height, width, channels = shape
    spec = ModelSpec(
        z_dim=Z_DIM, z_prior="normal", attributes={}, height=height, width=width, channels=channels, layout="nhwc",
        dtype="uint8", recipe_name="", recipe_digest="", recipe={}, data_spec="", data_digest="", data_images=0,
        nimg=0, weights="ema", parity=Parity(max_abs_error=0.0, batch_sizes=(), tolerance=0.0), tfgan_kit="",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "generator.onnx"
        file.write_bytes(proven_model(G, spec, 17)[1])
        return Sampler(file, warm=True).generate


def tensorflow_sides(G: Any) -> dict[str, Side]:
    import tensorflow as tf

    function = tf.function(lambda z: G(z, training=False), input_signature=[tf.TensorSpec((None, Z_DIM))])
    return {
        FUNCTION: lambda z: function(z).numpy(),
        PREDICT: lambda z: G.predict(z, batch_size=len(z), verbose=0),
    }


def pytorch_model(G: Any, channels_last: bool) -> Any:
    import torch
    from torch import nn

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    layers = {layer.name: layer for layer in G.layers}
    norms = [layers[f"norm{i}"] for i in range(len(layers)) if f"norm{i}" in layers]
    ups = [*(layers[f"up{i}"] for i in range(len(norms) - 1)), layers["image"]]
    maps = [norm.gamma.shape[0] for norm in norms]
    height, width, _ = layers["start_map"].target_shape
    units = height * width * maps[0]
    model = nn.Sequential(nn.Linear(Z_DIM, units, bias=False), nn.Unflatten(1, (maps[0], height, width)))
    for features, made in zip(maps, [*maps[1:], G.output_shape[-1]], strict=True):
        last = made == G.output_shape[-1]
        model.extend([nn.BatchNorm2d(features), nn.ReLU(), nn.ConvTranspose2d(features, made, 4, 2, 1, bias=last)])
    model.append(nn.Tanh()).to(memory_format=layout).eval()

    def put(parameter: Any, array: np.ndarray) -> None:
        parameter.data.copy_(torch.tensor(array))

    # Keras's units are in the order height, width, channels, and PyTorch's channels first.
    order = np.arange(units).reshape(height, width, maps[0]).transpose(2, 0, 1).ravel()
    put(model[0].weight, layers["start"].kernel.numpy()[:, order].T)
    for i, (norm, up) in enumerate(zip(norms, ups, strict=True)):
        theirs = model[2 + 3 * i]
        put(theirs.weight, norm.gamma.numpy())
        put(theirs.bias, norm.beta.numpy())
        put(theirs.running_mean, norm.moving_mean.numpy())
        put(theirs.running_var, norm.moving_variance.numpy())
        put(model[4 + 3 * i].weight, up.kernel.numpy().transpose(3, 2, 0, 1))
    put(model[-2].bias, ups[-1].bias.numpy())
    return model


def torch_side(model: Any) -> Side:
    import torch

    def run(z: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(z)).numpy()

    return run


def pytorch_sides(G: Any) -> dict[str, Side]:
    """Eager ones, and compiled ones where they can be."""
    import torch

    models = {"": pytorch_model(G, channels_last=False), ", channels-last": pytorch_model(G, channels_last=True)}
    sides = {f"{TORCH}{layout}": torch_side(model) for layout, model in models.items()}
    compiled = {
        f"{COMPILED}{layout}": torch_side(torch.compile(model, dynamic=False)) for layout, model in models.items()
    }
    try:
        for side in compiled.values():
            side(np.zeros((64, Z_DIM), np.float32))
    except Exception as error:  # Whatever the compiler stumbles over.
        print(f"without torch.compile: {str(error).splitlines()[0]:.120}")
        return sides
    return sides | compiled


def check_equal(sides: dict[str, Side], z: np.ndarray) -> None:
    """Stop where a side does not make the pictures of the TensorFlow function."""
    expected = sides[FUNCTION](z)
    for name, side in sides.items():
        images = side(z)
        if images.shape != expected.shape:
            images = images.transpose(0, 2, 3, 1)
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
    parser.add_argument("--size", type=int, choices=tuple(SHAPES), action="append", help="px; more than once for both")
    parser.add_argument("--no-tensorflow", action="store_true", help="time ONNX and PyTorch alone")
    options = parser.parse_args()
    for size in options.size or SHAPES:
        run(size, options.rounds, tensorflow=not options.no_tensorflow)
    print(f"python {' '.join(sys.argv)}; a ratio is how many times as long a side takes as ONNX")


def run(size: int, rounds: int, tensorflow: bool) -> None:
    G = make_generator(size)
    sides = {ONNX: onnx_side(G, SHAPES[size]), **tensorflow_sides(G)}
    try:
        import torch  # noqa: F401

        sides |= pytorch_sides(G)
    except ImportError:
        print("without PyTorch: pip install torch==2.13.0 adds it")
    z = np.random.default_rng(1).normal(size=(64, Z_DIM)).astype(np.float32)
    check_equal(sides, z)
    if not tensorflow:
        del sides[FUNCTION], sides[PREDICT]

    print(f"{size}x{size} px\n{'batch':>5}  {'':28} {'ms':>9} {'images/s':>9} {'ratio':>7}  target")
    for batch, calls in CALLS[size].items():
        medians = measure(sides, z[:batch], rounds, calls)
        for name, median in medians.items():
            target = TARGETS.get((size, name, batch))
            # The target is for the better layout.
            counted = min(other for side, other in medians.items() if side.split(",")[0] == name.split(",")[0])
            note = "" if target is None else f">= {target:g}: {'yes' if counted / medians[ONNX] >= target else 'NO'}"
            print(
                f"{batch:5}  {name:28} {median * 1e3:9.2f} {batch / median:9.0f} {median / medians[ONNX]:7.2f}  {note}"
            )


if __name__ == "__main__":
    main()
