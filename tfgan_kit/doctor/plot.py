"""The curves that alarms are read from, with the spans in which they were raised marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfgan_kit.doctor.diagnosis import Diagnosis
from tfgan_kit.doctor.sign import number
from tfgan_kit.errors import MissingPackageError
from tfgan_kit.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One axis.

    Attributes:
        title: what it shows.
        lines: key of stats.jsonl -> what it is called.
        alarms: whose spans are marked there.
        bounds: recipe fields whose values are drawn as thresholds.
        log: whether the axis is logarithmic.
    """

    title: str
    lines: Mapping[str, str]
    alarms: tuple[str, ...]
    bounds: tuple[str, ...] = ()
    log: bool = False


_PANELS = (
    Panel(
        title="Losses",
        lines={"d_loss": "D", "g_loss": "G", "d_loss_deviation": "D's deviation within a tick"},
        alarms=("D's loss near 0", "D's loss jumps", "G's loss falls for nothing"),
    ),
    Panel(
        title="D's accuracy",
        lines={"d_accuracy": "share of pictures"},
        alarms=("D's accuracy near 1", "D's accuracy near 0", "D only guesses"),
        bounds=("watch_accuracy",),
    ),
    Panel(
        title="Gradient norms",
        lines={"d_grad_norm": "D", "g_grad_norm": "G"},
        alarms=("D's gradients", "G's gradients", "D's gradients explode", "G's gradients explode"),
        bounds=("watch_grad_norm",),
        log=True,
    ),
    Panel(
        title="Samples, as shares of what real pictures have",
        lines={
            "fake_contrast": "contrast",
            "fake_grey": "grey values",
            "fake_variety": "variance between pictures",
            "fake_nearest": "distance to the most similar",
            "fake_class_variety": "lowest variance of a class",
        },
        alarms=("flat samples", "saturated samples", "samples alike", "a class alike"),
        bounds=("watch_variety",),
        log=True,
    ),
    Panel(
        title="Change of samples in a tick",
        lines={"fake_change": "share of that of two real pictures"},
        alarms=("G's loss falls for nothing",),
        bounds=("watch_change",),
        log=True,
    ),
    Panel(
        title="Loss scale",
        lines={"d_loss_scale": "D", "g_loss_scale": "G"},
        alarms=("loss scale",),
        bounds=("watch_loss_scale",),
        log=True,
    ),
    Panel(title="ADA's strength", lines={"ada_p": "p"}, alarms=("augmentation",), bounds=("watch_ada_p",)),
)
_SPAN = {True: "#d1495b", False: "#edae49"}  # by whether it is a failure
_WIDTH_INCHES, _PANEL_INCHES, _DPI = 9.0, 2.1, 110
_LEAST = 1e-6  # what a logarithmic axis shows of 0


def save_plot(file: Path, recipe: Recipe, stats: Sequence[Mapping[str, Any]], diagnosis: Diagnosis) -> None:
    """Write the picture of a run's ticks and findings, as PNG.

    Args:
        file: to write.
        recipe: of the run.
        stats: its ticks, at least one.
        diagnosis: of them.

    Raises:
        MissingPackageError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError("--plot needs matplotlib: pip install 'tfgan-kit[eval]'") from error

    panels = [panel for panel in _PANELS if any(key in line for line in stats for key in panel.lines)]
    figure = Figure(figsize=(_WIDTH_INCHES, _PANEL_INCHES * len(panels) + 0.4), layout="constrained", dpi=_DPI)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel, recipe, stats, diagnosis)
    axes[-1].set_xlabel("kimg")
    figure.savefig(file, format="png")


def _draw(axis: Any, panel: Panel, recipe: Recipe, stats: Sequence[Mapping[str, Any]], diagnosis: Diagnosis) -> None:
    axis.set_title(panel.title, loc="left", fontsize=10)
    for key, label in panel.lines.items():
        points = [(line["nimg"] / 1000, value) for line in stats if (value := number(line, key)) is not None]
        if points:
            x, y = zip(*points, strict=True)
            shown = [max(value, _LEAST) for value in y] if panel.log else y
            axis.plot(x, shown, marker="." if len(x) < 60 else None, label=label, linewidth=1.2)
    if panel.log:
        axis.set_yscale("log")
    for field in panel.bounds:
        axis.axhline(getattr(recipe, field), color="grey", linestyle=":", linewidth=1, label=field)
    for finding in diagnosis.findings:
        if finding.alarm in panel.alarms:
            end = diagnosis.nimg if finding.until_nimg is None else finding.until_nimg
            axis.axvspan(
                finding.since_nimg / 1000, end / 1000, color=_SPAN[finding.failure], alpha=0.25, linewidth=0,
                label=f"{finding.kind}: {finding.alarm}",
            )  # fmt: skip
    for line in diagnosis.rollbacks:
        axis.axvline(line["rollback"]["to_nimg"] / 1000, color="black", linestyle="--", linewidth=1, label="rollback")
    handles, labels = axis.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    axis.legend(named.values(), named.keys(), fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axis.grid(alpha=0.25)
