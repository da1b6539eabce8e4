"""How each alarm reads the ticks: functions of (lines up to a tick, recipe), None where the tick does not say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from tfgan_kit.doctor.sign import Lines, Sign, number, percent, shown
from tfgan_kit.recipe import Recipe

Read = Callable[[Lines, Recipe], Sign | None]

# D's loss where it cannot tell at all: every logit the undecided one. The Wasserstein loss has no such value.
UNDECIDED = {
    "minimax": 1.386,
    "nonsaturating": 1.386,
    "half_cross_entropy": 0.693,
    "least_squares": 0.25,
    "hinge": 2.0,
    "relativistic": 0.693,
    "relativistic_average": 1.386,
}
# An explosion, as a multiple of watch_grad_norm.
EXPLOSION = 10.0
# Below this share of the full rates nothing is expected to change.
_LEAST_LR = 0.1


def d_loss_near_0(lines: Lines, recipe: Recipe) -> Sign | None:
    """D's loss as a share of what it is where D cannot tell."""
    loss = _while_both_learn(lines, recipe, "d_loss")
    if loss is None:
        return None
    undecided = UNDECIDED[recipe.loss]
    evidence = f"D's loss is {shown(loss)}, and {shown(undecided)} where D cannot tell real from fake"
    return Sign(bad=loss < recipe.watch_d_loss * undecided, evidence=evidence)


def d_accuracy_near_1(lines: Lines, recipe: Recipe) -> Sign | None:
    """D is right about nearly every picture."""
    accuracy = _while_both_learn(lines, recipe, "d_accuracy")
    if accuracy is None:
        return None
    return Sign(bad=accuracy > recipe.watch_accuracy, evidence=f"D is right about {percent(accuracy)} of the pictures")


def d_accuracy_wrong(lines: Lines, recipe: Recipe) -> Sign | None:
    """D is wrong about nearly every picture."""
    accuracy = _while_both_learn(lines, recipe, "d_accuracy")
    if accuracy is None:
        return None
    bad = accuracy < 1 - recipe.watch_accuracy
    return Sign(bad=bad, evidence=f"D is right about only {percent(accuracy)} of the pictures, and guessing about half")


def d_accuracy_chance(lines: Lines, recipe: Recipe) -> Sign | None:
    """D has guessed from the start on; later on it may, since perfect samples leave nothing else."""
    now = number(lines[-1], "d_accuracy")
    if now is None:
        return None
    values = (value for line in lines if (value := number(line, "d_accuracy")) is not None)
    bad = all(abs(value - 0.5) <= recipe.watch_chance for value in values)
    return Sign(bad=bad, evidence=f"D is right about {percent(now)} of the pictures, and never was about many more")


def gradients(network: str) -> Read:
    """The gradient norm of a network ("d" or "g"), a tick's mean."""

    def read(lines: Lines, recipe: Recipe) -> Sign | None:
        norm = number(lines[-1], f"{network}_grad_norm")
        if norm is None:
            return None
        return Sign(bad=norm > recipe.watch_grad_norm, evidence=_norm(network, norm))

    return read


def explosion(network: str) -> Read:
    """The gradient norm far beyond its bound."""

    def read(lines: Lines, recipe: Recipe) -> Sign | None:
        norm = number(lines[-1], f"{network}_grad_norm")
        if norm is None:
            return None
        return Sign(bad=not norm <= EXPLOSION * recipe.watch_grad_norm, evidence=_norm(network, norm))

    return read


def d_loss_spikes(lines: Lines, recipe: Recipe) -> Sign | None:
    """The deviation of D's loss from step to step, in units of the undecided loss; without one, of its own size."""
    loss, deviation = number(lines[-1], "d_loss"), number(lines[-1], "d_loss_deviation")
    if loss is None or deviation is None:
        return None
    unit = UNDECIDED.get(recipe.loss) or max(1.0, abs(loss))
    evidence = f"D's loss is {shown(loss)} with a deviation of {shown(deviation)} from step to step"
    return Sign(bad=deviation > recipe.watch_deviation * unit, evidence=evidence)


def g_loss_for_nothing(lines: Lines, recipe: Recipe) -> Sign | None:
    """G's loss falls from tick to tick, and the samples stay as they are."""
    count = recipe.watch_ticks + 1
    window = lines[-count:]
    if len(window) < count or not all("g_loss" in line and "fake_change" in line for line in window):
        return None
    losses = [number(line, "g_loss") or 0.0 for line in window]
    changes = [number(line, "fake_change") or 0.0 for line in window[1:]]
    falls = all(later < earlier for earlier, later in pairwise(losses))
    fall = losses[0] - losses[-1]
    learning = all((number(line, "lr_factor") or 0.0) >= _LEAST_LR for line in window)
    # What G's loss is at the start differs by loss, and may be near 0.
    enough = fall > recipe.watch_g_fall * max(abs(losses[0]), 0.1)
    evidence = (
        f"G's loss fell from {shown(losses[0])} to {shown(losses[-1])}, while samples changed by "
        f"{percent(max(changes))} a tick, where two real pictures differ by 100 %"
    )
    bad = falls and enough and learning and max(changes) < recipe.watch_change
    return Sign(bad=bad, evidence=evidence, ticks=recipe.watch_ticks)


def flat(lines: Lines, recipe: Recipe) -> Sign | None:
    """Samples that are one shade."""
    contrast = number(lines[-1], "fake_contrast")
    if contrast is None:
        return None
    return Sign(bad=contrast < recipe.watch_contrast, evidence=f"within a sample, {_of_real(contrast, 'the contrast')}")


def saturated(lines: Lines, recipe: Recipe) -> Sign | None:
    """Samples that are black and white where real ones are grey or coloured."""
    grey = number(lines[-1], "fake_grey")
    if grey is None:
        return None
    return Sign(bad=grey < recipe.watch_grey, evidence=_of_real(grey, "the share of values between black and white"))


def alike(lines: Lines, recipe: Recipe) -> Sign | None:
    """Samples that are all alike, or that repeat a few pictures."""
    variety, nearest = number(lines[-1], "fake_variety"), number(lines[-1], "fake_nearest")
    if variety is None or nearest is None:
        return None
    bad = variety < recipe.watch_variety or nearest < recipe.watch_nearest
    evidence = (
        f"{_of_real(variety, 'the variance between samples')}, and "
        f"{_of_real(nearest, 'the distance to the most similar sample')}"
    )
    return Sign(bad=bad, evidence=evidence)


def class_alike(lines: Lines, recipe: Recipe) -> Sign | None:
    """A class whose samples are all alike."""
    variety, which = number(lines[-1], "fake_class_variety"), number(lines[-1], "fake_class")
    if variety is None or which is None:
        return None
    about = f"the variance between samples of class {int(which)}"
    return Sign(bad=variety < recipe.watch_variety, evidence=_of_real(variety, about))


def loss_scale(lines: Lines, recipe: Recipe) -> Sign | None:
    """The loss scale of float16, on its way to where the run is stopped."""
    scales = {name: value for name in "dg" if (value := number(lines[-1], f"{name}_loss_scale")) is not None}
    if not scales:
        return None
    lowest = min(scales, key=lambda name: scales[name])
    evidence = f"the loss scale of {lowest.upper()} fell to {shown(scales[lowest])}; the run stops below 1"
    return Sign(bad=scales[lowest] < recipe.watch_loss_scale, evidence=evidence)


def augmentation(lines: Lines, recipe: Recipe) -> Sign | None:
    """ADA's strength where its changes may show in samples."""
    p = number(lines[-1], "ada_p")
    if p is None:
        return None
    return Sign(bad=p >= recipe.watch_ada_p, evidence=f"ADA's strength is {shown(p)} of at most {recipe.ada_max:g}")


def _while_both_learn(lines: Lines, recipe: Recipe, key: str) -> float | None:
    """A number of D, where G was trained beside it: alone, D is meant to win."""
    line = lines[-1]
    if recipe.alternate_kimg is not None or float(line["nimg"]) <= 1000 * recipe.pretrain_d_kimg:
        return None
    return number(line, key)


def _norm(network: str, norm: float) -> str:
    return f"the gradient norm of {network.upper()} is {shown(norm)}"


def _of_real(share: float, what: str) -> str:
    return f"{what} is {percent(share)} of the real pictures'"
