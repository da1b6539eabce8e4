"""The directions of the latent along which a generator's pictures change most, found from the model file alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.sampling.labels import labels_for
from tfgan_kit.latents import z_from_seeds

# Deviation of a value of z under each prior.
_DEVIATION = {"normal": 1.0, "uniform": 3**-0.5, "spherical": 1.0}
# Of w, principal components with less of the variance than this are rounding, and no way to go.
_LEAST_VARIANCE = 1e-6
# Pictures are averaged down to at most this many px a side: a direction is a matter of their large features.
_SIDE_PX = 32


@dataclass(frozen=True, kw_only=True)
class Directions:
    """Directions of the latent.

    Attributes:
        vectors: (K, dim) float32, each one standard deviation of the latent long; the first changes the pictures most.
        shares: (K,) of the pictures' linear change, in [0, 1].
    """

    vectors: np.ndarray
    shares: np.ndarray


def leading_directions(sampler: Sampler, count: int = 6, n: int | None = None) -> Directions:
    """The leading left singular vectors of the regression of the pictures' values on the latent, whitened.

    For a normal z the regression's matrix is the generator's mean Jacobian, by Stein's lemma (1981): the directions
    are those along which the average picture moves farthest. It needs no weights, no gradients and no names of layers,
    so that it works with every family. Labels are as the seeds draw them.

    Args:
        sampler: of a model that takes z or w.
        count: directions; fewer where the latent is shorter.
        n: pictures drawn; None: enough for the latent.

    Returns:
        Up to `count` directions, orthogonal where the latent is z.
    """
    spec = sampler.spec
    n = n or max(512, 4 * max(spec.z_dim, spec.w_dim))
    # Far from the seeds that a visitor begins with.
    seeds = np.arange(n) + 2**40
    z = z_from_seeds(seeds, spec.z_dim, spec.z_prior)
    if spec.inputs == "w":
        latent = sampler.w_from_z(z, labels_for(spec, None, seeds))
        images = sampler.generate_w(latent)
        variances, axes = np.linalg.eigh(np.cov(latent.astype(np.float64), rowvar=False))
        kept = variances > _LEAST_VARIANCE * variances[-1]
        deviations, axes = np.sqrt(variances[kept]), axes[:, kept]
    else:
        latent, images = z, sampler.sample(seeds)
        deviations, axes = np.full(spec.z_dim, _DEVIATION[spec.z_prior]), np.eye(spec.z_dim)
    values = _small(images)
    values -= values.mean(axis=0)
    white = (latent - latent.mean(axis=0, dtype=np.float64)) @ axes / deviations
    slopes = np.linalg.solve(white.T @ white + 1e-6 * n * np.eye(white.shape[1]), white.T @ values)
    energies, vectors = np.linalg.eigh(slopes @ slopes.T)
    leading = np.argsort(energies)[::-1][:count]
    vectors = vectors[:, leading].T
    # The sign of a singular vector is anyone's: the larger end makes brighter pictures.
    darker = vectors @ slopes.mean(axis=1) < 0
    vectors = np.where(darker[:, None], -vectors, vectors) * deviations @ axes.T
    shares = np.clip(energies[leading], 0, None) / max(float(energies.sum()), 1e-12)
    return Directions(vectors=vectors.astype(np.float32), shares=shares)


def _small(images: np.ndarray) -> np.ndarray:
    """(N, values) float64, the pictures averaged over squares of as many px as leave at most `_SIDE_PX` a side."""
    n, height, width, channels = images.shape
    px = -(-max(height, width) // _SIDE_PX)
    rows, columns = max(height // px, 1), max(width // px, 1)
    tiles = images[:, : rows * px, : columns * px].reshape(n, rows, -1, columns, min(px, width), channels)
    small: np.ndarray = tiles.mean(axis=(2, 4), dtype=np.float64).reshape(n, -1)
    return small
