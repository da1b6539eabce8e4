"""The minimax loss leaves G without a gradient when D wins; the non-saturating loss does not.

    python benchmarks/saturation.py [--set KEY=VALUE ...] [--plot saturation.png]

Trains D alone against a G that stays as it is, and measures after so many kimg the norm of the gradient of G's weights
under three of G's losses, on the same latents. With D's probability p of a fake being real, the derivative by the logit
is -p for minimax, and p - 1 for the non-saturating loss, half of which is half_cross_entropy's: as D wins p goes to 0,
and the first gradient with it. Seconds on a CPU; prints a table and one line of JSON. The plot needs matplotlib.

Source: Goodfellow et al. 2014, section 3; Arjovsky and Bottou 2017, "Towards principled methods for training
generative adversarial networks", Theorem 2.4.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

if TYPE_CHECKING:
    from tfgan_kit.recipe import Recipe

RECIPE = "minimax-mnist"
KIMG = (0, 1, 2, 5, 10, 20)
G_LOSSES = ("minimax", "nonsaturating", "half_cross_entropy")
# Latents that the gradients are of, and real pictures that D is measured on.
MEASURED = 1000

Row = dict[str, float]


def measure(recipe: Recipe) -> list[Row]:
    """For each of KIMG: D's accuracy, its mean probability for a fake, and the gradient norm under each G loss."""
    import tensorflow as tf

    from tfgan_kit import rng
    from tfgan_kit.build import build_gan
    from tfgan_kit.calling import inputs_of, noise_for, without_updates
    from tfgan_kit.data import open_feed, open_source
    from tfgan_kit.losses import LOSSES
    from tfgan_kit.rng import Stream

    source = open_source(recipe)
    gan = build_gan(recipe, source.shape)
    feed = open_feed(
        source, batch=recipe.batch_size, seed=recipe.seed, mirror=False, memory_mb=recipe.memory_mb, start_step=0
    )
    G, D = without_updates(gan.G), without_updates(gan.D)

    @tf.function
    def train_d(steps: tf.Tensor) -> None:
        for _ in tf.range(steps):
            gan.d_step(_images(feed(gan.step)), None)
            gan.step.assign_add(1)

    z = rng.latents(rng.key(recipe.seed, Stream.G_LATENTS, 0), MEASURED, recipe.z_dim, recipe.z_prior)
    g_noise, *d_noise = (
        noise_for(net, rng.split(rng.key(recipe.seed, Stream.D_NOISE, 0), i), MEASURED)
        for i, net in enumerate((gan.G, gan.D, gan.D))
    )
    real = tf.constant(source.read(np.arange(MEASURED)), tf.float32) / 127.5 - 1.0

    @tf.function
    def gradient_norms() -> dict[str, tf.Tensor]:
        real_logits = D(inputs_of(real, d_noise[0]))["logits"]
        with tf.GradientTape(persistent=True) as tape:
            fake = G(inputs_of(z, g_noise))
            fake_logits = D(inputs_of(fake, d_noise[1]))["logits"]
            losses = {
                name: tf.reduce_mean(LOSSES[name].g(real_logits=real_logits, fake_logits=fake_logits))
                for name in G_LOSSES
            }
        norms = {
            name: tf.linalg.global_norm(tape.gradient(loss, gan.G.trainable_variables)) for name, loss in losses.items()
        }
        right = tf.concat([real_logits > 0, fake_logits <= 0], axis=0)
        won = {
            "d_accuracy": tf.reduce_mean(tf.cast(right, tf.float32)),
            "d_fake": tf.reduce_mean(tf.sigmoid(fake_logits)),
        }
        return won | norms

    rows, step = [], 0
    for kimg in KIMG:
        until = round(kimg * 1000 / recipe.batch_size)
        train_d(tf.constant(until - step))
        step = until
        rows.append({"kimg": float(kimg)} | {name: float(value) for name, value in gradient_norms().items()})
    return rows


def table(rows: list[Row]) -> str:
    """The rows as text, and what became of each gradient."""
    lines = [f"{'D alone':>8}  {'D accuracy':>10}  {'D(G(z))':>9}" + "".join(f"  {name:>18}" for name in G_LOSSES)]
    for row in rows:
        norms = "".join(f"  {row[name]:>18.3g}" for name in G_LOSSES)
        lines.append(f"{row['kimg']:>3.0f} kimg  {row['d_accuracy']:>10.1%}  {row['d_fake']:>9.2g}{norms}")
    change = "".join(f"  {'x ' + format(rows[-1][name] / rows[0][name], '.2g'):>18}" for name in G_LOSSES)
    return "\n".join([*lines, f"{'last / first':>31}{change}"])


def plot(rows: list[Row], path: Path) -> bool:
    """Gradient norms over kimg, on a logarithmic axis; False without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for name in G_LOSSES:
        axes.semilogy([row["kimg"] for row in rows], [row[name] for row in rows], marker="o", label=name)
    axes.set(xlabel="D trained alone, kimg", ylabel="norm of G's gradient", title="G's gradient as D wins")
    axes.legend()
    figure.savefig(path, dpi=120)
    return True


def _images(data: object) -> object:
    """Pictures in [-1, 1], float32, of what a feed gives."""
    import tensorflow as tf

    images = data[0] if isinstance(data, tuple | list) else data
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", dest="assignments", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--plot", type=Path, help="a .png to write, where matplotlib is installed")
    options = parser.parse_args()

    from tfgan_kit.recipe import parse_assignment
    from tfgan_kit.recipes import recipe_row

    recipe = recipe_row(RECIPE).recipe.replace(**dict(parse_assignment(text) for text in options.assignments))
    rows = measure(recipe.replace(conditional=False))
    print(table(rows))
    print(json.dumps(rows))
    if options.plot and not plot(rows, options.plot):
        print("no plot: it needs matplotlib")


if __name__ == "__main__":
    main()
