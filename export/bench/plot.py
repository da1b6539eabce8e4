"""The figures of a bench as a picture: pictures a second over the batch, and over the threads."""

from __future__ import annotations

from pathlib import Path

from tfgan_kit.errors import MissingPackageError
from tfgan_kit.export.bench.measure import OURS, BenchResult

_SIZE_INCHES, _DPI = (9.0, 3.6), 120


def check_plotting() -> None:
    """Refuse to plot where matplotlib is missing, before any work.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingPackageError("--plot needs matplotlib: pip install 'tfgan-kit[evaluate]'") from None


def draw_bench(result: BenchResult, path: Path) -> None:
    """Write the picture of a bench as PNG.

    Raises:
        MissingPackageError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    check_plotting()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    by_batch, by_threads = figure.subplots(1, 2, width_ratios=(3, 2) if result.threads else (1, 0.001))
    for side in result.sides:
        rows = [row for row in result.throughput if row.side == side]
        by_batch.plot([row.batch for row in rows], [row.images_per_sec for row in rows], marker="o", label=side)
    batches = sorted({row.batch for row in result.throughput})
    by_batch.set_xscale("log", base=2)
    by_batch.set_xticks(batches, [str(batch) for batch in batches])
    by_batch.set_xlabel("pictures a call")
    if len(result.sides) > 1:
        by_batch.legend()
    if result.threads:
        by_threads.bar([str(count) for count in result.threads], list(result.threads.values()), width=0.6)
        by_threads.set_xlabel(f"threads of {OURS}, 64 pictures a call")
    else:
        by_threads.set_axis_off()
    for panel in (by_batch, by_threads):
        panel.set_ylabel("pictures a second")
        panel.set_ylim(bottom=0)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", alpha=0.3)
    figure.suptitle(f"{Path(result.model['file']).name} on {result.machine['processor']}", fontsize=10)
    figure.savefig(path, format="png")
