"""A buffer of past fakes, some of which D is shown again, so that it does not forget them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.rng import Key

Fakes = tuple[tf.Tensor, tf.Tensor | None]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Past fakes in the place of some new ones.

    Attributes:
        draw: (fake (B, H, W, C) float32, c (B, A) int32 or None, key) -> fake and c to be shown, of the same shapes.
        keep: (all new fakes of a step, their c, key) -> None; remembers some of them.
        state: variables that a resumed run needs, by name.
    """

    draw: Callable[[tf.Tensor, tf.Tensor | None, Key], Fakes]
    keep: Callable[[tf.Tensor, tf.Tensor | None, Key], None]
    state: Mapping[str, tf.Variable]


def replay_buffer(size: int, share: float, shape: tuple[int, int, int], attributes: int = 0) -> Replay:
    """A buffer of `size` fakes with their classes. Shrivastava et al. 2017, section 2.3.

    Each fake is, with probability `share`, replaced by one of the buffer, all alike likely. Afterwards
    ceil(share * B) of the new ones go in: into free places, or, once there are none, over a run of places that begins
    at any of them. Pictures are kept as uint8, so one comes back with an error of at most 1/255 in [-1, 1].

    Args:
        size: pictures kept, at least ceil(share * B).
        share: in (0, 1].
        shape: height, width and channels.
        attributes: A of c; 0 if there are no classes.
    """
    images = tf.Variable(tf.zeros((size, *shape), tf.uint8), trainable=False, name="replay_images")
    classes = tf.Variable(tf.zeros((size, attributes), tf.int32), trainable=False, name="replay_classes")
    count = tf.Variable(0, dtype=tf.int32, trainable=False, name="replay_count")

    def draw(fake: tf.Tensor, c: tf.Tensor | None, key: Key) -> Fakes:
        n = fake.shape[0]
        places = rng.integers(key, (n,), 2**31 - 1) % tf.maximum(count, 1)
        past = (rng.uniform(rng.split(key, 1), (n,)) < share) & (count > 0)
        past_images = tf.cast(tf.gather(images, places), tf.float32) / 127.5 - 1.0
        shown = tf.where(past[:, None, None, None], past_images, fake)
        return shown, None if c is None else tf.where(past[:, None], tf.gather(classes, places), c)

    def keep(fake: tf.Tensor, c: tf.Tensor | None, key: Key) -> None:
        new = math.ceil(share * fake.shape[0])
        if new > size:
            raise ValueError(f"a replay buffer of {size} pictures cannot take the {new} of one batch: make it larger")
        # A run of places holds none twice, so the order of writing does not matter.
        first = tf.where(count < size, count, rng.integers(rng.split(key, 2), (), size, axis=None))
        into = ((first + tf.range(new)) % size)[:, None]
        as_bytes = tf.cast(tf.clip_by_value(tf.round((fake[:new] + 1.0) * 127.5), 0.0, 255.0), tf.uint8)
        images.assign(tf.tensor_scatter_nd_update(images, into, as_bytes))
        if c is not None:
            classes.assign(tf.tensor_scatter_nd_update(classes, into, c[:new]))
        count.assign(tf.minimum(count + new, size))

    state = {"images": images, "count": count} | ({"classes": classes} if attributes else {})
    return Replay(draw=draw, keep=keep, state=state)
