"""`tfgan report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.errors import MissingPackageError, RunError

if TYPE_CHECKING:
    from tfgan_kit.training.painter import Painter
    from tfgan_kit.training.run_folder import RunFolder


def report(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder.", show_default="the latest in artifacts/")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Leave out what needs the generator, and TensorFlow: interpolations.")
    ] = False,
) -> None:  # fmt: skip
    """Write a run's report.html and MODEL_CARD.md: pictures, curves, figures, recipe, and the command to repeat it."""
    from tfgan_kit.training.run_folder import RunFolder, latest_run

    folder = latest_run() if run is None else RunFolder(run)
    folder.read()
    painter = None if fast else _painter(folder)

    from tfgan_kit.report.write import CARD, write_report

    try:
        written = write_report(folder, painter)
    except OSError as error:
        raise RunError(f"{folder.path} cannot be written: {error.strerror or error}") from None
    print(f"wrote {written.report} ({written.report.stat().st_size / 1e6:.2f} MB)")
    if written.card is None:
        print(f"left  {folder.path / CARD} as it is, since it was edited: delete it to have a new one")
    else:
        print(f"wrote {written.card}")


def _painter(folder: RunFolder) -> Painter:
    from tfgan_kit.training import checkpoint

    # Before TensorFlow takes its seconds to import.
    if checkpoint.newest_manifest(folder.checkpoints) is None:
        raise RunError(
            f"{folder.path} has no checkpoint yet: wait for the first one, or leave its generator out: --fast"
        )
    from tfgan_kit.cli.tensorflow_import import import_tensorflow

    try:
        import_tensorflow()
    except MissingPackageError as error:
        raise MissingPackageError(f"{error}; or leave the generator out: --fast") from None
    from tfgan_kit.training.painter import load_painter

    painter, _, refused = load_painter(folder)
    for line in refused:
        print(f"warning: {line}")
    return painter
