"""Numbers that a graph draws from seeds are those of `z_from_seeds`, and are what they are said to be."""

import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from scipy import stats

from tfgan_kit.export.rewrite.graph import Graph
from tfgan_kit.export.rewrite.seed_graph import draw_from_seeds
from tfgan_kit.latents import PRIORS, noise_from_seeds, z_from_seeds

EDGES = [0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**53 + 1, 2**62, 2**63 - 2, 2**63 - 1]


def drawn(seeds, z_dim, prior, noise_dim=0, truncation=1.0):
    """`z` [and `noise`] of a graph that only draws them."""
    inputs = {"z": z_dim} | ({"noise": noise_dim} if noise_dim else {})
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size]) for name, size in inputs.items()]
    outputs = [
        helper.make_tensor_value_info(f"out_{name}", TensorProto.FLOAT, ["N", size]) for name, size in inputs.items()
    ]
    nodes = [helper.make_node("Identity", [name], [f"out_{name}"]) for name in inputs]
    plain = helper.make_model(
        helper.make_graph(nodes, "g", values, outputs), opset_imports=[helper.make_opsetid("", 18)]
    )
    graph = Graph(plain)
    draw_from_seeds(graph, prior=prior, truncation=truncation)
    model = graph.to_model(8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert [(value.name, value.type, value.shape) for value in session.get_inputs()] == [
        ("seed", "tensor(int64)", ["N"])
    ]
    return session.run(None, {"seed": np.asarray(seeds, np.int64)})


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("z_dim", [1, 2, 3, 4, 64, 101])
def test_z_is_that_of_z_from_seeds(prior, z_dim):
    seeds = [*EDGES, *range(3, 400), *np.random.default_rng(0).integers(0, 2**63, 400)]
    (z,) = drawn(seeds, z_dim, prior)
    expected = z_from_seeds(seeds, z_dim, prior)
    assert z.dtype == np.float32
    # The neighbouring float32 at most, and that seldom; near the zeros of a sine an error of float64 is more of them.
    np.testing.assert_allclose(z, expected, rtol=1.2e-7, atol=1e-14)
    assert (z != expected).mean() < (1e-4 if z_dim > 4 else 2e-3)
    if prior == "uniform":
        np.testing.assert_array_equal(z, expected)


def test_noise_is_that_of_noise_from_seeds():
    seeds = [*EDGES, *range(5, 50)]
    z, noise = drawn(seeds, 8, "normal", noise_dim=1001)
    np.testing.assert_allclose(noise, noise_from_seeds(seeds, 1001), rtol=1.2e-7, atol=1e-14)
    np.testing.assert_allclose(z, z_from_seeds(seeds, 8), rtol=1.2e-7, atol=1e-14)


def test_a_picture_s_numbers_do_not_depend_on_the_batch():
    seeds = [5, 2**40, 7]
    (together,) = drawn(seeds, 10, "normal")
    alone = np.concatenate([drawn([seed], 10, "normal")[0] for seed in seeds])
    np.testing.assert_array_equal(together, alone)
    assert drawn([], 10, "normal")[0].shape == (0, 10)


def test_truncation_scales_z_alone():
    z, noise = drawn(range(9), 6, "normal", noise_dim=5, truncation=0.5)
    np.testing.assert_allclose(z, z_from_seeds(range(9), 6) * np.float32(0.5), rtol=1.2e-7)
    np.testing.assert_allclose(noise, noise_from_seeds(range(9), 5), rtol=1.2e-7)


def test_z_is_normal_and_independent():
    (z,) = drawn(range(4000), 16, "normal")
    values = z.astype(np.float64).ravel()
    n = values.size
    # Each within 5 deviations of what it is for independent normal draws.
    assert abs(values.mean()) < 5 / np.sqrt(n)
    assert abs(values.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs(stats.skew(values)) < 5 * np.sqrt(6 / n)
    assert abs(stats.kurtosis(values)) < 5 * np.sqrt(24 / n)
    assert stats.kstest(values, "norm").pvalue > 1e-4
    for i, j in itertools.combinations(range(16), 2):
        assert abs(stats.pearsonr(z[:, i], z[:, j]).statistic) < 5 / np.sqrt(len(z))
        assert abs(stats.pearsonr(z[:, i] ** 2, z[:, j] ** 2).statistic) < 5 / np.sqrt(len(z))
    for apart in (1, 2, 32):
        between = np.corrcoef(z[apart:].ravel(), z[:-apart].ravel())[0, 1]
        assert abs(between) < 5 / np.sqrt(n - 16 * apart)


def test_the_other_priors_are_uniform_and_on_the_sphere():
    (uniform,) = drawn(range(3000), 8, "uniform")
    assert stats.kstest(uniform.ravel(), stats.uniform(-1, 2).cdf).pvalue > 1e-4
    (sphere,) = drawn(range(500), 9, "spherical")
    np.testing.assert_allclose(np.linalg.norm(sphere, axis=1), 3, rtol=1e-6)


def test_z_and_noise_of_a_seed_are_not_alike():
    z, noise = drawn(range(2000), 8, "normal", noise_dim=8)
    assert not np.isclose(z, noise).all(axis=1).any()
    assert abs(np.corrcoef(z.ravel(), noise.ravel())[0, 1]) < 5 / np.sqrt(z.size)
