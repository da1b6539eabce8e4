"""What is in a data set, and what is wrong with it: counted before it is trained on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfgan_kit.data.folder import list_pictures
from tfgan_kit.data.parallel import map_in_order
from tfgan_kit.data.pictures import BrokenPictureError, Pictures
from tfgan_kit.data.prepare import verify
from tfgan_kit.data.registry import open_source
from tfgan_kit.data.resize import array_picture, flatten
from tfgan_kit.data.source import Attributes, Images, Labels
from tfgan_kit.recipe import Recipe

# A picture whose grey levels deviate by less shows nothing.
_FLAT = 4.0
_BLOCK = 64


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was found.

    Attributes:
        spec: the source as the recipe names it.
        images: pictures that can be read.
        sizes: (height, width) px -> how many have it.
        kinds: "grey", "colour", "transparent" -> how many are.
        broken: names of those that cannot be read.
        duplicates: name of a picture -> that of the first with the same pixels.
        flat: names of those that are nearly of one colour.
        classes: attribute -> value -> how many have it; {} without labels.
        notes: one-line warnings of the source.
    """

    spec: str
    images: int
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    broken: tuple[str, ...] = ()
    duplicates: Mapping[str, str] = field(default_factory=dict)
    flat: tuple[str, ...] = ()
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON; a size is HEIGHTxWIDTH."""
        return vars(self) | {"sizes": {f"{height}x{width}": count for (height, width), count in self.sizes.items()}}


@dataclass(frozen=True)
class _Found:
    """What one picture is."""

    name: str
    size: tuple[int, int] = (0, 0)
    kind: str = ""
    digest: bytes | None = None
    flat: bool = False


def survey(recipe: Recipe, on_progress: Callable[[int, int], None] = lambda done, total: None) -> Survey:
    """Look at every picture of a recipe's source, as large as it is; of a prepared set every record is checked too.

    Args:
        recipe: of which `data` and `conditional` matter, and what opening a source needs.
        on_progress: called with the pictures that were looked at and all of them.

    Raises:
        DataError: data that cannot be read.
    """
    scheme, _, location = recipe.data.partition(":")
    if scheme == "folder":
        pictures, labels, attributes, notes = list_pictures(location, recipe)
        found = map_in_order(lambda name: _of_file(pictures, name), pictures.names)
        return _counted(recipe.data, len(pictures.names), found, labels, attributes, notes, on_progress)
    source = open_source(recipe.replace(crop=None))
    if scheme == "records":
        verify(Path(location).expanduser(), on_progress)
    blocks = (range(first, min(first + _BLOCK, len(source))) for first in range(0, len(source), _BLOCK))
    found = (
        _of_pixels(str(i), pixels)
        for block in blocks
        for i, pixels in zip(block, source.read(np.array(block)), strict=True)
    )
    return _counted(recipe.data, len(source), found, source.labels, source.attributes, source.notes, on_progress)


def _of_file(pictures: Pictures, name: str) -> _Found:
    try:
        image = pictures.load(name)
        return _described(name, image)
    except (BrokenPictureError, ValueError):
        return _Found(name)


def _of_pixels(name: str, pixels: Images) -> _Found:
    return _described(name, array_picture(pixels))


def _described(name: str, image: Image.Image) -> _Found:
    kind = "transparent" if image.has_transparency_data else ""
    flattened = flatten(image)
    kind = kind or ("grey" if flattened.mode == "L" else "colour")
    pixels = np.asarray(flattened)
    digest = hashlib.blake2b(f"{image.size}{flattened.mode}".encode() + pixels.tobytes(), digest_size=16).digest()
    flat = float(pixels.std(axis=(0, 1)).max()) < _FLAT
    return _Found(name, (image.height, image.width), kind, digest, flat)


def _counted(
    spec: str,
    total: int,
    pictures: Iterable[_Found],
    labels: Labels | None,
    attributes: Attributes,
    notes: tuple[str, ...],
    on_progress: Callable[[int, int], None],
) -> Survey:
    sizes: Counter[tuple[int, int]] = Counter()
    kinds: Counter[str] = Counter()
    first: dict[bytes, str] = {}
    duplicates: dict[str, str] = {}
    broken, flat, good = [], [], np.ones(total, bool)
    for i, found in enumerate(pictures):
        if i % _BLOCK == 0 or i + 1 == total:
            on_progress(i + 1, total)
        if found.digest is None:
            broken.append(found.name)
            good[i] = False
            continue
        sizes[found.size] += 1
        kinds[found.kind] += 1
        if found.flat:
            flat.append(found.name)
        earlier = first.setdefault(found.digest, found.name)
        if earlier != found.name:
            duplicates[found.name] = earlier
    return Survey(
        spec=spec,
        images=total - len(broken),
        sizes=sizes,
        kinds=kinds,
        broken=tuple(broken),
        duplicates=duplicates,
        flat=tuple(flat),
        classes={} if labels is None else _class_counts(labels[good], attributes),
        notes=notes,
    )


def _class_counts(labels: Labels, attributes: Attributes) -> dict[str, dict[str, int]]:
    return {
        attribute: dict(zip(names, np.bincount(column, minlength=len(names)).tolist(), strict=True))
        for (attribute, names), column in zip(attributes.items(), labels.T, strict=True)
    }
