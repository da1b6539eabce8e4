"""walk.js: arcs, lines, and moves that stay where the prior has its values."""

import math

import numpy as np
import pytest
from node_js import in_node, needs_node

pytestmark = needs_node

WALK = [("between, eased, moved, pathOf", "walk.js")]
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 16)).astype(np.float32)


def between(a, b, t, path):
    body = "return between(Float32Array.from(given.a), Float32Array.from(given.b), given.t, given.path)"
    return np.array(in_node(WALK, body, a=[*map(float, a)], b=[*map(float, b)], t=t, path=path))


@pytest.mark.parametrize("path", ["slerp", "lerp"])
def test_a_way_begins_and_ends_where_it_should(path):
    assert np.allclose(between(A, B, 0, path), A, atol=1e-6)
    assert np.allclose(between(A, B, 1, path), B, atol=1e-6)


def test_an_arc_goes_evenly_through_its_angle_and_length():
    angle = math.acos(A @ B / np.linalg.norm(A) / np.linalg.norm(B))
    point = between(A, B, 0.25, "slerp")
    assert math.acos(point @ A / np.linalg.norm(point) / np.linalg.norm(A)) == pytest.approx(angle / 4, rel=1e-4)
    assert np.linalg.norm(point) == pytest.approx(0.75 * np.linalg.norm(A) + 0.25 * np.linalg.norm(B), rel=1e-5)


@pytest.mark.parametrize("b", [A, -A, 0 * A, 2 * A])
def test_where_there_is_no_arc_the_way_is_straight(b):
    assert np.allclose(between(A, b, 0.25, "slerp"), 0.75 * A + 0.25 * b, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "prior", "path"),
    [("z", "normal", "slerp"), ("z", "spherical", "slerp"), ("z", "uniform", "lerp"), ("w", "normal", "lerp")],
)
def test_the_path_of_a_prior(inputs, prior, path):
    assert in_node(WALK, "return pathOf(given)", inputs=inputs, prior=prior) == path


@pytest.mark.parametrize("prior", ["normal", "uniform", "spherical"])
def test_a_move(prior):
    latent = A / np.linalg.norm(A) * 4 if prior == "spherical" else np.clip(A, -1, 1)
    directions = RNG.normal(size=(2, 16))
    body = """
      const row = Float32Array.from(given.latent);
      const out = moved(row, given.directions.map((of) => Float32Array.from(of)), given.offsets, given.spec);
      return [out, row];"""
    given = {"latent": latent.tolist(), "directions": directions.tolist(), "spec": {"inputs": "z", "prior": prior}}
    out, kept = map(np.array, in_node(WALK, body, offsets=[0.5, -2], **given))
    whole = latent + 0.5 * directions[0] - 2 * directions[1]
    legal = {"normal": whole, "uniform": np.clip(whole, -1, 1), "spherical": whole / np.linalg.norm(whole) * 4}
    assert np.allclose(out, legal[prior], atol=1e-5)
    assert np.allclose(kept, latent, atol=1e-6)
    still, _ = in_node(WALK, body, offsets=[0, 0], **given)
    assert np.allclose(still, latent, atol=1e-6)


def test_easing_is_still_at_both_ends():
    found = in_node(WALK, "return [0, 0.001, 0.5, 0.999, 1].map(eased)")
    assert found[::2] == [0, 0.5, 1]
    assert found[1] < 1e-5
    assert found[3] > 1 - 1e-5
