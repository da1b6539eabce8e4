"""What is evaluated: a generator, wherever it runs, or pictures that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tfgan_kit.data import Source


@dataclass(frozen=True, kw_only=True)
class Latents:
    """One latent space of a generator, as a walk in it is measured.

    Attributes:
        draw: (N,) seeds to (N, D) float32 latents.
        synthesize: (N, D) float32 latents to (N, H, W, C) float32 pictures in [0, 255], not rounded.
    """

    draw: Callable[[np.ndarray], np.ndarray]
    synthesize: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A generator, or a set of pictures.

    Attributes:
        kind: "run", "model" or "pictures".
        name: of the run, file or folder.
        digest: 16 hex digits that change with the pictures.
        nimg: images seen in training; None where that is not known.
        shape: (H, W, C) of its pictures.
        draw: (N,) seeds, or places in the set, to (N, H, W, C) uint8 pictures.
        count: pictures there are; None: one for every seed.
        attributes: names of the values of each label attribute that a generator is given; {}: none.
        labels: (N,) seeds to (N, A) labels that `draw` gives it.
        spaces: latent spaces by name, "z" and "w"; {} where unrounded pictures are not to be had.
    """

    kind: str
    name: str
    digest: str
    nimg: int | None = None
    shape: tuple[int, int, int]
    draw: Callable[[np.ndarray], np.ndarray]
    count: int | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Callable[[np.ndarray], np.ndarray] | None = None
    spaces: Mapping[str, Latents] = field(default_factory=dict)

    def to_json(self) -> dict[str, str | int | None]:
        """What a record says of it."""
        return {"kind": self.kind, "name": self.name, "digest": self.digest, "nimg": self.nimg}


def pictures(source: Source, name: str) -> Subject:
    """The pictures of a data source as what is evaluated."""
    return Subject(
        kind="pictures", name=name, digest=source.digest, shape=source.shape, draw=source.read, count=len(source)
    )
