"""An ablation as a picture: a panel a figure, a row a switch, a point a run, and the baseline as a band."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfgan_kit.ablation.table import Ablation
from tfgan_kit.errors import MissingPackageError
from tfgan_kit.evaluation.result import HIGHER_IS_BETTER, TITLES
from tfgan_kit.files import write_atomic

# Panels beside each other: more are not legible.
_MOST = 3
# Values that are further apart are drawn on a logarithmic axis.
_DECADE = 10
_BETTER, _WORSE, _SAME = "#1a7f37", "#c4320a", "#555555"


def draw(found: Ablation, file: Path) -> None:
    """Write the picture of an ablation as PNG.

    Args:
        found: with the baseline first.
        file: to write.

    Raises:
        MissingPackageError: no matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError("the plot needs matplotlib: pip install 'tfgan-kit[train]'") from error
    names = found.figures[:_MOST] or ["frechet"]
    height = 1.2 + 0.28 * len(found.variants)
    figure = Figure(figsize=(3.2 + 3.2 * len(names), height), layout="constrained")
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        _panel(axes, found, name)
    labels = [f"{each.name}  (tip {each.tip})" if each.tip else each.name for each in found.variants]
    panels[0].set_yticks(range(len(labels)), labels)
    panels[0].invert_yaxis()
    length = f"{found.recipe.kimg:g} kimg" if found.recipe.kimg else f"{found.recipe.minutes:g} minutes"
    figure.suptitle(
        f"{found.name}, {length}, {len(found.seeds)} seeds: each switch alone. Bars: mean ± deviation; points: runs",
        fontsize=9,
    )
    write_atomic(file, lambda path: figure.savefig(path, format="png", dpi=110))


def _panel(axes: Any, found: Ablation, name: str) -> None:
    """One figure of all variants; coloured where it differs from the baseline by more than noise."""
    base = found.cell(found.variants[0], name)
    spread = base.deviation or 0.0
    if base.values:
        axes.axvspan(base.mean - spread, base.mean + spread, color="#dddddd", lw=0)
        axes.axvline(base.mean, color="#888888", lw=1)
    for place, variant in enumerate(found.variants):
        cell = found.cell(variant, name)
        if not cell.values:
            axes.annotate("diverged", (0.02, place), xycoords=("axes fraction", "data"), fontsize=7, va="center")
            continue
        told = found.mark(cell) and cell.better is not None
        colour = (_BETTER if cell.better else _WORSE) if told else _SAME
        axes.errorbar(cell.mean, place, xerr=cell.deviation, fmt="|", ms=10, color=colour, capsize=2)
        axes.plot(cell.values, [place] * len(cell.values), ".", ms=4, color=colour, alpha=0.6)
    values = [value for each in found.variants for value in each.values(name)]
    if values and min(values) > 0 and max(values) > _DECADE * min(values):
        axes.set_xscale("log")
    axes.set_title(
        f"{TITLES.get(name, name)} ({'higher' if name in HIGHER_IS_BETTER else 'lower'} is better)", fontsize=9
    )
    axes.grid(axis="x", lw=0.3)
    axes.tick_params(which="both", labelsize=8)
