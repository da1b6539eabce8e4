"""Windows of pictures: training sees one at a place that is drawn anew each time, all else at a fixed one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data.source import Attributes, Images, Labels, Source
from tfgan_kit.errors import DataError


@dataclass(frozen=True, eq=False)
class Cropped:
    """A source that shows a window of each picture of another, at a place that the picture's number alone decides.

    A feed takes `whole` instead and cuts where the step says. Both draw from all places alike, so that what is measured
    against these windows is measured against what training shows.

    Args:
        whole: the other source.
        window: height and width, px, at most those of its pictures.

    Raises:
        DataError: the window is larger than the pictures, or empty.
    """

    whole: Source
    window: tuple[int, int]

    def __post_init__(self) -> None:
        """Compare the window with the pictures."""
        height, width = self.whole.shape[:2]
        if not (1 <= self.window[0] <= height and 1 <= self.window[1] <= width):
            raise DataError(
                f"{self.spec} has pictures of {height}x{width}, which hold no window of crop={_text(self.window)}: "
                f"choose a crop of at most {height}x{width}, or larger pictures"
            )

    @property
    def spec(self) -> str:
        """The whole source as the recipe names it."""
        return self.whole.spec

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every window."""
        return *self.window, self.whole.shape[2]

    @property
    def labels(self) -> Labels | None:
        """(N, A) int32, or None: those of the whole pictures."""
        return self.whole.labels

    @property
    def attributes(self) -> Attributes:
        """The names of the values of each attribute."""
        return self.whole.attributes

    @property
    def digest(self) -> str:
        """16 hex digits of a sha256 over the whole source's digest and the window."""
        # Features and figures are kept by it, and those of windows are others than those of whole pictures.
        return hashlib.sha256(f"{self.whole.digest} {_text(self.window)}".encode()).hexdigest()[:16]

    @property
    def notes(self) -> tuple[str, ...]:
        """One-line warnings for the user."""
        return self.whole.notes

    @property
    def shards(self) -> tuple[int, ...]:
        """Pictures in each of the files that they lie in."""
        return self.whole.shards

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.whole)

    def read(self, indices: NDArray[np.int64]) -> Images:
        """The windows of pictures `indices`, (B,) int64 in [0, N), as (B, H, W, C) uint8."""
        height, width = self.window
        windows = np.empty((len(indices), *self.shape), np.uint8)
        for window, picture, (top, left) in zip(windows, self.whole.read(indices), self._corners[indices], strict=True):
            window[:] = picture[top : top + height, left : left + width]
        return windows

    @cached_property
    def _corners(self) -> NDArray[np.uint16]:
        """Top and left of the window of each picture, (N, 2)."""
        places = [whole - own + 1 for whole, own in zip(self.whole.shape[:2], self.window, strict=True)]
        # The raw numbers of a generator stay as they are from version to version; what is drawn with them may not.
        draws = np.random.Philox(0).random_raw((len(self), 2))
        return (draws % np.array(places, np.uint64)).astype(np.uint16)


def whole_of(source: Source) -> Source:
    """The source of the whole pictures: that of which `source` shows windows, or else `source` itself."""
    return source.whole if isinstance(source, Cropped) else source


def check_window(source: Source, window: tuple[int, int] | None) -> None:
    """That a source shows the windows that a recipe asks for.

    Args:
        source: opened by `open_source`, or a caller's own.
        window: the recipe's `crop`.

    Raises:
        DataError: it shows whole pictures or other windows.
    """
    shown = source.window if isinstance(source, Cropped) else None
    if shown != window:
        raise DataError(
            f"{source.spec} was opened with crop={_text(shown)}, and the recipe has crop={_text(window)}: open it with "
            "that recipe, or wrap it in tfgan_kit.data.crop.Cropped"
        )


def _text(window: tuple[int, int] | None) -> str:
    return "none" if window is None else f"{window[0]}x{window[1]}"
