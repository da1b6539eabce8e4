"""Toys that are trained: what D and G come to."""

import math

import numpy as np
import pytest

from tfgan_kit.errors import DataError, DivergedError, RecipeError
from tfgan_kit.metrics.modes import mixture_modes
from tfgan_kit.toy.measure import Measure
from tfgan_kit.toy.options import STEPS, TOY, toy_recipe
from tfgan_kit.toy.points import points_named
from tfgan_kit.toy.train import Toy, moments

# Seconds together, nothing jitted.
SMALL = {"g_hidden": (16,), "d_hidden": (16,), "batch_size": 32, "jit": False}


def toy_of(name, steps, seed=0, loss=None, **changes):
    return Toy(toy_recipe(steps=steps, seed=seed, loss=loss, changes=changes), points_named(name))


@pytest.fixture(scope="module")
def pretrained():
    """A toy whose D was trained for long against a G that stayed as it is, and what was measured."""
    toy = toy_of("ring8", 800, pretrain_d_kimg=799 * 128 / 1000, r1_gamma=0.0)
    measure = Measure(toy.recipe, toy.data, 2000)
    weights = [weight.copy() for weight in toy.gan.G.get_weights()]
    first = measure.look(toy, {})
    means = toy.train(799)
    for before, after in zip(weights, toy.gan.G.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    return first, measure.look(toy, means)


def test_d_of_a_fixed_g_comes_to_the_optimum(pretrained):
    first, last = pretrained
    assert first.figures["d_error"] > 0.35
    assert last.figures["d_error"] < 0.06
    assert last.figures["log_ratio_error"] < 0.25 * first.figures["log_ratio_error"]


def test_the_loss_of_the_optimal_d_is_the_divergence(pretrained):
    # C(G) = -log 4 + 2 JS: what D's loss says of JS is a bound from below that a good D reaches.
    first, last = pretrained
    assert last.figures["js"] == pytest.approx(first.figures["js"], abs=1e-9)
    assert last.figures["js_by_d"] == pytest.approx(last.figures["js"], abs=0.08)
    assert first.figures["js_by_d"] < 0.5 * last.figures["js_by_d"]


def test_the_saturating_loss_leaves_g_without_a_gradient(pretrained):
    first, last = pretrained

    def share(look):
        return look.figures["g_gradient_minimax"] / look.figures["g_gradient_nonsaturating"]

    assert share(last) < 0.1
    assert share(first) > 0.3


def test_the_nonsaturating_recipe_covers_the_ring():
    toy = toy_of("ring8", STEPS // 4, jit=False)
    assert toy.recipe.loss == "nonsaturating"
    toy.train(toy.steps)
    near = mixture_modes(toy.samples(4000), toy.data.centres, toy.data.deviation)
    assert near.covered == 8
    assert near.high_quality_share > 0.5
    # Not by a stray sample: every mode has a fair part.
    assert near.counts.min() > 0.1 * 4000 / 8


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("name", "modes"), [("ring8", 8), ("grid25", 25)])
def test_the_nonsaturating_recipe_covers_all_modes(name, modes, seed):
    toy = toy_of(name, STEPS, seed=seed)
    toy.train(toy.steps)
    near = mixture_modes(toy.samples(4000), toy.data.centres, toy.data.deviation)
    assert near.covered == modes
    assert near.high_quality_share > 0.5


def test_a_toy_is_of_its_seed():
    def trained(seed):
        toy = toy_of("grid25", 6, seed=seed, **SMALL, r1_gamma=0.0)
        toy.train(3)
        toy.train(6)
        return toy.samples(20)

    np.testing.assert_array_equal(trained(1), trained(1))
    assert not np.array_equal(trained(1), trained(2))


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "wasserstein", "gp_lambda": 1.0},
        {"loss": "least_squares", "label_smoothing": 0.1, "d_steps": 2, "instance_noise": 0.1, "d_spectral_norm": True},
        {"loss": "hinge", "replay_images": 64, "swap": "d", "swap_every_kimg": 0.1, "swap_steps": 2, "d_dropout": 0.2},
        {"d_minibatch": "discrimination", "feature_matching": 1.0, "g_dropout": 0.2, "g_random_in_use": True},
    ],
    ids="-".join,
)
def test_losses_and_stabilisers_apply(changes):
    toy = toy_of("spiral", 8, **SMALL | changes)
    measure = Measure(toy.recipe, toy.data, 600)
    look = measure.look(toy, toy.train(8))
    assert all(math.isfinite(value) for value in look.figures.values())
    assert ("d_error" in look.figures) == (measure.reason == "")
    assert (look.best is None) == bool(measure.reason)
    assert "modes" not in look.figures


def test_a_loss_that_stops_being_finite_is_told():
    toy = toy_of("ring8", 30, **SMALL, g_lr=1e38, d_lr=1e38)
    with pytest.raises(DivergedError, match="not finite"):
        toy.train(30)


def test_a_loss_scale_that_falls_without_end_is_told():
    # 200 halvings of 2^15 end at 0, and what is divided by that is not finite either.
    toy = toy_of("ring8", 200, **SMALL | {"r1_gamma": 0.0, "drift_lambda": 1e30, "precision": "mixed_float16"})
    with pytest.raises(DivergedError, match=r"d_loss_scale was below 1 at step 16: .*precision=mixed_bfloat16"):
        toy.train(200)


def test_moments_are_denser_at_the_beginning():
    found = moments(4000, 20)
    assert (found[0], found[-1], len(found)) == (0, 4000, 21)
    assert found[1] - found[0] < found[-1] - found[-2]
    assert moments(3, 3) == sorted(set(moments(3, 3)))


@pytest.mark.parametrize(("name", "samples"), [("grid25", 24), ("ring8", 7), ("spiral", 1)])
def test_more_modes_than_samples_are_refused(name, samples):
    with pytest.raises(DataError, match="--samples"):
        Measure(TOY, points_named(name), samples)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"augment": "diffaugment"}, "augment is about pictures"),
        ({"mirror": True}, "mirror is about pictures"),
        ({"crop": (48, 48)}, "crop is about pictures"),
        ({"family": "dcgan"}, "family is about pictures"),
        ({"bcr_lambda": 1.0}, "bcr_lambda is about pictures"),
        ({"tick_kimg": 1.0}, "tick_kimg is about the records and the watch"),
        ({"kimg": 3.0}, "--steps"),
        ({"seed": 3}, "--seed"),
        ({"g_nois": 1.0}, "did you mean 'g_noise'"),
        ({"loss": "hing"}, "did you mean 'hinge'"),
        ({"d_norm": "instance"}, "no map"),
    ],
)
def test_what_means_nothing_for_points_is_refused(changes, words):
    with pytest.raises(RecipeError, match=words):
        toy_recipe(steps=10, seed=0, loss=None, changes=changes)
