"""Adversarial losses: plain functions on logits, where a higher logit means more real, everywhere.

Each takes `real_logits` and `fake_logits`, shape (B,), any float dtype, and returns (B,) float32: one value a pair,
not reduced, not weighted. The caller takes the mean.

D's losses take targets too, `real_targets` and `fake_targets`: floats or (B,) float32, where 1 stands for real and 0
for fake. Other values, such as 0.9, are soft labels. A target t weights what D would pay if the picture were real by t,
and what it would pay if it were fake by 1 - t; of 1 and 0, the defaults, only the paper's loss is left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import tensorflow as tf

from tfgan_kit import replicas

PairLoss = Callable[..., tf.Tensor]
Targets: TypeAlias = tf.Tensor | float


class AdversarialLoss(NamedTuple):
    """What D minimises and what G minimises; both are called with `real_logits=` and `fake_logits=`.

    Attributes:
        d: D's loss.
        g: G's.
        undecided: the logit between real and fake; None where only differences of logits mean something.
        probability: whether sigmoid(logit) is D's probability that a picture is real.
        batchwise: whether the loss of a pair depends on the other pairs of its batch.
    """

    d: PairLoss
    g: PairLoss
    undecided: float | None = 0.0
    probability: bool = False
    batchwise: bool = False


def minimax_d(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, real_targets: Targets = 1.0, fake_targets: Targets = 0.0
) -> tf.Tensor:
    """-log D(x) - log(1 - D(G(z))), with D = sigmoid(logit). Goodfellow et al. 2014, Eq. 1.

    With targets each side is the cross-entropy -t log D - (1 - t) log(1 - D).
    """
    real, fake = _float32(real_logits, fake_logits)
    return _cross_entropy(real_targets, real) + _cross_entropy(fake_targets, fake)


def minimax_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """log(1 - D(G(z))), whose gradient vanishes when D wins. Goodfellow et al. 2014, Eq. 1."""
    _, fake = _float32(real_logits, fake_logits)
    return -tf.nn.softplus(fake)


def nonsaturating_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-log D(G(z)). Goodfellow et al. 2014, section 3."""
    _, fake = _float32(real_logits, fake_logits)
    return tf.nn.softplus(-fake)


def half_cross_entropy_d(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, real_targets: Targets = 1.0, fake_targets: Targets = 0.0
) -> tf.Tensor:
    """-1/2 log D(x) - 1/2 log(1 - D(G(z))), half of `minimax_d`. Goodfellow 2016 (tutorial), Eq. 8."""
    return 0.5 * minimax_d(
        real_logits=real_logits, fake_logits=fake_logits, real_targets=real_targets, fake_targets=fake_targets
    )


def half_cross_entropy_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-1/2 log D(G(z)), half of `nonsaturating_g`. Goodfellow 2016 (tutorial), section 3.2.3."""
    return 0.5 * nonsaturating_g(real_logits=real_logits, fake_logits=fake_logits)


def least_squares_d(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, real_targets: Targets = 1.0, fake_targets: Targets = 0.0
) -> tf.Tensor:
    """((D(x) - 1)^2 + D(G(z))^2) / 2, on logits. Mao et al. 2017, Eq. 9.

    Targets take the place of 1 and of 0, Mao et al.'s b and a: (D - t)^2 / 2.
    """
    real, fake = _float32(real_logits, fake_logits)
    return 0.5 * (tf.square(real - real_targets) + tf.square(fake - fake_targets))


def least_squares_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """(D(G(z)) - 1)^2 / 2, on logits. Mao et al. 2017, Eq. 9."""
    _, fake = _float32(real_logits, fake_logits)
    return 0.5 * tf.square(fake - 1.0)


def hinge_d(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, real_targets: Targets = 1.0, fake_targets: Targets = 0.0
) -> tf.Tensor:
    """max(0, 1 - D(x)) + max(0, 1 + D(G(z))). Lim and Ye 2017; Miyato et al. 2018, Eq. 16."""
    real, fake = _float32(real_logits, fake_logits)
    return _mixed(real_targets, tf.nn.relu(1.0 - real), tf.nn.relu(1.0 + real)) + _mixed(
        fake_targets, tf.nn.relu(1.0 - fake), tf.nn.relu(1.0 + fake)
    )


def wasserstein_d(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, real_targets: Targets = 1.0, fake_targets: Targets = 0.0
) -> tf.Tensor:
    """D(G(z)) - D(x). Arjovsky et al. 2017, Eq. 2."""
    real, fake = _float32(real_logits, fake_logits)
    return _mixed(fake_targets, -fake, fake) + _mixed(real_targets, -real, real)


def wasserstein_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-D(G(z)), G's loss for the Wasserstein and the hinge objective. Arjovsky et al. 2017, Eq. 2."""
    _, fake = _float32(real_logits, fake_logits)
    return -fake


def relativistic_d(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, real_targets: Targets = 1.0, fake_targets: Targets = 0.0
) -> tf.Tensor:
    """-log sigmoid(D(x) - D(G(z))), each real paired with a fake. Jolicoeur-Martineau 2018, Eq. 3.

    With targets a pair has one, m = (real_target + 1 - fake_target) / 2, and the loss is the cross-entropy of the
    difference d: -m log sigmoid(d) - (1 - m) log sigmoid(-d).
    """
    real, fake = _float32(real_logits, fake_logits)
    return _cross_entropy(0.5 * (real_targets + 1.0 - fake_targets), real - fake)


def relativistic_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-log sigmoid(D(G(z)) - D(x)). Jolicoeur-Martineau 2018, Eq. 4."""
    real, fake = _float32(real_logits, fake_logits)
    return tf.nn.softplus(real - fake)


def relativistic_average_d(
    *, real_logits: tf.Tensor, fake_logits: tf.Tensor, real_targets: Targets = 1.0, fake_targets: Targets = 0.0
) -> tf.Tensor:
    """-log sigmoid(D(x) - mean D(G(z))) - log(1 - sigmoid(D(G(z)) - mean D(x))), the means over the batch.

    D's loss of RaSGAN, Jolicoeur-Martineau 2018, section "Relativistic average GANs". Targets as in `minimax_d`.
    """
    real, fake = _against_means(real_logits, fake_logits)
    return _cross_entropy(real_targets, real) + _cross_entropy(fake_targets, fake)


def relativistic_average_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-log sigmoid(D(G(z)) - mean D(x)) - log(1 - sigmoid(D(x) - mean D(G(z)))), G's loss of RaSGAN: D's, exchanged."""
    real, fake = _against_means(real_logits, fake_logits)
    return tf.nn.softplus(-fake) + tf.nn.softplus(real)


LOSSES = {
    "minimax": AdversarialLoss(d=minimax_d, g=minimax_g, probability=True),
    "nonsaturating": AdversarialLoss(d=minimax_d, g=nonsaturating_g, probability=True),
    "half_cross_entropy": AdversarialLoss(d=half_cross_entropy_d, g=half_cross_entropy_g, probability=True),
    "least_squares": AdversarialLoss(d=least_squares_d, g=least_squares_g, undecided=0.5),
    "hinge": AdversarialLoss(d=hinge_d, g=wasserstein_g),
    "wasserstein": AdversarialLoss(d=wasserstein_d, g=wasserstein_g, undecided=None),
    "relativistic": AdversarialLoss(d=relativistic_d, g=relativistic_g, undecided=None),
    "relativistic_average": AdversarialLoss(
        d=relativistic_average_d, g=relativistic_average_g, undecided=None, batchwise=True
    ),
}


def d_readings(loss: AdversarialLoss, *, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> dict[str, tf.Tensor]:
    """What D makes of a batch, for the records.

    Args:
        loss: that D was trained by.
        real_logits, fake_logits: (B,).

    Returns:
        Float32 scalars: "d_real" and "d_fake", the mean probability, or the mean logit where there is none; and
        "d_accuracy", the share of pictures on their side of `undecided`, or without it that of pairs in their order.
    """
    real, fake = _float32(real_logits, fake_logits)
    read = tf.sigmoid if loss.probability else tf.identity
    if loss.undecided is None:
        right = real > fake
    else:
        right = tf.concat([real > loss.undecided, fake <= loss.undecided], axis=0)
    accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
    return {"d_real": tf.reduce_mean(read(real)), "d_fake": tf.reduce_mean(read(fake)), "d_accuracy": accuracy}


def _float32(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)


def _against_means(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Each logit less the mean of the other kind."""
    real, fake = _float32(real_logits, fake_logits)
    return real - replicas.mean(tf.reduce_mean(fake)), fake - replicas.mean(tf.reduce_mean(real))


def _mixed(targets: Targets, as_real: tf.Tensor, as_fake: tf.Tensor) -> tf.Tensor:
    """The loss as real, weighted by the target, and as fake, by what is left to 1."""
    return targets * as_real + (1.0 - targets) * as_fake


def _cross_entropy(targets: Targets, logits: tf.Tensor) -> tf.Tensor:
    """-t log sigmoid(logit) - (1 - t) log(1 - sigmoid(logit))."""
    # Not softplus(logit) - t * logit, which is the same number but loses digits where the two are large.
    return _mixed(targets, tf.nn.softplus(-logits), tf.nn.softplus(logits))
