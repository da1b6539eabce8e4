"""What the optimal D of each loss is, in terms of the two densities."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.recipe import Recipe

Floats = NDArray[np.float64]


class Optimum(NamedTuple):
    """The optimal D of a loss.

    Attributes:
        title: what is compared, in words.
        of_logits: D's logits to that.
        of_share: the share of real at a point to the optimum of it there.
        low, high: its range.
        log_odds: whether the optimal logit is log p_data / p_g.
    """

    title: str
    of_logits: Callable[[Floats], Floats]
    of_share: Callable[[Floats], Floats]
    low: float = 0.0
    high: float = 1.0
    log_odds: bool = False


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-logit)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))


_PROBABILITY = Optimum("sigmoid(logit)", sigmoid, lambda share: share, log_odds=True)

# Goodfellow et al. 2014, Proposition 1; Mao et al. 2017, Eq. 5 with a = 0, b = 1; Lim and Ye 2017, for the hinge: the
# sign of p_data - p_g.
OPTIMA: dict[str, Optimum] = {
    "minimax": _PROBABILITY,
    "nonsaturating": _PROBABILITY,
    "half_cross_entropy": _PROBABILITY,
    "least_squares": Optimum("the logit", lambda logits: logits, lambda share: share),
    "hinge": Optimum(
        "the logit, clipped", lambda logits: np.clip(logits, -1, 1), lambda share: np.sign(2 * share - 1), low=-1.0
    ),
}
_NO_OPTIMUM = {
    "wasserstein": "D's optimum is a potential of optimal transport, not a function of the two densities at a point",
    "relativistic": "only differences of D's logits enter this loss, so that D at a point has no optimum of its own",
    "relativistic_average": "D's logits are compared with their means, so that D at a point has no optimum of its own",
}


def judges_points(recipe: Recipe) -> bool:
    """Whether D's verdict on a point is of this point alone."""
    return recipe.d_minibatch == "none" and recipe.d_norm != "batch"


def optimum_of(recipe: Recipe) -> tuple[Optimum | None, str]:
    """The optimal D of a recipe.

    Returns:
        It, or None where there is none to compare with; and why, in words.
    """
    if not judges_points(recipe):
        return None, "D judges batches, not points: d_minibatch or batch norm"
    if recipe.loss not in OPTIMA:
        return None, f"loss {recipe.loss}: {_NO_OPTIMUM[recipe.loss]}"
    found = OPTIMA[recipe.loss]
    # Targets other than 1 and 0 move the optimum away from the log-odds.
    return (found if targets(recipe) == (1.0, 0.0) else found._replace(log_odds=False)), ""


def targets(recipe: Recipe) -> tuple[float, float]:
    """The means of D's targets for real and for fake."""
    real = sum(recipe.real_labels) / 2 if recipe.real_labels else 1.0 - recipe.label_smoothing
    fake = sum(recipe.fake_labels) / 2 if recipe.fake_labels else 0.0
    kept = 1.0 - recipe.label_flips
    return kept * real + (1 - kept) * fake, kept * fake + (1 - kept) * real


def share_of_real(p: Floats, q: Floats, real: float = 1.0, fake: float = 0.0) -> Floats:
    """(real p + fake q) / (p + q): the mean target at a point, which is p / (p + q) for targets of 1 and 0.

    Args:
        p, q: densities of the data and of G, of one shape.
        real, fake: mean targets.

    Returns:
        Of that shape; NaN where both densities are 0.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((real * p + fake * q) / (p + q))


def noise_at(recipe: Recipe, progress: float) -> float:
    """Deviation of the noise on all that D is shown, at that share of the run."""
    return recipe.instance_noise * max(1.0 - progress / recipe.instance_noise_until, 0.0)
