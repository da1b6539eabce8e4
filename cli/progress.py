"""How a run shows itself: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from tfgan_kit.training.loop import Progress as RunProgress


class ProgressLine:
    """A context in which a run's progress is shown."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())
        self._live = self._console.is_terminal
        self._progress = Progress(
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.description}"),
            console=self._console,
            disable=not self._live,
        )
        self._task = self._progress.add_task("compiling the train step", total=1.0)

    def __enter__(self) -> ProgressLine:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, markup=False)

    def update(self, progress: RunProgress) -> None:
        """Show where the run is."""
        text = describe(progress)
        if progress.figures:
            self.say(describe_figures(progress))
        elif self._live:
            self._progress.update(self._task, completed=progress.share, description=text)
        elif progress.tick or progress.share >= 1.0:
            self.say(text)


def describe(progress: RunProgress) -> str:
    """Images seen, speed, time left, losses and D's outputs, in one line."""
    stats = progress.stats
    total = f"/{progress.total_img / 1000:g}" if progress.total_img else ""
    minutes, seconds = divmod(round(progress.sec_left), 60)

    def shown(name: str, form: str = "{:.2f}", unit: float = 1.0) -> str:
        return form.format(stats[name] / unit) if name in stats else "-"

    return (
        f"{progress.nimg / 1000:.1f}{total} kimg {progress.img_per_sec:.0f} img/s {minutes}:{seconds:02d} left "
        f"D {shown('d_loss')} G {shown('g_loss')} "
        f"D(real) {shown('d_real')} D(fake) {shown('d_fake')} acc {shown('d_accuracy', '{:.0f} %', 0.01)}"
    )


def describe_figures(progress: RunProgress) -> str:
    """What an evaluation measured, in one line."""
    figures = ", ".join(f"{name} {value:.4g}" for name, value in progress.figures.items())
    return f"{progress.nimg / 1000:.1f} kimg evaluated: {figures}"


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """A function that shows what is done and the share of it, as a bar on a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("opening", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
