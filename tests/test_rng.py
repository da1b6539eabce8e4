import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.latents import PRIORS
from tfgan_kit.rng import Stream


def test_every_seed_stream_step_and_substep_has_a_key_of_its_own():
    grid = itertools.product((0, 1, 65_536, 2**31 - 1), Stream, (0, 1, 256, 65_536, 2**39 - 1), (0, 1, 255))
    keys = [tuple(rng.key(*place).numbers.numpy()) for place in grid]
    assert len(set(keys)) == len(keys) == 4 * len(Stream) * 5 * 3
    assert min(map(min, keys)) >= 0


def test_streams_keep_their_numbers():
    assert {stream.name: stream.value for stream in Stream} == {
        "ORDER": 0, "MIRROR": 1, "D_LATENTS": 2, "G_LATENTS": 3, "PENALTY": 4, "REAL_SHOWN": 5, "FAKE_SHOWN": 6,
        "G_SHOWN": 7, "LABELS": 8, "REPLAY": 9, "CONSISTENCY": 10, "PATH": 11, "G_NOISE": 12, "D_NOISE": 13,
        "SHARDS": 14, "CROP": 15,
    }  # fmt: skip


def test_a_key_is_the_same_from_a_variable_in_a_graph():
    step = tf.Variable(12, dtype=tf.int64)
    numbers = tf.function(lambda: rng.key(5, Stream.ORDER, step, tf.constant(3)).numbers)()
    assert numbers.dtype == tf.int64
    np.testing.assert_array_equal(numbers, rng.key(5, Stream.ORDER, 12, 3).numbers)


def test_draws_differ_from_key_to_key():
    draws = [rng.uniform(rng.key(0, stream, step), (8,)).numpy() for stream in Stream for step in range(3)]
    assert len({draw.tobytes() for draw in draws}) == len(draws)


@pytest.mark.parametrize(
    "draw",
    [
        lambda key: rng.uniform(key, (257,)),
        lambda key: rng.integers(key, (257,), 10),
        lambda key: rng.latents(key, 7, 5, "uniform"),
    ],
    ids=["uniform", "integers", "uniform latents"],
)
def test_a_draw_is_bit_equal_eager_in_a_graph_and_jitted(draw):
    key = rng.key(3, Stream.MIRROR, 7)
    eager = draw(key).numpy()
    np.testing.assert_array_equal(tf.function(draw)(key), eager)
    np.testing.assert_array_equal(tf.function(draw, jit_compile=True)(key), eager)


@pytest.mark.parametrize("prior", PRIORS)
def test_jitted_latents_are_the_plain_ones_but_for_rounding(prior):
    def draw(key):
        return rng.latents(key, 16, 8, prior)

    key = rng.key(3, Stream.D_LATENTS, 7)
    np.testing.assert_allclose(tf.function(draw, jit_compile=True)(key), draw(key), rtol=1e-4, atol=1e-5)


def test_uniform_covers_0_to_1():
    u = rng.uniform(rng.key(0, Stream.PENALTY, 0), (20_000,)).numpy()
    assert u.dtype == np.float32
    assert u.min() >= 0.0
    assert u.max() < 1.0
    assert u.mean() == pytest.approx(0.5, abs=0.01)
    assert u.var() == pytest.approx(1.0 / 12.0, abs=0.003)


def test_integers_cover_every_value_alike():
    draws = rng.integers(rng.key(0, Stream.ORDER, 0), (20_000,), 10)
    assert draws.dtype == tf.int32
    np.testing.assert_allclose(np.bincount(draws, minlength=10) / 20_000, 0.1, atol=0.01)
    assert len(np.bincount(draws)) == 10


@pytest.mark.parametrize(
    ("prior", "variance", "highest"), [("normal", 1.0, 10.0), ("uniform", 1.0 / 3.0, 1.0), ("spherical", 1.0, 4.0)]
)
def test_latents_follow_their_prior(prior, variance, highest):
    z = rng.latents(rng.key(1, Stream.G_LATENTS, 0), 2000, 16, prior).numpy()
    assert z.shape == (2000, 16)
    assert z.dtype == np.float32
    assert z.mean() == pytest.approx(0.0, abs=0.02)
    assert z.var() == pytest.approx(variance, abs=0.03)
    assert np.abs(z).max() <= highest


def test_spherical_latents_lie_on_the_sphere():
    z = rng.latents(rng.key(1, Stream.G_LATENTS, 0), 100, 16, "spherical")
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 4.0, rtol=1e-5)


def test_an_unknown_prior_is_refused_by_name():
    with pytest.raises(ValueError, match="prior 'gauss' is unknown; legal: normal, uniform, spherical"):
        rng.latents(rng.key(0, Stream.G_LATENTS, 0), 1, 1, "gauss")
