"""How a sampler shows itself in Jupyter: a grid of its pictures, and what they are."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tfgan_kit.export.spec import ModelSpec

# Pictures of the grid, of which each row has as many as there are classes, where those are few.
_ROWS, _COLUMNS, _MOST_CLASSES = 4, 8, 16
# Small pictures are shown larger, by whole pixels, up to about this width.
_SHOWN_PX = 560
_MOST_NAMES = 12


class Drawable(Protocol):
    """A sampler, as far as it is needed here."""

    spec: ModelSpec
    device: str

    def sample(self, seeds: Sequence[int] | np.ndarray) -> np.ndarray:
        """The pictures of seeds, (N, H, W, C) uint8."""


def png(sampler: Drawable) -> bytes:
    """The pictures of the first seeds, a column a class where one label has few values, as a PNG."""
    from tfgan_kit.pictures import grid, to_pillow

    columns = _columns(sampler.spec)
    stream = io.BytesIO()
    to_pillow(grid(sampler.sample(range(_ROWS * columns)), columns)).save(stream, format="png")
    return stream.getvalue()


def as_html(sampler: Drawable) -> str:
    """The same picture, with a table of what the model is; without script, style sheet or address."""
    spec, columns = sampler.spec, _columns(sampler.spec)
    width = columns * (spec.width + 2) - 2
    shown = width * max(1, min(4, _SHOWN_PX // width))
    picture = (
        f'<img src="data:image/png;base64,{base64.b64encode(png(sampler)).decode()}" width="{shown}" '
        f'style="image-rendering: pixelated" alt="Pictures of seeds 0 to {_ROWS * columns - 1}">'
    )
    left = 'style="text-align: left"'
    rows = "".join(
        f"<tr><th {left}>{html.escape(name)}</th><td {left}>{html.escape(text)}</td></tr>"
        for name, text in _facts(sampler)
    )
    return f"{picture}<table>{rows}</table>"


def _columns(spec: ModelSpec) -> int:
    single = spec.classes[0] if len(spec.classes) == 1 else 0
    return single if 1 < single <= _MOST_CLASSES else _COLUMNS


def _facts(sampler: Drawable) -> list[tuple[str, str]]:
    spec = sampler.spec
    colours = {1: "grey", 3: "RGB"}.get(spec.channels, f"{spec.channels} channels")
    facts = [
        ("recipe", spec.recipe_name),
        ("pictures", f"{spec.height}x{spec.width} {colours}"),
        ("z", f"{spec.z_dim}, {spec.z_prior}"),
    ]
    for name, values in spec.attributes.items():
        more = f" and {len(values) - _MOST_NAMES} more" if len(values) > _MOST_NAMES else ""
        facts.append((name, ", ".join(values[:_MOST_NAMES]) + more))
    facts.append(("trained on", f"{spec.data_spec}, {spec.nimg / 1000:,.1f} kimg"))
    facts += [(name, f"{value:.4g}") for name, value in spec.figures.items() if isinstance(value, int | float)]
    return [*facts, ("runs on", sampler.device)]
