"""A network that is swapped for its past self now and then, to keep the other from chasing only its latest form."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf


class PastWeights:
    """A copy of a network's variables, about one period old, to be used in the first steps of every period.

    A period is `every_steps` steps; the swap lasts its first `for_steps`. The copy is taken anew right after them, so
    it is from `every_steps - for_steps` to `every_steps` steps old when it is used. In the first period there is none.

    Attributes:
        state: variables that a resumed run needs, by name.
    """

    def __init__(self, model: keras.Model, *, every_steps: int, for_steps: int) -> None:
        """Make room for the copy.

        Args:
            model: the network.
            every_steps: from one swap to the next.
            for_steps: that a swap lasts, below `every_steps`.
        """
        if not 0 < for_steps < every_steps:
            raise ValueError(f"a swap must be shorter than its period; got {for_steps} steps of every {every_steps}")
        self._every, self._for = every_steps, for_steps
        self._variables = [*model.trainable_variables, *model.non_trainable_variables]
        self._copies = {v.path: tf.Variable(v.value, trainable=False, name=f"past_{v.name}") for v in self._variables}
        # The period in which the copy was taken.
        self._taken = tf.Variable(-1, dtype=tf.int64, trainable=False, name="past_taken")
        self.state: Mapping[str, tf.Variable] = {"taken": self._taken, **self._copies}

    def weights(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """The past values during a swap, else the present ones.

        Args:
            step: int64 scalar.

        Returns:
            By the variables' paths, in the order of `model.trainable_variables + model.non_trainable_variables`.
        """
        swapped = (step % self._every < self._for) & (self._taken >= 0)
        return {v.path: tf.where(swapped, self._copies[v.path], v.value) for v in self._variables}

    def update(self, step: tf.Tensor) -> None:
        """Take the copy if it is due: at the first call in a period after the swap, and only then."""
        period = step // self._every
        due = (step % self._every >= self._for) & (self._taken < period)
        for v in self._variables:
            copy = self._copies[v.path]
            copy.assign(tf.where(due, v.value, copy))
        self._taken.assign(tf.where(due, period, self._taken))
