"""Terms beside the adversarial loss that read D's other outputs: its features, and its guess of the classes."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tfgan_kit import replicas
from tfgan_kit.terms import DView, GView, Term


def feature_matching(weight: float) -> Term:
    """Of G: |mean f(real) - mean f(fake)|^2, f D's features (B, F), the means over the batch.

    The square is summed over the features, not averaged: the plain norm. Salimans et al. 2016, section 3.1.
    """

    def value(view: GView) -> tf.Tensor:
        means = [
            replicas.mean(tf.reduce_mean(tf.cast(out["features"], tf.float32), axis=0))
            for out in (view.real_out, view.fake_out)
        ]
        return tf.reduce_sum(tf.square(means[0] - means[1]))

    return Term(name="feature_matching", weight=weight, value=value, batchwise=True)


def auxiliary_classifier_d(weight: float, classes: Sequence[int]) -> Term:
    """Of D: the classifier's cross-entropy on real and on fake pictures, -L_C of Odena et al. 2017, Eq. 3.

    Args:
        weight: of the sum of the two.
        classes: the number of values of each attribute; `out["classes"]` is (B, sum(classes)).
    """

    def value(view: DView) -> tf.Tensor:
        on_real = class_cross_entropy(view.real_out["classes"], view.c, classes)
        return on_real + class_cross_entropy(view.fake_out["classes"], view.fake_c, classes)

    return Term(name="d_classes", weight=weight, value=value)


def auxiliary_classifier_g(weight: float, classes: Sequence[int]) -> Term:
    """Of G: the classifier's cross-entropy on fake pictures, the part of -L_C that G reaches. Odena et al. 2017, Eq. 3.

    Args:
        weight: of it.
        classes: as for `auxiliary_classifier_d`.
    """

    def value(view: GView) -> tf.Tensor:
        return class_cross_entropy(view.fake_out["classes"], view.c, classes)

    return Term(name="g_classes", weight=weight, value=value)


def class_cross_entropy(logits: tf.Tensor, c: tf.Tensor, classes: Sequence[int]) -> tf.Tensor:
    """-log P(c), summed over the attributes, each with a softmax over its own values.

    Args:
        logits: (B, sum(classes)), the attributes' one after another.
        c: (B, A) int32, A = len(classes).
        classes: the number of values of each attribute.

    Returns:
        (B,) float32.
    """
    parts = tf.split(tf.cast(logits, tf.float32), list(classes), axis=1)
    return tf.add_n(
        [tf.nn.sparse_softmax_cross_entropy_with_logits(labels=c[:, i], logits=part) for i, part in enumerate(parts)]
    )
