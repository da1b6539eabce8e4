"""All that a recipe's switches plug into the train step, which does not know any of them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tfgan_kit.stabilizers.past import PastWeights
from tfgan_kit.stabilizers.plan import ALWAYS, Plan
from tfgan_kit.stabilizers.replay import Replay
from tfgan_kit.stabilizers.targets import Targets, hard_targets
from tfgan_kit.terms import Term, Transform


@dataclass(frozen=True, kw_only=True)
class Plugs:
    """What is plugged in; without arguments, nothing.

    Attributes:
        d_terms: further terms of D's loss.
        g_terms: further terms of G's loss.
        lazy_every: weight of the lazy terms in the steps that take them, so the steps between two of those.
        targets: what D's loss takes for real and for fake.
        shown: what is done to all pictures before D sees them, one after the other.
        replay: past fakes that D is shown again; None: none.
        past_g: past weights of G that may make D's fakes; None: the present ones do.
        past_d: past weights of D that may judge G; None: the present ones do.
        before_step: called with the images seen (float32 scalar) before each step.
        after_d_step: called with D after each of its steps.
        after_g_step: called with G after each of its steps.
        plan: which steps train D, G or both.
    """

    d_terms: Sequence[Term] = ()
    g_terms: Sequence[Term] = ()
    lazy_every: int = 1
    targets: Targets = hard_targets
    shown: Sequence[Transform] = ()
    replay: Replay | None = None
    past_g: PastWeights | None = None
    past_d: PastWeights | None = None
    before_step: Sequence[Callable[[tf.Tensor], None]] = ()
    after_d_step: Sequence[Callable[[keras.Model], None]] = ()
    after_g_step: Sequence[Callable[[keras.Model], None]] = ()
    plan: Plan = ALWAYS

    def records(self) -> dict[str, tf.Variable]:
        """What transforms want recorded at each step, by name."""
        return {name: variable for transform in self.shown for name, variable in transform.records.items()}

    def state(self) -> dict[str, tf.Variable]:
        """Every variable that a resumed run needs, by name."""
        owners: Mapping[str, Any] = {
            **{f"d_terms/{term.name}": term for term in self.d_terms},
            **{f"g_terms/{term.name}": term for term in self.g_terms},
            **{f"shown/{i}": transform for i, transform in enumerate(self.shown)},
            "replay": self.replay,
            "past_g": self.past_g,
            "past_d": self.past_d,
        }
        return {f"{owner}/{name}": v for owner, plug in owners.items() if plug for name, v in plug.state.items()}


NOTHING = Plugs()
