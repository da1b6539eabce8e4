"""Pictures in a row as a film: .gif, .webp, .mp4, one wide .png, or a folder of files."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tfgan_kit.errors import MissingPackageError, SampleError
from tfgan_kit.files import write_atomic
from tfgan_kit.pictures import grid, to_pillow

FILMS = (".gif", ".webp", ".mp4")
SUFFIXES = (*FILMS, ".png")
# A GIF counts in hundredths, and viewers take less than two of them for ten.
_GIF_FPS = 50
MOST_FPS = 240


def check_film(out: Path, fps: float) -> None:
    """Refuse a film that cannot be written, before any work.

    Args:
        out: a file with one of `SUFFIXES`, or a folder.
        fps: pictures a second.

    Raises:
        SampleError: a speed that the format does not have.
        MissingPackageError: an .mp4, and no ffmpeg.
    """
    suffix = out.suffix.lower()
    most = _GIF_FPS if suffix == ".gif" else MOST_FPS
    if not 0 < fps <= most:
        raise SampleError(f"{out.name} takes more than 0 and at most {most} pictures a second; got {fps:g}")
    if suffix == ".mp4":
        find_ffmpeg()


def write_film(frames: Iterable[np.ndarray], out: Path, *, fps: float = 30, zoom: int = 1, columns: int = 12) -> int:
    """Write frames as `out` says; a file is whole or not there.

    Args:
        frames: (H, W, C) uint8, C of 1 or 3, all of one shape; at least one.
        out: .gif or .webp, endless; .mp4, H.264; .png, the frames side by side; or a folder of files, which may exist.
        fps: of a film, pictures a second.
        zoom: each pixel becomes so many in a row and column.
        columns: frames in a row of a .png.

    Returns:
        How many frames there are.

    Raises:
        OSError: `out` cannot be written.
        SampleError, MissingPackageError: see `check_film`; or ffmpeg fails.
    """
    check_film(out, fps)
    larger = (np.repeat(np.repeat(frame, zoom, axis=0), zoom, axis=1) for frame in frames)
    suffix = out.suffix.lower()
    if suffix == ".mp4":
        return _mp4(larger, out, fps)
    if suffix == ".png":
        sheet = np.stack(list(larger))
        write_atomic(out, to_pillow(grid(sheet, min(columns, len(sheet)))).save)
        return len(sheet)
    if suffix in FILMS:
        return _animation(larger, out, fps)
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, frame in enumerate(larger, start=1):
        write_atomic(out / f"frame-{count - 1:05d}.png", to_pillow(frame).save)
    return count


def durations_ms(count: int, fps: float, unit_ms: int) -> list[int]:
    """How long each of `count` frames is shown, in a format that counts in units; the sum is right to a unit."""
    ends = [round(i * 1000 / fps / unit_ms) for i in range(count + 1)]
    return [(end - start) * unit_ms for start, end in itertools.pairwise(ends)]


def find_ffmpeg() -> str:
    """The ffmpeg program: of the package imageio-ffmpeg, or installed.

    Raises:
        MissingPackageError: there is none.
    """
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
    if found is None:
        raise MissingPackageError("an .mp4 needs ffmpeg: pip install 'tfgan-kit[video]', or write a .webp or .gif")
    return found


def _animation(frames: Iterator[np.ndarray], out: Path, fps: float) -> int:
    pictures = [to_pillow(frame) for frame in frames]
    is_gif = out.suffix.lower() == ".gif"
    unit = 10 if is_gif else 1
    if is_gif:
        # Greys are exact; of colours each frame has the 256 that suit it best.
        pictures = [
            picture if picture.mode == "L" else picture.quantize(256, Image.Quantize.MEDIANCUT) for picture in pictures
        ]
    durations = durations_ms(len(pictures), fps, unit)
    how = {"optimize": False} if is_gif else {"lossless": True}

    def save(path: Path) -> None:
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, **how)  # type: ignore[arg-type]

    write_atomic(out, save)
    return len(pictures)


def _mp4(frames: Iterator[np.ndarray], out: Path, fps: float) -> int:
    first = next(frames)
    height, width, channels = first.shape
    command = [
        find_ffmpeg(), "-loglevel", "error", "-y",
        "-f", "rawvideo", "-pix_fmt", "gray" if channels == 1 else "rgb24", "-s", f"{width}x{height}",
        "-r", f"{fps:g}", "-i", "-",
        # Most players know 4:2:0 alone, which takes even sizes.
        "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-crf", "16",
        "-movflags", "+faststart", "-f", "mp4",
    ]  # fmt: skip
    count = 0

    def save(path: Path) -> None:
        nonlocal count
        with tempfile.TemporaryFile() as errors:
            encoder = subprocess.Popen([*command, os.fspath(path)], stdin=subprocess.PIPE, stderr=errors)
            assert encoder.stdin is not None
            try:
                # What it died of, where it does, it has said.
                with contextlib.suppress(BrokenPipeError), encoder.stdin:
                    for frame in itertools.chain([first], frames):
                        encoder.stdin.write(frame.tobytes())
                        count += 1
            except BaseException:
                encoder.kill()
                raise
            finally:
                encoder.wait()
            if encoder.returncode:
                errors.seek(0)
                said = errors.read(2000).decode(errors="replace").strip()
                raise SampleError(f"ffmpeg cannot write {out}: {said or encoder.returncode}; write a .webp or .gif")

    write_atomic(out, save)
    return count
