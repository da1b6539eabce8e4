"""Latents by seed, and what is held while they move."""

import numpy as np
import pytest
from tiny_models import W_DIM, write_tiny

from tfgan_kit.errors import SampleError
from tfgan_kit.export import Sampler
from tfgan_kit.export.latent_space.project import project
from tfgan_kit.export.latent_space.search import psnr
from tfgan_kit.export.latent_space.walker import StyleSearch, Walker
from tfgan_kit.latents import noise_from_seeds


@pytest.mark.parametrize("kind", ["plain", "named", "several", "spherical"])
def test_the_latents_of_a_seed_are_its_picture(exported, kind):
    sampler = Sampler(exported[kind], threads=1)
    for seed in (0, 7, 2**40):
        walker = Walker(sampler, seed)
        np.testing.assert_array_equal(walker.draw(walker.latents([seed])), sampler.sample([seed]))


def test_classes_and_noise_are_held(exported):
    sampler = Sampler(exported["several"], threads=1)
    walker = Walker(sampler, 9)
    z = walker.latents([9])
    np.testing.assert_array_equal(walker.draw(np.repeat(z, 40, axis=0)), np.repeat(sampler.sample([9]), 40, axis=0))
    other = Walker(sampler, 10)
    assert not np.array_equal(other.draw(z), walker.draw(z))


def test_a_class_that_is_chosen_comes_before_the_seeds(exported):
    sampler = Sampler(exported["named"], threads=1)
    walker = Walker(sampler, 0, {"class": 2})
    assert walker.labels.tolist() == [2]
    np.testing.assert_array_equal(walker.draw(walker.latents([5])), sampler.sample([5], labels=2))
    some = Walker(Sampler(exported["several"], threads=1), 3, {"glasses": 1})
    assert some.labels[1] == 1
    assert len(some.labels) == 4


def test_truncation(exported):
    sampler = Sampler(exported["plain"], threads=1)
    walker = Walker(sampler, 0)
    np.testing.assert_array_equal(walker.latents([3], 0.5), walker.latents([3]) * np.float32(0.5))
    np.testing.assert_array_equal(walker.draw(walker.latents([3], 0.5)), sampler.sample([3], truncation=0.5))
    with pytest.raises(SampleError, match="truncation"):
        walker.latents([3], 1.5)
    with pytest.raises(SampleError, match="spherical"):
        Walker(Sampler(exported["spherical"]), 0).latents([3], 0.5)


def test_pictures_come_one_by_one(exported):
    walker = Walker(Sampler(exported["named"], threads=1, batch=4), 1)
    z = walker.latents(np.arange(11))
    np.testing.assert_array_equal(np.stack(list(walker.draw_iter(z))), walker.draw(z))


def test_given_labels_are_each_pictures_own(exported):
    sampler = Sampler(exported["named"], threads=1)
    walker = Walker(sampler, 0)
    z = walker.latents([1, 2, 3])
    np.testing.assert_array_equal(
        walker.draw(z, np.array([[1], [2], [0]])), sampler.sample([1, 2, 3], labels=[1, 2, 0])
    )


@pytest.fixture
def style(tmp_path):
    return Sampler(write_tiny(tmp_path / "w.onnx", inputs="w", noise_dim=2), threads=1)


def test_a_model_of_w_is_walked_in_w(style):
    walker = Walker(style, 5)
    w = walker.latents([5, 6])
    assert (walker.space, walker.dim, walker.prior, w.shape) == ("w", W_DIM, "normal", (2, W_DIM))
    np.testing.assert_array_equal(walker.draw(w[:1]), style.sample([5]))


def test_w_is_searched_in_its_own_deviations(style):
    search = StyleSearch(Walker(style, 5))
    scaled = search.latents(np.arange(1000))
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(0), 1, rtol=1e-4)
    np.testing.assert_allclose(search.to_w(scaled[:3]), Walker(style, 5).latents([0, 1, 2]), rtol=1e-4, atol=1e-5)
    target = style.sample([5])[0]
    found = project(search, target, restarts=2)
    assert psnr(found.mse) > 35
    np.testing.assert_array_equal(
        found.image, style.generate_w(search.to_w(found.latent)[None], noise=noise_from_seeds([5], 2))[0]
    )


def test_a_model_of_seeds_cannot_be_walked(tmp_path):
    with pytest.raises(SampleError, match=r"takes seeds and makes z within.*--inputs z"):
        Walker(Sampler(write_tiny(tmp_path / "s.onnx", inputs="seed")), 0)
