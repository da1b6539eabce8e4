"""What plugs into the train step: further terms of the losses, and transforms of the pictures that D is shown.

Each is made of plain functions, and of variables where it remembers something; `build` makes them from a recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from tfgan_kit.gradients import Rows
from tfgan_kit.rng import Key, Stream

Outputs = dict[str, tf.Tensor]


@dataclass(frozen=True, kw_only=True)
class DView:
    """What a term of D's loss may read, in one step of D.

    Attributes:
        real: (B, H, W, C) float32, as D was shown them, so augmented or noisy.
        fake: likewise.
        real_out: D's outputs on them: "logits" (B,), "features" (B, F) and, with an auxiliary classifier, "classes".
        fake_out: likewise.
        c: (B, A) int32, the classes of real, or None.
        fake_c: those of fake, which past fakes bring with them.
        D: float32 D on other pictures of the classes c; leaves every variable as it is.
        D_fake: likewise, of the classes fake_c.
        weights: D's trainable variables.
        key: of the draws of this step, by stream.
        notes: what updates may read after the step, (B, ...) by name; a term may add to them.
    """

    real: tf.Tensor
    fake: tf.Tensor
    real_out: Outputs
    fake_out: Outputs
    c: tf.Tensor | None
    fake_c: tf.Tensor | None
    D: Callable[[tf.Tensor], Outputs]
    D_fake: Callable[[tf.Tensor], Outputs]
    weights: list[keras.Variable]
    key: Callable[[Stream], Key]
    notes: Rows


@dataclass(frozen=True, kw_only=True)
class GView:
    """What a term of G's loss may read, in one step of G.

    Attributes:
        fake: (B, H, W, C) float32, G's pictures.
        fake_out: D's outputs on them.
        real_out: D's outputs on real pictures.
        c: (B, A) int32, the classes of both, or None.
        latent: w of a style generator, else z.
        synthesize: pictures of another latent, of the same classes and noise; leaves every variable as it is.
        weights: G's trainable variables.
        key: of the draws of this step, by stream.
        notes: what updates may read after the step, (B, ...) by name; a term may add to them.
    """

    fake: tf.Tensor
    fake_out: Outputs
    real_out: Outputs
    c: tf.Tensor | None
    latent: tf.Tensor
    synthesize: Callable[[tf.Tensor], tf.Tensor]
    weights: list[keras.Variable]
    key: Callable[[Stream], Key]
    notes: Rows


@dataclass(frozen=True, kw_only=True)
class Term:
    """`weight * mean(value(view))`, added to a loss.

    Attributes:
        name: for the records, for example "r1".
        weight: factor of the mean.
        value: view -> (B,) or scalar float32.
        lazy: whether lazy steps alone take it, with a weight that makes up for the others.
        update: called after the optimizer's step, with the notes on all pictures of the batch; None: nothing to do.
        state: variables that a resumed run needs, by name.
        batchwise: whether the value of a picture depends on the other pictures of its batch.
    """

    name: str
    weight: float
    value: Callable[[Any], tf.Tensor]
    lazy: bool = False
    update: Callable[[Rows], None] | None = None
    state: Mapping[str, tf.Variable] = field(default_factory=dict)
    batchwise: bool = False


@dataclass(frozen=True, kw_only=True)
class Transform:
    """A change of the pictures that D is shown.

    Attributes:
        apply: (x (B, H, W, C) float32, key, share of the run that is done) -> x, differentiable in x.
        update: called after D's step, with the notes on all pictures of the batch; None: nothing to do.
        state: variables that a resumed run needs, by name.
        records: those of them that are recorded at each step, by the records' names.
    """

    apply: Callable[[tf.Tensor, Key, tf.Tensor], tf.Tensor]
    update: Callable[[Rows], None] | None = None
    state: Mapping[str, tf.Variable] = field(default_factory=dict)
    records: Mapping[str, tf.Variable] = field(default_factory=dict)
