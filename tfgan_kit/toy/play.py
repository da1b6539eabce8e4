"""A toy from beginning to end: trained, looked at, and written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfgan_kit.errors import RunError
from tfgan_kit.files import write_atomic, write_json
from tfgan_kit.recipe import Recipe
from tfgan_kit.toy.measure import Look, Measure
from tfgan_kit.toy.options import TOY
from tfgan_kit.toy.picture import animate, draw_curves
from tfgan_kit.toy.points import Points
from tfgan_kit.toy.train import Toy, looks

FORMAT = 1
FIGURES, STATS, ANIMATION, CURVES = "figures.json", "stats.jsonl", "toy.gif", "curves.png"


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a toy came to.

    Attributes:
        looks: the moments, in order.
        reason: why there is no optimal D to compare with; "": there is one.
        content: of figures.json.
    """

    looks: tuple[Look, ...]
    reason: str
    content: Mapping[str, Any]


def play(
    recipe: Recipe,
    data: Points,
    *,
    samples: int,
    frames: int,
    out: Path,
    on_look: Callable[[Look], None] = lambda look: None,
) -> Played:
    """Train a toy and write its animation, curves and figures.

    Args:
        recipe: of `toy_recipe`.
        data: what it learns.
        samples: of G, which modes and quality are of.
        frames: moments after the first.
        out: folder, new or of an earlier toy.
        on_look: called at every moment.

    Raises:
        DataError: fewer samples than modes.
        RecipeError: a switch that the family mlp does not have.
        RunError: `out` is of something else, or cannot be written.
        DivergedError: a loss stopped being finite.
    """
    check_free(out)
    measure = Measure(recipe, data, samples)
    toy = Toy(recipe, data)
    found = []
    for look in looks(toy, frames, measure.look):
        found.append(look)
        on_look(look)
    content = {
        "format": FORMAT,
        "toy": data.name,
        "steps": toy.steps,
        "samples": samples,
        "changes": {name: own for name, (own, _) in recipe.differences(TOY).items() if name != "kimg"},
        "optimum": measure.optimum.title if measure.optimum else None,
        "no_optimum_because": measure.reason or None,
        "modes_of": data.modes or None,
        "earth_movers_of_two_draws": measure.floor,
        "figures": dict(found[-1].figures),
    }
    title = f"{data.name}, loss {recipe.loss}, {toy.steps} steps of {recipe.batch_size} points"
    try:
        out.mkdir(parents=True, exist_ok=True)
        animate(found, measure.real, measure.optimum, measure.reason, out / ANIMATION)
        draw_curves(found, measure.optimum, measure.reason, title, out / CURVES)
        lines = "".join(json.dumps({"step": look.step, **look.figures}) + "\n" for look in found)
        write_atomic(out / STATS, lambda path: path.write_text(lines, encoding="utf-8"))
        write_json(out / FIGURES, content)
    except OSError as error:
        raise RunError(f"cannot write {error.filename or out}: {error.strerror or error}") from None
    return Played(looks=tuple(found), reason=measure.reason, content=content)


def check_free(out: Path) -> None:
    """Refuse a folder of something else.

    Raises:
        RunError: it is a file, or there is something in it that is no toy.
    """
    if out.exists() and not out.is_dir():
        raise RunError(f"--out {out} is a file: name a folder")
    if out.is_dir() and not (out / FIGURES).is_file() and any(out.iterdir()):
        raise RunError(f"{out} is no toy and not empty: give another --out")
