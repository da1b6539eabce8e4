"""`tfgan interpolate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfgan_kit.errors import SampleError, nearest

_MOST_STEPS, _MOST_IN_A_SHEET = 100_000, 2_000
# Size of a film's longer side where nothing is said, px.
_FILM_PX = 256


def interpolate(
    model: Annotated[
        Path | None,
        typer.Argument(help="The .onnx, or a run folder with one.",
                       show_default="the newest artifacts/*/generator.onnx"),
    ] = None,
    first: Annotated[int, typer.Option("--from", metavar="SEED", help="The picture to start from.")] = 0,
    last: Annotated[int, typer.Option("--to", metavar="SEED", help="The picture to end with.")] = 1,
    via: Annotated[
        list[int] | None,
        typer.Option("--via", metavar="SEED", help="A picture on the way; may be given again.", show_default=False),
    ] = None,
    steps: Annotated[int, typer.Option(min=2, help="Pictures of the whole walk.")] = 60,
    path: Annotated[
        str | None,
        typer.Option(help="slerp, on a circle, or lerp, straight.", show_default="slerp; lerp for w and a uniform z"),
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Go back to the start, so that the film has no end.")] = False,
    ease: Annotated[bool, typer.Option("--ease", help="Slow down at every picture that is named.")] = False,
    labels: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="[NAME=]C", help="The class all the way, as of tfgan sample: there is no "
                     "way between classes.", show_default="that of the first picture"),
    ] = None,
    truncation: Annotated[float, typer.Option(metavar="PSI", help="Factor of z, 0 to 1.")] = 1.0,
    fps: Annotated[float, typer.Option(help="Pictures a second.")] = 30.0,
    zoom: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Each pixel so many wide and high.", show_default=f"to {_FILM_PX} px; .png 1"),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="A film (.gif, .webp, .mp4), a .png with all pictures, or a folder for single files.")
    ] = Path("walk.gif"),
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:  # fmt: skip
    """Walk from one picture to others through the generator's latents, and write the walk as a film."""
    from tfgan_kit.cli.model_options import check_seeds, is_picture, model_file, named_classes, parse_classes
    from tfgan_kit.export.latent_space.film import FILMS, SUFFIXES, check_film, write_film
    from tfgan_kit.export.latent_space.walker import Walker
    from tfgan_kit.export.latent_space.walks import PATHS, natural_path, walk
    from tfgan_kit.export.runtime import Sampler

    seeds = [first, *(via or []), last]
    check_seeds(seeds)
    if path is not None and path not in PATHS:
        raise SampleError(f"unknown path {path!r}: {nearest(path, PATHS)}")
    is_film = is_picture(out, SUFFIXES) and out.suffix.lower() in FILMS
    check_film(out, fps)
    most = _MOST_IN_A_SHEET if out.suffix.lower() == ".png" else _MOST_STEPS
    if not len(seeds) <= steps <= most:
        raise SampleError(f"--steps takes {len(seeds)}, the pictures that are named, to {most:,}; got {steps:,}")
    file = model_file(model)

    sampler = Sampler(file, device=device)
    chosen = parse_classes(labels or [], sampler.spec.attributes)
    indices = {name: sampler.class_index(value, name) for name, value in chosen.items()}
    walker = Walker(sampler, first, indices)
    path = path or natural_path(walker.prior, walker.space)
    latents = walk(walker.latents(seeds, truncation), steps, path, loop=loop, ease=ease)
    longer = max(sampler.spec.image_shape[:2])
    zoom = zoom or (max(1, round(_FILM_PX / longer)) if is_film else 1)
    try:
        count = write_film(walker.draw_iter(latents), out, fps=fps, zoom=zoom)
    except OSError as error:
        raise SampleError(f"{out} cannot be written: {error.strerror or error}; give another --out") from None
    names = " to ".join(map(str, [*seeds, first] if loop else seeds))
    held = "" if walker.labels is None else f", class {named_classes(walker.labels, sampler.spec.attributes)}"
    print(f"wrote {out} ({count} pictures, seeds {names} by {path} in {walker.space}{held})")
