"""What a set is prepared from: any source, read in order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfgan_kit.data.folder import list_folder
from tfgan_kit.data.registry import open_source
from tfgan_kit.data.source import Attributes, Images, Labels, seal_digest
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Material:
    """Pictures that can be read in order, from several threads.

    Attributes:
        count: of pictures, broken ones included.
        shape: (H, W, C) of every picture.
        labels: (N, A) int32, or None.
        attributes: for each column of labels its name and those of its values; {} without labels.
        pixels: gives each of a range of pictures, (H, W, C) uint8; None where it is broken.
        name: of a picture, for messages.
        identity: 16 hex digits that tell this material from other.
        where: names it in messages.
        notes: one-line warnings for the user.
    """

    count: int
    shape: tuple[int, int, int]
    labels: Labels | None
    attributes: Attributes
    pixels: Callable[[range], Iterator[Images | None]]
    name: Callable[[int], str]
    identity: str
    where: Path
    notes: tuple[str, ...]


def material_of(recipe: Recipe) -> Material:
    """The pictures of a recipe, those of a folder not yet decoded.

    Raises:
        DataError: as opening the source does, or it is a prepared set.
    """
    scheme, _, location = recipe.data.partition(":")
    if scheme == "records":
        raise DataError(f"{recipe.data} is prepared already: give the source that it was made from")
    if scheme == "folder":
        listing = list_folder(location, recipe)
        names, decoder = listing.names, listing.decoder
        identity = hashlib.sha256()
        for name in names:
            identity.update(name.encode(errors="surrogateescape") + b"\0")
        return Material(
            count=len(names),
            shape=decoder.shape,
            labels=listing.labels,
            attributes=listing.attributes,
            pixels=lambda numbers: (decoder(names[i]) for i in numbers),
            name=lambda i: names[i],
            identity=seal_digest(identity, decoder.shape, listing.labels),
            where=listing.where,
            notes=listing.notes,
        )
    source = open_source(recipe.replace(crop=None))
    return Material(
        count=len(source),
        shape=source.shape,
        labels=source.labels,
        attributes=source.attributes,
        pixels=lambda numbers: iter(source.read(np.array(numbers))),
        name=str,
        identity=source.digest,
        where=Path(recipe.data),
        notes=source.notes,
    )
