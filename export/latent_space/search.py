"""The latent whose picture is nearest to a given one, without derivatives: least squares by differences.

A picture has hundreds of values, and each of them says something about every number of z. So the Jacobian, by one
picture for each number of z, is worth its price: an evolution strategy would learn one number from each picture. From
the best of some random draws a few dozen Levenberg-Marquardt steps are taken.

Sources: Levenberg (1944); Marquardt (1963).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# (N, D) float32 latents to (N, H, W, C) uint8 pictures.
Draw = Callable[[np.ndarray], np.ndarray]
# (N, D) latents to the nearest ones that are plausible.
Allow = Callable[[np.ndarray], np.ndarray]

# Steps of the differences: far over a grey level at first, since pictures are whole numbers; and the last.
_FIRST_STEP, _LAST_STEP = 0.25, 0.03
# Dampings that are tried at once, in units of the Jacobian's mean square.
_DAMPINGS = 10.0 ** np.arange(-5, 3)


@dataclass(frozen=True)
class Point:
    """A latent and how near its picture is.

    Attributes:
        latent: (D,) float32.
        mse: mean square of the picture's distance from the target, on values in [0, 1].
        pictures: how many were drawn to find it.
    """

    latent: np.ndarray
    mse: float
    pictures: int


def mse_to(target: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Mean squares of the distances of pictures from one, on values in [0, 1].

    Args:
        target: (H, W, C) uint8.
        images: (N, H, W, C) uint8.

    Returns:
        (N,) float64.
    """
    return np.asarray([np.mean((image.astype(np.float64) - target) ** 2) for image in images]) / 255**2


def psnr(mse: float) -> float:
    """The peak signal-to-noise ratio of a mean square, dB; infinite for 0."""
    return float("inf") if mse == 0 else float(-10 * np.log10(mse))


def descend(draw: Draw, target: np.ndarray, start: np.ndarray, allow: Allow, steps: int) -> Point:
    """Go from a latent to one whose picture is nearer to the target, by Levenberg-Marquardt steps.

    Args:
        draw: the generator.
        target: (H, W, C) uint8.
        start: (D,) float32.
        allow: moves a step that went too far back among plausible latents.
        steps: most steps; each draws D + 8 pictures. It ends before them where no step of any length is nearer.

    Returns:
        The nearest of all that were tried, never further than the start.
    """
    latent, drawn = start.astype(np.float32), 1
    wanted = target.astype(np.float64).ravel() / 255
    residual = draw(latent[None])[0].ravel() / 255 - wanted
    step = _FIRST_STEP
    for _ in range(steps):
        moves = step * np.eye(len(latent), dtype=np.float32)
        # Towards the middle, where latents are plausible.
        moves[latent > 0] *= -1
        near = draw(latent + moves).reshape(len(latent), -1) / 255
        jacobian = (near - wanted - residual) / moves.diagonal()[:, None]
        tried = allow(latent - _steps(jacobian, residual))
        images = draw(tried).reshape(len(tried), -1) / 255
        drawn += len(latent) + len(tried)
        costs = np.mean((images - wanted) ** 2, axis=1)
        best = int(costs.argmin())
        before = np.mean(residual**2)
        if costs[best] < before:
            latent, residual = tried[best], images[best] - wanted
        if costs[best] >= 0.98 * before:
            if step <= _LAST_STEP:
                break
            step = max(step / 2, _LAST_STEP)
    return Point(latent, float(np.mean(residual**2)), drawn)


def _steps(jacobian: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """The steps of every damping, (8, D) float32, for a Jacobian (D, M) and a residual (M,)."""
    values, vectors = np.linalg.eigh(jacobian @ jacobian.T)
    values = np.maximum(values, 0)
    slope = vectors.T @ (jacobian @ residual)
    scale = max(float(values.mean()), 1e-12)
    found: np.ndarray = (slope / (values + scale * _DAMPINGS[:, None])) @ vectors.T
    return found.astype(np.float32)


def plausible(prior: str, dim: int) -> Allow:
    """What brings latents back to where a prior has them.

    Args:
        prior: "normal", within three deviations of the usual length; "uniform", the cube; "spherical", the sphere.
        dim: length of a latent.
    """
    if prior == "uniform":
        return lambda z: np.clip(z, -1, 1)
    # The length of normal latents is sqrt(dim), and its deviation 1 / sqrt(2) whatever dim is.
    most = np.sqrt(dim) if prior == "spherical" else np.sqrt(dim) + 3 / np.sqrt(2)

    def allow(z: np.ndarray) -> np.ndarray:
        lengths = np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
        factor = most / lengths if prior == "spherical" else np.minimum(1, most / lengths)
        moved: np.ndarray = (z * factor).astype(np.float32)
        return moved

    return allow
