"""float16 and bfloat16 in training: what stays in float32, what the loss scale is for, and how a run of it ends."""

import os
import signal

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.build import build_gan
from tfgan_kit.calling import without_updates
from tfgan_kit.errors import DivergedError
from tfgan_kit.metrics.modes import mixture_modes
from tfgan_kit.penalties import zero_centred
from tfgan_kit.recipe import Recipe
from tfgan_kit.toy.options import STEPS, toy_recipe
from tfgan_kit.toy.points import points_named
from tfgan_kit.toy.train import Toy
from tfgan_kit.training import checkpoint, loop

HALVES = ("mixed_bfloat16", "mixed_float16")
SHAPE = (8, 8, 1)
PICTURES = np.random.default_rng(0).integers(0, 256, (48, 8, 8), np.uint8)


def tiny(**changes) -> Recipe:
    """32 steps of batch 8 on perceptrons; a tick each 8 steps."""
    fields = {
        "family": "mlp", "g_hidden": (8,), "d_hidden": (8,), "z_dim": 4, "batch_size": 8, "kimg": 0.256,
        "tick_kimg": 0.064, "preview_ticks": 4, "checkpoint_ticks": 1, "steps_per_call": 1, "jit": False,
        "preview_grid": (2, 3), "conditional": False,
    }  # fmt: skip
    return Recipe(**(fields | changes))


def first_step(**changes) -> dict[str, float]:
    """The means after one step."""
    gan = build_gan(tiny(**changes), SHAPE)
    return {name: float(value) for name, value in gan.train_step(tf.constant(PICTURES[:8, ..., None])).items()}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    np.savez(path, images=PICTURES)
    return f"npz:{path}"


# Penalties


@pytest.mark.parametrize("precision", HALVES)
def test_gradient_penalties_have_the_digits_and_the_range_of_float32(precision):
    # |grad D|^2, which is beyond float16.
    found, square = {}, 64 * (308 / 3) ** 2
    for kinds in ({"r1_gamma": 2.0, "r2_gamma": 2.0, "gp_lambda": 1.0}, {"dragan_lambda": 1.0}):
        gan = build_gan(tiny(precision=precision, d_hidden=(1,), **kinds), SHAPE)
        # D(x) = 308 (1/3 sum(x) + 100), on the side of the ReLU where that is above 0.
        hidden, logit = gan.D.get_layer("hidden0"), gan.D.get_layer("logit")
        hidden.kernel.assign(np.full((64, 1), 1.0 / 3.0))
        hidden.bias.assign([100.0])
        logit.kernel.assign([[308.0]])
        # The half precision D itself has too few digits for this: a third is no number of its own.
        half = zero_centred(without_updates(gan.D), tf.zeros((2, *SHAPE)))
        assert np.all(np.abs(np.asarray(half) / square - 1.0) > 1e-4)
        found |= {name: float(value) for name, value in gan.train_step(tf.constant(PICTURES[:8, ..., None])).items()}
    for name in ("r1", "r2"):
        assert found[name] == pytest.approx(square, rel=1e-6)
    for name in ("gp", "dragan"):
        assert found[name] == pytest.approx((square**0.5 - 1.0) ** 2, rel=1e-6)


# The loss scale


@pytest.mark.parametrize(("precision", "scaled"), [("mixed_bfloat16", False), ("mixed_float16", True)])
def test_bfloat16_keeps_small_gradients_by_itself_and_float16_by_its_loss_scale(precision, scaled):
    norm = first_step(precision=precision)["g_grad_norm"]
    # A power of two goes through rounding as it is, until numbers are below the smallest of the format.
    small = first_step(precision=precision, g_adversarial=2.0**-10)["g_grad_norm"]
    assert small == pytest.approx(norm * 2.0**-10, rel=1e-3)
    # Under the scale of 2^15 this is 2^-25: half of the smallest float16.
    smallest = first_step(precision=precision, g_adversarial=2.0**-40)["g_grad_norm"]
    assert smallest == (0.0 if scaled else pytest.approx(norm * 2.0**-40, rel=1e-6))


def test_a_run_whose_gradients_overflow_at_every_scale_ends_with_the_floor(data, tmp_path):
    # The derivative by D's features is beyond float16 at any scale, and the losses are finite.
    recipe = tiny(data=data, precision="mixed_float16", drift_lambda=1e12)
    initial = build_gan(recipe, SHAPE).D.get_weights()
    with pytest.raises(DivergedError, match=r"loss scale of D .* at step 16 .*stay infinite; try precision=mixed_bf"):
        loop.train(recipe, tmp_path / "run", name="tiny")
    _, state, _ = checkpoint.load_newest(tmp_path / "run" / "checkpoints")
    # No step of D was taken, neither in part; G went on.
    kept = [state[name] for name in state if name.startswith("D/")]
    assert len(kept) == len(initial)
    for found, before in zip(kept, initial, strict=True):
        np.testing.assert_array_equal(found, before)
    assert all(np.isfinite(array).all() for array in state.values())


def test_a_loss_scale_that_has_moved_is_part_of_a_resumed_run(data, tmp_path):
    # Too steep for the first scale, and not for a smaller one.
    recipe = tiny(data=data, precision="mixed_float16", drift_lambda=1e4, kimg=0.128)
    calls: list[int] = []

    def interrupt(progress: loop.Progress) -> None:
        calls.append(progress.nimg)
        if len(calls) == 10:
            os.kill(os.getpid(), signal.SIGINT)

    assert loop.train(recipe, tmp_path / "whole", name="tiny").finished
    assert not loop.train(recipe, tmp_path / "stopped", name="tiny", on_progress=interrupt).finished
    assert loop.train(recipe, tmp_path / "stopped", name="tiny").finished
    left, right = (checkpoint.load_newest(tmp_path / run / "checkpoints")[1] for run in ("whole", "stopped"))
    (scale,) = (value for name, value in left.items() if name.startswith("d_opt") and name.endswith("dynamic_scale"))
    assert 1.0 <= scale < 2.0**15
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    assert (tmp_path / "whole" / "stats.jsonl").read_bytes() == (tmp_path / "stopped" / "stats.jsonl").read_bytes()


# What is learned


def ring(steps: int, precision: str, seed: int = 0):
    recipe = toy_recipe(steps=steps, seed=seed, loss=None, changes={"precision": precision, "jit": False})
    toy = Toy(recipe, points_named("ring8"))
    toy.train(toy.steps)
    return mixture_modes(toy.samples(4000), toy.data.centres, toy.data.deviation)


# bfloat16 is among the slow ones below.
def test_a_ring_is_covered_under_a_loss_scale():
    near = ring(STEPS // 8, "mixed_float16")
    assert near.covered == 8
    assert near.high_quality_share > 0.5
    assert near.counts.min() > 0.1 * 4000 / 8


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("precision", HALVES)
def test_a_ring_is_learned_as_well_as_in_float32(precision, seed):
    half, whole = ring(STEPS, precision, seed), ring(STEPS, "float32", seed)
    assert half.covered == whole.covered == 8
    # Three times the deviation of the difference between two seeds.
    assert half.high_quality_share > whole.high_quality_share - 0.1
