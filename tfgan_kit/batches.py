"""A batch as data sets give it, and as the train step takes it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_kit.errors import DataError


def images_of(data: Any) -> tf.Tensor:
    """The images (N, H, W, C) of `images`, `(images,)` or `(images, c)`, as they are."""
    return tf.convert_to_tensor(data[0] if isinstance(data, tuple | list) else data)


def img_per_step(images: tf.Tensor, d_steps: int) -> int:
    """N, the images of a train step of `d_steps` steps of D.

    Args:
        images: (N, H, W, C), N known when the step is traced.
        d_steps: N is a multiple of this.

    Raises:
        DataError: N is not known or no such multiple.
    """
    if images.shape[0] is None or images.shape[0] % d_steps:
        raise DataError(
            f"the batch must be of a fixed size and a multiple of d_steps={d_steps}; got images of shape "
            f"{tuple(images.shape)}: batch the data with drop_remainder=True"
        )
    return int(images.shape[0])


def real_and_classes(data: Any, *, conditional: bool) -> tuple[tf.Tensor, tf.Tensor | None]:
    """What G and D take.

    Args:
        data: `images`, `(images,)` or `(images, c)`: images (N, H, W, C) uint8, or float32 in [-1, 1]; c whole numbers
            (N, A), or (N,) where A is 1.
        conditional: whether classes are wanted.

    Returns:
        real: (N, H, W, C) float32 in [-1, 1].
        c: (N, A) int32; None where they are not wanted.

    Raises:
        DataError: classes are wanted and there are none.
    """
    real = images_of(data)
    if real.dtype == tf.uint8:
        real = tf.cast(real, tf.float32) / 127.5 - 1.0
    if not conditional:
        return real, None
    c = data[1] if isinstance(data, tuple | list) and len(data) > 1 else None
    if c is None:
        raise DataError("a conditional GAN trains on (images, class indices); got images alone")
    c = tf.cast(c, tf.int32)
    return real, c[:, None] if c.shape.rank == 1 else c
