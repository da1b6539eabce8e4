"""Balanced consistency: D's logit is to stay where it is when a picture is changed."""

from __future__ import annotations

import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.rng import Stream
from tfgan_kit.terms import DView, Term, Transform


def consistency(weight_real: float, weight_fake: float, transform: Transform) -> Term:
    """`weight_real (D(T(x)) - D(x))^2 + weight_fake (D(T(G(z))) - D(G(z)))^2`, as a term of D's loss.

    Zhao et al. 2020, "Improved Consistency Regularization for GANs", section 3.1. The change of real and of fake
    pictures is drawn apart. A weight of 0 leaves its half out.

    Args:
        weight_real: the paper's is 10.
        weight_fake: likewise.
        transform: T, with fewer than 128 splits of its key; it is told that none of the run is done. The term brings
            its update and its state along.
    """

    # Both sides of a difference by the same D: of one precision, and with the same units dropped.
    def value(view: DView) -> tf.Tensor:
        key, start = view.key(Stream.CONSISTENCY), tf.constant(0.0)
        total = tf.zeros((view.real.shape[0],))
        if weight_real:
            changed = view.D(transform.apply(view.real, key, start))["logits"]
            total += weight_real * tf.square(changed - view.D(view.real)["logits"])
        if weight_fake:
            changed = view.D_fake(transform.apply(view.fake, rng.split(key, 128), start))["logits"]
            total += weight_fake * tf.square(changed - view.D_fake(view.fake)["logits"])
        return total

    return Term(name="bcr", weight=1.0, value=value, update=transform.update, state=transform.state)
