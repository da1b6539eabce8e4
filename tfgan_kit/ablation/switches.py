"""Switches: which fields of a recipe are changed, and to what where no value is named. No TensorFlow here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe, field_named, parse_assignment

Changes = Mapping[str, Any]

BASELINE = "baseline"
# What an ablation decides itself, and what changes no training.
_NOT_SWITCHES = frozenset({
    "kimg", "minutes", "seed", "data", "resolution", "channels", "crop", "memory_mb", "tick_kimg",
    "preview_ticks", "checkpoint_ticks", "checkpoints_kept", "preview_grid", "evaluate_kimg", "evaluate_samples",
    "extractor", "keep_best",
})  # fmt: skip
# Between two fields that one switch changes together; a plus within a number is followed by a digit.
_AND = re.compile(r"\+(?=[A-Za-z_])")


@dataclass(frozen=True, kw_only=True)
class Switch:
    """What is toggled alone against the baseline.

    Attributes:
        name: fields and values, as `label_flips=0.05`; also the name of its folder.
        changes: of the recipe.
        tip: number of the tip that it stands for; 0: none.
    """

    name: str
    changes: Changes
    tip: int = 0

    def apply(self, recipe: Recipe) -> Recipe:
        """The recipe with the switch toggled.

        Raises:
            RecipeError: values that are not legal, contradict the recipe, or are the recipe's own already.
        """
        try:
            changed = recipe.replace(**self.changes)
        except RecipeError as error:
            raise RecipeError(f"switch {self.name}: {error}") from None
        if changed == recipe:
            raise RecipeError(f"switch {self.name} changes nothing, as the recipe has it already: give another value")
        return changed


def _part_of_run(share: float) -> Callable[[Recipe], float]:
    """That share of the run, kimg; 1 kimg where the clock decides its length."""
    return lambda recipe: round(share * recipe.kimg, 3) if recipe.kimg else 1.0


# What a field is toggled to where it has its default; a function of the recipe for what depends on the run's length.
# A field that has another value is toggled back to its default.
ON: dict[str, dict[str, Any]] = {
    "z_prior": {"z_prior": "uniform"},
    "condition": {"condition": "auxiliary", "conditional": True},
    "init": {"init": "normal"},
    "family": {"family": "mlp"},
    "g_norm": {"g_norm": "none"},
    "g_leak": {"g_leak": 0.2},
    "g_up": {"g_up": "resize"},
    "g_attention_px": {"g_attention_px": 14},
    "g_noise": {"g_noise": 0.05},
    "g_dropout": {"g_dropout": 0.5, "g_random_in_use": True},
    "d_norm": {"d_norm": "batch"},
    "d_leak": {"d_leak": 0.0},
    "d_down": {"d_down": "average_pool"},
    "d_attention_px": {"d_attention_px": 14},
    "d_dropout": {"d_dropout": 0.3},
    "d_minibatch": {"d_minibatch": "discrimination"},
    "loss": {"loss": "minimax"},
    "feature_matching": {"feature_matching": 1.0},
    "r1_gamma": {"r1_gamma": 0.5},
    "r2_gamma": {"r2_gamma": 0.5},
    "gp_lambda": {"gp_lambda": 10.0},
    "dragan_lambda": {"dragan_lambda": 0.5},
    "drift_lambda": {"drift_lambda": 1e-3},
    "path_lambda": {"path_lambda": 2.0},
    "lecam_lambda": {"lecam_lambda": 0.1},
    "bcr_lambda": {"bcr_lambda": 1.0},
    "g_orthogonal": {"g_orthogonal": 1e-4},
    "d_orthogonal": {"d_orthogonal": 1e-4},
    "weight_clip": {"weight_clip": 0.05},
    "augment": {"augment": "diffaugment"},
    "d_steps": {"d_steps": 2},
    "pretrain_d_kimg": {"pretrain_d_kimg": _part_of_run(0.1)},
    "alternate_kimg": {"alternate_kimg": lambda recipe: (_part_of_run(0.05)(recipe),) * 2},
    "label_smoothing": {"label_smoothing": 0.1},
    "real_labels": {"real_labels": (0.7, 1.2)},
    "fake_labels": {"fake_labels": (0.0, 0.3)},
    "label_flips": {"label_flips": 0.05},
    "instance_noise": {"instance_noise": 0.1},
    "replay_images": {"replay_images": 2000},
    "swap": {"swap": "d", "swap_every_kimg": _part_of_run(0.2)},
    "historical_averaging": {"historical_averaging": 1e-4},
    # A rate for plain descent, which takes a hundred times Adam's.
    "g_optimizer": {"g_optimizer": "sgd", "g_lr": 0.05},
    "d_optimizer": {"d_optimizer": "sgd", "d_lr": 0.05},
    "lr_schedule": {"lr_schedule": "linear"},
    "ema_halflife_kimg": {"ema_halflife_kimg": 0.0},
}


def parse_switch(text: str, recipe: Recipe, *, tip: int = 0) -> Switch:
    """`label_flips`, `label_flips=0.1`, or several fields at once: `real_labels=0.7,1.2+fake_labels=0,0.3`.

    A field without a value is toggled: true and false are exchanged, a default becomes what ON has, and any other value
    the default.

    Args:
        text: what was typed.
        recipe: the baseline, of the length that it will be trained for.
        tip: number of the tip that it stands for; 0: none.

    Raises:
        RecipeError: an unknown field, one that cannot be switched, a wrong value, or none where there is no other side.
    """
    changes: dict[str, Any] = {}
    for part in _AND.split(text):
        name = field_named(part.partition("=")[0].strip()).name
        if name in _NOT_SWITCHES or name.startswith("watch_"):
            raise RecipeError(f"{name} is no switch: it is the same for all runs of an ablation; set it with --set")
        if "=" in part:
            changes |= [parse_assignment(part)]
        else:
            changes |= _toggled(name, recipe)
    return Switch(name="+".join(f"{name}={shown(value)}" for name, value in changes.items()), changes=changes, tip=tip)


def parse_switches(texts: Sequence[str], recipe: Recipe) -> list[Switch]:
    """The switches of a command line, each once.

    Raises:
        RecipeError: as `parse_switch` and `Switch.apply`.
    """
    switches = {switch.name: switch for switch in (parse_switch(text, recipe) for text in texts)}
    for switch in switches.values():
        switch.apply(recipe)
    return list(switches.values())


def shown(value: Any) -> str:
    """A value as `--set` takes it."""
    if isinstance(value, tuple):
        return ",".join(map(shown, value))
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _toggled(name: str, recipe: Recipe) -> dict[str, Any]:
    field, own = field_named(name), getattr(recipe, name)
    if "bool" in str(field.type):
        # none is true wherever there is something to be conditional on.
        return {name: own is False}
    if own != field.default:
        return {name: field.default}
    if name not in ON:
        raise RecipeError(f"{name} has no other side that is sensible for any recipe: give one, --switch {name}=VALUE")
    return {key: value(recipe) if callable(value) else value for key, value in ON[name].items()}
