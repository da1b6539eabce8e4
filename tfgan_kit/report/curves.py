"""A chart as inline SVG, in the colours that the page has for light and for dark."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tfgan_kit.errors import MissingPackageError
from tfgan_kit.evaluation.result import rounded
from tfgan_kit.report.charts import Chart, Line
from tfgan_kit.report.markup import escape

# Of the lines of a chart, in turn: lengths of dashes and gaps, as SVG and CSS take them.
DASHES = ("none", "5 2", "2 2", "7 2 2 2")
_LINES = ("#010102", "#010103", "#010104", "#010105")
_INK, _RULE = "#010101", "#020202"
# What is drawn in these takes its colour from the page's style.
_COLOURS = {_INK: "var(--ink)", _RULE: "var(--rule)"} | {
    colour: f"var(--line-{i})" for i, colour in enumerate(_LINES, 1)
}
COLOURS = len(_LINES)
_SIZE_INCHES = (4.4, 2.3)


def svg(chart: Chart, name: str) -> str:
    """A chart as an <svg> element, with its title and what it shows in words.

    Args:
        chart: what to draw.
        name: unlike that of any other chart of the page; letters, digits and hyphens.

    Returns:
        Markup without a reference to anything outside of it; equal for equal charts.

    Raises:
        MissingPackageError: no matplotlib.
    """
    drawn = _drawn(chart, name)
    labels = (
        f'<title id="{name}-title">{escape(chart.title)}</title><desc id="{name}-desc">{escape(words(chart))}</desc>'
    )
    return re.sub(
        r"<svg[^>]*(viewBox=\"[^\"]*\")[^>]*>",
        rf'<svg \1 role="img" aria-labelledby="{name}-title {name}-desc">{_literal(labels)}',
        drawn,
        count=1,
    )


def words(chart: Chart) -> str:
    """What a chart shows, for those who do not see it."""
    return "; ".join(_described(line) for line in chart.lines)


def _described(line: Line) -> str:
    ends = f"{rounded(line.y[0])} at {line.x[0]:g} kimg"
    if len(line.x) > 1:
        ends = (
            f"from {ends} to {rounded(line.y[-1])} at {line.x[-1]:g} kimg, "
            f"between {rounded(line.y.min())} and {rounded(line.y.max())}"
        )
    best = "" if line.best is None else f", best {rounded(line.y[line.best])} at {line.x[line.best]:g} kimg"
    return f"{line.label}: {ends}{best}"


def _drawn(chart: Chart, name: str) -> str:
    """The SVG that matplotlib writes, without what an element inside a page does not need."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError("curves need matplotlib; pip install 'tfgan-kit[evaluate]'") from error
    import io

    # Text stays text; the salt makes names of parts depend on the chart alone.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 8}):
        figure = Figure(figsize=_SIZE_INCHES)
        _draw(figure.add_axes((0.14, 0.17, 0.84, 0.79)), chart)
        figure.patch.set_visible(False)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    for pattern in (r"<metadata>.*?</metadata>", r"<style.*?</style>", r"<!--.*?-->", r"\s*<defs>\s*</defs>"):
        text = re.sub(pattern, "", text, flags=re.DOTALL)
    text = re.sub(r"(<g) id=\"[^\"]*\"", r"\1", text).replace("xlink:href", "href")
    for placeholder, colour in _COLOURS.items():
        text = text.replace(placeholder, colour)
    return re.sub(r"\n\s*", "\n", text).strip()


def _draw(axes: Any, chart: Chart) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for i, line in enumerate(chart.lines):
        colour = _LINES[i % COLOURS]
        dots = {"marker": "o", "markersize": 2.5} if len(line.x) <= 20 else {}
        style = _linestyle(DASHES[i % len(DASHES)])
        axes.plot(line.x, line.y, color=colour, linestyle=style, linewidth=1.4, **dots)
        if line.best is not None:
            axes.plot(line.x[line.best], line.y[line.best], "o", markersize=7, fillstyle="none", color=colour)

    # Axes.
    if chart.share:
        axes.set_ylim(-0.02, 1.02)
    else:
        scale, options = scaling(np.concatenate([line.y for line in chart.lines]))
        axes.set_yscale(scale, **options)
    axes.set_xlabel("kimg", color=_INK, labelpad=1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    axes.patch.set_visible(False)
    axes.grid(color=_RULE, linewidth=0.6)
    axes.tick_params(colors=_INK, length=0, pad=3)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _linestyle(dashes: str) -> Any:
    return "-" if dashes == "none" else (0, tuple(float(length) / 1.4 for length in dashes.split()))


def scaling(y: np.ndarray) -> tuple[str, dict[str, float]]:
    """The scale of an axis, as matplotlib takes it: logarithmic where a few large values would flatten all others."""
    sizes = np.abs(y[y != 0])
    if not len(sizes) or sizes.max() <= 100 * np.median(sizes):
        if len(sizes) == len(y) and (y > 0).all() and y.max() > 100 * y.min():
            return "log", {}
        return "linear", {}
    return ("log", {}) if (y > 0).all() else ("symlog", {"linthresh": float(np.median(sizes))})


def _literal(text: str) -> str:
    """Text as `re.sub` puts it in unchanged."""
    return text.replace("\\", r"\\")
