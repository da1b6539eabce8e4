"""The command that makes a run again, from its recipe."""

from __future__ import annotations

import re
import shlex
from typing import Any

from tfgan_kit.data.mnist import SIDE_PX
from tfgan_kit.recipe import Recipe
from tfgan_kit.recipes import DEFAULT, RECIPES

# Fields that have an option of their own.
_OPTIONS = ("data", "kimg", "minutes", "seed")
# Sources whose location is a path; that of others is a name.
_ON_DISK = ("folder", "npz", "idx")


def command_of(recipe: Recipe, name: str, *, published: bool = False) -> str:
    """The `tfgan train` that resolves to a recipe on the same data, for a POSIX shell.

    Args:
        recipe: as a run has it, with what the data decides filled in.
        name: of the recipe that it began as; a name that is not known gives the default one with every difference.
        published: name data on disk without the folders around it, for those who have it elsewhere.
    """
    base = name if name in RECIPES else DEFAULT
    words = ["tfgan", "train", base]
    for key, (usual, value) in RECIPES[base].recipe.differences(recipe).items():
        if _left_to_data(recipe, key, usual) or (key in ("kimg", "minutes") and value is None):
            continue
        if key == "resolution":
            words += ["--resolution", "x".join(map(str, value))]
            continue
        text = public(value) if key == "data" and published else typed(value)
        words += [f"--{key}", text] if key in _OPTIONS else ["--set", f"{key}={text}"]
    return shlex.join(words)


def changes(recipe: Recipe, name: str) -> dict[str, tuple[Any, Any]]:
    """Fields in which a run differs from the recipe of that name: name -> (usual, own); {}: there is none of it.

    What the recipe leaves to the data is no difference.
    """
    if name not in RECIPES:
        return {}
    differences = RECIPES[name].recipe.differences(recipe)
    return {key: pair for key, pair in differences.items() if not _left_to_data(recipe, key, pair[0])}


def public(data: str) -> str:
    """A data source without the folders that it lies in."""
    scheme, colon, location = data.partition(":")
    file = re.split(r"[/\\]", location)[-1]
    return f"{scheme}{colon}{file}" if scheme in _ON_DISK else data


def typed(value: Any) -> str:
    """A recipe's value as a person types it, such that reading it gives the value again."""
    if isinstance(value, tuple):
        return ",".join(map(typed, value))
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def _left_to_data(recipe: Recipe, key: str, usual: Any) -> bool:
    """Whether the recipe of that name leaves a field to the data, which decides it as the run has it."""
    if usual is not None or key not in ("resolution", "channels", "conditional"):
        return False
    if key == "conditional":
        return recipe.conditional is True
    # Of other data the size that it has by itself is not known here.
    own: dict[str, Any] = {"resolution": (SIDE_PX, SIDE_PX), "channels": 1}
    return recipe.data.partition(":")[0] == "mnist" and getattr(recipe, key) == own[key]
