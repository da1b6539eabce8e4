"""What a toy knows of itself at one moment: D against its optimum, and G against the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.mmd import MULTIPLES, median_distance, mmd
from tfgan_kit.metrics.modes import mixture_modes
from tfgan_kit.recipe import Recipe
from tfgan_kit.toy import density
from tfgan_kit.toy.optimum import Optimum, judges_points, noise_at, optimum_of, share_of_real, targets
from tfgan_kit.toy.points import Points
from tfgan_kit.toy.transport import earth_movers

Floats = NDArray[np.float64]

# Samples of G that its density is estimated from.
ESTIMATE = 1 << 15
# Rows of the figures that take time or memory with the square of them.
_FEW = 512
_SEED = 7
# Log ratios beyond this are of points that one of the two densities hardly has.
_MOST_LOG_RATIO = 6.0
# Where both densities together are below this, both are of a few samples at most, and the optimum of D is nobody's.
_NOWHERE = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """One moment.

    Attributes:
        step: train steps done.
        fake: (N, 2) samples of G_ema.
        field: D's logits on the grid as the loss reads them, (SIDE, SIDE); None: D is not a function of a point.
        best: of the optimal D, likewise, NaN where both densities are about 0; None: this loss has none.
        figures: by name.
    """

    step: int
    fake: Floats
    field: Floats | None
    best: Floats | None
    figures: Mapping[str, float]


class Measure:
    """What all moments of a toy have in common: real points, and the rule by which D is read."""

    def __init__(self, recipe: Recipe, data: Points, samples: int) -> None:
        """Draw the real points that all moments are compared with.

        Args:
            recipe: that is trained.
            data: that it learns.
            samples: of G, which modes and quality are of.

        Raises:
            DataError: fewer samples than modes, or fewer than 2.
        """
        if samples < max(2, data.modes):
            raise DataError(
                f"{data.name} has {data.modes or 'no'} modes, and {samples} samples cannot show them: give at least "
                f"{max(2, data.modes)} --samples"
            )
        self.recipe, self.data, self.samples = recipe, data, samples
        self.optimum, self.reason = optimum_of(recipe)
        self.bandwidth = data.deviation / 2
        self.real = data.draw(max(samples, _FEW), _SEED)
        # Of two draws of the data: what a perfect G would have.
        self.floor = earth_movers(self.real[:_FEW], data.draw(_FEW, _SEED + 1))
        self._bandwidths = [multiple * median_distance(self.real) for multiple in MULTIPLES]

    def look(self, toy: Any, means: Mapping[str, float]) -> Look:
        """Measure a toy as it is.

        Args:
            toy: a `tfgan_kit.toy.train.Toy`.
            means: losses and norms since the last moment.
        """
        fake = toy.samples(max(self.samples, _FEW))
        figures = self._of_samples(fake)
        p, q = self._densities(toy.samples(ESTIMATE), 0.0)
        figures["js"] = density.jensen_shannon(p, q)
        field = best = None
        if judges_points(self.recipe):
            field = self._field(toy)
        if self.optimum is not None:
            best, of_d = self._against_optimum(toy, self.optimum)
            figures |= of_d
        if self.optimum is not None and self.optimum.log_odds:
            figures |= {f"g_gradient_{name}": value for name, value in toy.g_gradients().items()}
        figures |= {name: means[name] for name in ("d_loss", "g_loss") if name in means}
        return Look(step=toy.step, fake=fake[: self.samples], field=field, best=best, figures=figures)

    def _of_samples(self, fake: Floats) -> dict[str, float]:
        """Modes and quality, MMD and earth mover's distance."""
        few = fake[:_FEW]
        found = {
            "mmd": mmd(self.real[:_FEW], few, bandwidths=self._bandwidths),
            "earth_movers": earth_movers(self.real[:_FEW], few),
        }
        near = mixture_modes(fake[: self.samples], self.data.centres, self.data.deviation)
        if self.data.modes:
            found["modes"] = float(near.covered)
            # Of the rarest mode, where 1 is its share of the data.
            found["rarest_mode"] = float(near.counts.min()) * self.data.modes / len(fake[: self.samples])
        return found | {"high_quality": near.high_quality_share}

    def _densities(self, fake: Floats, noise: float) -> tuple[Floats, Floats]:
        """Of the data and of G, both under the estimate's kernel and the noise that D is shown."""
        blur = math.hypot(self.bandwidth, noise)
        p = self.data.density(density.AXIS, density.AXIS, math.hypot(blur, density.CELL / math.sqrt(12)))
        return p, density.kernel_density(fake, blur)

    def _field(self, toy: Any) -> Floats:
        """D on the grid, as the loss reads it; logits where there is no rule."""
        logits: Floats = toy.logits(density.grid_points()).reshape(density.SIDE, density.SIDE)
        return logits if self.optimum is None else self.optimum.of_logits(logits)

    def _against_optimum(self, toy: Any, optimum: Optimum) -> tuple[Floats, dict[str, float]]:
        """The optimal D of the moment, and how far D is from it."""
        noise = noise_at(self.recipe, toy.progress)
        # D is trained against G itself, not against its average.
        fake = toy.samples(ESTIMATE, "G")
        p, q = self._densities(fake, noise)
        best = optimum.of_share(share_of_real(p, q, *targets(self.recipe)))
        best = np.where(p + q < _NOWHERE, np.nan, best)
        some = np.concatenate([self.real[: self.samples], fake[: self.samples]])
        expected = density.at(best, some)
        # Beyond both densities' reach the optimum is anything.
        there = np.isfinite(expected)
        logits = toy.logits(some)
        found = {"d_error": float(np.abs(optimum.of_logits(logits) - expected)[there].mean())}
        if optimum.log_odds:
            at_p, at_q = density.at(p, some), density.at(q, some)
            with np.errstate(divide="ignore", invalid="ignore"):
                expected = np.clip(np.log(at_p / at_q), -_MOST_LOG_RATIO, _MOST_LOG_RATIO)
            error = np.abs(np.clip(logits, -_MOST_LOG_RATIO, _MOST_LOG_RATIO) - expected)
            real, of_fake = logits[: self.samples], logits[self.samples :]
            found |= {
                "log_ratio_error": float(error[np.isfinite(error)].mean()),
                # E_g p_data / p_g = 1.
                "ratio_mean": float(np.exp(np.minimum(of_fake, 50.0)).mean()),
                # What the value of D's game says of the divergence: C(G) = -log 4 + 2 JS for the optimal D.
                "js_by_d": math.log(2)
                - 0.5 * float(np.logaddexp(0, -real).mean())
                - 0.5 * float(np.logaddexp(0, of_fake).mean()),
            }
        return best, found
