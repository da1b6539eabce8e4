"""From the text in a recipe's `data` to an open source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tfgan_kit.data.arrays import open_idx, open_npz
from tfgan_kit.data.crop import Cropped
from tfgan_kit.data.folder import open_folder
from tfgan_kit.data.mnist import open_mnist
from tfgan_kit.data.records import open_records
from tfgan_kit.data.source import Source
from tfgan_kit.data.stacked_mnist import open_stacked_mnist
from tfgan_kit.data.tfds import open_tfds
from tfgan_kit.errors import DataError, nearest
from tfgan_kit.recipe import Recipe

# Each gets what follows the colon.
SOURCES: dict[str, Callable[[str, Recipe], Source]] = {
    "mnist": open_mnist,
    "stacked-mnist": open_stacked_mnist,
    "folder": open_folder,
    "npz": open_npz,
    "idx": open_idx,
    "tfds": open_tfds,
    "records": open_records,
}


def open_source(recipe: Recipe) -> Source:
    """The pictures that a recipe trains on, at its resolution, channels and fit, with labels if it is to use them.

    With `crop` they are its windows, see `tfgan_kit.data.crop`.

    Args:
        recipe: of which `data`, `resolution`, `channels`, `fit`, `crop`, `conditional`, `memory_mb` and `batch_size`
            matter.

    Raises:
        DataError: an unknown scheme, data that cannot be read or does not fit the recipe, or fewer images than a batch.
    """
    scheme, _, location = recipe.data.partition(":")
    if scheme not in SOURCES:
        path = Path(recipe.data)
        if path.exists():
            form = "npz" if path.suffix == ".npz" else "records" if (path / "index.json").exists() else "folder"
            raise DataError(f"data={recipe.data!r} does not say of what kind it is: give {form}:{recipe.data}")
        raise DataError(f"data={recipe.data!r} has the unknown scheme {scheme!r}: {nearest(scheme, SOURCES)}")
    source = SOURCES[scheme](location, recipe)
    if len(source) < recipe.batch_size:
        raise DataError(
            f"{recipe.data} has {len(source):,} images, fewer than a batch of {recipe.batch_size}: "
            "add images or lower batch_size"
        )
    return source if recipe.crop is None else Cropped(source, recipe.crop)
