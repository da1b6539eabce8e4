"""The animation of a toy, and its curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tfgan_kit.errors import MissingPackageError
from tfgan_kit.files import write_atomic
from tfgan_kit.toy.density import SIDE
from tfgan_kit.toy.measure import Look
from tfgan_kit.toy.optimum import Optimum

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]

_GAP_PX, _TEXT_PX, _FOOT_PX = 8, 16, 18
_FRAME_MS, _LAST_MS = 160, 2500
_LEVELS = 16  # of a field, so that a frame stores areas and not noise
_SHOWN = 1200
_REAL, _FAKE, _NOWHERE = (172, 186, 204), (214, 72, 20), (236, 236, 236)
# Blue, where D says fake, over white to green, where it says real.
_SCALE = np.array([(33, 77, 156), (250, 250, 247), (23, 122, 61)], np.float64)


def animate(looks: Sequence[Look], real: Floats, optimum: Optimum | None, reason: str, file: Path) -> None:
    """Write the animation: samples over data, D's field, and the optimal D of the same moment.

    Args:
        looks: the moments, in order.
        real: (N, 2) points of the data.
        optimum: the rule of the fields; None: there is none.
        reason: why there is none.
        file: a .gif.
    """
    frames = [_frame(look, real, optimum, reason) for look in looks]
    palette = Image.new("P", (1, 1))
    palette.putpalette(_palette().ravel().tolist())
    first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    durations = [_FRAME_MS] * (len(frames) - 1) + [_LAST_MS]

    def write(path: Path) -> None:
        first.save(path, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0, optimize=False)

    write_atomic(file, write)


def draw_curves(looks: Sequence[Look], optimum: Optimum | None, reason: str, title: str, file: Path) -> None:
    """Write the figures through time as a picture.

    Args:
        looks: the moments, in order.
        optimum: the rule of D's errors; None: there is none.
        reason: why there is none.
        title: of the picture.
        file: a .png.

    Raises:
        MissingPackageError: no matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError("the curves need matplotlib: pip install 'tfgan-kit[train]'") from error
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    steps = [look.step for look in looks]
    for axes, (name, scale, lines) in zip(panels, _PANELS, strict=True):
        for key, label in lines.items():
            values = [look.figures.get(key, np.nan) for look in looks]
            if np.isfinite(values).any():
                axes.plot(steps, values, marker=".", ms=4, lw=1, label=label)
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(which="both", labelsize=8)
        axes.grid(lw=0.3)
        if not axes.lines:
            axes.text(0.5, 0.5, _wrapped(reason), ha="center", va="center", fontsize=8, transform=axes.transAxes)
            continue
        axes.set_yscale(scale)
        axes.legend(fontsize=7)
    figure.suptitle(title, fontsize=10)
    write_atomic(file, lambda path: figure.savefig(path, format="png", dpi=100))


_PANELS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("modes covered", "linear", {"modes": "modes"}),
    (
        "quality",
        "linear",
        {"high_quality": "within 3 deviations of a centre", "rarest_mode": "rarest mode (1: as in the data)"},
    ),
    ("distance of samples to data", "linear", {"earth_movers": "earth mover's distance", "mmd": "MMD, squared"}),
    ("Jensen-Shannon divergence, nats", "linear", {"js": "of the densities", "js_by_d": "what D's loss says"}),
    (
        "D against its optimum",
        "log",
        {"d_error": "mean |D - D*|", "log_ratio_error": "mean |logit - log p_data / p_g|"},
    ),
    (
        "norm of G's gradient, at the present D",
        "log",
        {"g_gradient_minimax": "minimax (saturating)", "g_gradient_nonsaturating": "non-saturating"},
    ),
)


def _frame(look: Look, real: Floats, optimum: Optimum | None, reason: str) -> Image.Image:
    samples = _scatter(real, look.fake)
    if look.field is None:
        shown, title = _text(reason), "D"
    elif optimum is None:
        shown, title = _colours(_ranked(look.field), 0.0, 1.0), "D's logit, by rank"
    else:
        shown, title = _colours(look.field, optimum.low, optimum.high), f"D: {optimum.title}"
    best = _text(reason) if look.best is None or optimum is None else _colours(look.best, optimum.low, optimum.high)
    width = 3 * SIDE + 4 * _GAP_PX
    sheet = Image.new("RGB", (width, SIDE + _TEXT_PX + _FOOT_PX + 2 * _GAP_PX), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for i, (panel, text) in enumerate(((samples, "samples over data"), (shown, title), (best, "optimal D"))):
        left = _GAP_PX + i * (SIDE + _GAP_PX)
        draw.text((left, 3), text, fill="black", font=font)
        sheet.paste(Image.fromarray(panel), (left, _TEXT_PX + 4))
    draw.text((_GAP_PX, SIDE + _TEXT_PX + _GAP_PX), _foot(look), fill="black", font=font)
    return sheet


def _foot(look: Look) -> str:
    shown: dict[str, Callable[[float], str]] = {
        "modes": lambda value: f"modes {value:.0f}",
        "high_quality": lambda value: f"high quality {value:.0%}",
        "js": lambda value: f"JS {value:.3f}",
        "earth_movers": lambda value: f"earth mover's {value:.3f}",
        "d_error": lambda value: f"mean |D - D*| {value:.3f}",
    }
    parts = [text(look.figures[name]) for name, text in shown.items() if name in look.figures]
    return "   ".join([f"step {look.step:5d}", *parts])


def _scatter(real: Floats, fake: Floats) -> Pixels:
    """(SIDE, SIDE, 3): points of the data, and those of G over them."""
    panel = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for points, colour in ((real[:_SHOWN], _REAL), (fake[:_SHOWN], _FAKE)):
        columns, rows = (np.clip(((axis + 1.0) * SIDE / 2).astype(int), 0, SIDE - 1) for axis in points.T)
        panel[SIDE - 1 - rows, columns] = colour
    return panel


def _colours(field: Floats, low: float, high: float) -> Pixels:
    """(SIDE, SIDE, 3) of a field whose rows go up; NaN in the colour of nowhere."""
    share = np.round(np.clip((field[::-1] - low) / (high - low), 0.0, 1.0) * _LEVELS) / _LEVELS
    known = np.nan_to_num(share, nan=0.5)
    panel = _scaled(known)
    panel[np.isnan(share)] = _NOWHERE
    return panel


def _scaled(share: Floats) -> Pixels:
    """(..., 3): the colours of shares (...) in [0, 1]."""
    channels = [np.interp(share, (0.0, 0.5, 1.0), _SCALE[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _palette() -> Pixels:
    """(C, 3): every colour that a frame has, with greys for the edges of its letters."""
    scale = _scaled(np.linspace(0.0, 1.0, _LEVELS + 1))
    greys = np.linspace(0, 255, 6).round()[:, None].repeat(3, axis=1)
    return np.concatenate([scale, greys, np.array([_REAL, _FAKE, _NOWHERE])]).astype(np.uint8)


def _ranked(field: Floats) -> Floats:
    """Each value's place among all, in [0, 1]."""
    order = field.ravel().argsort().argsort()
    return np.asarray(order.reshape(field.shape) / (field.size - 1), np.float64)


def _text(words: str) -> Pixels:
    panel = Image.new("RGB", (SIDE, SIDE), _NOWHERE)
    font = ImageFont.load_default(size=11)
    ImageDraw.Draw(panel).multiline_text((12, 90), _wrapped(f"None: {words}"), fill="black", font=font)
    return np.asarray(panel)


def _wrapped(words: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(words, 38))
