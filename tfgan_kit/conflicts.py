"""Recipe fields that contradict each other, a rule each. No TensorFlow here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tfgan_kit.errors import RecipeError


class Conflict(NamedTuple):
    """One rule.

    Attributes:
        fields: that contradict each other, as the error names them.
        found: recipe -> whether they do.
        why: they do.
        way_out: what to change.
    """

    fields: tuple[str, ...]
    found: Callable[[Any], bool]
    why: str
    way_out: str


# Losses that only differences of logits enter, so that their sign means nothing.
_RELATIVE = ("wasserstein", "relativistic", "relativistic_average")


def _within(ends: tuple[float, float] | None) -> bool:
    """Whether a range's middle is a probability."""
    return ends is None or 0 <= sum(ends) / 2 <= 1


CONFLICTS = (
    Conflict(
        ("weight_clip", "d_spectral_norm"),
        lambda r: r.weight_clip > 0 and r.d_spectral_norm,
        "both bound D's slope, and a clipped kernel has no effect once it is normalised",
        "set one of them to 0 or false",
    ),
    Conflict(
        ("weight_clip", "gp_lambda"),
        lambda r: r.weight_clip > 0 and r.gp_lambda > 0,
        "the gradient penalty is what replaces clipping",
        "set one of them to 0",
    ),
    Conflict(
        ("gp_lambda", "dragan_lambda"),
        lambda r: r.gp_lambda > 0 and r.dragan_lambda > 0,
        "both ask for a slope of 1, at different pictures",
        "set one of them to 0",
    ),
    Conflict(
        ("gp_lambda", "d_norm", "family"),
        lambda r: r.gp_lambda > 0 and (r.d_norm == "batch" or r.family == "keras_dcgan"),
        "the penalty is on each picture's own slope, and batch norm, which keras_dcgan always has, mixes pictures",
        "set d_norm to group, instance or none, or choose another family",
    ),
    Conflict(
        ("feature_matching", "d_hidden"),
        lambda r: r.feature_matching > 0 and r.family == "mlp" and not r.d_hidden,
        "a linear D has no intermediate layer whose features could be matched",
        "give d_hidden at least one layer, or set feature_matching to 0",
    ),
    Conflict(
        ("g_adversarial", "feature_matching"),
        lambda r: r.g_adversarial == 0 and r.feature_matching == 0,
        "nothing would be left for G to learn from",
        "raise one of them",
    ),
    Conflict(
        ("condition", "conditional"),
        lambda r: r.condition == "auxiliary" and r.conditional is False,
        "a classifier needs classes",
        "set conditional to true or none, or condition to projection",
    ),
    Conflict(
        ("label_smoothing", "real_labels"),
        lambda r: r.label_smoothing > 0 and r.real_labels is not None,
        "both set D's target for real pictures",
        "set label_smoothing to 0, or real_labels to none",
    ),
    Conflict(
        ("pretrain_d_kimg", "alternate_kimg"),
        lambda r: r.pretrain_d_kimg > 0 and r.alternate_kimg is not None,
        "alternating training begins with D alone already",
        "set pretrain_d_kimg to 0, or alternate_kimg to none",
    ),
    Conflict(
        ("lazy_every", "r1_gamma", "r2_gamma", "path_lambda"),
        lambda r: r.lazy_every > 1 and not (r.r1_gamma or r.r2_gamma or r.path_lambda),
        "there is nothing to be lazy about",
        "set lazy_every to 1, or give one of the others a weight",
    ),
    Conflict(
        ("g_random_in_use", "g_noise", "g_dropout"),
        lambda r: r.g_random_in_use and not (r.g_noise or r.g_dropout),
        "there is no randomness to keep",
        "set g_random_in_use to false, or give one of the others a value",
    ),
    Conflict(
        ("augment", "loss"),
        lambda r: r.augment == "ada" and r.loss in (*_RELATIVE, "least_squares"),
        "ADA steers by the sign of D's logits, to which this loss gives no meaning",
        "set augment to diffaugment or none, or choose another loss",
    ),
    Conflict(
        ("real_labels", "fake_labels", "loss"),
        lambda r: r.loss != "least_squares" and not (_within(r.real_labels) and _within(r.fake_labels)),
        "a range whose middle lies outside of 0 to 1 lets D's loss fall without end",
        "choose ranges around 1 and 0 whose middle is within",
    ),
    Conflict(
        ("loss", "label_smoothing", "real_labels", "fake_labels"),
        lambda r: r.loss == "wasserstein" and bool(r.label_smoothing or r.real_labels or r.fake_labels),
        "the Wasserstein loss has no targets, and any but 1 and 0 let D drift without end",
        "choose another loss, or leave the targets alone",
    ),
    Conflict(
        ("path_lambda", "precision"),
        lambda r: r.path_lambda > 0 and r.precision == "mixed_float16",
        "the gradient within the path length overflows in half precision",
        "set precision to mixed_bfloat16 or float32, or path_lambda to 0",
    ),
    Conflict(
        ("pretrain_d_kimg", "kimg"),
        lambda r: r.kimg is not None and r.pretrain_d_kimg >= r.kimg,
        "G would never be trained",
        "lower pretrain_d_kimg, or raise kimg",
    ),
    Conflict(
        ("alternate_kimg", "kimg"),
        lambda r: r.kimg is not None and r.alternate_kimg is not None and r.alternate_kimg[0] >= r.kimg,
        "G would never be trained",
        "lower alternate_kimg, or raise kimg",
    ),
    Conflict(
        ("swap", "swap_every_kimg", "kimg"),
        lambda r: r.kimg is not None and r.swap != "none" and r.swap_every_kimg >= r.kimg,
        "there would never be a swap",
        "lower swap_every_kimg, or raise kimg",
    ),
    Conflict(
        ("family", "weight_clip"),
        lambda r: r.weight_clip > 0 and r.family in ("progressive", "style"),
        "its weights are of deviation 1 and scaled when they are used, so the bound is not that of what D computes",
        "set weight_clip to 0, or choose another family",
    ),
    Conflict(
        ("crop", "resolution"),
        lambda r: None not in (r.crop, r.resolution) and (r.crop[0] > r.resolution[0] or r.crop[1] > r.resolution[1]),
        "the window is larger than the pictures that it is cut of",
        "lower crop, or raise resolution",
    ),
    Conflict(
        ("accumulate", "batch_size"),
        lambda r: r.batch_size % r.accumulate != 0,
        "the parts of a batch must be of one size",
        "choose an accumulate that divides batch_size",
    ),
    Conflict(
        ("d_minibatch", "batch_size", "accumulate"),
        lambda r: r.d_minibatch == "stddev" and all(r.batch_size // r.accumulate % size for size in (2, 3)),
        "the deviation is taken within groups of 2, 3 or 4 pictures, into which the batch, or its part, does not part",
        "choose a batch_size whose parts 2 or 3 divides",
    ),
    Conflict(
        ("replay_images", "replay_share", "batch_size"),
        lambda r: 0 < r.replay_images < r.replay_share * r.batch_size,
        "the past fakes do not hold what one batch adds to them",
        "raise replay_images, or lower one of the others",
    ),
    Conflict(
        ("swap_steps", "swap_every_kimg", "batch_size", "d_steps"),
        lambda r: r.swap != "none" and r.swap_steps >= round(r.swap_every_kimg * 1000 / (r.batch_size * r.d_steps)),
        "a swap must be over before the next one begins",
        "lower swap_steps, or raise swap_every_kimg",
    ),
    Conflict(
        ("alternate_kimg", "batch_size", "d_steps"),
        lambda r: r.alternate_kimg is not None and min(r.alternate_kimg) * 1000 < r.batch_size * r.d_steps,
        "a span is shorter than a single step",
        "raise alternate_kimg, or lower batch_size",
    ),
    Conflict(
        ("family", "d_minibatch"),
        lambda r: r.family == "mlp" and r.d_minibatch == "stddev",
        "the deviation is added to a map as a channel, and a perceptron has no maps",
        "set d_minibatch to discrimination or none",
    ),
    Conflict(
        ("family", "g_norm", "d_norm"),
        lambda r: r.family == "mlp" and "instance" in (r.g_norm, r.d_norm),
        "a vector has no map to be normalised over",
        "set g_norm and d_norm to batch, group or none",
    ),
)


def check_conflicts(recipe: Any) -> None:
    """Refuse fields that contradict each other.

    Args:
        recipe: a `tfgan_kit.recipe.Recipe`, which calls this when it is made.

    Raises:
        RecipeError: with the fields and their values, the reason and the way out.
    """
    for conflict in CONFLICTS:
        if conflict.found(recipe):
            named = " and ".join(f"{name}={_shown(getattr(recipe, name))}" for name in conflict.fields)
            raise RecipeError(f"{named} contradict each other: {conflict.why}; {conflict.way_out}")


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()
