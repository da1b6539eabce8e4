"""The doctor shown: a run that is made to fail for each alarm, and good recipes that raise none.

    python benchmarks/doctor.py [--only NAME ...] [--keep FOLDER]

Every sick run is a pair of small networks on MNIST and one change that is known to do harm; each takes seconds. The
well ones are recipes of the kit with narrower networks, for some kimg. A sick run that does not raise its alarm and a
well one that raises any are marked, and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tfgan_kit.doctor.diagnosis import diagnose
from tfgan_kit.errors import DivergedError
from tfgan_kit.recipe import Recipe
from tfgan_kit.recipes import RECIPES
from tfgan_kit.training.loop import train
from tfgan_kit.training.run_folder import RunFolder

SMALL = {
    "family": "mlp", "g_hidden": (32,), "d_hidden": (32,), "z_dim": 16, "batch_size": 16, "kimg": 1.6,
    "tick_kimg": 0.16, "preview_ticks": 100, "jit": False, "conditional": False, "resolution": (16, 16),
    "preview_grid": (8, 10), "d_lr": 1e-3, "g_lr": 1e-3, "watch_from_kimg": 0.0,
}  # fmt: skip
HALF = {"g_width": 16, "g_max_width": 32, "d_width": 16, "d_max_width": 64}


class Case(NamedTuple):
    """A run.

    Attributes:
        alarm: that it must raise; None: it must raise none.
        recipe: what is trained.
        about: what is done to it.
    """

    alarm: str | None
    recipe: Recipe
    about: str


def sick(alarm: str, about: str, **changes: Any) -> Case:
    """A small run and what makes it fail."""
    return Case(alarm, Recipe(**{**SMALL, **changes}), about)


def well(name: str, kimg: float, **changes: Any) -> Case:
    """A recipe of the kit with narrower networks, without XLA since so short a run would mostly compile."""
    changes |= {"watch_from_kimg": kimg / 4}
    recipe = RECIPES[name].recipe.replace(kimg=kimg, tick_kimg=kimg / 12, preview_ticks=100, jit=False, **changes)
    told = ", ".join(f"{key}={value:g}" if key != "loss" else f"loss={value}" for key, value in changes.items())
    return Case(None, recipe, f"{name}, {kimg:g} kimg" + (f"; {told}" if told else ""))


CASES = (
    sick("D's loss near 0", "G hardly learns: g_lr=1e-7", g_lr=1e-7, d_lr=4e-3),
    sick("D's accuracy near 1", "G hardly learns: g_lr=1e-7", g_lr=1e-7, d_lr=4e-3),
    sick("D's accuracy near 0", "all of D's targets exchanged: label_flips=1", label_flips=1.0, g_lr=1e-7),
    sick("D only guesses", "D's weights held at nothing: weight_clip=1e-5", weight_clip=1e-5),
    sick("D's gradients", "a penalty far too strong: r1_gamma=1000", r1_gamma=1000.0),
    sick("G's gradients", "G's loss times 1000: g_adversarial=1000", g_adversarial=1000.0),
    sick("D's gradients explode", "a penalty of no measure: r1_gamma=1e6", r1_gamma=1e6),
    sick("G's gradients explode", "G's loss times 100,000: g_adversarial=1e5", g_adversarial=1e5),
    sick("D's loss jumps", "rates far too high: d_lr=g_lr=0.2", d_lr=0.2, g_lr=0.2),
    sick(
        "G's loss falls for nothing", "D taught that fakes are real, G held: label_flips=1, g_lr=1e-9",
        label_flips=1.0, g_lr=1e-9, d_lr=2e-4, g_norm="none",
    ),
    sick("flat samples", "G held at its start: g_lr=1e-9, init=normal", g_lr=1e-9, init="normal"),
    sick("saturated samples", "G thrown about: g_lr=1", g_lr=1.0),
    sick("samples alike", "G far too fast: g_lr=0.1", g_lr=0.1),
    sick("a class alike", "G far too fast, with classes: g_lr=0.1", g_lr=0.1, conditional=True),
    sick(
        "loss scale", "float16 that overflows at any scale: g_adversarial=1e30", precision="mixed_float16",
        g_adversarial=1e30, tick_kimg=0.064, steps_per_call=2,
    ),
    sick(
        "augmentation", "ADA told to rise for ever: ada_target=-1", augment="ada", ada_target=-1.0, ada_kimg=0.8,
        family="dcgan", g_width=8, d_width=8, g_max_width=8, d_max_width=8, g_start_px=4,
    ),
    well("mnist", 12.0, **HALF),
    well("cond-mnist", 12.0, **HALF),
    well("dcgan-mnist", 12.0, g_lr=1e-3, d_lr=5e-4, **HALF),
    well("lsgan-mnist", 12.0, **HALF),
    well("mnist", 12.0, loss="hinge", **HALF),
    well("wgan-gp-mnist", 12.0, g_lr=1e-3, d_lr=1e-3, **HALF),
)  # fmt: skip


def run(case: Case, out: Path) -> list[str]:
    """Train a case, and the names of the alarms that it raised."""
    # What is overdone may end so; the ticks before are there.
    with contextlib.suppress(DivergedError):
        train(case.recipe, out)
    folder = RunFolder(out)
    return list(dict.fromkeys(f.alarm for f in diagnose(case.recipe, folder.read_stats()).findings))


def main() -> int:
    """Train all cases and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", metavar="NAME", help="cases whose alarm or recipe has this in its name")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the runs there")
    options = parser.parse_args()
    names = options.only or [""]
    cases = [case for case in CASES if any(name in (case.alarm or f"well: {case.about}") for name in names)]

    print(f"{'alarm':<28}{'sec':>5}  {'as meant':<9} {'what was done':<68} raised")
    wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        for i, case in enumerate(cases):
            started = time.perf_counter()
            raised = run(case, (options.keep or Path(temporary)) / f"{i:02d}")
            right = not raised if case.alarm is None else case.alarm in raised
            wrong += not right
            seconds = time.perf_counter() - started
            print(
                f"{case.alarm or '(well)':<28}{seconds:>5.0f}  {'yes' if right else 'NO':<9} {case.about:<68} "
                f"{', '.join(raised) or '-'}",
                flush=True,
            )
    print(f"{len(cases) - wrong} of {len(cases)} as meant")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
