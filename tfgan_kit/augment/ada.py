"""Adaptive discriminator augmentation: as much as D's overfitting asks for. Karras et al. 2020, section 3."""

from __future__ import annotations

import tensorflow as tf

from tfgan_kit.augment.ada_ops import colour, draw, spatial
from tfgan_kit.gradients import Rows
from tfgan_kit.rng import Key
from tfgan_kit.terms import Transform

# name: (of place, of colour)
OPS = {"all": (True, True), "geometry": (True, False), "colour": (False, True)}

# D steps from one move of p to the next: the paper's.
INTERVAL_STEPS = 4


def ada(*, ops: str, target: float, speed_kimg: float, max_p: float) -> Transform:
    """Changes of every picture, each with chance p, and the rule that moves p.

    The measure of overfitting is the mean sign of D's logits of real pictures, so a loss must take 0 as undecided;
    relativistic losses do not.

    Args:
        ops: one of OPS.
        target: of the mean sign, in (-1, 1): p rises above it and falls below it. The paper's is 0.6.
        speed_kimg: real images in which p would go from 0 to 1, kimg. The paper's is 500.
        max_p: bound of p, in [0, 1]. Up to about 0.8 the changes do not leak into G's pictures.

    Returns:
        A transform with the state "p", which begins at 0, "sign_sum" and "sign_steps".

    Raises:
        ValueError: an argument outside its range.
    """
    if ops not in OPS:
        raise ValueError(f"ops {ops!r} is unknown; legal: {', '.join(OPS)}")
    if not 0.0 <= max_p <= 1.0:
        raise ValueError(f"max_p must be in [0, 1]; got {max_p}")
    if speed_kimg <= 0.0:
        raise ValueError(f"speed_kimg must be above 0; got {speed_kimg}")
    place, tint = OPS[ops]
    p = tf.Variable(0.0, trainable=False, dtype=tf.float32, name="p")
    sign_sum = tf.Variable(0.0, trainable=False, dtype=tf.float32, name="sign_sum")
    sign_steps = tf.Variable(0, trainable=False, dtype=tf.int32, name="sign_steps")

    def apply(x: tf.Tensor, key: Key, progress: tf.Tensor) -> tf.Tensor:
        del progress
        draws = draw(key, x.shape[0])
        if place:
            x = spatial(x, draws, p)
        if tint:
            x = colour(x, draws, p)
        return x

    def update(rows: Rows) -> None:
        logits = rows["real_logits"]
        signs, steps = sign_sum + tf.reduce_mean(tf.sign(logits)), sign_steps + 1
        due = steps >= INTERVAL_STEPS
        move = logits.shape[0] * INTERVAL_STEPS / (1000.0 * speed_kimg) * tf.sign(signs / INTERVAL_STEPS - target)
        p.assign(tf.where(due, tf.clip_by_value(p + move, 0.0, max_p), p))
        sign_sum.assign(tf.where(due, 0.0, signs))
        sign_steps.assign(tf.where(due, 0, steps))

    state = {"p": p, "sign_sum": sign_sum, "sign_steps": sign_steps}
    return Transform(apply=apply, update=update, state=state, records={"ada_p": p})
