"""`tfgan project`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.errors import SampleError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from PIL import Image

    from tfgan_kit.cli.searched import Searched
    from tfgan_kit.export.latent_space.project import Found

_FITS = ("crop", "pad", "stretch")
# Size of the two pictures of --out, px; pictures that a distance in features is compared with.
_SHOWN_PX, _RANDOM = 128, 100
# Other classes that are named with how well they fit.
_OTHERS = 4


def project(
    model: Annotated[
        Path, typer.Argument(help="The .onnx, searched without derivatives, or a run folder, by its gradient.")
    ],
    image: Annotated[Path, typer.Argument(help="The picture to find.")],
    out: Annotated[Path, typer.Option(help="The picture and beside it the one that was found.")] = Path("found.png"),
    z_file: Annotated[
        Path | None,
        typer.Option("--z", metavar="FILE.npy", help="Write the latent there, (1, D) float32.", show_default=False),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="[NAME=]C", help="Look in this class alone, as of tfgan sample.",
                     show_default="all of them"),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, max=10_000, help="Most steps of a descent.")] = 30,
    restarts: Annotated[int, typer.Option(min=1, max=256, help="Descents, each from another start.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the random starts.")] = 0,
    fit: Annotated[str, typer.Option(help="How the picture gets to the size: crop, pad or stretch.")] = "crop",
    extractor: Annotated[
        str | None,
        typer.Option(help="State the distance in its features too; as of tfgan evaluate.", show_default=False),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda, for an .onnx.")] = "cpu",
) -> None:  # fmt: skip
    """Find the latent whose picture is nearest to a given one."""
    from tfgan_kit.cli.model_options import check_seeds, is_picture, parse_classes, save_picture
    from tfgan_kit.cli.progress import progress_bar
    from tfgan_kit.cli.searched import open_searched
    from tfgan_kit.export.latent_space.project import label_sets
    from tfgan_kit.export.latent_space.project import project as search
    from tfgan_kit.files import write_atomic

    # What can be refused is, before anything that takes time.
    check_seeds([seed])
    if fit not in _FITS:
        raise SampleError(f"unknown fit {fit!r}: {nearest(fit, _FITS)}")
    if not is_picture(out):
        raise SampleError(f"--out is one picture; got {out}: name a file, such as found.png")
    if z_file is not None and (z_file.suffix != ".npy" or not z_file.parent.is_dir()):
        raise SampleError(f"--z takes the name of an .npy file in a folder that is there; got {z_file}")
    picture = _read(image)
    features = None
    if extractor is not None:
        from tfgan_kit.extractors.registry import open_extractor

        features = open_extractor(extractor).features

    searched = open_searched(model, device)
    for note in searched.notes:
        print(f"note: {note}")
    chosen = parse_classes(labels or [], searched.attributes)
    names = list(searched.attributes)
    fixed = {names.index(name): searched.index(value, name) for name, value in chosen.items()}
    target = _fitted(picture, searched.shape, fit, image)
    with progress_bar() as on_progress:
        found = search(
            searched.generator,
            target,
            labels=label_sets([len(values) for values in searched.attributes.values()], fixed, seed),
            steps=steps,
            restarts=restarts,
            seed=seed,
            descent=searched.descent,
            on_progress=on_progress,
        )
    latent = searched.back(found.latent)[None]
    try:
        save_picture(_pair(target, found.image), out)
        if z_file is not None:
            write_atomic(z_file, lambda path: _save(latent, path))
    except OSError as error:
        raise SampleError(f"{out} cannot be written: {error.strerror or error}; give another place") from None
    _report(found, searched, out)
    if z_file is not None:
        print(f"wrote    {z_file} ({searched.space}, {latent.shape} float32)")
    if features is not None:
        print(f"features {_in_features(found.image, target, searched, features)} in {extractor}")


def _read(path: Path) -> Image.Image:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            turned = ImageOps.exif_transpose(opened)
            turned.load()
            return turned
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        reason = getattr(error, "strerror", None) or "it is no picture that Pillow reads"
        raise SampleError(f"{path} cannot be read: {reason}") from None


def _fitted(picture: Image.Image, shape: tuple[int, int, int], fit: str, path: Path) -> np.ndarray:
    from tfgan_kit.data.resize import fit_picture

    try:
        return fit_picture(picture, shape[:2], shape[2], fit)
    except ValueError as error:
        raise SampleError(f"{path} cannot be taken: {error}") from None


def _pair(target: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The picture and the one that was found, side by side."""
    import numpy as np

    from tfgan_kit.pictures import grid

    zoom = max(1, _SHOWN_PX // max(target.shape[:2]))
    larger = np.repeat(np.repeat(np.stack([target, found]), zoom, axis=1), zoom, axis=2)
    return grid(larger, columns=2, gap_px=max(2, _SHOWN_PX // 32))


def _save(latent: np.ndarray, path: Path) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.save(file, latent, allow_pickle=False)


def _report(found: Found, searched: Searched, out: Path) -> None:
    from tfgan_kit.cli.model_options import named_classes
    from tfgan_kit.export.latent_space.search import psnr

    def shown(mse: float) -> str:
        return f"mse {mse:.2g}, {psnr(mse):.1f} dB"

    print(f"wrote    {out} (the picture, and beside it the one that was found)")
    print(f"nearest  {shown(found.mse)}; the best random draw before: {shown(found.drawn_mse)}")
    if found.labels is not None:
        print(f"class    {named_classes(found.labels, searched.attributes)} fits best", end="")
        others = [f"{named_classes(key, searched.attributes)}: {psnr(mse):.1f} dB"
                  for key, mse in found.by_labels.items() if key != tuple(found.labels)]  # fmt: skip
        print(f"; then {'; '.join(others[:_OTHERS])}" if others else "")
    print(f"searched {searched.space} {searched.how}, {found.pictures:,} pictures")


def _in_features(
    found: np.ndarray, target: np.ndarray, searched: Searched, features: Callable[[np.ndarray], np.ndarray]
) -> str:
    """The distance in features, and beside it that of random pictures of the generator."""
    import numpy as np

    labels = None
    if searched.attributes:
        from tfgan_kit.latents import classes_from_seeds

        labels = classes_from_seeds(np.arange(_RANDOM), [len(values) for values in searched.attributes.values()])
    others = searched.generator.draw(searched.generator.latents(np.arange(_RANDOM)), labels)
    vectors = features(np.concatenate([target[None], found[None], others])).astype(np.float64)
    near, *far = np.linalg.norm(vectors[1:] - vectors[0], axis=1)
    return f"{near:.3g} away, where random pictures are {np.mean(far):.3g} away on average,"
