"""A model's latents by seed, and pictures of any latents: what walks, sums and searches have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfgan_kit.errors import SampleError
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.sampling.labels import labels_for
from tfgan_kit.latents import noise_from_seeds, z_from_seeds


class Walker:
    """A sampler whose classes and noise are held while its latents move.

    Attributes:
        sampler: that draws.
        space: "w" for a model of inputs w, else "z".
        prior: of the latents: the model's, and "normal" for w, which has no bounds.
        dim: length of a latent.
        labels: (A,) int64, of every picture; None: the model is unconditional.
    """

    def __init__(self, sampler: Sampler, seed: int, chosen: Mapping[str, int] | None = None) -> None:
        """Hold the classes and the noise of a seed.

        Args:
            sampler: of a model that takes z or w.
            seed: in [0, 2**63).
            chosen: class indices by attribute, which come before those of the seed.

        Raises:
            SampleError: a model that takes seeds, or a class that is not there.
        """
        spec = sampler.spec
        if spec.inputs == "seed":
            raise SampleError(
                "the model takes seeds and makes z within, so that there is no way between them: export it again with "
                "--inputs z"
            )
        self.sampler = sampler
        self.space = "w" if spec.inputs == "w" else "z"
        self.prior = "normal" if self.space == "w" else spec.z_prior
        self.dim = spec.w_dim if self.space == "w" else spec.z_dim
        c = labels_for(spec, dict(chosen) if chosen else None, np.array([seed]))
        self.labels = None if c is None else c.reshape(-1)
        self._noise = noise_from_seeds([seed], spec.noise_dim) if spec.noise_dim else None

    def latents(self, seeds: Sequence[int] | np.ndarray, truncation: float = 1.0) -> np.ndarray:
        """The latents of seeds, in z or w.

        Args:
            seeds: (N,) integers in [0, 2**63).
            truncation: factor of z; 1 for w, which was truncated at export.

        Returns:
            (N, dim) float32.

        Raises:
            SampleError: a truncation that is not legal.
        """
        spec = self.sampler.spec
        # It says what is wrong with a truncation.
        self.sampler.sample([], truncation=truncation)
        z = z_from_seeds(seeds, spec.z_dim, spec.z_prior) * np.float32(truncation)
        return z if self.space == "z" else self.sampler.w_from_z(z, self._labels(len(z)))

    def draw(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """The pictures of latents.

        Args:
            latents: (N, dim) float32.
            labels: (N, A) indices of each; None: those that are held.

        Returns:
            (N, H, W, C) uint8.
        """
        noise = None if self._noise is None else np.repeat(self._noise, len(latents), axis=0)
        if self.space == "w":
            return self.sampler.generate_w(latents, noise=noise)
        c = self._labels(len(latents)) if labels is None else self._shaped(labels)
        return self.sampler.generate(latents, c, noise=noise)

    def draw_iter(self, latents: np.ndarray) -> Iterator[np.ndarray]:
        """The pictures of (N, dim) latents one by one, (H, W, C) uint8, with the memory of a batch."""
        for start in range(0, len(latents), self.sampler.batch):
            yield from self.draw(latents[start : start + self.sampler.batch])

    def _labels(self, count: int) -> np.ndarray | None:
        return None if self.labels is None else self._shaped(np.tile(self.labels, (count, 1)))

    def _shaped(self, labels: np.ndarray) -> np.ndarray:
        """(N, A) as a sampler takes it: (N,) of a single attribute."""
        return labels[:, 0] if labels.shape[1] == 1 else labels


class StyleSearch:
    """The w of a model as a search takes it: centred and of one deviation, so that lengths say what is plausible.

    Attributes:
        prior, dim: of the scaled w.
    """

    prior = "normal"

    def __init__(self, walker: Walker, draws: int = 1000) -> None:
        """Measure w.

        Args:
            walker: of a model of inputs w.
            draws: latents that are measured, of all classes.
        """
        self._walker, self.dim = walker, walker.dim
        w = self._w(np.arange(draws))
        self._mean, self._deviation = w.mean(axis=0), np.maximum(w.std(axis=0), 1e-6)

    def latents(self, seeds: np.ndarray) -> np.ndarray:
        """(N,) seeds, whose classes go by their place, to (N, dim) float32."""
        scaled: np.ndarray = (self._w(seeds) - self._mean) / self._deviation
        return scaled

    def draw(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """(N, dim) to (N, H, W, C) uint8; w holds the class, and labels have no say."""
        return self._walker.draw(self.to_w(latents))

    def to_w(self, latents: np.ndarray) -> np.ndarray:
        """From scaled latents, of any leading axes, to w."""
        w: np.ndarray = (latents * self._deviation + self._mean).astype(np.float32)
        return w

    def _w(self, seeds: np.ndarray) -> np.ndarray:
        spec = self._walker.sampler.spec
        return self._walker.sampler.w_from_z(z_from_seeds(seeds, spec.z_dim, spec.z_prior))
