"""The recipe of the toys, and the fields that mean nothing for points. No TensorFlow here."""

from __future__ import annotations

from typing import Any

from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe, field_named

STEPS = 6000

# A little of R1 is what brings mass to every mode; without it some are left with stray samples.
TOY = Recipe(
    family="mlp", kimg=1.0, conditional=False, z_dim=2, g_hidden=(96, 96, 96), g_norm="none", g_leak=0.2,
    d_hidden=(96, 96, 96), batch_size=128, g_lr=2e-3, d_lr=3e-3, beta1=0.5, beta2=0.99, init="he",
    r1_gamma=0.003, lr_schedule="linear", lr_hold=0.5, ema_halflife_kimg=10.0,
)  # fmt: skip

_PICTURES = frozenset({
    "data", "resolution", "channels", "fit", "crop", "mirror", "conditional", "memory_mb", "family", "condition",
    "auxiliary", "kernel_px", "g_width", "g_max_width", "g_start_px", "g_blocks", "g_mapping", "g_up", "g_attention_px",
    "d_width", "d_max_width", "d_end_px", "d_blocks", "d_down", "d_attention_px", "fade_kimg", "augment", "augment_ops",
    "ada_target", "ada_kimg", "ada_max", "bcr_lambda",
})  # fmt: skip
_RECORDS = frozenset({
    "tick_kimg", "preview_ticks", "checkpoint_ticks", "checkpoints_kept", "preview_grid", "evaluate_kimg",
    "evaluate_samples", "extractor", "keep_best", "on_failure", "rollbacks",
})  # fmt: skip
_OPTIONS = {"kimg": "--steps", "minutes": "--steps", "seed": "--seed"}


def toy_recipe(*, steps: int, seed: int, loss: str | None, changes: dict[str, Any]) -> Recipe:
    """The recipe that a command line means.

    Args:
        steps: of training, at least 1.
        seed: of every random draw.
        loss: name; None: that of `changes`, or the toys'.
        changes: of fields.

    Raises:
        RecipeError: a field that means nothing for points, or what `Recipe` refuses.
    """
    for name in changes:
        field_named(name)
        if name in _OPTIONS:
            raise RecipeError(f"{name} is given by {_OPTIONS[name]} here, not by --set")
        if name in _PICTURES:
            raise RecipeError(f"{name} is about pictures or their networks, and a toy has points: leave it out")
        if name in _RECORDS or name.startswith("watch_"):
            raise RecipeError(f"{name} is about the records and the watch of tfgan train, not of a toy: leave it out")
    if steps < 1:
        raise RecipeError(f"--steps takes at least 1 step; got {steps}")
    if loss is not None:
        changes = {**changes, "loss": loss}
    batch_size, d_steps = (changes.get(name, getattr(TOY, name)) for name in ("batch_size", "d_steps"))
    return TOY.replace(seed=seed, kimg=steps * batch_size * d_steps / 1000, **changes)
