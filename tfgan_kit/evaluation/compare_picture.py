"""Several subjects in one picture: a strip of samples each, and bars of their figures."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfgan_kit.errors import MissingPackageError
from tfgan_kit.evaluation.compare import Comparison, Row
from tfgan_kit.pictures import grid, to_pillow

# Those that get bars, as far as they were measured; where none was, the first ones.
_MAIN = ("frechet", "kernel", "precision", "recall", "coverage", "conditional_accuracy")
_LEAST_WIDTH_PX, _LEAST_CELL_PX, _TITLE_PX, _MARGIN_PX, _BARS_PX = 960, 56, 16, 10, 260
_DPI = 100


def draw_comparison(comparison: Comparison, strips: Sequence[np.ndarray | None]) -> Image.Image:
    """The picture of a comparison.

    Args:
        comparison: of the subjects.
        strips: for each subject (N, H, W, C) uint8 of the same seeds, C of 1 or 3; None: there are none.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    blocks = [
        _strip(f"{i}: {name}", strip)
        for i, (name, strip) in enumerate(zip(comparison.names, strips, strict=True), start=1)
    ]
    width = max(_LEAST_WIDTH_PX, *(block.width for block in blocks))
    blocks.append(_bars(comparison, width))
    sheet = Image.new("RGB", (width + 2 * _MARGIN_PX, sum(block.height + _MARGIN_PX for block in blocks)), "white")
    top = _MARGIN_PX
    for block in blocks:
        sheet.paste(block, (_MARGIN_PX, top))
        top += block.height + _MARGIN_PX
    return sheet


def main_rows(comparison: Comparison) -> list[Row]:
    """The figures that are drawn: one bar a subject each."""
    rows = {row.name: row for row in comparison.rows}
    return [rows[name] for name in _MAIN if name in rows] or list(comparison.rows[: len(_MAIN)])


def _strip(title: str, images: np.ndarray | None) -> Image.Image:
    """A row of pictures, small ones enlarged by a whole number, under their title."""
    row = None
    if images is not None:
        larger = -(-_LEAST_CELL_PX // images.shape[1])
        row = to_pillow(grid(images.repeat(larger, axis=1).repeat(larger, axis=2), len(images))).convert("RGB")
    text = title if row is not None else f"{title} (its pictures are not here)"
    font = ImageFont.load_default(size=_TITLE_PX)
    right, bottom = (int(side) for side in font.getbbox(text)[2:])
    block = Image.new("RGB", (max(right, row.width if row else 0), bottom + 4 + (row.height if row else 0)), "white")
    ImageDraw.Draw(block).text((0, 0), text, fill="black", font=font)
    if row is not None:
        block.paste(row, (0, bottom + 4))
    return block


def _bars(comparison: Comparison, width: int) -> Image.Image:
    """A panel a figure, a bar a subject, with its deviation; a line where real pictures are."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError("the picture needs matplotlib; pip install 'tfgan-kit[evaluate]'") from error
    rows = main_rows(comparison)
    figure = Figure(figsize=(width / _DPI, _BARS_PX / _DPI), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    for panel, row in zip(np.atleast_1d(figure.subplots(1, len(rows))), rows, strict=True):
        for i, measured in enumerate(row.measured):
            if measured is not None:
                panel.bar(i, measured.value, yerr=measured.deviation, capsize=4, color=f"C{i}")
        if row.real is not None:
            panel.axhline(row.real, color="grey", linestyle="--", linewidth=1)
            panel.set_xlabel("dashed: real pictures", fontsize=7)
        panel.set_xticks(range(len(comparison.names)), [str(i + 1) for i in range(len(comparison.names))])
        panel.set_title(row.title, fontsize=8)
        panel.tick_params(labelsize=7)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    with Image.open(content) as picture:
        return picture.convert("RGB")
