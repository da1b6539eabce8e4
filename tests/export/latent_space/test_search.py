"""The search for a picture's latent: exact where it can be, and found again where a model made it."""

import numpy as np
import pytest

from tfgan_kit.export import Sampler
from tfgan_kit.export.latent_space.project import label_sets, project
from tfgan_kit.export.latent_space.search import Point, descend, mse_to, plausible, psnr
from tfgan_kit.export.latent_space.walker import Walker
from tfgan_kit.latents import z_from_seeds


class Smooth:
    """A generator that bends: 8x8 pictures of 5 latents, a class a shift; says how often it draws."""

    prior, dim = "normal", 5

    def __init__(self):
        rng = np.random.default_rng(0)
        self._a, self._b = rng.normal(size=(5, 64)) / 2, rng.normal(size=(6, 64)) / 2
        self.drawn = 0

    def latents(self, seeds):
        return z_from_seeds(seeds, 5)

    def draw(self, latents, labels=None):
        self.drawn += len(latents)
        shift = 0 if labels is None else self._b[labels[:, 0]]
        grey = 127.5 * (1 + np.tanh(latents @ self._a + shift))
        return np.rint(grey).astype(np.uint8).reshape(-1, 8, 8, 1)


def test_distances_by_hand():
    target = np.zeros((1, 2, 1), np.uint8)
    images = np.array([[[[0], [0]]], [[[255], [0]]], [[[51], [51]]]], np.uint8)
    np.testing.assert_allclose(mse_to(target, images), [0, 0.5, 0.04])
    assert psnr(0.01) == pytest.approx(20)
    assert psnr(0) == np.inf


def test_a_linear_generator_is_solved_at_once():
    rng = np.random.default_rng(0)
    matrix, wanted = rng.normal(size=(6, 100)), rng.normal(size=6).astype(np.float32)

    def draw(z):
        return np.rint(127.5 + 8 * z @ matrix).astype(np.uint8).reshape(-1, 10, 10, 1)

    point = descend(draw, draw(wanted[None])[0], np.zeros(6, np.float32), lambda z: z, steps=8)
    np.testing.assert_allclose(point.latent, wanted, atol=0.05)
    assert psnr(point.mse) > 50
    assert point.pictures <= 1 + 8 * (6 + 8)


def test_a_descent_never_ends_further_away_than_it_began():
    generator = Smooth()
    for seed in range(8):
        start, target = generator.latents([seed])[0], generator.draw(generator.latents([seed + 100]))[0]
        before = mse_to(target, generator.draw(start[None]))[0]
        point = descend(generator.draw, target, start, plausible("normal", 5), steps=3)
        assert point.mse <= before
        assert point.mse == pytest.approx(mse_to(target, generator.draw(point.latent[None]))[0])


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_of_the_generator_is_found_again_better_than_by_as_many_draws(seed):
    generator = Smooth()
    target = generator.draw(generator.latents([10**6 + seed]))[0]
    generator.drawn = 0
    found = project(generator, target, seed=seed)
    assert abs(generator.drawn - found.pictures) <= 1 + 4
    assert psnr(found.mse) > 45
    best = mse_to(target, generator.draw(generator.latents(np.arange(found.pictures)))).min()
    assert found.mse < best / 10
    assert found.mse <= found.drawn_mse
    np.testing.assert_array_equal(found.image, generator.draw(found.latent[None])[0])
    assert found.labels is None


@pytest.mark.parametrize("seed", range(4))
def test_the_classes_that_are_gone_into_are_those_of_the_best_draws(seed, monkeypatch):
    monkeypatch.setattr("tfgan_kit.export.latent_space.project._CONTENDERS", 3)
    generator, rounds = Smooth(), []
    target = generator.draw(generator.latents([10**6 + seed]), np.array([[seed]]))[0]

    def stay(target, starts, labels, steps):
        nearest = mse_to(target, generator.draw(starts, labels))
        rounds.append((labels[:, 0].tolist(), nearest.tolist()))
        return [Point(start, mse, 1) for start, mse in zip(starts, nearest, strict=True)]

    found = project(generator, target, labels=label_sets([6], {}), seed=seed, descent=stay)
    classes, nearest = rounds[0]
    assert len(set(classes)) == 3
    assert nearest == sorted(nearest)
    assert found.drawn_mse == pytest.approx(nearest[0])
    # No other class has a draw that is nearer than the last of them.
    first = int(np.random.default_rng(seed).integers(2**40))
    latents = generator.latents(np.arange(first, first + 4096 // 6))
    others = [mse_to(target, generator.draw(latents, np.full((len(latents), 1), c))) for c in range(6)]
    assert sorted(classes, key=lambda c: others[c].min()) == sorted(range(6), key=lambda c: others[c].min())[:3]


def test_the_class_of_a_picture_is_found_too():
    generator = Smooth()
    labels = np.array([[4]])
    target = generator.draw(generator.latents([10**6]), labels)[0]
    found = project(generator, target, labels=label_sets([6], {}))
    assert found.labels.tolist() == [4]
    assert psnr(found.mse) > 45
    assert next(iter(found.by_labels)) == (4,)
    assert set(found.by_labels) == {(i,) for i in range(6)}
    assert list(found.by_labels.values()) == sorted(found.by_labels.values())
    other = project(generator, target, labels=label_sets([6], {0: 2}))
    assert other.labels.tolist() == [2]
    assert other.mse > found.mse


def test_label_sets():
    assert label_sets([], {}) == []
    assert label_sets([2, 3], {}) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert label_sets([2, 3], {1: 2}) == [(0, 2), (1, 2)]
    many = label_sets([100, 50], {1: 7})
    assert 30 < len(many) == len(set(many)) <= 64
    assert all(0 <= a < 100 and b == 7 for a, b in many)


def test_the_same_seed_finds_the_same():
    generator = Smooth()
    target = np.full((8, 8, 1), 100, np.uint8)
    first, second, other = (project(generator, target, seed=seed, restarts=1, steps=2) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.latent, second.latent)
    assert not np.array_equal(first.latent, other.latent)


def test_latents_stay_plausible():
    z = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]], np.float32)
    np.testing.assert_allclose(plausible("uniform", 2)(z), [[1, 1], [0.3, 0.4], [0, 0]])
    normal = plausible("normal", 2)(z)
    np.testing.assert_allclose(np.linalg.norm(normal, axis=1), [np.sqrt(2) + 3 / np.sqrt(2), 0.5, 0], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(plausible("spherical", 2)(z[:2]), axis=1), np.sqrt(2), rtol=1e-6)
    assert np.isfinite(plausible("spherical", 2)(z)).all()
    # What no picture of the generator is like draws the search outwards; only so far.
    found = project(Smooth(), np.full((8, 8, 1), 255, np.uint8), restarts=2)
    assert np.linalg.norm(found.latent) <= np.sqrt(5) + 3 / np.sqrt(2) + 1e-4


@pytest.mark.parametrize("kind", ["plain", "named", "several", "spherical"])
def test_a_picture_of_a_model_is_found_again(exported, kind):
    sampler = Sampler(exported[kind], threads=1)
    seed = 4242
    target = sampler.sample([seed])[0]
    walker = Walker(sampler, seed)
    held = () if walker.labels is None else [tuple(walker.labels.tolist())]
    found = project(walker, target, labels=held, restarts=2)
    assert psnr(found.mse) > 35
    random = walker.draw(walker.latents(np.arange(1000)))
    assert found.mse < mse_to(target, random).min() / 4
