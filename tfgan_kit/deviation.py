"""The deviation of a number from step to step, gathered as the means of the records are."""

from __future__ import annotations

import keras
import tensorflow as tf


class Deviation(keras.metrics.Metric):
    """The standard deviation of the scalars since the last reset, by Welford's algorithm; 0 of fewer than two."""

    def __init__(self, name: str) -> None:
        """Begin with nothing."""
        super().__init__(name=name)
        self.count = self.add_variable((), "zeros", name="count")
        self.mean = self.add_variable((), "zeros", name="mean")
        self.squares = self.add_variable((), "zeros", name="squares")

    def update_state(self, value: tf.Tensor) -> None:
        """Take in one scalar."""
        value = tf.cast(value, tf.float32)
        count = self.count.value + 1.0
        apart = value - self.mean.value
        mean = self.mean.value + apart / count
        self.squares.assign_add(apart * (value - mean))
        self.mean.assign(mean)
        self.count.assign(count)

    def result(self) -> tf.Tensor:
        """Float32 scalar."""
        return tf.sqrt(self.squares.value / tf.maximum(self.count.value, 1.0))
