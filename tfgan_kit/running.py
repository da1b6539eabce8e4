"""Figures that are gathered from step to step, for the records: a number's mean and its deviation.

Every replica gathers the same numbers, and holds its own copy. Keras's own metrics would sum the replicas' whenever one
is read, which hangs where only the process that writes the records reads them.
"""

from __future__ import annotations

import keras
import tensorflow as tf


class Mean(keras.metrics.Metric):
    """The mean of the scalars since the last reset; 0 of none."""

    def __init__(self, name: str) -> None:
        """Begin with nothing."""
        super().__init__(name=name)
        with keras.name_scope(name):
            self.total = keras.Variable(0.0, trainable=False, name="total")
            self.count = keras.Variable(0.0, trainable=False, name="count")

    def update_state(self, value: tf.Tensor) -> None:
        """Take in one scalar."""
        self.total.assign_add(tf.cast(value, tf.float32))
        self.count.assign_add(1.0)

    def result(self) -> tf.Tensor:
        """Float32 scalar."""
        return tf.math.divide_no_nan(self.total.value, self.count.value)


class Deviation(keras.metrics.Metric):
    """The standard deviation of the scalars since the last reset, by Welford's algorithm; 0 of fewer than two."""

    def __init__(self, name: str) -> None:
        """Begin with nothing."""
        super().__init__(name=name)
        with keras.name_scope(name):
            self.count = keras.Variable(0.0, trainable=False, name="count")
            self.mean = keras.Variable(0.0, trainable=False, name="mean")
            self.squares = keras.Variable(0.0, trainable=False, name="squares")

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
