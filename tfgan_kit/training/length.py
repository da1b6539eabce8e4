"""How long a run is, its step, its tick and its checkpoint, and how much of it is left."""

from __future__ import annotations

from collections.abc import Callable

from tfgan_kit.recipe import Recipe


def img_per_step(recipe: Recipe) -> int:
    """Images a train step."""
    return recipe.batch_size * recipe.d_steps


def steps_per_tick(recipe: Recipe) -> int:
    """Train steps a tick."""
    return max(1, round(recipe.tick_kimg * 1000 / img_per_step(recipe)))


def steps_per_checkpoint(recipe: Recipe) -> int:
    """Train steps from one regular checkpoint to the next."""
    return steps_per_tick(recipe) * recipe.checkpoint_ticks


class Length:
    """How long a run is: by images, or by the clock."""

    def __init__(self, recipe: Recipe, *, step: int, time_progress: float, clock: Callable[[], float]) -> None:
        self.total_img = round(recipe.kimg * 1000) if recipe.kimg else None
        self._total_steps = -(-self.total_img // img_per_step(recipe)) if self.total_img else None
        self._budget_sec = recipe.minutes * 60 if recipe.minutes else None
        # A resumed run has already used its share.
        self._clock, self._started = clock, clock()
        self._begun_at = step / self._total_steps if self._total_steps else time_progress

    def time_share(self) -> float:
        """Share of the time budget that is used; 0 where images decide."""
        if self._budget_sec is None:
            return 0.0
        return min(1.0, self._begun_at + (self._clock() - self._started) / self._budget_sec)

    def reached(self, step: int) -> bool:
        """Whether the run is over after `step` steps."""
        return step >= self._total_steps if self._total_steps else self.time_share() >= 1.0

    def steps_left(self, step: int) -> int:
        """Steps until the end; very many where the clock decides."""
        return self._total_steps - step if self._total_steps else 2**31 - 1

    def sec_left(self, share: float) -> float:
        """Estimate of the seconds left from this process's own pace, where `share` of the run is done."""
        return (self._clock() - self._started) * (1.0 - share) / max(share - self._begun_at, 1e-9)
