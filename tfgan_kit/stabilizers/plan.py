"""Whose turn it is: which networks a step trains, with which terms, at which level of growth.

The choice is made outside of the compiled step, among functions that are compiled one for each turn: under XLA on the
CPU, convolutions inside of a conditional are some 70 times slower.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

import tensorflow as tf


@dataclass(frozen=True)
class Turn:
    """What one step does.

    Attributes:
        d: D is trained.
        g: G is trained.
        lazy: lazy terms are taken.
        level: of a growing network; None if it does not grow.
    """

    d: bool = True
    g: bool = True
    lazy: bool = True
    level: int | None = None


@dataclass(frozen=True)
class Plan:
    """The turns of a run.

    Attributes:
        turns: those that can occur, each once.
        index: (step int64 scalar, nimg float scalar: the images seen before it) -> int32 scalar, which of `turns`.
    """

    turns: tuple[Turn, ...]
    index: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


# Both are trained, with every term; and a plan of nothing else.
BOTH = Turn()
ALWAYS = Plan(turns=(BOTH,), index=lambda step, nimg: tf.constant(0))


def make_plan(
    *,
    img_per_step: int,
    pretrain_d_kimg: float = 0.0,
    alternate_kimg: tuple[float, float] | None = None,
    lazy_every: int = 1,
    level_starts_kimg: tuple[float, ...] = (),
) -> Plan:
    """A plan by images and steps.

    Args:
        img_per_step: images a step.
        pretrain_d_kimg: kimg of D alone at the start.
        alternate_kimg: kimg of D alone, then kimg of G alone, over and over; None: both in every step.
        lazy_every: lazy terms are taken at the steps that this divides.
        level_starts_kimg: rising; the level is how many of these have begun.

    Kimg are rounded to whole images.

    Raises:
        ValueError: on both pretraining and alternation, or on a span that is shorter than a step.
    """
    if pretrain_d_kimg and alternate_kimg:
        raise ValueError(
            f"D is alone at first or in alternation, not both; got pretrain_d_kimg={pretrain_d_kimg}, "
            f"alternate_kimg={alternate_kimg}: set one of them"
        )
    if alternate_kimg and min(alternate_kimg) * 1000 < img_per_step:
        raise ValueError(f"alternate_kimg must be at least a step, {img_per_step / 1000} kimg; got {alternate_kimg}")

    pretrain, *starts = (round(kimg * 1000) for kimg in (pretrain_d_kimg, *level_starts_kimg))
    if alternate_kimg:
        trained = [(True, False), (False, True)]
    else:
        trained = [(True, False), (True, True)] if pretrain else [(True, True)]
    lazy = [True, False] if lazy_every > 1 else [True]
    levels = list(range(sum(start <= 0 for start in starts), len(starts) + 1))

    # Every combination of spans that have an image in common.
    turns: list[Turn] = []
    index_of: list[int] = []
    for (d, g), is_lazy, level in product(trained, lazy, levels):
        index_of.append(len(turns))
        trained_begins, trained_ends = (pretrain, math.inf) if g else (0, pretrain or math.inf)
        level_begins, level_ends = [0, *starts, math.inf][level : level + 2]
        if max(trained_begins, level_begins) < min(trained_ends, level_ends):
            turns.append(Turn(d=d, g=g, lazy=is_lazy, level=level if starts else None))

    def index(step: tf.Tensor, nimg: tf.Tensor) -> tf.Tensor:
        seen = tf.cast(nimg, tf.float64)
        place = tf.constant(0)
        if alternate_kimg:
            d_img, g_img = (round(kimg * 1000) for kimg in alternate_kimg)
            place = tf.cast(tf.math.floormod(seen, d_img + g_img) >= d_img, tf.int32)
        elif pretrain:
            place = tf.cast(seen >= pretrain, tf.int32)
        place = place * len(lazy) + tf.cast(step % lazy_every != 0, tf.int32)
        begun = tf.reduce_sum(tf.cast(seen >= tf.constant(starts, tf.float64), tf.int32))
        return tf.gather(index_of, place * len(levels) + begun - levels[0])

    return Plan(turns=tuple(turns), index=index)


def choose(plan: Plan, step: tf.Tensor, nimg: tf.Tensor, run: Callable[[Turn], None]) -> None:
    """Call `run` with the turn of this step; where there is but one, without any conditional.

    Args:
        plan: the turns.
        step: int64 scalar.
        nimg: images seen before the step, float scalar.
        run: does a turn; anything that it returns is lost.
    """
    if len(plan.turns) == 1:
        run(plan.turns[0])
        return

    def branch(turn: Turn) -> tf.Tensor:
        run(turn)
        # The branches of a conditional in a graph must return something.
        return tf.constant(0)

    tf.switch_case(plan.index(step, nimg), [partial(branch, turn) for turn in plan.turns])
