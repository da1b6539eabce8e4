"""The train step against PyTorch eager: the same 28x28 DCGAN, the same alternating algorithm, batch 64.

    pip install torch==2.13.0
    python benchmarks/train_step.py [--rounds 7] [--steps 10]

G: dense 7x7x128, 64, 1; D: 64, 128; kernels 4x4 of stride 2, batch norm, Adam. One step is one step of D on a real and
a fake batch, then one of G. PyTorch runs channels-last and in its default layout, and the faster of the two counts.
The sides run in turn, several times, in one process; the table shows medians and their ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

BATCH, Z_DIM = 64, 100
PAUSE_SEC = 0.25


def tensorflow_side() -> Callable[[int], None]:
    """`n -> None`: n compiled train steps of the kit."""
    import tensorflow as tf

    from tfgan_kit.build import build_gan
    from tfgan_kit.recipe import Recipe
    from tfgan_kit.training.steps import compile_steps

    recipe = Recipe(
        kimg=1, z_dim=Z_DIM, g_width=64, g_max_width=128, d_width=64, d_end_px=7, d_norm="batch", d_max_width=128,
        batch_size=BATCH, ema_halflife_kimg=0.0,
    )  # fmt: skip
    gan = build_gan(recipe, (28, 28, 1))
    images = tf.constant(real_images())
    run = compile_steps(gan, lambda step: (images, None))
    return lambda n: run(tf.constant(n))


def pytorch_side(channels_last: bool) -> Callable[[int], None]:
    """`n -> None`: n eager train steps of the same GAN."""
    import torch
    from torch import nn

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layout = torch.channels_last if channels_last else torch.contiguous_format

    G = nn.Sequential(
        nn.Linear(Z_DIM, 7 * 7 * 128, bias=False), nn.Unflatten(1, (128, 7, 7)), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh(),
    ).to(memory_format=layout)  # fmt: skip
    D = nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(7 * 7 * 128, 1),
    ).to(memory_format=layout)  # fmt: skip
    g_optimizer = torch.optim.Adam(G.parameters(), 2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(D.parameters(), 2e-4, betas=(0.5, 0.999))
    images = torch.from_numpy(real_images()).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    softplus = nn.functional.softplus

    def step() -> None:
        real = images.float() / 127.5 - 1.0
        with torch.no_grad():
            fake = G(torch.randn(BATCH, Z_DIM))
        d_loss = (softplus(-D(real)) + softplus(D(fake))).mean()
        d_optimizer.zero_grad(set_to_none=True)
        d_loss.backward()
        d_optimizer.step()

        D.requires_grad_(False)
        g_loss = softplus(-D(G(torch.randn(BATCH, Z_DIM)))).mean()
        g_optimizer.zero_grad(set_to_none=True)
        g_loss.backward()
        g_optimizer.step()
        D.requires_grad_(True)

    def run(n: int) -> None:
        for _ in range(n):
            step()

    return run


def real_images() -> np.ndarray:
    """(BATCH, 28, 28, 1) uint8."""
    return np.random.default_rng(0).integers(0, 256, (BATCH, 28, 28, 1), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()

    sides = {
        "tfgan-kit": tensorflow_side(),
        "PyTorch eager, channels-last": pytorch_side(channels_last=True),
        "PyTorch eager, contiguous": pytorch_side(channels_last=False),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for run in sides.values():
        run(2)
    for _ in range(options.rounds):
        for name, run in sides.items():
            # Until the threads of the side before no longer wait for work by spinning on the cores.
            time.sleep(PAUSE_SEC)
            run(1)
            started = time.perf_counter()
            run(options.steps)
            seconds[name].append((time.perf_counter() - started) / options.steps)

    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{'train step, batch 64':32} {'ms':>8} {'images/s':>9}")
    for name, median in medians.items():
        print(f"{name:32} {median * 1e3:8.1f} {BATCH / median:9.0f}")
    best = min(median for name, median in medians.items() if name != "tfgan-kit")
    print(f"tfgan-kit does {best / medians['tfgan-kit']:.2f} times the images/s of PyTorch at its faster layout")


if __name__ == "__main__":
    main()
