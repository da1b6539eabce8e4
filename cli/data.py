"""`tfgan data`: what is done with data sets before training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tfgan_kit.recipe import Recipe, parse_resolution

app = typer.Typer(help="Prepare data sets that are larger than memory.", no_args_is_help=True)


@app.command(epilog="Example: tfgan data prepare folder:my-pictures --resolution 64x64 --out prepared")
def prepare(
    source: Annotated[str, typer.Argument(help="Data source, as for train: folder:PATH, tfds:NAME, npz:PATH, ...")],
    out: Annotated[Path, typer.Option(help="Folder of the prepared set, new or of the same preparation.")],
    resolution: Annotated[
        str | None, typer.Option(help="HEIGHTxWIDTH in px, or one number.", show_default="the data's")
    ] = None,
    channels: Annotated[int | None, typer.Option(help="1 grey, 3 RGB.", show_default="the data's")] = None,
    fit: Annotated[
        str, typer.Option(help="How a picture of another shape gets to the resolution: crop, pad or stretch.")
    ] = "crop",
    workers: Annotated[
        int | None, typer.Option(help="Threads that read and write.", show_default="one a core")
    ] = None,
    per_shard: Annotated[int, typer.Option(help="Pictures in a shard.")] = 4096,
    deduplicate: Annotated[bool, typer.Option("--deduplicate", help="Keep only the first of equal pictures.")] = False,
) -> None:  # fmt: skip
    """Put any source into shards that training streams: once, on all cores. Run it again to go on where it stopped."""
    fields: dict[str, Any] = {"data": source, "channels": channels, "fit": fit, "kimg": 1.0, "batch_size": 1}
    if resolution is not None:
        fields["resolution"] = parse_resolution(resolution)
    recipe = Recipe(**fields)
    from tfgan_kit.cli.progress import progress_bar
    from tfgan_kit.data.prepare import prepare as prepare_set

    with progress_bar() as show:
        made = prepare_set(
            recipe,
            out,
            workers=workers,
            per_shard=per_shard,
            deduplicate=deduplicate,
            on_progress=lambda done, total: show(f"{done:,} of {total:,}", done / total),
        )
    index = made.index
    for note in made.notes:
        print(note)
    height, width, channels_ = index.shape
    labels = ", ".join(f"{len(names)} of {name}" for name, names in index.attributes.items()) or "no labels"
    print(f"prepared  {made.images:,} pictures of {height}x{width}x{channels_}, {labels}, digest {index.digest}")
    print(f"in        {out}: {len(index.records)} shards, {made.bytes / 1e6:.1f} MB")
    print(f"next      tfgan train --data records:{out}")
