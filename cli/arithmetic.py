"""`tfgan arithmetic`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfgan_kit.errors import SampleError

# Pictures of a term; terms; the size that a picture is enlarged to, px; and the noise around the result.
_MOST_SEEDS, _MOST_TERMS, _SHOWN_PX, _SCALE = 64, 16, 56, 0.25


def arithmetic(
    model: Annotated[
        Path | None,
        typer.Argument(help="The .onnx, or a run folder with one.",
                       show_default="the newest artifacts/*/generator.onnx"),
    ] = None,
    plus: Annotated[
        list[str] | None,
        typer.Option("--plus", metavar="SEEDS", help="Pictures whose mean is added: 3,5,9 or 0-4. May be given again.",
                     show_default=False),
    ] = None,
    minus: Annotated[
        list[str] | None,
        typer.Option("--minus", metavar="SEEDS", help="Pictures whose mean is taken away. May be given again.",
                     show_default=False),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="[NAME=]C", help="The class of all pictures, as of tfgan sample.",
                     show_default="that of the first picture"),
    ] = None,
    truncation: Annotated[float, typer.Option(metavar="PSI", help="Factor of z, 0 to 1.")] = 1.0,
    noise: Annotated[
        float, typer.Option(min=0, max=10, help="How far the eight pictures around the result are from it.")
    ] = _SCALE,
    seed: Annotated[int, typer.Option(help="Of that noise.")] = 0,
    out: Annotated[Path, typer.Option(help="The picture of the sum: its terms, their means and the result.")] = Path(
        "sum.png"
    ),
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:  # fmt: skip
    """Add and take away what pictures have in common: means of their latents, as in the DCGAN paper."""
    from tfgan_kit.cli.model_options import (
        check_seeds,
        is_picture,
        model_file,
        named_classes,
        parse_classes,
        parse_seeds,
        save_picture,
    )

    terms = [("+", text) for text in plus or []][:1]
    terms += [("-", text) for text in minus or []] + [("+", text) for text in (plus or [])[1:]]
    if not plus or len(terms) < 2:
        raise SampleError("a sum has two terms or more: --plus 3,5,9 --minus 1,2,4 --plus 7,8,11")
    if len(terms) > _MOST_TERMS:
        raise SampleError(f"a sum has at most {_MOST_TERMS} terms; got {len(terms)}")
    groups = [parse_seeds(text, "--plus" if sign == "+" else "--minus") for sign, text in terms]
    for ranges in groups:
        if sum(map(len, ranges)) > _MOST_SEEDS:
            raise SampleError(f"a term has at most {_MOST_SEEDS} pictures; got {sum(map(len, ranges))}")
    check_seeds([seed])
    if not is_picture(out):
        raise SampleError(f"--out is one picture; got {out}: name a file, such as sum.png")
    path = model_file(model)

    import numpy as np

    from tfgan_kit.export.latent_space.sum_sheet import sum_sheet
    from tfgan_kit.export.latent_space.walker import Walker
    from tfgan_kit.export.latent_space.walks import add_up, neighbours, within_prior
    from tfgan_kit.export.runtime import Sampler

    sampler = Sampler(path, device=device)
    chosen = parse_classes(labels or [], sampler.spec.attributes)
    indices = {name: sampler.class_index(value, name) for name, value in chosen.items()}
    seeds = [[number for numbers in ranges for number in numbers] for ranges in groups]
    walker = Walker(sampler, seeds[0][0], indices)
    latents = [walker.latents(group, truncation) for group in seeds]
    signs = [sign for sign, _ in terms]
    total = add_up(
        [group for sign, group in zip(signs, latents, strict=True) if sign == "+"],
        [group for sign, group in zip(signs, latents, strict=True) if sign == "-"],
        walker.prior,
    )
    around = neighbours(total, 8, noise, walker.prior, seed)
    results = walker.draw(np.concatenate([around[:4], total[None], around[4:]]))
    rows = []
    for sign, group in zip(signs, latents, strict=True):
        mean = within_prior(group.mean(axis=0, keepdims=True), walker.prior)
        images = walker.draw(np.concatenate([group, mean]))
        rows.append((sign, images[:-1], images[-1]))
    zoom = max(1, round(_SHOWN_PX / max(sampler.spec.image_shape[:2])))
    try:
        save_picture(sum_sheet(rows, results, zoom=zoom), out)
    except OSError as error:
        raise SampleError(f"{out} cannot be written: {error.strerror or error}; give another --out") from None
    words = " ".join(f"{sign} mean({text})" for sign, text in terms).removeprefix("+ ")
    held = "" if walker.labels is None else f", class {named_classes(walker.labels, sampler.spec.attributes)}"
    print(f"wrote {out} ({words} in {walker.space}{held}; the result is in the middle of the nine)")
