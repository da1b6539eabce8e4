"""Walks and sums of latents, against closed forms and scipy."""

import numpy as np
import pytest
from scipy.spatial import geometric_slerp

from tfgan_kit.errors import SampleError
from tfgan_kit.export.latent_space.walks import add_up, lerp, natural_path, neighbours, slerp, walk, within_prior
from tfgan_kit.latents import z_from_seeds


def unit(z):
    return z / np.linalg.norm(z, axis=-1, keepdims=True)


def angles(z):
    """Between each row and the next."""
    u = unit(np.asarray(z, np.float64))
    return 2 * np.arctan2(np.linalg.norm(u[1:] - u[:-1], axis=1), np.linalg.norm(u[1:] + u[:-1], axis=1))


@pytest.fixture
def stops():
    return z_from_seeds([3, 5, 8, 13], 64)


def test_slerp_is_scipys_on_the_sphere(stops):
    a, b = unit(stops[:2].astype(np.float64))
    t = np.linspace(0, 1, 11)
    np.testing.assert_allclose(slerp(a, b, t), geometric_slerp(a, b, t), atol=1e-12)


def test_slerp_goes_a_constant_angle_a_step_and_its_length_evenly(stops):
    points = slerp(stops[0], stops[1], np.linspace(0, 1, 21))
    whole = np.arccos(unit(stops[0].astype(float)) @ unit(stops[1].astype(float)))
    np.testing.assert_allclose(angles(points), whole / 20, rtol=1e-6)
    lengths = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(lengths, np.linspace(*np.linalg.norm(stops[:2], axis=1), 21), rtol=1e-6)
    # A straight line cuts through where no normal latent is.
    middle = lerp(stops[0], stops[1], np.array([0.5]))
    assert np.linalg.norm(middle) < 0.85 * lengths.min()


def test_slerp_by_hand():
    points = slerp(np.array([2.0, 0.0]), np.array([0.0, 4.0]), np.array([0, 1 / 3, 1 / 2, 1]))
    expected = [[2, 0], [8 / 3 * np.sqrt(3) / 2, 8 / 3 / 2], [3 / np.sqrt(2), 3 / np.sqrt(2)], [0, 4]]
    np.testing.assert_allclose(points, expected, atol=1e-15)


@pytest.mark.parametrize("gap", [0, 1e-30, 1e-12, 1e-6])
def test_slerp_between_neighbours_is_finite_and_between_them(gap):
    a = np.array([1.0, 0.0])
    points = slerp(a, a + np.array([0, gap]), np.linspace(0, 1, 5))
    np.testing.assert_allclose(points, np.stack([np.ones(5), gap * np.linspace(0, 1, 5)], 1), rtol=1e-9)


def test_slerp_has_no_way_between_opposites_or_from_nothing():
    a = np.array([1.0, 2.0])
    with pytest.raises(SampleError, match="opposite"):
        slerp(a, -a, np.array([0.5]))
    for ends in ((a, 0 * a), (0 * a, a)):
        with pytest.raises(SampleError, match="length 0"):
            slerp(*ends, np.array([0.5]))


@pytest.mark.parametrize("path", ["slerp", "lerp"])
@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("ease", [False, True])
@pytest.mark.parametrize("steps", [4, 5, 7, 60, 61])
def test_a_walk_touches_every_stop_to_the_bit(stops, path, loop, ease, steps):
    points = walk(stops, steps, path, loop=loop, ease=ease)
    assert points.shape == (steps, 64)
    assert points.dtype == np.float32
    where = [int(np.flatnonzero((points == stop).all(1))[0]) for stop in stops]
    assert where == sorted(where)
    assert where[0] == 0
    assert loop or where[-1] == steps - 1
    gaps = np.diff([*where, steps] if loop else where)
    assert gaps.max() - gaps.min() <= 1


def test_the_end_of_a_loop_runs_on_into_its_beginning(stops):
    points = walk(stops[:2], 20, "slerp", loop=True)
    np.testing.assert_allclose(angles(np.concatenate([points, points[:1]])), angles(points)[0], rtol=1e-4)
    assert not np.array_equal(points[-1], points[0])


@pytest.mark.parametrize("path", ["slerp", "lerp"])
def test_one_speed_from_stop_to_stop(stops, path):
    points = walk(stops, 31, path).astype(np.float64)
    for leg in range(3):
        part = points[10 * leg : 10 * leg + 11]
        speed = angles(part) if path == "slerp" else np.linalg.norm(np.diff(part, axis=0), axis=1)
        np.testing.assert_allclose(speed, speed.mean(), rtol=1e-4)


def test_an_eased_walk_rests_at_the_stops(stops):
    speed = angles(walk(stops[:2], 41, "slerp", ease=True))
    assert speed[0] < 0.1 * speed.max()
    assert speed[-1] < 0.1 * speed.max()
    np.testing.assert_allclose(speed, speed[::-1], rtol=1e-3)
    assert speed.argmax() in (19, 20)


def test_a_walk_of_too_few_steps_is_refused(stops):
    with pytest.raises(SampleError, match="at least 4 steps; got 3"):
        walk(stops, 3, "lerp")


def test_a_walk_through_one_picture_twice_stays_there(stops):
    points = walk(np.stack([stops[0], stops[0]]), 5, "slerp")
    np.testing.assert_allclose(points, np.tile(stops[0], (5, 1)), rtol=1e-6)


def test_the_natural_path_of_each_prior_stays_within_it():
    for prior in ("normal", "spherical", "uniform"):
        z = z_from_seeds([1, 2], 16, prior)
        points = walk(z, 9, natural_path(prior))
        np.testing.assert_allclose(within_prior(points, prior), points, rtol=1e-5)


def test_w_is_walked_straight():
    assert natural_path("normal", "w") == "lerp"
    assert natural_path("normal", "z") == "slerp"


def test_sums_of_means(stops):
    total = add_up([stops[:2], stops[2:3]], [stops[1:4]], "normal")
    np.testing.assert_allclose(total, (stops[0] + stops[1]) / 2 + stops[2] - (stops[1:4].sum(0)) / 3, rtol=1e-5)
    np.testing.assert_allclose(add_up([stops[:1]], [], "normal"), stops[0])
    np.testing.assert_array_equal(add_up([stops[:1], stops[:1]], [stops[:1]], "normal"), stops[0])


def test_the_papers_sum_of_normal_latents_is_as_likely_as_a_latent():
    z = z_from_seeds(range(9 * 2000), 32).reshape(2000, 3, 3, 32)
    totals = np.array([add_up([row[0], row[2]], [row[1]], "normal") for row in z])
    assert abs(totals.mean()) < 0.01
    assert abs(totals.std() - 1) < 0.01


def test_sums_stay_within_the_prior():
    cube = add_up([np.ones((1, 4)), np.full((1, 4), 0.5)], [np.zeros((1, 4))], "uniform")
    np.testing.assert_array_equal(cube, np.ones(4, np.float32))
    sphere = z_from_seeds(range(3), 9, "spherical")
    assert np.linalg.norm(add_up([sphere[:1], sphere[1:2]], [sphere[2:]], "spherical")) == pytest.approx(3, rel=1e-6)
    with pytest.raises(SampleError, match="cancel"):
        add_up([sphere[:1]], [sphere[:1]], "spherical")


def test_neighbours_are_near_and_of_their_seed(stops):
    around = neighbours(stops[0], 500, 0.25, "normal")
    assert around.dtype == np.float32
    moved = around - stops[0]
    assert np.abs(moved).max() <= 0.25 + 1e-6
    assert moved.std() == pytest.approx(0.25 / np.sqrt(3), rel=0.02)
    np.testing.assert_array_equal(around, neighbours(stops[0], 500, 0.25, "normal"))
    assert not np.array_equal(around, neighbours(stops[0], 500, 0.25, "normal", seed=1))
