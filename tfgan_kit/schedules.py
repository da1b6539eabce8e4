"""Learning-rate schedules, as a factor of the full rate."""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

SCHEDULES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "constant": tf.ones_like,
    "linear": lambda t: 1.0 - t,
    "cosine": lambda t: 0.5 * (1.0 + tf.cos(math.pi * t)),
}


def lr_factor(
    schedule: str, *, progress: tf.Tensor, nimg: tf.Tensor, hold: float = 0.0, warmup_kimg: float = 0.0
) -> tf.Tensor:
    """The factor of the learning rates at a moment of the run.

    Args:
        schedule: a name in SCHEDULES: what happens after `hold`, from 1 down to 0 ("constant" stays at 1).
        progress: share of the run that is done, float scalar in [0, 1].
        nimg: images seen, float scalar.
        hold: share of the run at the full rate.
        warmup_kimg: kimg over which the factor rises linearly from 0; 0: none.

    Returns:
        Float32 scalar in [0, 1].
    """
    since_hold = tf.clip_by_value((progress - hold) / max(1.0 - hold, 1e-8), 0.0, 1.0)
    factor = SCHEDULES[schedule](since_hold)
    if warmup_kimg:
        factor *= tf.minimum(1.0, nimg / (warmup_kimg * 1000.0))
    return factor
