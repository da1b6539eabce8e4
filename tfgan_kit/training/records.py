"""What a run writes while it trains: statistics, timing, TensorBoard, previews."""

from __future__ import annotations

import sys
import time

import numpy as np
import tensorflow as tf

from tfgan_kit import pictures
from tfgan_kit.calling import inputs_of, noise_dim
from tfgan_kit.files import write_atomic
from tfgan_kit.gan import GAN
from tfgan_kit.latents import classes_from_seeds, noise_from_seeds, z_from_seeds
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.run_folder import DataFacts, RunFolder

# Previews beside each other in progress.png.
_PANELS = 6


class Records:
    """The writers of one run."""

    def __init__(self, folder: RunFolder, gan: GAN, recipe: Recipe, facts: DataFacts) -> None:
        self._folder, self._gan = folder, gan
        self._img_per_step = recipe.batch_size * recipe.d_steps
        self._writer = tf.summary.create_file_writer(str(folder.path))
        self._ticked = time.perf_counter()
        self._ticked_step = int(gan.step)
        folder.previews.mkdir(exist_ok=True)

        # The preview's inputs are those of seeds 0, 1, 2, ...: `tfgan sample` shows the same pictures.
        rows, self._columns = recipe.preview_grid
        inputs = inputs_of(*seeded(gan, recipe, facts, np.arange(rows * self._columns)))
        self._generate = tf.function(lambda: _to_uint8(gan(inputs)))

    def means(self) -> dict[str, float]:
        """The running means since the last tick, of what was measured since then."""
        return {mean.name: float(mean.result()) for mean in self._gan.metrics if float(mean.count)}

    def tick(self, step: int) -> None:
        """Write the tick's line of statistics and of timing, and begin the next tick."""
        nimg, means = step * self._img_per_step, self.means()
        for mean in self._gan.metrics:
            mean.reset_state()
        now = time.perf_counter()
        rate = (step - self._ticked_step) * self._img_per_step / (now - self._ticked)
        timing = {
            "img_per_sec": round(rate, 1),
            "sec": round(now - self._ticked, 3),
            "peak_memory_mb": peak_memory_mb(),
        }
        self._ticked, self._ticked_step = now, step
        self._folder.append(self._folder.stats, {"step": step, "nimg": nimg, **means})
        self._folder.append(self._folder.timing, {"step": step, "nimg": nimg, **timing})
        with self._writer.as_default(step=nimg):
            for name, value in {**means, **timing}.items():
                if value is not None:
                    tf.summary.scalar(name, value)

    def preview(self, step: int) -> None:
        """Draw the fixed latents with G_ema as it is."""
        sheet = pictures.grid(self._generate().numpy(), self._columns)
        write_atomic(self._folder.preview_path(step), lambda path: pictures.to_pillow(sheet).save(path, format="PNG"))
        with self._writer.as_default(step=step * self._img_per_step):
            tf.summary.image("preview", sheet[None])

    def close(self) -> None:
        """Finish TensorBoard's file, and make the animation of all previews and a row of some of them."""
        self._writer.close()
        frames = sorted(self._folder.previews.glob("step-*.png"))
        write_atomic(self._folder.path / "progress.gif", lambda path: pictures.save_gif(frames, path))
        row = pictures.to_pillow(pictures.panels(frames, _PANELS))
        write_atomic(self._folder.path / "progress.png", lambda path: row.save(path, format="PNG"))


def seeded(
    gan: GAN, recipe: Recipe, facts: DataFacts, seeds: np.ndarray
) -> tuple[tf.Tensor, tf.Tensor | None, tf.Tensor | None]:
    """What G_ema takes for `seeds`: z (N, z_dim), c (N, A) int32 and noise (N, M); None for what it does not take."""
    size = noise_dim(gan.G_ema)
    return (
        tf.constant(z_from_seeds(seeds, recipe.z_dim, recipe.z_prior)),
        tf.constant(classes_from_seeds(seeds, facts.classes, facts.counts), tf.int32) if facts.classes else None,
        tf.constant(noise_from_seeds(seeds, size)) if size else None,
    )


def _to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Images in [-1, 1] as uint8, rounded half to even."""
    return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0.0, 255.0), tf.uint8)


def peak_memory_mb() -> float | None:
    """The most memory that this process has held, MiB; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
