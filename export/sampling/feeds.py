"""What a graph takes for the pictures of seeds or of latents, a part at a time: so memory is that of a part."""

from __future__ import annotations

import numpy as np

from tfgan_kit.errors import SampleError
from tfgan_kit.export.sampling.requests import check_rows
from tfgan_kit.export.sampling.runner import Feed
from tfgan_kit.export.sampling.style_mapping import StyleMapping
from tfgan_kit.export.spec import ModelSpec
from tfgan_kit.latents import noise_from_seeds, z_from_seeds

Inputs = dict[str, np.ndarray]


class Feeds:
    """The inputs of a model's graph, by name, from what was asked for and has been checked."""

    def __init__(self, spec: ModelSpec, style: StyleMapping | None) -> None:
        """Take a model.

        Args:
            spec: what it says of itself.
            style: its mapping, where its inputs are "w".
        """
        self._spec, self._style = spec, style

    def of_seeds(self, seeds: np.ndarray, c: np.ndarray | None, psi: float) -> Feed:
        """The inputs for (N,) int64 seeds.

        Args:
            seeds: whose z and noise are taken.
            c: int64 labels as the model takes them; None for an unconditional model.
            psi: factor of z.
        """
        spec = self._spec

        def feed(part: slice) -> Inputs:
            if spec.inputs == "seed":
                return _with_labels({"seed": seeds[part]}, c, part)
            z = z_from_seeds(seeds[part], spec.z_dim, spec.z_prior)
            return self._mapped(z if psi == 1 else z * np.float32(psi), c, part) | self._noise(seeds[part])

        return feed

    def of_z(self, z: np.ndarray, c: np.ndarray | None, noise: np.ndarray | None) -> Feed:
        """The inputs for (N, z_dim) float32 latents; noise as of `of_w`."""
        drawn = self._noise_or(noise, len(z))
        return lambda part: self._mapped(z[part], c, part) | drawn(part)

    def of_w(self, w: np.ndarray, noise: np.ndarray | None) -> Feed:
        """The inputs for (N, w_dim) float32 style vectors.

        Args:
            w: of a model of inputs "w".
            noise: (N, noise_dim) float32; None: that of the seed i for the i-th.

        Raises:
            SampleError: noise of another shape or dtype, or for a model that takes none.
        """
        drawn = self._noise_or(noise, len(w))
        return lambda part: {"w": w[part]} | drawn(part)

    def w(self, z: np.ndarray, c: np.ndarray | None) -> np.ndarray:
        """(N, w_dim) float32 of latents, for a model of inputs "w"."""
        return self._mapped(z, c, slice(None))["w"]

    def _mapped(self, z: np.ndarray, c: np.ndarray | None, part: slice) -> Inputs:
        """The inputs of latents, which are of the part, but for noise."""
        inputs = _with_labels({"z": z}, c, part)
        return inputs if self._style is None else {"w": self._style(inputs)}

    def _noise(self, seeds: np.ndarray) -> Inputs:
        """The input `noise` of seeds, where there is one."""
        return {"noise": noise_from_seeds(seeds, self._spec.noise_dim)} if self._spec.noise_dim else {}

    def _noise_or(self, noise: np.ndarray | None, count: int) -> Feed:
        """The input `noise` that was given, or that of the first seeds."""
        if noise is None:
            return lambda part: self._noise(np.arange(part.start, part.stop))
        if not self._spec.noise_dim:
            raise SampleError("the model has no input noise: leave noise out")
        check_rows("noise", noise, (count, self._spec.noise_dim))
        return lambda part: {"noise": noise[part]}


def _with_labels(inputs: Inputs, c: np.ndarray | None, part: slice) -> Inputs:
    """The inputs of a part, and its labels, where there are some."""
    return inputs if c is None else inputs | {"labels": c[part]}
