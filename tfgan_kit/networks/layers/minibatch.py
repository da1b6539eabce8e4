"""What lets D see that the pictures of a batch are too alike: one picture's features beside those of the others."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfgan_kit import replicas


@keras.saving.register_keras_serializable("tfgan_kit")
class MinibatchStddev(keras.layers.Layer):
    """One more channel: how much the features differ within groups of pictures, a number a group.

    The deviation over the group of each feature of each pixel, and the mean of these. A group is of `group_size`
    pictures, or of as many below as divide the batch; its pictures are batch / size apart.

    Source: Karras et al. 2018, section 3; in groups as in Karras et al. 2020.
    """

    batchwise = "the deviation within the batch"

    def __init__(self, group_size: int = 4, **kwargs: Any) -> None:
        """Take at least 1; 1 makes the channel 0."""
        super().__init__(**kwargs)
        self.group_size = group_size

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(B, H, W, C) to (B, H, W, C + 1)."""
        _, *shape = x.shape
        batch = replicas.gather(tf.cast(x, tf.float32))
        size = self._size(tf.shape(batch)[0] if batch.shape[0] is None else batch.shape[0])
        groups = tf.reshape(batch, (size, -1, *shape))
        variance = tf.reduce_mean(tf.square(groups - tf.reduce_mean(groups, 0, keepdims=True)), 0)
        # Small enough for features of any use, and a gradient at 0.
        deviation = tf.reduce_mean(tf.sqrt(variance + 1e-8), (1, 2, 3), keepdims=True)
        channel = replicas.own(tf.tile(deviation, (size, *shape[:2], 1)))
        return tf.concat([x, tf.cast(channel, x.dtype)], -1)

    def _size(self, batch: int | tf.Tensor) -> int | tf.Tensor:
        """The largest divisor of the batch that is at most `group_size`."""
        sizes = range(1, self.group_size + 1)
        if isinstance(batch, int):
            return max(size for size in sizes if batch % size == 0)
        return tf.reduce_max([tf.where(tf.equal(batch % size, 0), size, 1) for size in sizes])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, H, W, C) to (B, H, W, C + 1)."""
        *pixels, channels = input_shape
        return *pixels, channels + 1  # type: ignore[operator]

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {**super().get_config(), "group_size": self.group_size}


@keras.saving.register_keras_serializable("tfgan_kit")
class MinibatchDiscrimination(keras.layers.Layer):
    """How close each picture is to those of its batch, under `kernels` learned measures of `kernel_dim` numbers.

    o(x_i)_b = sum over j of exp(-|M_ib - M_jb|_1) with M = x T; j = i, which adds 1, is in the sum.

    Source: Salimans et al. 2016, Eq. 3 and section 3.2.
    """

    batchwise = "minibatch discrimination"

    def __init__(
        self,
        kernels: int,
        kernel_dim: int,
        *,
        kernel_initializer: keras.Initializer | str = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        """Take the numbers of measures, B in the paper, and of rows of each, C there."""
        super().__init__(**kwargs)
        self.kernels, self.kernel_dim = kernels, kernel_dim
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make T, (F, kernels * kernel_dim)."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.kernels * self.kernel_dim), initializer=self.kernel_initializer,
            autocast=False, name="kernel",
        )  # fmt: skip

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(B, F) to (B, F + kernels)."""
        rows = tf.matmul(tf.cast(x, tf.float32), tf.convert_to_tensor(self.kernel))
        rows = tf.reshape(rows, (-1, self.kernels, self.kernel_dim))
        distance = tf.reduce_sum(tf.abs(rows[:, None] - replicas.gather(rows)[None, :]), -1)
        closeness = tf.reduce_sum(tf.exp(-distance), 1)
        return tf.concat([x, tf.cast(closeness, x.dtype)], -1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, F) to (B, F + kernels)."""
        batch, features = input_shape
        return batch, features + self.kernels  # type: ignore[operator]

    def get_config(self) -> dict[str, Any]:
        """What makes a layer like this one."""
        return {
            **super().get_config(),
            "kernels": self.kernels,
            "kernel_dim": self.kernel_dim,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
