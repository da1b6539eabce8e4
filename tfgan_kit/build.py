"""From a recipe to networks, optimizers and a compiled GAN, with everything that the recipe's switches plug in."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf

from tfgan_kit import auxiliary, penalties, schedules
from tfgan_kit.augment import ada, consistency, diffaugment
from tfgan_kit.errors import RecipeError
from tfgan_kit.gan import GAN
from tfgan_kit.losses import LOSSES
from tfgan_kit.networks import dcgan, keras_dcgan, mlp, progressive, r3gan, resnet, srresnet, style
from tfgan_kit.networks.layers.spectral import power_iterate
from tfgan_kit.plugs import Plugs
from tfgan_kit.recipe import Recipe, field_named
from tfgan_kit.stabilizers.clipping import clip_weights
from tfgan_kit.stabilizers.fresh_optimizers import reset_at
from tfgan_kit.stabilizers.history import historical_averaging
from tfgan_kit.stabilizers.instance_noise import instance_noise
from tfgan_kit.stabilizers.past import PastWeights
from tfgan_kit.stabilizers.plan import make_plan
from tfgan_kit.stabilizers.replay import Replay, replay_buffer
from tfgan_kit.stabilizers.targets import Targets, hard_targets, soft_targets
from tfgan_kit.terms import Term, Transform

FAMILIES: dict[str, ModuleType] = {
    "dcgan": dcgan,
    "mlp": mlp,
    "keras_dcgan": keras_dcgan,
    "resnet": resnet,
    "srresnet": srresnet,
    "progressive": progressive,
    "style": style,
    "r3gan": r3gan,
}
# What a network may do beyond its family's own architecture: refused where the family cannot.
SWITCHES = (
    "g_norm", "g_leak", "g_up", "g_spectral_norm", "g_attention_px", "g_noise", "g_dropout",
    "init", "d_norm", "d_leak", "d_down", "d_spectral_norm", "d_attention_px", "d_dropout", "d_minibatch",
)  # fmt: skip

# How large it is: those of another family are left aside, which a run says.
SIZES = (
    "kernel_px", "norm_momentum", "g_width", "g_max_width", "g_start_px", "g_hidden", "g_blocks", "g_mapping",
    "d_width", "d_max_width", "d_end_px", "d_hidden", "d_blocks",
)  # fmt: skip


def build_gan(recipe: Recipe, shape: tuple[int, int, int], classes: tuple[int, ...] = ()) -> GAN:
    """The GAN of a recipe, ready to train.

    Args:
        recipe: what to build.
        shape: height, width and channels of the images.
        classes: values of each label attribute; () for an unconditional GAN.

    Raises:
        RecipeError: a switch that the family does not have, or a resolution that it cannot make.
    """
    D_float32 = None
    if recipe.precision != "float32":
        D_float32 = build_discriminator(recipe, shape=shape, classes=classes, dtype="float32")
    gan = GAN(
        build_generator(recipe, shape=shape, classes=classes),
        build_discriminator(recipe, shape=shape, classes=classes),
        build_generator(recipe, shape=shape, classes=classes, in_use=True),
        z_dim=recipe.z_dim,
        z_prior=recipe.z_prior,
        seed=recipe.seed,
        D_float32=D_float32,
    )

    gan.compile(
        g_optimizer=_optimizer(recipe, recipe.g_optimizer, recipe.g_lr, "g_optimizer"),
        d_optimizer=_optimizer(recipe, recipe.d_optimizer, recipe.d_lr, "d_optimizer"),
        loss=LOSSES[recipe.loss],
        g_adversarial=recipe.g_adversarial,
        plugs=_plugs(recipe, gan, shape, classes),
        d_steps=recipe.d_steps,
        ema_halflife_kimg=recipe.ema_halflife_kimg,
        ema_rampup=recipe.ema_rampup,
        lr_factor=partial(
            schedules.lr_factor, recipe.lr_schedule, hold=recipe.lr_hold, warmup_kimg=recipe.lr_warmup_kimg
        ),
        total_img=recipe.kimg * 1000 if recipe.kimg else None,
        jit=recipe.jit,
    )
    return gan


def build_generator(
    recipe: Recipe,
    *,
    shape: tuple[int, int, int],
    classes: tuple[int, ...],
    dtype: str | None = None,
    in_use: bool = False,
    truncation: float = 1.0,
) -> keras.Model:
    """G of a recipe with its initial weights.

    Args:
        recipe: what to build.
        shape: height, width and channels of the images.
        classes: values of each label attribute.
        dtype: overrides the recipe's precision.
        in_use: G as pictures are drawn from it: with noise and dropout only if the recipe keeps them.
        truncation: psi, for a family that has an average of w.

    Raises:
        RecipeError: a switch that the family does not have, or a resolution that it cannot make.
    """
    build = FAMILIES[recipe.family].generator
    arguments = _arguments(recipe, build, "g_", dtype)
    if in_use and not recipe.g_random_in_use:
        arguments |= {name: 0.0 for name in ("noise", "dropout") if name in arguments}
    if truncation != 1:
        if "truncation" not in inspect.signature(build).parameters:
            raise RecipeError(f"truncation={truncation} needs an average of w, which family {recipe.family} has not")
        arguments["truncation"] = truncation
    G: keras.Model = build(resolution=shape[:2], channels=shape[2], classes=classes, seed=2 * recipe.seed, **arguments)
    return G


def build_discriminator(
    recipe: Recipe, *, shape: tuple[int, int, int], classes: tuple[int, ...], dtype: str | None = None
) -> keras.Model:
    """D of a recipe with its initial weights; `dtype` overrides the recipe's precision.

    Raises:
        RecipeError: a switch that the family does not have, or a resolution that it cannot make.
    """
    build = FAMILIES[recipe.family].discriminator
    arguments = _arguments(recipe, build, "d_", dtype)
    D: keras.Model = build(
        resolution=shape[:2], channels=shape[2], classes=classes, seed=2 * recipe.seed + 1, **arguments
    )
    return D


def _arguments(recipe: Recipe, build: Callable[..., Any], prefix: str, dtype: str | None) -> dict[str, Any]:
    """The recipe's values for the arguments that a family takes: that of g_width or d_width for `width`, and so on."""
    fields = {field.name for field in dataclasses.fields(Recipe)}
    taken = inspect.signature(build).parameters
    found = {name: prefix + name if prefix + name in fields else name for name in taken}
    _check_switches(recipe, prefix, set(taken))
    values = {name: getattr(recipe, field) for name, field in found.items() if field in fields}
    # What the data decides is given by the caller.
    for name in ("resolution", "channels", "seed"):
        values.pop(name, None)
    return values | {"dtype": dtype or recipe.precision}


def _check_switches(recipe: Recipe, prefix: str, taken: set[str]) -> None:
    """Refuse switches of a network that its family would ignore."""
    for name in (name for name in SWITCHES if name.startswith(prefix) or "_" not in name):
        value, default = getattr(recipe, name), field_named(name).default
        if name.removeprefix(prefix) not in taken and value != default:
            raise RecipeError(
                f"family {recipe.family} has no {name}; got {name}={value}: leave it at {default}, or choose a family "
                f"that has it: {', '.join(families_with(name))}"
            )


def unused_sizes(recipe: Recipe) -> list[str]:
    """A line on the sizes that a recipe changes and its family has not; none if there are none."""
    changed = [name for name in SIZES if getattr(recipe, name) != field_named(name).default]
    unused = [name for name in changed if recipe.family not in families_with(name)]
    return [f"family {recipe.family} has no {', '.join(unused)}: left aside"] if unused else []


def families_with(switch: str) -> list[str]:
    """The families that have a switch or a size, a name in SWITCHES or SIZES."""
    builder = "discriminator" if switch.startswith("d_") else "generator"
    taken = {family: inspect.signature(vars(module)[builder]).parameters for family, module in FAMILIES.items()}
    name = switch.removeprefix("g_").removeprefix("d_")
    return [family for family, parameters in taken.items() if name in parameters]


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


def _optimizer(recipe: Recipe, kind: str, lr: float, name: str) -> keras.Optimizer:
    if kind == "adam":
        optimizer = keras.optimizers.Adam(lr, beta_1=recipe.beta1, beta_2=recipe.beta2, epsilon=1e-8, name=name)
    elif kind == "rmsprop":
        optimizer = keras.optimizers.RMSprop(lr, rho=recipe.beta2, name=name)
    else:
        optimizer = keras.optimizers.SGD(lr, momentum=recipe.beta1, name=name)
    if recipe.precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer, name=f"scaled_{name}")
    return optimizer


def _plugs(recipe: Recipe, gan: GAN, shape: tuple[int, int, int], classes: tuple[int, ...]) -> Plugs:
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
