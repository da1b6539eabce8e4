"""The table of alarms: what each says, how grave it is, when it can be read, and what to try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tfgan_kit.doctor import signs
from tfgan_kit.doctor.remedies import Remedy, exchange, less, more, put
from tfgan_kit.doctor.sign import Lines, Sign
from tfgan_kit.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One thing that may be wrong.

    Attributes:
        name: of the alarm, a word or two.
        what: is wrong, in plain words.
        failure: whether training does not get out of it as a rule, so that --on-failure acts; a note otherwise.
        read: what a tick says of it.
        try_: changes of the recipe, the first of which that are legal are proposed.
        watched: recipe -> "" or why it is not watched there.
        at_once: whether a single tick is enough, and an early one too; else as many in a row as `watch_ticks` says,
            after `watch_from_kimg`.
    """

    name: str
    what: str
    failure: bool
    read: Callable[[Lines, Recipe], Sign | None]
    try_: tuple[Remedy, ...]
    watched: Callable[[Recipe], str] = lambda recipe: ""
    at_once: bool = False

    def ticks(self, recipe: Recipe) -> int:
        """How many ticks in a row it takes."""
        return 1 if self.at_once else recipe.watch_ticks


def _off(field: str, off: float = 0.0) -> Callable[[Recipe], str]:
    """Not watched where a threshold is at its end."""
    return lambda recipe: f"{field}={off:g} leaves it out" if getattr(recipe, field) == off else ""


def _d_loss(recipe: Recipe) -> str:
    if recipe.loss not in signs.UNDECIDED:
        return f"the {recipe.loss} loss has no value that means that D has won"
    return _turns(recipe) or _off("watch_d_loss")(recipe)


def _accuracy(recipe: Recipe) -> str:
    if recipe.loss == "wasserstein":
        return "the critic of a Wasserstein loss is meant to order its pairs"
    return _turns(recipe) or _off("watch_accuracy", 1.0)(recipe)


def _turns(recipe: Recipe) -> str:
    return "D and G take turns (alternate_kimg), in which each is meant to win" if recipe.alternate_kimg else ""


def _loss_scale(recipe: Recipe) -> str:
    if recipe.precision != "mixed_float16":
        return "only precision=mixed_float16 has a loss scale"
    return _off("watch_loss_scale")(recipe)


def _ada(recipe: Recipe) -> str:
    return "only augment=ada has a strength that moves" if recipe.augment != "ada" else _off("watch_ada_p", 1.0)(recipe)


def _falls(recipe: Recipe) -> str:
    return _turns(recipe) or _off("watch_change")(recipe)


# Of a run that ended as something was not finite, which no tick shows.
AGAINST_DIVERGENCE = (less("d_lr", 4.0), less("g_lr", 4.0), more("r1_gamma", 10.0, first=1.0))
_BOUND_D = (more("r1_gamma", 10.0, first=1.0), put("augment", "diffaugment"), put("instance_noise", 0.1))

ALARMS = (
    Alarm(
        name="D's loss near 0",
        what="D has won: it tells real from fake so surely that G has little left to learn from",
        failure=False,
        read=signs.d_loss_near_0,
        try_=(*_BOUND_D, less("d_lr", 2.0)),
        watched=_d_loss,
    ),
    Alarm(
        name="D's accuracy near 1",
        what="D is hardly ever wrong, so it is too strong for G",
        failure=False,
        read=signs.d_accuracy_near_1,
        try_=(*_BOUND_D, less("d_lr", 2.0)),
        watched=_accuracy,
    ),
    Alarm(
        name="D's accuracy near 0",
        what="D takes real for fake and fake for real, so what it teaches G is wrong",
        failure=False,
        read=signs.d_accuracy_wrong,
        try_=(put("label_flips", 0.0), put("real_labels", None), put("fake_labels", None), more("d_lr", 2.0)),
        watched=_accuracy,
    ),
    Alarm(
        name="D only guesses",
        what="D has learned nothing since the start, so G has nothing to learn from",
        failure=False,
        read=signs.d_accuracy_chance,
        try_=(put("label_flips", 0.0), more("d_lr", 4.0), more("d_steps", 2), less("r1_gamma", 10.0)),
        watched=_off("watch_chance"),
    ),
    *(
        Alarm(
            name=f"{network}'s gradients",
            what=f"the gradients of {network} are large",
            failure=False,
            read=signs.gradients(network.lower()),
            try_=(less(f"{network.lower()}_lr", 2.0), more("r1_gamma", 10.0, first=1.0)),
            watched=_off("watch_grad_norm"),
        )
        for network in "DG"
    ),
    *(
        Alarm(
            name=f"{network}'s gradients explode",
            what=f"the gradients of {network} explode",
            failure=True,
            read=signs.explosion(network.lower()),
            try_=(less(f"{network.lower()}_lr", 4.0), more("r1_gamma", 10.0, first=1.0)),
            watched=_off("watch_grad_norm"),
            at_once=True,
        )
        for network in "DG"
    ),
    Alarm(
        name="D's loss jumps",
        what="D's loss jumps up and down from step to step",
        failure=False,
        read=signs.d_loss_spikes,
        try_=(less("d_lr", 2.0), more("r1_gamma", 10.0, first=1.0), put("beta1", 0.0)),
        watched=_off("watch_deviation"),
    ),
    Alarm(
        name="G's loss falls for nothing",
        what="G's loss falls steadily while its samples do not change, so D is getting worse, not G better",
        failure=False,
        read=signs.g_loss_for_nothing,
        try_=(put("label_flips", 0.0), more("g_lr", 4.0), put("drift_lambda", 0.001), more("d_lr", 2.0)),
        watched=_falls,
        at_once=True,
    ),
    Alarm(
        name="flat samples",
        what="samples are dead: each is one shade",
        failure=True,
        read=signs.flat,
        try_=(exchange("loss", "minimax", "nonsaturating"), less("g_lr", 4.0), less("d_lr", 4.0)),
        watched=_off("watch_contrast"),
    ),
    Alarm(
        name="saturated samples",
        what="samples are dead: they are black and white where real pictures are neither",
        failure=True,
        read=signs.saturated,
        try_=(less("g_lr", 4.0), more("r1_gamma", 10.0, first=1.0)),
        watched=_off("watch_grey"),
    ),
    Alarm(
        name="samples alike",
        what="samples are all alike, or repeat a few pictures: their variety is lost",
        failure=True,
        read=signs.alike,
        try_=(
            put("d_minibatch", "stddev"),
            put("d_minibatch", "discrimination"),
            more("r1_gamma", 10.0, first=1.0),
            less("g_lr", 4.0),
        ),
        watched=_off("watch_variety"),
    ),
    Alarm(
        name="a class alike",
        what="the samples of one class are all alike",
        failure=False,
        read=signs.class_alike,
        try_=(put("d_minibatch", "stddev"), put("condition", "auxiliary"), more("r1_gamma", 10.0, first=1.0)),
        watched=_off("watch_variety"),
    ),
    Alarm(
        name="loss scale",
        what="float16 gradients keep overflowing",
        failure=True,
        read=signs.loss_scale,
        try_=(put("precision", "mixed_bfloat16"), put("precision", "float32"), less("d_lr", 2.0)),
        watched=_loss_scale,
        at_once=True,
    ),
    Alarm(
        name="augmentation",
        what="ADA's augmentation is so strong that its changes may show in the samples",
        failure=False,
        read=signs.augmentation,
        try_=(put("ada_max", 0.6), put("augment", "diffaugment"), more("r1_gamma", 10.0, first=1.0)),
        watched=_ada,
    ),
)
