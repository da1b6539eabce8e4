"""`tfgan probe`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfgan_kit.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from tfgan_kit.data import Source
    from tfgan_kit.recipe import Recipe
    from tfgan_kit.training.probe import Probe

_TRAIN, _TEST = 2_000, 2_000
# Columns of the table where there is no terminal to ask.
_WIDTH = 200


def probe(
    run: Annotated[Path | None, typer.Argument(help="Run folder.", show_default="the latest in artifacts/")] = None,
    data: Annotated[
        str | None, typer.Option(help="Labelled pictures, as of tfgan train.", show_default="what it was trained on")
    ] = None,
    n: Annotated[
        int, typer.Option("--n", "-n", help=f"Pictures that the probe is trained on; up to {_TEST:,} others test it.")
    ] = _TRAIN,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.", show_default=False)
    ] = None,
) -> None:
    """Measure what a run's discriminator has learned of the labels, against pixels and an untrained discriminator."""
    if n < 10:
        raise DataError(f"--n takes at least 10 pictures; got {n}")

    from tfgan_kit.cli.options import check_folders
    from tfgan_kit.cli.tensorflow_import import import_tensorflow
    from tfgan_kit.files import write_json
    from tfgan_kit.training.run_folder import RunFolder, latest_run

    check_folders(json_file)
    # What can be refused is, before TensorFlow takes its seconds to import.
    folder = latest_run() if run is None else RunFolder(run)
    recipe, facts, _ = folder.read()
    plain = recipe.replace(data=data or recipe.data, conditional=None, batch_size=1, d_minibatch="none")
    train, test, note = open_splits(plain, n)

    import_tensorflow()
    from tfgan_kit.training.probe import commonest, load_discriminators
    from tfgan_kit.training.probe import probe as run_probes

    trained, untrained, manifest, refused = load_discriminators(folder)
    for line in refused:
        print(f"warning: {line}")
    if train[0].shape != facts.shape:
        raise DataError(f"{train[0].spec} has pictures of {train[0].shape}, and D takes {facts.shape}: name other data")
    probes = run_probes(trained, untrained, train, test, on_progress=lambda what: print(what, file=sys.stderr))
    labels = test[0].labels
    assert labels is not None
    guesses = {name: commonest(labels[test[1], a]) for a, name in enumerate(test[0].attributes)}
    show(probes, guesses)
    lines = [
        f"of {folder.path} at {manifest.nimg / 1000:.1f} kimg; labels of {train[0].spec}, digest {train[0].digest}",
        f"trained on {len(train[1]):,} pictures, tested on {len(test[1]):,} of {test[0].spec}",
        *([f"note: {note}"] if note else []),
    ]
    print("\n".join(lines))
    if json_file is not None:
        content = to_json(probes, guesses, lines, subject=(str(folder.path), manifest.sha256[:16], manifest.nimg))
        try:
            write_json(json_file, content)
        except OSError as error:
            raise DataError(f"{json_file} cannot be written: {error.strerror or error}") from None
        print(f"wrote {json_file}")


def open_splits(recipe: Recipe, n: int) -> tuple[tuple[Source, np.ndarray], tuple[Source, np.ndarray], str]:
    """Labelled pictures to train a probe on, others to test it on, and what is to be known of these.

    The others are of the data's test split; where there is none, of the same data, 2 for 5 of the first.

    Args:
        recipe: of the data.
        n: pictures to train on; fewer where there are fewer.

    Raises:
        DataError: data that cannot be read, without labels, or too little of it.
    """
    import numpy as np

    from tfgan_kit.data import open_source
    from tfgan_kit.evaluation.defaults import held_out_for

    source = open_source(recipe)
    if source.labels is None:
        raise DataError(
            f"{recipe.data} has no labels, which a probe is trained to tell: name labelled data with --data"
        )
    draws = np.random.default_rng(0)
    order = draws.permutation(len(source))
    aside = held_out_for(recipe.data)
    if aside is not None:
        test = open_source(recipe.replace(data=aside))
        return (source, order[:n]), (test, draws.permutation(len(test))[:_TEST]), ""
    count = min(n, len(source) * 5 // 7)
    others = order[count:][:_TEST]
    if count < 10 or len(others) < 2:
        raise DataError(f"{recipe.data} has {len(source)} pictures, too few for a probe: name more with --data")
    note = (
        f"{recipe.data} has no test split: pictures that test the probe may have been seen by D, without their labels"
    )
    return (source, order[:count]), (source, others), note


def show(probes: list[Probe], guesses: dict[str, float]) -> None:
    """Print the probes as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("features")
    table.add_column("numbers", justify="right")
    for attribute in guesses:
        table.add_column(f"accuracy, {attribute}", justify="right")
    for title, size in {(each.title, each.size): None for each in probes}:
        row = [each for each in probes if each.title == title]
        table.add_row(title, f"{size:,}", *(f"{each.accuracy:.1%} ± {each.deviation:.1%}" for each in row))
    table.add_row("the commonest value", "0", *(f"{share:.1%}" for share in guesses.values()))
    live = sys.stdout.isatty()
    Console(file=sys.stdout, highlight=False, soft_wrap=not live, width=None if live else _WIDTH).print(table)


def to_json(
    probes: list[Probe], guesses: dict[str, float], notes: list[str], *, subject: tuple[str, str, int]
) -> dict[str, Any]:
    """The whole, for a file; `subject` is the run's path, its checkpoint's digest and the images that it has seen."""
    from tfgan_kit._version import __version__

    name, digest, nimg = subject
    return {
        "format": 1,
        "tfgan_kit": __version__,
        "subject": {"kind": "run", "name": name, "digest": digest, "nimg": nimg},
        "probes": [vars(each) for each in probes],
        "commonest": guesses,
        "notes": notes,
    }
