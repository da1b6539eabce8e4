"""Adversarial losses: plain functions on logits, where a higher logit means more real, everywhere.

Each takes `real_logits` and `fake_logits`, shape (B,), any float dtype, and returns (B,) float32: one value a pair,
not reduced, not weighted. The caller takes the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

PairLoss = Callable[..., tf.Tensor]


class AdversarialLoss(NamedTuple):
    """What D minimises and what G minimises; both are called with `real_logits=` and `fake_logits=`."""

    d: PairLoss
    g: PairLoss


def minimax_d(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-log D(x) - log(1 - D(G(z))), with D = sigmoid(logit). Goodfellow et al. 2014, Eq. 1."""
    real, fake = _float32(real_logits, fake_logits)
    return tf.nn.softplus(-real) + tf.nn.softplus(fake)


def minimax_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """log(1 - D(G(z))), whose gradient vanishes when D wins. Goodfellow et al. 2014, Eq. 1."""
    _, fake = _float32(real_logits, fake_logits)
    return -tf.nn.softplus(fake)


def nonsaturating_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-log D(G(z)). Goodfellow et al. 2014, section 3."""
    _, fake = _float32(real_logits, fake_logits)
    return tf.nn.softplus(-fake)


def least_squares_d(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """((D(x) - 1)^2 + D(G(z))^2) / 2, on logits. Mao et al. 2017, Eq. 9."""
    real, fake = _float32(real_logits, fake_logits)
    return 0.5 * (tf.square(real - 1.0) + tf.square(fake))


def least_squares_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """(D(G(z)) - 1)^2 / 2, on logits. Mao et al. 2017, Eq. 9."""
    _, fake = _float32(real_logits, fake_logits)
    return 0.5 * tf.square(fake - 1.0)


def hinge_d(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """max(0, 1 - D(x)) + max(0, 1 + D(G(z))). Lim and Ye 2017; Miyato et al. 2018, Eq. 16."""
    real, fake = _float32(real_logits, fake_logits)
    return tf.nn.relu(1.0 - real) + tf.nn.relu(1.0 + fake)


def wasserstein_d(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """D(G(z)) - D(x). Arjovsky et al. 2017, Eq. 2."""
    real, fake = _float32(real_logits, fake_logits)
    return fake - real


def wasserstein_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-D(G(z)), G's loss for the Wasserstein and the hinge objective. Arjovsky et al. 2017, Eq. 2."""
    _, fake = _float32(real_logits, fake_logits)
    return -fake


def relativistic_d(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-log sigmoid(D(x) - D(G(z))), each real paired with a fake. Jolicoeur-Martineau 2018, Eq. 3."""
    real, fake = _float32(real_logits, fake_logits)
    return tf.nn.softplus(fake - real)


def relativistic_g(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-log sigmoid(D(G(z)) - D(x)). Jolicoeur-Martineau 2018, Eq. 4."""
    real, fake = _float32(real_logits, fake_logits)
    return tf.nn.softplus(real - fake)


LOSSES = {
    "minimax": AdversarialLoss(d=minimax_d, g=minimax_g),
    "nonsaturating": AdversarialLoss(d=minimax_d, g=nonsaturating_g),
    "least_squares": AdversarialLoss(d=least_squares_d, g=least_squares_g),
    "hinge": AdversarialLoss(d=hinge_d, g=wasserstein_g),
    "wasserstein": AdversarialLoss(d=wasserstein_d, g=wasserstein_g),
    "relativistic": AdversarialLoss(d=relativistic_d, g=relativistic_g),
}


def _float32(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)
