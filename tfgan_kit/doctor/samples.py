"""What samples are like as a set, as shares of what real pictures are like: numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data import Source

Floats = NDArray[np.float32]

# Samples that are looked at: those of seeds 0, 1, 2, ..., as a preview shows them.
PROBES = 80
# Pictures of a class, fewer of which say nothing of its variety.
FEWEST = 4
_REAL_SETS = 6  # as many real pictures as that many sets of samples
_SIDE_PX = 32  # of the pictures that are compared: of larger ones means are
_NOTHING = 1e-6  # of real pictures: what rounding may leave where there is none
_EXTREME = 2  # grey levels from black or white that count as saturated


@dataclass(frozen=True, kw_only=True)
class SetFigures:
    """What a set of pictures is like.

    Attributes:
        contrast: mean deviation of the pixels within a picture, in [0, 0.5].
        grey: share of values that are neither black nor white, in [0, 1].
        variety: mean variance of a pixel from picture to picture.
        nearest: mean distance of a picture to the one of the set that is most like it.
        distance: mean absolute difference of two pictures.
    """

    contrast: float
    grey: float
    variety: float
    nearest: float
    distance: float


def pooled(images: NDArray[np.uint8]) -> Floats:
    """(N, H, W, C) uint8 to (N, h, w, C) float32 in [0, 1], h and w at most 32: means of cells."""
    found = []
    for image in images:
        x = image.astype(np.float32) / np.float32(255)
        for axis in (0, 1):
            side = x.shape[axis]
            cells = min(side, _SIDE_PX)
            starts = np.arange(cells) * side // cells
            sizes = np.diff([*starts, side]).astype(np.float32)
            x = np.add.reduceat(x, starts, axis=axis) / sizes.reshape([-1 if i == axis else 1 for i in range(3)])
        found.append(x)
    return np.stack(found)


def set_figures(images: NDArray[np.uint8], small: Floats | None = None) -> SetFigures:
    """The figures of (N, H, W, C) uint8 pictures, N of at least 2; `small` are they `pooled`, if they are at hand."""
    contrast = [float((image.astype(np.float32) / 255).std(axis=(0, 1)).mean()) for image in images]
    grey = [float(((image > _EXTREME) & (image < 255 - _EXTREME)).mean()) for image in images]
    small = pooled(images) if small is None else small
    flat = small.reshape(len(small), -1).astype(np.float64)
    return SetFigures(
        contrast=float(np.mean(contrast)),
        grey=float(np.mean(grey)),
        variety=_variety(flat),
        nearest=float(np.mean(_nearest(flat))),
        distance=float(np.abs(flat - np.roll(flat, 1, axis=0)).mean()),
    )


class Against:
    """Sets of samples against the real pictures of a source.

    Attributes:
        count: samples that are to be given.
    """

    def __init__(self, source: Source, labels: NDArray[np.int32] | None = None) -> None:
        """Look at some real pictures, the same ones at every call.

        Args:
            source: at least FEWEST pictures; of fewer nothing is said.
            labels: (PROBES, A) of the samples that will come; None: they have no classes.
        """
        rng = np.random.default_rng(0)
        n = len(source)
        self.count = min(PROBES, n)
        places = np.sort(rng.choice(n, min(n, _REAL_SETS * self.count), replace=False))
        sets = [places[start :: max(1, len(places) // self.count)][: self.count] for start in range(_REAL_SETS)]
        enough = self.count >= FEWEST
        real = [set_figures(source.read(part)) for part in sets if len(part) == self.count] if enough else []
        self._real = {name: float(np.mean([vars(of)[name] for of in real])) for name in vars(real[0])} if real else {}
        self._groups: dict[int, NDArray[np.int64]] = {}
        self._class_variety: dict[int, float] = {}
        if labels is not None and source.labels is not None and real:
            self._look_at_classes(source, labels[: self.count], source.labels)

    def __call__(self, images: NDArray[np.uint8], before: Floats | None = None) -> dict[str, float]:
        """The figures of samples, each as a share of the real pictures' one; what real pictures lack is left out.

        Args:
            images: (count, H, W, C) uint8, of the same seeds at every call.
            before: `pooled` of those of another time.

        Returns:
            "fake_contrast", "fake_grey", "fake_variety" and "fake_nearest" as in `SetFigures`; "fake_change", the mean
            absolute difference to `before`, as a share of that of two real pictures; "fake_class_variety", the lowest
            share of a class, and "fake_class", which.
        """
        if not self._real:
            return {}
        small = pooled(images)
        fake = vars(set_figures(images, small))
        share = {name: fake[name] / real for name, real in self._real.items() if real > _NOTHING}
        found = {f"fake_{name}": share[name] for name in ("contrast", "grey", "variety", "nearest") if name in share}
        if before is not None and self._real["distance"] > _NOTHING:
            found["fake_change"] = float(np.abs(small - before).mean()) / self._real["distance"]
        classes = {
            key: _variety(small[group].reshape(len(group), -1)) / self._class_variety[key]
            for key, group in self._groups.items()
        }
        if classes:
            worst = min(classes, key=lambda key: classes[key])
            found |= {"fake_class_variety": classes[worst], "fake_class": float(worst)}
        return found

    def _look_at_classes(self, source: Source, fake: NDArray[np.int32], real: NDArray[np.int32]) -> None:
        """The variety of the real pictures of each class that has enough samples; a class is all attributes' values."""
        sizes = [len(names) for names in source.attributes.values()]
        fake_keys, real_keys = (np.ravel_multi_index(tuple(labels.T), sizes) for labels in (fake, real))
        for key in np.unique(fake_keys):
            group, places = np.flatnonzero(fake_keys == key), np.flatnonzero(real_keys == key)
            if min(len(group), len(places)) < FEWEST:
                continue
            chosen = np.sort(np.random.default_rng(int(key)).choice(places, min(len(places), PROBES), replace=False))
            variety = _variety(pooled(source.read(chosen)).reshape(len(chosen), -1))
            if variety > _NOTHING:
                self._groups[int(key)], self._class_variety[int(key)] = group, variety


def _variety(flat: NDArray[Any]) -> float:
    return float(flat.var(axis=0, ddof=1, dtype=np.float64).mean())


def _nearest(flat: NDArray[np.float64]) -> NDArray[np.float64]:
    """The root mean square difference of each row to the one that is most like it."""
    squares = (flat**2).sum(axis=1)
    # |a - b|^2 = |a|^2 + |b|^2 - 2 a b, which rounding may take below 0.
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * flat @ flat.T, 0) / flat.shape[1]
    np.fill_diagonal(apart, np.inf)
    return np.asarray(np.sqrt(apart.min(axis=1)))
