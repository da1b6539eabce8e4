"""`tfgan bench`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.cli.model_options import model_file
from tfgan_kit.cli.options import check_folders
from tfgan_kit.errors import ExportError, MissingPackageError, RunError, SampleError

if TYPE_CHECKING:
    from rich.console import Console

    from tfgan_kit.export.bench.measure import BenchResult, Side
    from tfgan_kit.export.runtime import Sampler
    from tfgan_kit.training.run_folder import RunFolder

# Pictures of every side that are compared before they are timed.
_COMPARED = 16
# Columns of the tables where there is no terminal to ask.
_WIDTH = 200


def bench(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[MODEL.onnx|RUN]", help="The .onnx, or a run folder with one: then TensorFlow's own "
                                                        "generator is measured too.",
                       show_default="the newest artifacts/*/generator.onnx"),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.", show_default=False)
    ] = None,
    plot_file: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw them there.", show_default=False)
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few batches and rounds: seconds, and less certain figures.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads.", show_default="all that this process may use")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:  # fmt: skip
    """Measure how fast a model makes pictures here: one, many, from a cold start; its memory. PyTorch, which runs the
    same graph eagerly, is beside it where torch and onnx are installed, and TensorFlow where a run is named."""
    check_folders(json_file, plot_file)
    path = model_file(model)
    if plot_file is not None:
        from tfgan_kit.export.bench.plot import check_plotting

        if plot_file.suffix.lower() != ".png":
            raise SampleError(f"--plot takes the name of a .png file; got {plot_file}")
        check_plotting()

    from tfgan_kit.cli.progress import progress_bar
    from tfgan_kit.export.bench.measure import bench as run_bench
    from tfgan_kit.export.runtime import Sampler

    # What is wrong with the model or the device shows before anything else is loaded.
    sampler = Sampler(path, device=device, threads=threads)
    others, notes = _others(sampler, path, model)
    with progress_bar() as on_progress:
        result = run_bench(path, device=device, threads=threads, quick=quick, others=others, on_progress=on_progress)
    show(result)
    for note in notes:
        print(f"note: {note}")
    _write(result, json_file, plot_file)


def show(result: BenchResult) -> None:
    """Print what was measured as tables."""
    from rich.console import Console
    from rich.table import Table

    live = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, soft_wrap=not live, width=None if live else _WIDTH)
    facts = result.machine
    console.print(
        f"{result.model['file']} on {facts['processor']}, {facts['device']}, threads: {facts['threads']}, "
        f"onnxruntime {facts['onnxruntime']}",
        markup=False,
    )
    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for row in result.latency:
        table.add_row(f"a single picture, {row.side}: median, p99", f"{row.median_ms:.2f}, {row.p99_ms:.2f} ms")
    table.add_row("opening the model", f"{result.open_ms:.1f} ms")
    table.add_row("from there to the first picture", f"{result.first_ms:.1f} ms")
    table.add_row("from a new process to the first picture", f"{result.cold.sec:.2f} s")
    if result.cold.first_mb is not None and result.cold.batch_mb is not None:
        table.add_row("memory of that process, peak", f"{result.cold.first_mb:.0f} MB")
        table.add_row("the same after 256 pictures at once", f"{result.cold.batch_mb:.0f} MB")
    console.print(table)
    console.print()
    _show_throughput(result, console)


def _show_throughput(result: BenchResult, console: Console) -> None:
    from rich.table import Table

    ours, *others = result.sides
    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("pictures a call", justify="right")
    for side in result.sides:
        table.add_column(f"{side}, pictures/s", justify="right")
    for side in others:
        table.add_column(f"times {side}", justify="right")
    for batch in sorted({row.batch for row in result.throughput}):
        rates = {side: result.rate(side, batch) for side in result.sides}
        cells = ["" if rate is None else f"{rate:,.0f}" if rate >= 10 else f"{rate:.2f}" for rate in rates.values()]
        mine = rates[ours]
        cells += ["" if mine is None or not rates[side] else f"{mine / rates[side]:.1f}" for side in others]  # type: ignore[operator]
        table.add_row(str(batch), *cells)
    console.print(table)
    if len(result.threads) > 1:
        shown = ", ".join(f"{count}: {rate:,.0f}" for count, rate in result.threads.items())
        console.print(f"\npictures/s in calls of 64 by threads: {shown}")


def _others(sampler: Sampler, path: Path, model: Path | None) -> tuple[dict[str, Side], list[str]]:
    """What makes the same pictures here, and what the user should know of it."""
    import numpy as np

    from tfgan_kit.training.run_folder import RunFolder

    ways: dict[str, Callable[[], Side]] = {}
    if model is not None and RunFolder(model).exists:
        ways["TensorFlow"] = lambda: _tensorflow(RunFolder(model))
    if find_spec("torch") is not None and find_spec("onnx") is not None:
        ways["PyTorch"] = lambda: _torch(sampler, path)
    found: dict[str, Side] = {}
    notes = []
    for name, way in ways.items():
        try:
            found[name] = way()
            off = np.abs(found[name](_COMPARED) - sampler.sample(range(_COMPARED)).astype(int)).max()
        except (MissingPackageError, ExportError, RunError) as error:
            notes.append(f"without {name}: {error}")
            found.pop(name, None)
            continue
        if off > 1:
            notes.append(f"{name} makes other pictures, off by up to {off} grey levels: the model is another one's")
    return found, notes


def _tensorflow(folder: RunFolder) -> Side:
    """The run's own generator as a compiled function of TensorFlow."""
    import numpy as np

    from tfgan_kit.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from tfgan_kit.training.painter import load_painter

    painter = load_painter(folder)[0]
    return lambda count: painter.draw(np.arange(count))


def _torch(sampler: Sampler, path: Path) -> Side:
    """The model's own graph, run by PyTorch eagerly."""
    from tfgan_kit.export.bench.torch_graph import TorchGraph
    from tfgan_kit.export.runtime import as_pictures

    graph = TorchGraph(path)
    return lambda count: as_pictures(graph(sampler.inputs_of(range(count))), sampler.spec.layout)


def _write(result: BenchResult, json_file: Path | None, plot_file: Path | None) -> None:
    from tfgan_kit.files import write_atomic, write_json

    try:
        if json_file is not None:
            write_json(json_file, result.to_json())
            print(f"wrote {json_file}")
        if plot_file is not None:
            from tfgan_kit.export.bench.plot import draw_bench

            write_atomic(plot_file, lambda path: draw_bench(result, path))
            print(f"wrote {plot_file}")
    except OSError as error:
        where = error.filename or json_file or plot_file
        raise SampleError(f"{where} cannot be written: {error.strerror or error}; the figures are above") from None
