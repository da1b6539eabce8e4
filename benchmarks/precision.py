"""Half precision against float32: how much a gradient is rounded, what a step costs, what toys and digits come to.

    python benchmarks/precision.py rounding
    python benchmarks/precision.py steps [RECIPE]
    python benchmarks/precision.py toy [--toy ring8] [--seeds 5] [--steps 6000] [--no-jit] --out DIR
    python benchmarks/precision.py samples ABLATION FILE.png

`rounding` takes one gradient of D and of G in each precision, from the same weights on the same pictures, by
TensorFlow's own kernels and by XLA, and prints how far it is from that of float32, as a share of its norm. `steps`
prints the CPU time of a train step of a recipe with narrow networks. `toy` trains the points of `tfgan toy` in each
precision and writes toy.md and toy.json; p is Welch's test against float32. `samples` puts the first pictures of the
runs of seed 0 beside each other, of an ablation by `tfgan ablate RECIPE --switch precision=...`, which also measures
them. XLA may keep more digits than the recipe asks for; with
XLA_FLAGS=--xla_allow_excess_precision=false in the environment it may not.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.recipe import PRECISIONS

if TYPE_CHECKING:
    from tfgan_kit.ablation.table import Ablation, Run
    from tfgan_kit.recipe import Recipe

# A quarter of the width of `dcgan-mnist`.
NARROW = {"g_width": 16, "g_max_width": 32, "d_width": 16, "d_max_width": 32, "batch_size": 64}
# Of the loss, so that no gradient is below the smallest float16: what a loss scale does in training.
SCALE = 2.0**12
FIGURES = ("modes", "rarest_mode", "high_quality", "earth_movers", "js", "d_error")
SAMPLES = 4000
# Pictures beside each other.
COLUMNS = 20


def rounding() -> None:
    """Print the relative error of a gradient of D and of G in each precision."""
    import tensorflow as tf

    from tfgan_kit.build import build_gan
    from tfgan_kit.calling import without_updates
    from tfgan_kit.recipes import recipe_row

    recipe = recipe_row("dcgan-mnist").recipe.replace(conditional=False, jit=False, **NARROW)
    rng = np.random.default_rng(0)
    real = tf.constant(rng.uniform(-1, 1, (recipe.batch_size, 28, 28, 1)), tf.float32)
    z = tf.constant(rng.standard_normal((recipe.batch_size, recipe.z_dim)), tf.float32)

    def gradients(name: str, jit: bool) -> list[NDArray[np.float32]]:
        gan = build_gan(recipe.replace(precision=name), (28, 28, 1))
        G, D = without_updates(gan.G), without_updates(gan.D)

        @tf.function(jit_compile=jit)
        def both() -> list[list[tf.Tensor]]:
            with tf.GradientTape(persistent=True) as tape:
                d_loss = SCALE * tf.reduce_mean(tf.nn.softplus(-D(real)["logits"]))
                g_loss = SCALE * tf.reduce_mean(tf.nn.softplus(-D(G(z))["logits"]))
            return [
                tape.gradient(loss, [weight.value for weight in model.trainable_variables])
                for loss, model in ((d_loss, gan.D), (g_loss, gan.G))
            ]

        return [np.concatenate([np.ravel(part) for part in found]).astype(np.float32) for found in both()]

    exact = gradients("float32", jit=False)
    print(f"{'relative error of the gradient of':>40} {'D':>8} {'G':>8}")
    for name in PRECISIONS:
        for jit in (False, True):
            errors = [
                float(np.linalg.norm(found - whole) / np.linalg.norm(whole))
                for found, whole in zip(gradients(name, jit), exact, strict=True)
            ]
            kernels = "XLA" if jit else "TensorFlow's kernels"
            print(f"{name:>17}, {kernels:>21} {errors[0]:8.1e} {errors[1]:8.1e}", flush=True)


def steps_of(name: str, count: int = 5) -> None:
    """Print the CPU time of a train step in each precision."""
    import tensorflow as tf

    from tfgan_kit.build import build_gan
    from tfgan_kit.recipes import recipe_row

    recipe = recipe_row(name).recipe.replace(conditional=False, **NARROW)
    pictures = np.random.default_rng(0).integers(0, 256, (recipe.batch_size * recipe.d_steps, 28, 28, 1), np.uint8)
    print(f"{name + ', CPU ms a step':>30} {'kernels':>8} {'XLA':>8}")
    for precision in PRECISIONS:
        milliseconds = []
        for jit in (False, True):
            gan = build_gan(recipe.replace(precision=precision, jit=jit), (28, 28, 1))
            step = tf.function(gan.train_step)
            step(tf.constant(pictures))
            before = time.process_time()
            for _ in range(count):
                step(tf.constant(pictures))
            milliseconds.append((time.process_time() - before) / count * 1e3)
        print(f"{precision:>30} {milliseconds[0]:8.0f} {milliseconds[1]:8.0f}", flush=True)


def toys(name: str, seeds: int, steps: int, jit: bool, out: Path) -> None:
    """Train a toy in each precision with each seed, less those that `out` has, and write the table after each run."""
    import keras

    from tfgan_kit.ablation.table import Ablation, Run, Variant
    from tfgan_kit.files import write_atomic, write_json
    from tfgan_kit.toy.measure import Measure
    from tfgan_kit.toy.options import toy_recipe
    from tfgan_kit.toy.points import points_named
    from tfgan_kit.toy.train import Toy

    def recipe_of(precision: str, seed: int) -> Recipe:
        return toy_recipe(steps=steps, seed=seed, loss=None, changes={"precision": precision, "jit": jit})

    out.mkdir(parents=True, exist_ok=True)
    data = points_named(name)
    runs = {precision: _runs_there(out / "toy.json", precision, (name, steps, jit)) for precision in PRECISIONS}
    for seed in range(seeds):
        for precision in PRECISIONS:
            if len(runs[precision]) > seed:
                continue
            toy = Toy(recipe_of(precision, seed), data)
            means = toy.train(toy.steps)
            figures = Measure(toy.recipe, data, SAMPLES).look(toy, means).figures
            runs[precision].append(Run(seed=seed, figures={figure: figures[figure] for figure in FIGURES}))
            del toy
            keras.backend.clear_session()
            gc.collect()
            found = Ablation(
                name=name, recipe=recipe_of("float32", 0), seeds=tuple(range(seeds)), samples=SAMPLES,
                extractor=("", ""), real={},
                variants=tuple(
                    Variant(name=each, tip=0, changes={"precision": each}, runs=tuple(runs[each]))
                    for each in PRECISIONS
                ),
            )  # fmt: skip
            text, content = _of_toys(found, steps)
            write_atomic(out / "toy.md", lambda path, text=text: path.write_text(text, encoding="utf-8"))
            write_json(out / "toy.json", content)
            print(f"{precision}, seed {seed}: " + ", ".join(f"{key} {figures[key]:.3g}" for key in FIGURES), flush=True)
    print((out / "toy.md").read_text(encoding="utf-8"))


def _runs_there(file: Path, precision: str, of: tuple[str, int, bool]) -> list[Run]:
    """The runs of a precision that a file has, where it is of the same toy, steps and compiler."""
    from tfgan_kit.ablation.table import Run

    if not file.is_file():
        return []
    content = json.loads(file.read_text(encoding="utf-8"))
    if (content["toy"], content["steps"], content["jit"]) != of:
        return []
    cells = content["precisions"][precision]
    values = zip(*(cell["values"] for cell in cells.values()), strict=True)
    return [Run(seed=seed, figures=dict(zip(cells, each, strict=True))) for seed, each in enumerate(values)]


def _of_toys(found: Ablation, steps: int) -> tuple[str, dict[str, Any]]:
    """The table of the toys, as text and for JSON."""
    head, *rows = found.rows()
    head = ["precision", *("against float32" if each == "against the baseline" else each for each in head[1:])]
    rule = ["---", *["---:"] * (len(head) - 1)]
    lines = ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)]
    lines += ["", f"- {found.name}, {steps} steps, seeds 0 to {len(found.seeds) - 1}, {found.samples} samples", ""]
    content = {
        "toy": found.name, "steps": steps, "jit": found.recipe.jit, "samples": found.samples,
        "precisions": {
            each.name: {name: vars(found.cell(each, name)) for name in found.figures} for each in found.variants
        },
    }  # fmt: skip
    return "\n".join(lines), content


def samples(ablation: Path, file: Path) -> None:
    """Write the first pictures of each precision's run of seed 0, a block a precision, in the order of PRECISIONS."""
    from tfgan_kit.files import write_atomic
    from tfgan_kit.pictures import grid, to_pillow
    from tfgan_kit.training.painter import load_painter
    from tfgan_kit.training.run_folder import RunFolder

    blocks = []
    for precision in PRECISIONS:
        folder = "baseline" if precision == "float32" else f"precision={precision}"
        painter, _, _ = load_painter(RunFolder(ablation / folder / "0"))
        blocks.append(grid(painter.draw(np.arange(3 * COLUMNS)), columns=COLUMNS))
    picture = to_pillow(grid(np.stack(blocks), columns=1, gap_px=10))
    write_atomic(file, lambda path: picture.save(path, format="png", optimize=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("rounding")
    of_steps = parts.add_parser("steps")
    of_steps.add_argument("recipe", nargs="?", default="dcgan-mnist")
    of_toys = parts.add_parser("toy")
    of_toys.add_argument("--toy", default="ring8")
    of_toys.add_argument("--seeds", type=int, default=5)
    of_toys.add_argument("--steps", type=int, default=6000)
    of_toys.add_argument("--no-jit", action="store_true")
    of_toys.add_argument("--out", type=Path, required=True)
    of_samples = parts.add_parser("samples")
    of_samples.add_argument("ablation", type=Path)
    of_samples.add_argument("file", type=Path)
    options = parser.parse_args()
    # TensorFlow remarks on functions that are made anew, of which there is one a run here.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if options.part == "rounding":
        rounding()
    elif options.part == "steps":
        steps_of(options.recipe)
    elif options.part == "toy":
        toys(options.toy, options.seeds, options.steps, not options.no_jit, options.out)
    else:
        samples(options.ablation, options.file)


if __name__ == "__main__":
    main()
