"""From a recipe to networks, optimizers and a compiled GAN."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import keras

from tfgan_kit import schedules
from tfgan_kit.errors import RecipeError
from tfgan_kit.gan import GAN
from tfgan_kit.losses import LOSSES
from tfgan_kit.networks import dcgan, keras_dcgan, mlp, progressive, r3gan, resnet, srresnet, style
from tfgan_kit.recipe import Recipe, field_named
from tfgan_kit.switchboard import make_plugs

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
        plugs=make_plugs(recipe, gan, shape, classes),
        d_steps=recipe.d_steps,
        accumulate=recipe.accumulate,
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


def seen_in_parts(gan: GAN) -> list[str]:
    """A line on what sees a part of a batch where the whole is meant; none if nothing does."""
    batchwise = gan.batchwise() if gan.accumulate > 1 else []
    if not batchwise:
        return []
    return [f"accumulate={gan.accumulate}: {', '.join(batchwise)} see one part of a batch at a time, not all of it"]


def families_with(switch: str) -> list[str]:
    """The families that have a switch or a size, a name in SWITCHES or SIZES."""
    builder = "discriminator" if switch.startswith("d_") else "generator"
    taken = {family: inspect.signature(vars(module)[builder]).parameters for family, module in FAMILIES.items()}
    name = switch.removeprefix("g_").removeprefix("d_")
    return [family for family, parameters in taken.items() if name in parameters]


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
