"""latents.js draws what latents.py draws."""

import numpy as np
import pytest
from node_js import in_node, needs_node

from tfgan_kit.latents import PRIORS, classes_from_seeds, noise_from_seeds, z_from_seeds

pytestmark = needs_node

LATENTS = ("zFromSeeds, noiseFromSeeds, classesFromSeeds", "latents.js")
RANDOM = np.random.default_rng(0).integers(0, 2**63, 60)
SEEDS = [0, 1, 2**31, 2**32 - 1, 2**32, 2**53 - 1, 2**53 + 1, 2**63 - 1, *map(int, RANDOM)]
TEXTS = [str(seed) for seed in SEEDS]


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("dim", [1, 7, 64, 510])
def test_z(prior, dim):
    found = in_node(
        [LATENTS], "return zFromSeeds(given.seeds.map(BigInt), given.dim, given.prior)",
        seeds=TEXTS, dim=dim, prior=prior,
    )  # fmt: skip
    expected = z_from_seeds(SEEDS, dim, prior)
    # Both round the same doubles, but for the last bit of a logarithm, a cosine or a sine.
    assert np.abs(np.reshape(found, expected.shape) - expected).max() <= 5e-7
    assert np.std(found) > 0.1


def test_noise():
    found = in_node([LATENTS], "return noiseFromSeeds(given.seeds.map(BigInt), 33)", seeds=TEXTS)
    expected = noise_from_seeds(SEEDS, 33)
    assert np.abs(np.reshape(found, expected.shape) - expected).max() <= 5e-7


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ([1], ()),
        ([10], ()),
        ([2, 3, 21, 1], ()),
        ([2, 3], ((1, 4_000_000_000), (0, 5, 0))),
        ([4, 4], ((1, 1, 1, 1), (900, 50, 25, 25))),
        ([], ()),
    ],
)
def test_classes_are_equal(sizes, counts):
    found = in_node(
        [LATENTS], "return classesFromSeeds(given.seeds.map(BigInt), given.sizes, given.counts)",
        seeds=TEXTS, sizes=sizes, counts=counts,
    )  # fmt: skip
    expected = classes_from_seeds(SEEDS, sizes, counts)
    assert np.array_equal(np.reshape(found, expected.shape), expected)


def test_a_number_and_a_bigint_are_the_same_seed():
    body = "return [zFromSeeds([given.seed], 5), zFromSeeds([BigInt(given.seed)], 5)]"
    number, bigint = in_node([LATENTS], body, seed=2**53 - 1)
    assert number == bigint


@pytest.mark.parametrize("seed", ["-1", "1.5", "2 ** 53", "-1n", "1n << 63n", '"1"', "null", "NaN"])
def test_what_is_no_seed_is_refused(seed):
    body = f"try {{ return zFromSeeds([{seed}], 2); }} catch (error) {{ return error.message; }}"
    assert "whole number in [0, 2**63)" in in_node([LATENTS], body)


def test_an_unknown_prior_is_refused():
    body = 'try { return zFromSeeds([1], 2, "cauchy"); } catch (error) { return error.message; }'
    assert in_node([LATENTS], body) == "prior cauchy is unknown; legal: normal, uniform, spherical"
