"""`tfgan compare`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.cli.compared import REPETITIONS, SAMPLES, Wanted, evaluate_all
from tfgan_kit.errors import DataError, TfganKitError

if TYPE_CHECKING:
    import numpy as np

    from tfgan_kit.cli.subject import Target
    from tfgan_kit.evaluation.compare import Comparison, Row
    from tfgan_kit.evaluation.result import Evaluation

# Pictures of each subject.
_STRIP = 16
# Columns of the table where there is no terminal to ask.
_WIDTH = 200


def compare(
    subjects: Annotated[
        list[Path],
        typer.Argument(metavar="RUN|MODEL.onnx|FOLDER|FILE.json...",
                       help="Two or more: runs, exported models, folders of pictures, files of tfgan evaluate --json."),
    ],
    data: Annotated[
        str | None, typer.Option(help="The real pictures, as of tfgan train.", show_default="what each was trained on")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Names with commas between them, as of tfgan evaluate.",
                                 show_default="what was measured, else `standard`"),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("--n", "-n", help="Samples.", show_default=f"of figures that are there, else {SAMPLES:,}"),
    ] = None,
    extractor: Annotated[
        str | None, typer.Option(help="Network of the features, as of tfgan evaluate.",
                                 show_default="of figures that are there, else by the data"),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(help="Repetitions on other samples, which give a deviation.",
                     show_default=f"of figures that are there, else {REPETITIONS}"),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the comparison there.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="Picture of their samples and figures.")] = Path("compare.png"),
) -> None:  # fmt: skip
    """Put the figures of several runs, models or folders beside each other, and say which differences are noise."""
    if len(subjects) < 2:
        raise DataError(f"a comparison takes at least 2 runs, models, folders or JSON files; got {len(subjects)}")
    if n is not None and n < 2:
        raise DataError(f"--n takes at least 2 samples; got {n}")
    if seeds is not None and seeds < 1:
        raise DataError(f"--seeds takes the number of repetitions, at least 1; got {seeds}")
    from tfgan_kit.cli.options import check_folders

    check_folders(json_file, out)
    _check_out(out)
    asked = _metric_names(metrics)

    from tfgan_kit.evaluation.compare import compare as put_together
    from tfgan_kit.files import write_atomic, write_json

    wanted = Wanted(data=data, metrics=asked, samples=n, repetitions=seeds, extractor=extractor)
    names = _names(subjects)
    evaluations, opened = evaluate_all(subjects, names, wanted)
    comparison = put_together(evaluations, names, asked)
    show(comparison)
    if json_file is not None:
        _written(json_file, lambda: write_json(json_file, comparison.to_json()))

    from tfgan_kit.evaluation.compare_picture import draw_comparison

    strips = [_strip(path, found, target) for path, found, target in zip(subjects, evaluations, opened, strict=True)]
    sheet = draw_comparison(comparison, strips)
    _written(out, lambda: write_atomic(out, lambda path: sheet.save(path, format="PNG")))


def show(comparison: Comparison) -> None:
    """Print a comparison as a table, and what its reader must know."""
    from rich.console import Console
    from rich.table import Table

    from tfgan_kit.cli.evaluate import facts
    from tfgan_kit.evaluation.result import rounded

    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("figure")
    for i, name in enumerate(comparison.names, start=1):
        table.add_column(f"{i}: {name}", justify="right")
    scaled = any(row.real is not None for row in comparison.rows)
    if scaled:
        table.add_column("real pictures", justify="right")
    table.add_column("more than noise")
    for row in comparison.rows:
        cells = []
        for i, measured in enumerate(row.measured):
            if measured is None:
                cells.append("")
                continue
            deviation = "" if measured.deviation is None else f" ± {rounded(measured.deviation)}"
            cells.append(f"{rounded(measured.value)}{deviation} {'*' if row.best == i else ' '}")
        real = ([""] if row.real is None else [rounded(row.real)]) if scaled else []
        table.add_row(row.title, *cells, *real, verdict(row))
    live = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, soft_wrap=not live, width=None if live else _WIDTH)
    console.print(table)
    console.print("* the best; figures of likeness and of copying have none, and are read against real pictures")
    lines = [f"{i}: {facts(found)[0]}" for i, found in enumerate(comparison.evaluations, start=1)]
    # The rest is the same of all.
    lines += facts(comparison.evaluations[0])[1:]
    for line in (*lines, *(f"note: {note}" for note in comparison.notes)):
        console.print(line, markup=False)


def verdict(row: Row) -> str:
    """Which pairs of a figure differ by more than noise."""
    apart = {each.pair: each.exists for each in row.differences}
    if not apart:
        return ""
    if None in apart.values():
        return "cannot be told" if set(apart.values()) == {None} else _pairs("", apart, True)
    if len(apart) == 1:
        (only,) = row.differences
        chance = "" if only.p is None else f" (p {only.p:.2g})"
        return f"{'yes' if only.exists else 'no'}{chance}"
    if all(apart.values()):
        return "all"
    return _pairs("all but", apart, False) if any(apart.values()) else "none"


def _pairs(words: str, apart: dict[tuple[int, int], bool | None], which: bool) -> str:
    shown = [f"{first + 1}-{second + 1}" for (first, second), exists in apart.items() if exists is which]
    return f"{words} {', '.join(shown)}".strip() or "none that can be told"


def _strip(path: Path, found: Evaluation, target: Target | None) -> np.ndarray | None:
    """Pictures of the same seeds; None where what a file's figures are of is not there any more."""
    import numpy as np

    from tfgan_kit.cli.subject import open_target

    if target is None:
        try:
            target = open_target(Path(found.subject["name"]) if path.suffix == ".json" else path)
        except TfganKitError:
            return None
        if target.subject.digest != found.subject["digest"]:
            return None
    count = target.subject.count
    return target.subject.draw(np.arange(_STRIP if count is None else min(_STRIP, count)))


def _names(paths: Sequence[Path]) -> list[str]:
    """Short names, as far as these tell all apart."""
    short = [path.name or str(path) for path in paths]
    return short if len(set(short)) == len(short) else [str(path) for path in paths]


def _metric_names(text: str | None) -> tuple[str, ...]:
    """The metrics that are asked for; () for none in particular."""
    from tfgan_kit.cli.options import metric_names as named

    return () if text is None else tuple(named(text))


def _check_out(out: Path) -> None:
    if out.suffix.lower() != ".png":
        raise DataError(f"--out takes the name of a .png file; got {out}")


def _written(file: Path, write: Callable[[], object]) -> None:
    try:
        write()
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}") from None
    print(f"wrote {file}")
