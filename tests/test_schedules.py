import math

import pytest
import tensorflow as tf

from tfgan_kit import recipe
from tfgan_kit.schedules import SCHEDULES, lr_factor


def factor(schedule, progress, nimg=0.0, **options):
    value = lr_factor(schedule, progress=tf.constant(progress), nimg=tf.constant(nimg), **options)
    assert value.dtype == tf.float32
    assert value.shape == ()
    return float(value)


def test_the_registry_is_the_recipe_s():
    assert sorted(SCHEDULES) == sorted(recipe.SCHEDULES)


@pytest.mark.parametrize("t", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_closed_forms(t):
    assert factor("constant", t) == 1.0
    assert factor("linear", t) == pytest.approx(1.0 - t, abs=1e-6)
    assert factor("cosine", t) == pytest.approx(math.cos(math.pi * t / 2.0) ** 2, abs=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_is_full_until_the_hold_ends(schedule):
    for progress in (0.0, 0.3, 0.6):
        assert factor(schedule, progress, hold=0.6) == pytest.approx(1.0, abs=1e-6)


def test_after_the_hold_the_rest_of_the_run_takes_it_to_0():
    assert factor("linear", 0.8, hold=0.6) == pytest.approx(0.5, abs=1e-6)
    assert factor("linear", 1.0, hold=0.6) == pytest.approx(0.0, abs=1e-6)


def test_beyond_the_end_the_factor_stays_at_0():
    assert factor("linear", 1.5) == 0.0
    assert factor("cosine", 1.5) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_hold_of_the_whole_run_is_constant(schedule):
    assert factor(schedule, 1.0, hold=1.0) == 1.0


def test_warmup_rises_linearly_in_images_and_multiplies():
    assert factor("constant", 0.0, nimg=0.0, warmup_kimg=2.0) == 0.0
    assert factor("constant", 0.0, nimg=500.0, warmup_kimg=2.0) == 0.25
    assert factor("constant", 0.0, nimg=9000.0, warmup_kimg=2.0) == 1.0
    assert factor("linear", 0.5, nimg=500.0, warmup_kimg=2.0) == pytest.approx(0.125)
