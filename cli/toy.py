"""`tfgan toy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfgan_kit.errors import DataError, RecipeError
from tfgan_kit.recipe import parse_assignment
from tfgan_kit.toy.options import STEPS

if TYPE_CHECKING:
    from tfgan_kit.toy.measure import Look
    from tfgan_kit.toy.play import Played

_TOYS = ("ring8", "grid25", "spiral", "swissroll")
# Each takes some MB until the animation is written.
_MOST_FRAMES = 500
_WORDS = {
    "modes": "modes covered",
    "rarest_mode": "share of the rarest mode (1: as in the data)",
    "high_quality": "samples within 3 deviations of a centre",
    "earth_movers": "earth mover's distance",
    "mmd": "MMD, squared",
    "js": "Jensen-Shannon divergence, nats",
    "js_by_d": "the same by D's loss",
    "d_error": "mean |D - optimal D|, over real and fake",
    "log_ratio_error": "mean |logit - log p_data / p_g|",
    "ratio_mean": "mean exp(logit) of fakes (1 for the true ratio)",
    "g_gradient_minimax": "norm of G's gradient, minimax",
    "g_gradient_nonsaturating": "norm of G's gradient, non-saturating",
}


def toy(
    name: Annotated[
        str, typer.Argument(metavar="[ring8|grid25|spiral|swissroll]", help="What the points lie on.",
                            autocompletion=lambda: list(_TOYS))
    ] = "ring8",
    loss: Annotated[
        str | None, typer.Option(help="Adversarial loss, as of recipes.", show_default="nonsaturating")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a field of the toys' recipe; may be repeated."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Train steps.")] = STEPS,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 0,
    samples: Annotated[int, typer.Option(help="Samples that modes and quality are counted in.")] = 4000,
    frames: Annotated[int, typer.Option(help="Moments that are measured and shown.")] = 30,
    out: Annotated[
        Path | None, typer.Option(help="Folder of animation, curves and figures.", show_default="artifacts/toy-NAME")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the last figures as JSON, and nothing else.")] = False,
) -> None:  # fmt: skip
    """Train a GAN of points in the plane, and show D beside its optimum: seconds on a CPU."""
    from tfgan_kit.toy.options import toy_recipe

    changes = dict(parse_assignment(text) for text in assignments or ())
    recipe = toy_recipe(steps=steps, seed=seed, loss=loss, changes=changes)
    most = min(steps, _MOST_FRAMES)
    if not 1 <= frames <= most:
        raise DataError(f"--frames takes 1 to {most}, of {steps} steps; got {frames}")
    if loss is not None and "loss" in changes:
        raise RecipeError("the loss is given by --loss and by --set loss: leave one of them out")

    from tfgan_kit.cli.tensorflow_import import import_tensorflow
    from tfgan_kit.toy.measure import Measure
    from tfgan_kit.toy.points import points_named

    data = points_named(name)
    folder = out or Path("artifacts") / f"toy-{name}"
    # What is wrong with the request shows before TensorFlow is there.
    Measure(recipe, data, samples)
    import_tensorflow()
    from tfgan_kit.toy.play import play

    say = (lambda look: None) if as_json else _say
    played = play(recipe, data, samples=samples, frames=frames, out=folder, on_look=say)
    if as_json:
        print(json.dumps(dict(played.content)))
        return
    _show(played)
    print(f"look at {folder / 'toy.gif'}, {folder / 'curves.png'}; every moment is in {folder / 'stats.jsonl'}")


def _say(look: Look) -> None:
    forms = {
        "modes": "modes {:.0f}", "high_quality": "high quality {:.0%}", "js": "JS {:.3f}",
        "d_error": "D off its optimum by {:.3f}",
    }  # fmt: skip
    shown = [form.format(look.figures[name]) for name, form in forms.items() if name in look.figures]
    print("  ".join([f"step {look.step:5d}", *shown]))


def _show(played: Played) -> None:
    """The last figures, in words, and why there is no optimum where there is none."""
    width = max(map(len, _WORDS.values()))
    beside = {
        "modes": f" of {played.content['modes_of']}",
        "earth_movers": f" (two draws of the data: {played.content['earth_movers_of_two_draws']:.4g})",
    }
    for name, words in _WORDS.items():
        if name in played.content["figures"]:
            of = beside.get(name, "")
            print(f"{words:{width}}  {played.content['figures'][name]:.4g}{of}")
    if played.reason:
        print(f"no optimal D to compare with: {played.reason}")
