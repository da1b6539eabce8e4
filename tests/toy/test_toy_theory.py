"""Densities, divergences and optimal Ds against closed forms and other implementations."""

import math

import numpy as np
import pytest
from scipy import stats

from tfgan_kit.errors import DataError
from tfgan_kit.losses import LOSSES
from tfgan_kit.recipe import Recipe
from tfgan_kit.toy import density
from tfgan_kit.toy.optimum import OPTIMA, noise_at, optimum_of, share_of_real, sigmoid, targets
from tfgan_kit.toy.points import TOYS, points_named
from tfgan_kit.toy.transport import earth_movers

ROUND = density.CELL**2


def gaussian(x, y, deviation):
    """A round Gaussian on the grid, by scipy."""
    found = stats.multivariate_normal((x, y), deviation**2).pdf(density.grid_points())
    return found.reshape(density.SIDE, density.SIDE)


@pytest.mark.parametrize("name", TOYS)
def test_density_is_that_of_the_mixture_and_of_its_draws(name):
    data = points_named(name)
    p = data.density(density.AXIS, density.AXIS)
    expected = np.mean([gaussian(x, y, data.deviation) for x, y in data.centres], axis=0)
    np.testing.assert_allclose(p, expected, atol=1e-9)
    assert p.sum() * ROUND == pytest.approx(1.0, abs=1e-3)
    # The mean of the density over its own draws is the sum of its square.
    assert density.at(p, data.draw(200_000, 0)).mean() == pytest.approx((p**2).sum() * ROUND, rel=0.02)


@pytest.mark.parametrize(("name", "modes"), [("ring8", 8), ("grid25", 25), ("spiral", 0), ("swissroll", 0)])
def test_modes_lie_apart_and_everything_within_reach_of_a_tanh(name, modes):
    data = points_named(name)
    assert data.modes == modes
    assert np.abs(data.centres).max() + 3 * data.deviation < 1
    gaps = np.linalg.norm(data.centres[:, None] - data.centres[None], axis=-1) + 9 * np.eye(len(data.centres))
    assert (gaps.min() > 6 * data.deviation) == bool(modes)
    if not modes:
        # Closer than the deviation, so that the Gaussians make one curve.
        assert gaps.min(axis=1).max() < data.deviation


def test_draws_are_of_the_seed():
    data = points_named("ring8")
    np.testing.assert_array_equal(data.draw(50, 3), data.draw(50, 3))
    assert not np.array_equal(data.draw(50, 3), data.draw(50, 4))


def test_blur_is_noise_on_the_points():
    data = points_named("ring8")
    noisy = data.draw(400_000, 0) + 0.05 * np.random.default_rng(1).standard_normal((400_000, 2))
    estimate = density.kernel_density(noisy, 0.02)
    exact = data.density(density.AXIS, density.AXIS, math.hypot(0.05, 0.02))
    assert np.abs(estimate - exact).max() < 0.05 * exact.max()


def test_kernel_density_is_scipys():
    points = np.random.default_rng(0).normal(0, 0.3, (300, 2)).clip(-0.8, 0.8)
    bandwidth = 0.08
    ours = density.at(density.kernel_density(points, bandwidth), points)
    theirs = np.mean([stats.multivariate_normal(point, bandwidth**2).pdf(points) for point in points], axis=0)
    np.testing.assert_allclose(ours, theirs, rtol=0.06)


def test_jensen_shannon_closed_forms():
    p, far = gaussian(-0.5, 0, 0.05), gaussian(0.5, 0, 0.05)
    assert density.jensen_shannon(p, p) == 0.0
    assert density.jensen_shannon(p, far) == pytest.approx(math.log(2), abs=1e-9)
    # Half of the mass in common: of two equal halves one is shared.
    assert density.jensen_shannon(p + far, p + gaussian(0, 0.5, 0.05)) == pytest.approx(math.log(2) / 2, abs=1e-6)


def test_the_value_of_the_game_at_the_optimal_d_is_the_divergence():
    # C(G) = -log 4 + 2 JS(p_data, p_g). Goodfellow et al. 2014, Theorem 1.
    p, q = gaussian(0.15, 0.1, 0.15), gaussian(-0.1, 0, 0.2)
    best = share_of_real(p, q)
    value = ((p * np.log(best)).sum() + (q * np.log(1 - best)).sum()) * ROUND
    assert value == pytest.approx(-math.log(4) + 2 * density.jensen_shannon(p, q), abs=1e-4)
    # And by draws: the density ratio of the optimal D averages to 1 over the fakes.
    fake = np.random.default_rng(0).normal((-0.1, 0.0), 0.2, (200_000, 2))
    ratio = density.at(best / (1 - best), fake)
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("real", "fake"), [(1.0, 0.0), (0.9, 0.0), (0.95, 0.15)])
@pytest.mark.parametrize("loss", OPTIMA)
def test_the_optimum_minimises_the_loss(loss, real, fake):
    logits = np.linspace(-6, 6, 4801, dtype=np.float32)
    for share in (0.1, 0.35, 0.8):
        as_real = LOSSES[loss].d(
            real_logits=logits, fake_logits=np.full_like(logits, 0.5), real_targets=real, fake_targets=fake
        )
        as_fake = LOSSES[loss].d(
            real_logits=np.full_like(logits, 0.5), fake_logits=logits, real_targets=real, fake_targets=fake
        )
        best = logits[np.argmin(share * np.asarray(as_real) + (1 - share) * np.asarray(as_fake))]
        mean = share_of_real(np.array([share]), np.array([1 - share]), real, fake)
        expected = OPTIMA[loss].of_share(mean)
        assert OPTIMA[loss].of_logits(np.array([best], np.float64)) == pytest.approx(expected, abs=4e-3)


@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in OPTIMA])
def test_losses_without_an_optimum_at_a_point_say_why(loss):
    found, reason = optimum_of(Recipe(kimg=1, loss=loss))
    assert found is None
    assert loss in reason


def test_a_d_that_judges_batches_has_no_optimum_at_a_point():
    found, reason = optimum_of(Recipe(kimg=1, family="mlp", d_minibatch="discrimination"))
    assert found is None
    assert "batches" in reason


def test_soft_labels_move_the_optimum_away_from_the_log_odds():
    assert optimum_of(Recipe(kimg=1))[0].log_odds
    soft = Recipe(kimg=1, real_labels=(0.7, 1.2), fake_labels=(0.0, 0.3), label_flips=0.1)
    assert not optimum_of(soft)[0].log_odds
    assert targets(soft) == pytest.approx((0.9 * 0.95 + 0.1 * 0.15, 0.9 * 0.15 + 0.1 * 0.95))
    assert targets(Recipe(kimg=1, label_smoothing=0.1)) == pytest.approx((0.9, 0.0))


def test_sigmoid_of_large_logits():
    np.testing.assert_allclose(sigmoid(np.array([-1e4, 0.0, 2.0, 1e4])), [0, 0.5, 1 / (1 + math.exp(-2)), 1])


def test_noise_fades():
    recipe = Recipe(kimg=1, instance_noise=0.2, instance_noise_until=0.5)
    assert [noise_at(recipe, progress) for progress in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([0.2, 0.1, 0.0, 0.0])


def test_earth_movers_distance():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(60, 2))
    assert earth_movers(a, a[rng.permutation(60)]) == 0.0
    assert earth_movers(a, a + np.array([3.0, -4.0])) == pytest.approx(5.0)
    # On a line the best plan is in order.
    x, y = (np.stack([rng.normal(size=80), np.zeros(80)], axis=1) for _ in range(2))
    assert earth_movers(x, y) == pytest.approx(stats.wasserstein_distance(x[:, 0], y[:, 0]))


def test_an_unknown_toy_gets_the_nearest():
    with pytest.raises(DataError, match="did you mean 'ring8'"):
        points_named("ring9")
