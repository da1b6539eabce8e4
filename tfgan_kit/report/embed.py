"""Pictures inside a page, as data: URIs of a bounded size."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tfgan_kit.errors import DataError
from tfgan_kit.pictures import evenly, save_gif

# Small pictures are shown larger, by whole pixels, up to about this width.
_SHOWN_PX = 560
_QUALITY, _SHRINK = 88, 0.75
# Rows of a preview and frames in an animation, the most first, of which the first that is small enough is taken. A
# pixel is about a byte of a GIF, which saves making those that are not.
_ANIMATIONS = ((8, 40), (4, 40), (3, 24), (2, 16), (1, 12), (1, 6))
_ANIMATION_PX = 800


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A picture as a page holds it.

    Attributes:
        uri: data: and the whole file.
        width, height: px, as it is shown on a wide page.
        enlarged: whether that is larger than it is.
        note: what was done to make it small enough, or "".
    """

    uri: str
    width: int
    height: int
    enlarged: bool
    note: str = ""


def embed(picture: Image.Image, most_bytes: int) -> Embedded:
    """A picture as PNG, or where that is too large as JPEG, and then made smaller until it fits.

    Args:
        picture: grey or RGB.
        most_bytes: of the file, before base64.
    """
    content = _saved(picture, "PNG")
    if len(content) <= most_bytes:
        return _embedded("image/png", content, picture.size)
    size, shown = picture.size, picture
    while True:
        content = _saved(shown, "JPEG")
        if len(content) <= most_bytes or min(shown.size) <= 8:
            break
        shown = picture.resize([max(8, round(side * _SHRINK)) for side in shown.size], Image.Resampling.LANCZOS)
    smaller = "" if shown.size == size else f", at {shown.width}x{shown.height} px of {size[0]}x{size[1]}"
    return _embedded("image/jpeg", content, shown.size, f"Compressed as JPEG{smaller}.")


def embed_file(file: Path, most_bytes: int) -> Embedded:
    """A picture file, likewise.

    Raises:
        DataError: it cannot be read.
    """
    with _opened(file) as picture:
        return embed(picture if picture.mode in ("L", "RGB") else picture.convert("RGB"), most_bytes)


def embed_animation(made: Path, previews: Sequence[Path], row_px: int, most_bytes: int) -> Embedded | None:
    """How the previews changed, as a GIF: the file that is there, or one of fewer rows and frames where it is large.

    Args:
        made: the animation of all previews, which need not be there.
        previews: files of one size, the oldest first.
        row_px: height of a row of a preview, px.
        most_bytes: of the file, before base64.

    Returns:
        None where there are fewer than two previews, or no GIF is small enough.

    Raises:
        DataError: a preview cannot be read.
    """
    if len(previews) < 2:
        return None
    if made.is_file() and made.stat().st_size <= most_bytes:
        return _gif(made.read_bytes(), "")
    width, height = _size(previews[-1])
    there = -(-height // row_px)
    for rows, most in dict.fromkeys((min(rows, there), min(most, len(previews))) for rows, most in _ANIMATIONS):
        frames, shown = evenly(previews, most), min(rows * row_px, height)
        shrunk = min(1.0, _ANIMATION_PX / max(width, shown)) ** 2
        if len(frames) * width * shown * shrunk > most_bytes:
            continue
        content = _animated(frames, shown)
        if len(content) <= most_bytes:
            fewer = [f"{len(frames)} of {len(previews)} previews"] if len(frames) < len(previews) else []
            cut = [f"the first {rows} row{'s' if rows > 1 else ''}"] if shown < height else []
            small = ["at a smaller size"] if shrunk < 1 else []
            done = fewer + cut + small
            return _gif(content, f"Shown: {', '.join(done)}." if done else "")
    return None


def _size(file: Path) -> tuple[int, int]:
    with _opened(file) as picture:
        return picture.size


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """A picture file, with one error for all that can be wrong with it."""
    try:
        with Image.open(file) as picture:
            picture.load()
            yield picture
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{file.name} cannot be read ({error})") from None


def _animated(frames: Sequence[Path], height: int) -> bytes:
    """A GIF of the top of each frame."""
    with tempfile.TemporaryDirectory() as scratch:
        parts = []
        for i, frame in enumerate(frames):
            with _opened(frame) as whole:
                part = whole.crop((0, 0, whole.width, height))
            part.thumbnail((_ANIMATION_PX, _ANIMATION_PX))
            parts.append(Path(scratch) / f"{i:04d}.png")
            part.save(parts[-1])
        save_gif(parts, Path(scratch) / "all.gif")
        return (Path(scratch) / "all.gif").read_bytes()


def _gif(content: bytes, note: str) -> Embedded:
    try:
        with Image.open(io.BytesIO(content), formats=("GIF",)) as first:
            return _embedded("image/gif", content, first.size, note)
    except OSError as error:
        raise DataError(f"the animation cannot be read ({error})") from None


def _saved(picture: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    options = {} if kind == "PNG" else {"quality": _QUALITY, "subsampling": 0}
    picture.save(stream, format=kind, **options)
    return stream.getvalue()


def _embedded(kind: str, content: bytes, size: tuple[int, int], note: str = "") -> Embedded:
    times = max(1, min(4, _SHOWN_PX // size[0]))
    uri = f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
    return Embedded(uri=uri, width=size[0] * times, height=size[1] * times, enlarged=times > 1, note=note)
