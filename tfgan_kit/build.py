"""From a recipe to networks, optimizers and a compiled GAN."""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any

import keras

from tfgan_kit import penalties, schedules
from tfgan_kit.gan import GAN
from tfgan_kit.losses import LOSSES
from tfgan_kit.networks import dcgan, mlp
from tfgan_kit.penalties import Penalty
from tfgan_kit.recipe import Recipe

FAMILIES: dict[str, ModuleType] = {"dcgan": dcgan, "mlp": mlp}


def build_gan(recipe: Recipe, shape: tuple[int, int, int], num_classes: int = 0) -> GAN:
    """The GAN of a recipe, ready to train.

    Args:
        recipe: what to build.
        shape: height, width and channels of the images.
        num_classes: 0 for an unconditional GAN.
    """
    sizes: dict[str, Any] = {"shape": shape, "num_classes": num_classes}
    D_float32 = None
    if recipe.precision != "float32":
        D_float32 = build_discriminator(recipe, **sizes, dtype="float32")
    gan = GAN(
        build_generator(recipe, **sizes),
        build_discriminator(recipe, **sizes),
        build_generator(recipe, **sizes),
        z_dim=recipe.z_dim,
        z_prior=recipe.z_prior,
        seed=recipe.seed,
        D_float32=D_float32,
    )
    gan.compile(
        g_optimizer=_optimizer(recipe, recipe.g_optimizer, recipe.g_lr, "g_optimizer"),
        d_optimizer=_optimizer(recipe, recipe.d_optimizer, recipe.d_lr, "d_optimizer"),
        loss=LOSSES[recipe.loss],
        penalties=_penalties(recipe),
        d_steps=recipe.d_steps,
        ema_halflife_kimg=recipe.ema_halflife_kimg,
        ema_rampup=recipe.ema_rampup,
        lr_factor=partial(
            schedules.lr_factor, recipe.lr_schedule, hold=recipe.lr_hold, warmup_kimg=recipe.lr_warmup_kimg
        ),
        total_img=recipe.kimg * 1000 if recipe.kimg else None,
        jit_compile=recipe.jit,
    )
    return gan


def build_generator(
    recipe: Recipe, *, shape: tuple[int, int, int], num_classes: int, dtype: str | None = None
) -> keras.Model:
    """G of a recipe with its initial weights; `dtype` overrides the recipe's precision."""
    own: dict[str, dict[str, Any]] = {
        "dcgan": {
            "width": recipe.g_width,
            "max_width": recipe.g_max_width,
            "start_px": recipe.g_start_px,
            "kernel_px": recipe.kernel_px,
        },
        "mlp": {"hidden": recipe.g_hidden},
    }
    return FAMILIES[recipe.family].generator(
        resolution=shape[:2],
        channels=shape[2],
        z_dim=recipe.z_dim,
        num_classes=num_classes,
        norm=recipe.g_norm,
        norm_momentum=recipe.norm_momentum,
        leak=recipe.g_leak,
        dtype=dtype or recipe.precision,
        seed=2 * recipe.seed,
        **own[recipe.family],
    )


def build_discriminator(
    recipe: Recipe, *, shape: tuple[int, int, int], num_classes: int, dtype: str | None = None
) -> keras.Model:
    """D of a recipe with its initial weights; `dtype` overrides the recipe's precision."""
    own: dict[str, dict[str, Any]] = {
        "dcgan": {
            "width": recipe.d_width,
            "max_width": recipe.d_max_width,
            "end_px": recipe.d_end_px,
            "kernel_px": recipe.kernel_px,
        },
        "mlp": {"hidden": recipe.d_hidden},
    }
    return FAMILIES[recipe.family].discriminator(
        resolution=shape[:2],
        channels=shape[2],
        num_classes=num_classes,
        norm=recipe.d_norm,
        norm_momentum=recipe.norm_momentum,
        leak=recipe.d_leak,
        dtype=dtype or recipe.precision,
        seed=2 * recipe.seed + 1,
        **own[recipe.family],
    )


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


def _penalties(recipe: Recipe) -> tuple[Penalty, ...]:
    every = (
        Penalty("r1", recipe.r1_gamma / 2, penalties.at_real, penalties.zero_centred),
        Penalty("r2", recipe.r2_gamma / 2, penalties.at_fake, penalties.zero_centred),
        Penalty("gp", recipe.gp_lambda, penalties.at_mix, penalties.one_centred),
    )
    return tuple(penalty for penalty in every if penalty.weight)
