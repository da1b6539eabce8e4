"""What a run writes while it trains: statistics, timing, TensorBoard, previews."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfgan_kit import pictures
from tfgan_kit.evaluation.result import Evaluation
from tfgan_kit.files import write_atomic, write_json
from tfgan_kit.gan import GAN
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.length import img_per_step
from tfgan_kit.training.painter import Painter
from tfgan_kit.training.run_folder import RunFolder

# Previews beside each other in progress.png.
_PANELS = 6


class Records:
    """The writers of one run."""

    def __init__(self, folder: RunFolder, gan: GAN, recipe: Recipe, painter: Painter) -> None:
        self._folder, self._gan, self._painter = folder, gan, painter
        self._img_per_step = img_per_step(recipe)
        self._writer = tf.summary.create_file_writer(str(folder.path))
        self._ticked = time.perf_counter()
        self._ticked_step = int(gan.step.numpy())
        folder.previews.mkdir(exist_ok=True)

        # Those of seeds 0, 1, 2, ...: `tfgan sample` shows the same pictures.
        rows, self._columns = recipe.preview_grid
        self._seeds = np.arange(rows * self._columns)

    def means(self) -> dict[str, float]:
        """The running means since the last tick, of what was measured since then."""
        return {mean.name: float(mean.result()) for mean in self._gan.metrics if float(mean.count.numpy())}

    def tick(self, step: int, figures: Mapping[str, float]) -> dict[str, float]:
        """Write the tick's line of statistics and of timing, and begin the next tick.

        Args:
            step: train steps done.
            figures: what was measured beside the running means.

        Returns:
            The line of statistics.
        """
        nimg, means = step * self._img_per_step, self.means() | dict(figures)
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
        return {"step": step, "nimg": nimg, **means}

    def preview(self, step: int) -> None:
        """Draw the fixed latents with G_ema as it is."""
        sheet = pictures.grid(self._painter.draw(self._seeds), self._columns)
        write_atomic(self._folder.preview_path(step), lambda path: pictures.to_pillow(sheet).save(path, format="PNG"))
        with self._writer.as_default(step=step * self._img_per_step):
            tf.summary.image("preview", sheet[None])

    def evaluation(self, step: int, figures: Mapping[str, float]) -> None:
        """Write what an evaluation measured, by the names that the statistics have for it."""
        _write_figures(self._folder, self._writer, figures, step=step, nimg=step * self._img_per_step)

    def close(self) -> None:
        """Finish TensorBoard's file, and make the animation of all previews and a row of some of them."""
        self._writer.close()
        frames = sorted(self._folder.previews.glob("step-*.png"))
        write_atomic(self._folder.path / "progress.gif", lambda path: pictures.save_gif(frames, path))
        row = pictures.to_pillow(pictures.panels(frames, _PANELS))
        write_atomic(self._folder.path / "progress.png", lambda path: row.save(path, format="PNG"))


def record_evaluation(folder: RunFolder, found: Evaluation, *, step: int) -> None:
    """Put an evaluation of a checkpoint into the run's records: evaluation.json, stats.jsonl and TensorBoard.

    Args:
        folder: the run, held by its lock.
        found: the figures.
        step: of the checkpoint.
    """
    write_json(folder.evaluation, found.to_json())
    figures = {f"{name}/{found.key()}": measured.value for name, measured in found.metrics.items()}
    writer = tf.summary.create_file_writer(str(folder.path))
    _write_figures(folder, writer, figures, step=step, nimg=found.subject["nimg"])
    writer.close()


def _write_figures(
    folder: RunFolder, writer: tf.summary.SummaryWriter, figures: Mapping[str, float], *, step: int, nimg: int
) -> None:
    folder.append(folder.stats, {"step": step, "nimg": nimg, "metrics": dict(figures)})
    with writer.as_default(step=nimg):
        for name, value in figures.items():
            tf.summary.scalar(f"metrics/{name}", value)


def peak_memory_mb() -> float | None:
    """The most memory that this process has held, MiB; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
