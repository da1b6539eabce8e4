"""`tfgan doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.errors import RunError

if TYPE_CHECKING:
    from tfgan_kit.doctor.diagnosis import Diagnosis
    from tfgan_kit.doctor.finding import Finding


def doctor(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder.", show_default="the latest in artifacts/")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw the curves there, with the spans of what is wrong.",
                     show_default=False),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all that was found there.", show_default=False)
    ] = None,
) -> None:  # fmt: skip
    """Say whether a run is working, and if not: what is wrong, since when, by which figures, and what to try."""
    from tfgan_kit.cli.options import check_folders
    from tfgan_kit.training.run_folder import RunFolder, latest_run

    check_folders(json_file, plot)
    if plot is not None and plot.suffix.lower() != ".png":
        raise RunError(f"--plot writes PNG; got {plot}: give a name that ends in .png")
    folder = latest_run() if run is None else RunFolder(run)
    recipe, _, name = folder.read()
    stats, divergence = folder.read_stats(), folder.read_divergence()
    if not stats and divergence is None:
        raise RunError(
            f"{folder.path} has no statistics yet: wait for the first tick, which is at {recipe.tick_kimg:g} kimg"
        )

    from tfgan_kit.doctor.diagnosis import diagnose
    from tfgan_kit.files import write_atomic, write_json

    diagnosis = diagnose(recipe, stats, folder.read_rollbacks(), divergence)
    print(f"{folder.path}: recipe {name}, {diagnosis.ticks:,} ticks to {diagnosis.nimg / 1000:.1f} kimg")
    _show(diagnosis)
    try:
        if json_file is not None:
            write_json(json_file, {"run": str(folder.path), "recipe": name, **diagnosis.to_json()})
            print(f"wrote {json_file}")
        if plot is not None and not stats:
            print(f"no plot: {folder.path} ended before its first tick")
        elif plot is not None:
            from tfgan_kit.doctor.plot import save_plot

            write_atomic(plot, lambda path: save_plot(path, recipe, stats, diagnosis))
            print(f"wrote {plot}")
    except OSError as error:
        raise RunError(f"{error.filename} cannot be written: {error.strerror or error}") from None


def _show(diagnosis: Diagnosis) -> None:
    from tfgan_kit.doctor.diagnosis import rollback_sentence

    for finding in diagnosis.present:
        _show_finding(finding.kind, finding)
    for finding in diagnosis.past:
        _show_finding("over", finding)
    for line in diagnosis.rollbacks:
        print(f"{'rollback':<10}{rollback_sentence(line)}")
    if not diagnosis.present:
        print(f"{'well':<10}nothing is wrong" + (" any more" if diagnosis.past else ""))
    print(f"{'watched':<10}{', '.join(diagnosis.watched) or 'nothing'}")
    for why in dict.fromkeys(diagnosis.left.values()):
        names = [name for name, other in diagnosis.left.items() if other == why]
        print(f"{'left out':<10}{', '.join(names)}: {why}")


def _show_finding(kind: str, finding: Finding) -> None:
    print(f"{kind:<10}{finding.what}")
    print(f"{'':<10}{finding.span()}; {finding.evidence}")
    if finding.try_ and finding.until_nimg is None:
        print(f"{'':<10}try: {' or '.join(f'--set {change}' for change in finding.try_)}")
