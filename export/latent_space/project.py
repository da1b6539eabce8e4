"""A picture's nearest latent in a generator: from random draws of every class to the best few, and from there down."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tfgan_kit.export.latent_space.search import Point, descend, mse_to, plausible

# Label sets that are told apart; random draws of each, of all together, and per label set of the first round.
_MOST_LABELS, _DRAWS, _MOST_DRAWS = 64, 128, 4096
# Of the steps, those that every label set is given to show what it can do; and how many label sets that are.
_SHORT, _CONTENDERS = 4, 16

Progress = Callable[[str, float], None]


class Generator(Protocol):
    """What is searched.

    Attributes:
        prior, dim: of its latents.
    """

    prior: str
    dim: int

    def draw(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """(N, dim) float32 latents and (N, A) labels to (N, H, W, C) uint8 pictures."""

    def latents(self, seeds: np.ndarray) -> np.ndarray:
        """(N,) seeds to (N, dim) float32 latents."""


# From a target, starts (N, dim), their labels (N, A) or None, and steps, to a point each.
Descent = Callable[[np.ndarray, np.ndarray, "np.ndarray | None", int], list[Point]]


@dataclass(frozen=True, kw_only=True)
class Found:
    """The nearest picture that was found.

    Attributes:
        latent: (dim,) float32.
        labels: (A,) int64; None of an unconditional generator.
        image: (H, W, C) uint8.
        mse: mean square of its distance from the target, on values in [0, 1].
        by_labels: the best mean square of each label set that was gone into, best first.
        drawn_mse: that of the best of the random draws at the beginning.
        pictures: how many were drawn in all.
    """

    latent: np.ndarray
    labels: np.ndarray | None
    image: np.ndarray
    mse: float
    by_labels: Mapping[tuple[int, ...], float]
    drawn_mse: float
    pictures: int


def project(
    generator: Generator,
    target: np.ndarray,
    *,
    labels: Sequence[Sequence[int]] = (),
    steps: int = 30,
    restarts: int = 4,
    seed: int = 0,
    descent: Descent | None = None,
    on_progress: Progress = lambda what, share: None,
) -> Found:
    """Find the latent, and the labels, whose picture is nearest to a given one in mean square.

    Args:
        generator: to be searched.
        target: (H, W, C) uint8 of the generator's own shape.
        labels: label sets that may be taken, see `label_sets`; (): the generator is unconditional.
        steps: of each descent, most.
        restarts: descents to the end, each from another start.
        seed: of the random draws.
        descent: how to go down; None: `descend`, which needs no derivatives.
        on_progress: is told what is being done and the share of all that is done.

    Returns:
        The best, never worse than the best random draw.
    """
    go_down = descent or _without_derivatives(generator)
    sets: list[np.ndarray | None] = [np.array(each, np.int64) for each in labels]
    sets = sets or [None]
    on_progress("drawing at random", 0.0)
    starts = _starts(generator, target, sets, max(1, restarts), seed)
    drawn_mse, pictures = starts[0][1], sum(count for *_, count in starts)
    best_of_labels: dict[tuple[int, ...], float] = {}
    candidates = [(latent, c) for latent, _, c, _ in starts]

    def round_of(
        chosen: list[tuple[np.ndarray, np.ndarray | None]], count: int
    ) -> list[tuple[Point, np.ndarray | None]]:
        given = None if chosen[0][1] is None else np.stack([c for _, c in chosen if c is not None])
        points = go_down(target, np.stack([latent for latent, _ in chosen]), given, count)
        ended = [(point, c) for point, (_, c) in zip(points, chosen, strict=True)]
        for point, c in ended:
            if c is not None:
                key = tuple(map(int, c))
                best_of_labels[key] = min(best_of_labels.get(key, np.inf), point.mse)
        return sorted(ended, key=lambda pair: pair[0].mse)

    if len(sets) > 1:
        # The best start of each label set, a little down; what is best then is gone into.
        on_progress("trying the classes", 0.1)
        firsts: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray | None]] = {}
        for z, of_z in candidates:
            if of_z is not None:
                firsts.setdefault(tuple(map(int, of_z)), (z, of_z))
        short = round_of(list(firsts.values())[:_CONTENDERS], -(-steps // _SHORT))
        pictures += sum(point.pictures for point, _ in short)
        candidates = [(point.latent, c) for point, c in short]
    ended: list[tuple[Point, np.ndarray | None]] = []
    for i, candidate in enumerate(candidates[:restarts]):
        on_progress("going down", 0.3 + 0.7 * i / restarts)
        ended += round_of([candidate], steps)
    on_progress("going down", 1.0)
    pictures += sum(point.pictures for point, _ in ended)
    point, c = min(ended, key=lambda pair: pair[0].mse)
    image = generator.draw(point.latent[None], None if c is None else c[None])[0]
    return Found(
        latent=point.latent,
        labels=c,
        image=image,
        mse=float(mse_to(target, image[None])[0]),
        by_labels=dict(sorted(best_of_labels.items(), key=lambda pair: pair[1])),
        drawn_mse=drawn_mse,
        pictures=pictures,
    )


def label_sets(sizes: Sequence[int], chosen: Mapping[int, int], seed: int = 0) -> list[tuple[int, ...]]:
    """The label sets that a search tries: all, or where they are too many a random choice.

    Args:
        sizes: values of each attribute; () for an unconditional model.
        chosen: attributes that are fixed, by position.
        seed: of the choice.

    Returns:
        Tuples of one index an attribute; [] where there is no attribute.
    """
    if not sizes:
        return []
    ranges = [(chosen[a],) if a in chosen else tuple(range(size)) for a, size in enumerate(sizes)]
    if np.prod([float(len(values)) for values in ranges]) <= _MOST_LABELS:
        return list(itertools.product(*ranges))
    draw = np.random.default_rng(seed)
    return list(dict.fromkeys(tuple(int(draw.choice(values)) for values in ranges) for _ in range(_MOST_LABELS)))


def _starts(
    generator: Generator, target: np.ndarray, sets: Sequence[np.ndarray | None], count: int, seed: int
) -> list[tuple[np.ndarray, float, np.ndarray | None, int]]:
    """The best `count` random draws of each label set, best of all first: latent, distance, labels, pictures drawn."""
    draws = max(count, min(_DRAWS * 8, _MOST_DRAWS // len(sets)) if len(sets) > 1 else _DRAWS * 8)
    first = int(np.random.default_rng(seed).integers(2**40))
    latents = generator.latents(np.arange(first, first + draws))
    found = []
    for c in sets:
        given = None if c is None else np.tile(c, (draws, 1))
        distances = mse_to(target, generator.draw(latents, given))
        best = np.argsort(distances)[:count]
        found += [(latents[i], float(distances[i]), c, draws if n == 0 else 0) for n, i in enumerate(best)]
    return sorted(found, key=lambda start: start[1])


def _without_derivatives(generator: Generator) -> Descent:
    allow = plausible(generator.prior, generator.dim)

    def go_down(target: np.ndarray, starts: np.ndarray, labels: np.ndarray | None, steps: int) -> list[Point]:
        points = []
        for i, start in enumerate(starts):
            c = None if labels is None else labels[i]

            def draw(latents: np.ndarray, c: np.ndarray | None = c) -> np.ndarray:
                return generator.draw(latents, None if c is None else np.tile(c, (len(latents), 1)))

            points.append(descend(draw, target, start, allow, steps))
        return points

    return go_down
