"""The watch over a running GAN: what its samples are like at each tick, what the doctor says, and what stops a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from tfgan_kit.data import Source
from tfgan_kit.doctor.examine import Examination
from tfgan_kit.doctor.samples import PROBES, Against, pooled
from tfgan_kit.doctor.sign import Line
from tfgan_kit.errors import DivergedError, FailedError
from tfgan_kit.gan import GAN
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.checkpoint import WATCH
from tfgan_kit.training.painter import Painter
from tfgan_kit.training.rollback import COUNT

# What is said of a value that is bad, and what to do about it.
_REMEDY = "try a lower d_lr and g_lr, or a higher r1_gamma, with another --out"
_COLLAPSED = "its gradients stay infinite; try precision=mixed_bfloat16 or float32, or a lower learning rate"
_BAD = {
    "images": ("pictures of the data were not finite", "look at what the data is read from"),
    "d_loss_scale": ("the loss scale of D was below 1, or not finite,", _COLLAPSED),
    "g_loss_scale": ("the loss scale of G was below 1, or not finite,", _COLLAPSED),
}
_SAMPLES = f"{WATCH}samples"


class Watch:
    """The watch over one run, from where it goes on."""

    def __init__(
        self,
        recipe: Recipe,
        source: Source,
        painter: Painter,
        *,
        lines: Iterable[Line],
        remembered: Mapping[str, np.ndarray],
        rollbacks: int,
        notify: Callable[[str], None],
    ) -> None:
        """Look back at what there is.

        Args:
            recipe: of the run.
            source: its data.
            painter: its averaged generator.
            lines: ticks so far.
            remembered: the checkpoint that the run goes on from; {} for a new run.
            rollbacks: of the run so far.
            notify: called with a line for each finding that begins or ends.
        """
        self._recipe, self._source, self._painter, self._notify = recipe, source, painter, notify
        self._examination = Examination(recipe, lines)
        self._before = remembered.get(_SAMPLES)
        self._rollbacks = rollbacks
        self._against: Against | None = None

    def state(self) -> dict[str, np.ndarray]:
        """What a resumed run needs of the watch, beside the GAN's own state."""
        samples = {} if self._before is None else {_SAMPLES: self._before}
        return samples | {COUNT: np.array(self._rollbacks)}

    def figures(self) -> dict[str, float]:
        """What samples are like now, as `doctor.samples.Against` has it."""
        if self._against is None:
            labels = self._painter.labels(np.arange(PROBES)) if self._source.labels is not None else None
            self._against = Against(self._source, labels)
        images = self._painter.draw(np.arange(self._against.count))
        found = self._against(images, self._before)
        self._before = pooled(images).astype(np.float16)
        return found

    def look(self, line: Line) -> None:
        """Tell what is wrong since a tick, and what is no longer.

        Args:
            line: of statistics.

        Raises:
            FailedError: a failure is sure, or was and lasts, and the recipe does not go on with one.
        """
        begun, over = self._examination.add(line)
        for finding in over:
            self._notify(f"doctor: over: {finding.what} ({finding.span()})")
        for finding in begun:
            self._notify(f"doctor: {finding.kind}: {finding.sentence()}")
        # One that lasts may have begun when the run was still to go on with it.
        failures = [each for each in self._examination.findings if each.failure and each.until_nimg is None]
        if failures and self._recipe.on_failure != "continue":
            raise FailedError(
                f"training failed at {line['nimg'] / 1000:.3g} kimg: {failures[0].sentence()}; checkpoints are kept: "
                "change the recipe and give another --out, or go on as it is with --on-failure continue",
                why=f"{failures[0].what} ({failures[0].span()})",
                since_nimg=self._since(int(line["nimg"])),
            )

    def check_finite(self, gan: GAN, img_per_step: int) -> None:
        """Stop a run whose images, losses or gradients are not finite, or whose loss scale has collapsed.

        Args:
            gan: after some train steps.
            img_per_step: images a train step.

        Raises:
            DivergedError: with the step, the value and what to try.
        """
        failure = gan.first_failure()
        if failure:
            name, step = failure
            nimg = step * img_per_step
            what, remedy = _BAD.get(name, (f"{name} was not finite", _REMEDY))
            raise DivergedError(
                f"{what} at step {step} ({nimg / 1000:.1f} kimg); earlier checkpoints are kept: {remedy}",
                why=f"{what} at step {step}",
                since_nimg=self._since(nimg),
            )

    def _since(self, nimg: int) -> int:
        """When what fails at `nimg` began."""
        since = self._examination.failing_since_nimg
        return nimg if since is None else min(since, nimg)
