"""Directions of generators whose change is known in closed form."""

from types import SimpleNamespace

import numpy as np
import pytest

from tfgan_kit.export.web.directions import leading_directions
from tfgan_kit.latents import PRIORS, z_from_seeds

DIM, SHAPE = 8, (6, 10, 3)
# Change of the pictures along each axis of the latent, largest last.
GAINS = 1.7 ** np.arange(DIM)
DEVIATIONS = {"normal": 1.0, "uniform": 3**-0.5, "spherical": 1.0}


class Linear:
    """Pictures that are 128 + A z: the columns of A are orthogonal, and as long as the gains."""

    def __init__(self, prior="normal", inputs="z"):
        rng = np.random.default_rng(0)
        axes, _ = np.linalg.qr(rng.normal(size=(np.prod(SHAPE), DIM)))
        self.matrix = (axes * GAINS).T
        self.mixing = rng.normal(size=(DIM, DIM)) if inputs == "w" else np.eye(DIM)
        self.spec = SimpleNamespace(
            z_dim=DIM, w_dim=DIM * (inputs == "w"), z_prior=prior, inputs=inputs, classes=(), attributes={}, counts=()
        )

    def sample(self, seeds):
        return self.pictures(z_from_seeds(seeds, DIM, self.spec.z_prior))

    def w_from_z(self, z, labels):
        return (z @ self.mixing + 5).astype(np.float32)

    def generate_w(self, w):
        return self.pictures((w - 5) @ np.linalg.inv(self.mixing))

    def pictures(self, z):
        return (128 + z @ self.matrix).reshape(len(z), *SHAPE)


@pytest.mark.parametrize("prior", PRIORS)
def test_directions_of_z_are_the_singular_vectors(prior):
    found = leading_directions(Linear(prior), count=3)
    # The largest gain is of the last axis.
    expected = np.eye(DIM)[:-4:-1] * DEVIATIONS[prior]
    assert found.vectors.dtype == np.float32
    assert np.allclose(np.abs(found.vectors), expected, atol=1e-4)
    assert np.allclose(found.shares, (GAINS**2 / (GAINS**2).sum())[:-4:-1], atol=1e-4)


def test_directions_of_w_lead_to_the_same_pictures_as_those_of_z():
    linear = Linear(inputs="w")
    found = leading_directions(linear, count=3, n=20_000)
    back = found.vectors @ np.linalg.inv(linear.mixing)
    assert np.allclose(np.abs(back), np.eye(DIM)[:-4:-1], atol=0.05)


def test_the_larger_end_is_brighter():
    linear = Linear()
    for vector in leading_directions(linear, count=DIM).vectors:
        assert (vector @ linear.matrix).mean() > 0


def test_no_more_directions_than_there_are():
    assert leading_directions(Linear(), count=50).vectors.shape == (DIM, DIM)


@pytest.mark.parametrize("shape", [(100, 70, 3), (200, 1, 1), (33, 32, 1)])
def test_large_pictures_are_averaged_first(shape):
    linear = Linear()
    gains = np.random.default_rng(0).normal(size=DIM)
    linear.pictures = lambda z: np.broadcast_to((128 + z @ gains)[:, None, None, None], (len(z), *shape))
    found = leading_directions(linear, count=1)
    assert np.allclose(found.vectors[0], gains / np.linalg.norm(gains), atol=1e-4)
    assert found.shares[0] == pytest.approx(1, abs=1e-6)
