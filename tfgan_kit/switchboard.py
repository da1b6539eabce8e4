"""From a recipe's switches to what they plug into the train step: a line or a small function each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import keras
import tensorflow as tf

from tfgan_kit import auxiliary, penalties
from tfgan_kit.augment import ada, consistency, diffaugment
from tfgan_kit.errors import RecipeError
from tfgan_kit.gan import GAN
from tfgan_kit.networks import progressive
from tfgan_kit.networks.layers.spectral import power_iterate
from tfgan_kit.plugs import Plugs
from tfgan_kit.recipe import Recipe
from tfgan_kit.stabilizers.clipping import clip_weights
from tfgan_kit.stabilizers.fresh_optimizers import reset_at
from tfgan_kit.stabilizers.history import historical_averaging
from tfgan_kit.stabilizers.instance_noise import instance_noise
from tfgan_kit.stabilizers.past import PastWeights
from tfgan_kit.stabilizers.plan import make_plan
from tfgan_kit.stabilizers.replay import Replay, replay_buffer
from tfgan_kit.stabilizers.targets import Targets, hard_targets, soft_targets
from tfgan_kit.terms import Term, Transform


def make_plugs(recipe: Recipe, gan: GAN, shape: tuple[int, int, int], classes: tuple[int, ...]) -> Plugs:
    """What a recipe's switches add to the train step of a GAN.

    Args:
        recipe: whose switches.
        gan: its networks and optimizers, not compiled yet.
        shape: height, width and channels of the images.
        classes: values of each label attribute.
    """
    img_per_step = recipe.batch_size * recipe.d_steps
    before_step, level_starts_kimg = _growth(recipe, gan)
    return Plugs(
        d_terms=_d_terms(recipe, gan.D, classes),
        g_terms=_g_terms(recipe, gan.G, classes),
        lazy_every=recipe.lazy_every,
        targets=_targets(recipe),
        shown=_shown(recipe),
        replay=_replay(recipe, shape, classes),
        past_g=_past(recipe, gan.G, "g", img_per_step),
        past_d=_past(recipe, gan.D, "d", img_per_step),
        before_step=before_step,
        after_d_step=_after_step(recipe.d_spectral_norm, recipe.weight_clip),
        after_g_step=_after_step(recipe.g_spectral_norm),
        plan=make_plan(
            img_per_step=img_per_step,
            pretrain_d_kimg=recipe.pretrain_d_kimg,
            alternate_kimg=recipe.alternate_kimg,
            lazy_every=recipe.lazy_every,
            level_starts_kimg=level_starts_kimg,
        ),
    )


def _d_terms(recipe: Recipe, D: keras.Model, classes: Sequence[int]) -> list[Term]:
    return _weighted(
        (recipe.r1_gamma, penalties.r1),
        (recipe.r2_gamma, penalties.r2),
        (recipe.gp_lambda, penalties.gradient_penalty),
        (recipe.dragan_lambda, penalties.dragan),
        (recipe.drift_lambda, penalties.drift),
        (recipe.lecam_lambda, penalties.lecam),
        (recipe.bcr_lambda, lambda weight: consistency(weight, weight, diffaugment(recipe.augment_ops))),
        (recipe.d_orthogonal, partial(penalties.orthogonal, name="d_orthogonal")),
        (recipe.historical_averaging, partial(historical_averaging, variables=D.trainable_variables, name="d_history")),
        (_auxiliary(recipe, classes), partial(auxiliary.auxiliary_classifier_d, classes=classes)),
    )


def _g_terms(recipe: Recipe, G: keras.Model, classes: Sequence[int]) -> list[Term]:
    return _weighted(
        (recipe.feature_matching, auxiliary.feature_matching),
        (recipe.path_lambda, penalties.path_length),
        (recipe.g_orthogonal, partial(penalties.orthogonal, name="g_orthogonal")),
        (recipe.historical_averaging, partial(historical_averaging, variables=G.trainable_variables, name="g_history")),
        (_auxiliary(recipe, classes), partial(auxiliary.auxiliary_classifier_g, classes=classes)),
    )


def _weighted(*terms: tuple[float, Callable[[float], Term]]) -> list[Term]:
    """The terms that have a weight."""
    return [make(weight) for weight, make in terms if weight]


def _auxiliary(recipe: Recipe, classes: Sequence[int]) -> float:
    return recipe.auxiliary if recipe.condition == "auxiliary" and classes else 0.0


def _targets(recipe: Recipe) -> Targets:
    soft = recipe.label_smoothing or recipe.label_flips or recipe.real_labels or recipe.fake_labels
    if not soft:
        return hard_targets
    high = 1.0 - recipe.label_smoothing
    return soft_targets(
        real=recipe.real_labels or (high, high), fake=recipe.fake_labels or (0.0, 0.0), flips=recipe.label_flips
    )


def _shown(recipe: Recipe) -> list[Transform]:
    if recipe.augment == "auto":
        raise RecipeError("augment=auto is decided by the number of pictures, which is not known here: set another")
    shown = []
    if recipe.augment == "diffaugment":
        shown.append(diffaugment(recipe.augment_ops))
    elif recipe.augment == "ada":
        shown.append(
            ada(ops=recipe.augment_ops, target=recipe.ada_target, speed_kimg=recipe.ada_kimg, max_p=recipe.ada_max)
        )
    if recipe.instance_noise:
        shown.append(instance_noise(recipe.instance_noise, recipe.instance_noise_until))
    return shown


def _replay(recipe: Recipe, shape: tuple[int, int, int], classes: Sequence[int]) -> Replay | None:
    if not recipe.replay_images:
        return None
    return replay_buffer(recipe.replay_images, recipe.replay_share, shape, attributes=len(classes))


def _past(recipe: Recipe, network: keras.Model, which: str, img_per_step: int) -> PastWeights | None:
    if recipe.swap not in (which, "both"):
        return None
    every_steps = max(1, round(recipe.swap_every_kimg * 1000 / img_per_step))
    return PastWeights(network, every_steps=every_steps, for_steps=recipe.swap_steps)


def _after_step(spectral_norm: bool, clip: float = 0.0) -> list[Callable[[keras.Model], None]]:
    after: list[Callable[[keras.Model], None]] = []
    if clip:
        after.append(clip_weights(clip))
    if spectral_norm:
        after.append(power_iterate)
    return after


def _growth(recipe: Recipe, gan: GAN) -> tuple[list[Callable[[tf.Tensor], None]], tuple[float, ...]]:
    """What sets the size of growing networks before a step, and the kimg at which each of their levels begins."""
    if recipe.family != "progressive":
        return [], ()
    levels = len(gan.G.levels)
    starts = progressive.level_starts_kimg(recipe.fade_kimg, levels)

    def grow(nimg: tf.Tensor) -> None:
        for network in (gan.G, gan.D):
            progressive.set_growth(network, progressive.growth_at(nimg, recipe.fade_kimg, levels))
        reset_at(starts[1:], nimg, recipe.batch_size * recipe.d_steps, (gan.g_optimizer, gan.d_optimizer))

    return [grow], starts[1:]
