import inspect
import math

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import recipe
from tfgan_kit.losses import LOSSES

NAMES = sorted(LOSSES)
POINTS = [(0.0, 0.0), (1.5, -0.5), (-2.0, 3.0), (0.25, 0.75), (-1.0, -1.0)]


def log_sigmoid(t):
    return -math.log(1.0 + math.exp(-t))


def sigmoid(t):
    return 1.0 / (1.0 + math.exp(-t))


# What D and G minimise at one real logit r and one fake logit f, written from the papers' probabilities.
BY_HAND = {
    "minimax": (
        lambda r, f: -math.log(sigmoid(r)) - math.log(1.0 - sigmoid(f)),
        lambda r, f: math.log(1.0 - sigmoid(f)),
    ),
    "nonsaturating": (
        lambda r, f: -math.log(sigmoid(r)) - math.log(1.0 - sigmoid(f)),
        lambda r, f: -math.log(sigmoid(f)),
    ),
    "least_squares": (lambda r, f: 0.5 * (r - 1.0) ** 2 + 0.5 * f**2, lambda r, f: 0.5 * (f - 1.0) ** 2),
    "hinge": (lambda r, f: max(0.0, 1.0 - r) + max(0.0, 1.0 + f), lambda r, f: -f),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -f),
    "relativistic": (lambda r, f: -log_sigmoid(r - f), lambda r, f: -log_sigmoid(f - r)),
}

# (dD/dr, dD/df, dG/dr, dG/df), in closed form.
SLOPES = {
    "minimax": lambda r, f: (sigmoid(r) - 1.0, sigmoid(f), 0.0, -sigmoid(f)),
    "nonsaturating": lambda r, f: (sigmoid(r) - 1.0, sigmoid(f), 0.0, sigmoid(f) - 1.0),
    "least_squares": lambda r, f: (r - 1.0, f, 0.0, f - 1.0),
    "hinge": lambda r, f: (-float(r < 1.0), float(f > -1.0), 0.0, -1.0),
    "wasserstein": lambda r, f: (-1.0, 1.0, 0.0, -1.0),
    "relativistic": lambda r, f: (-sigmoid(f - r), sigmoid(f - r), sigmoid(r - f), -sigmoid(r - f)),
}


def values(loss, real, fake, dtype=tf.float32):
    return loss(real_logits=tf.constant(real, dtype), fake_logits=tf.constant(fake, dtype))


def slopes(loss, real, fake):
    real, fake = tf.constant(real), tf.constant(fake)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        total = tf.reduce_sum(loss(real_logits=real, fake_logits=fake))
    return [g.numpy() for g in tape.gradient(total, [real, fake], unconnected_gradients="zero")]


def test_the_registry_is_the_recipe_s():
    assert sorted(LOSSES) == sorted(recipe.LOSSES)
    assert sorted(BY_HAND) == sorted(LOSSES)


@pytest.mark.parametrize("name", NAMES)
def test_values_by_hand_one_for_each_pair(name):
    real, fake = zip(*POINTS, strict=True)
    for loss, by_hand in zip(LOSSES[name], BY_HAND[name], strict=True):
        found = values(loss, real, fake)
        assert found.shape == (len(POINTS),)
        np.testing.assert_allclose(found, [by_hand(r, f) for r, f in POINTS], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_closed_forms(name):
    real, fake = (list(column) for column in zip(*POINTS, strict=True))
    found = [*slopes(LOSSES[name].d, real, fake), *slopes(LOSSES[name].g, real, fake)]
    expected = np.array([SLOPES[name](r, f) for r, f in POINTS]).T
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [50.0, 1e4])
def test_values_and_gradients_are_finite_at_extreme_logits(name, size):
    real, fake = [size, size, -size, -size], [size, -size, size, -size]
    for loss in LOSSES[name]:
        assert np.isfinite(values(loss, real, fake)).all()
        assert np.isfinite(slopes(loss, real, fake)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [50.0, 1e4])
def test_d_has_a_full_gradient_where_it_is_entirely_wrong(name, size):
    to_real, to_fake = slopes(LOSSES[name].d, [-size], [size])
    assert to_real[0] <= -0.99
    assert to_fake[0] >= 0.99


@pytest.mark.parametrize("name", [name for name in NAMES if name != "minimax"])
@pytest.mark.parametrize("size", [50.0, 1e4])
def test_g_has_a_full_gradient_where_d_wins(name, size):
    assert slopes(LOSSES[name].g, [size], [-size])[1][0] <= -0.99


def test_the_saturating_form_s_gradient_vanishes_where_d_wins():
    assert abs(slopes(LOSSES["minimax"].g, [50.0], [-50.0])[1][0]) < 1e-20
    assert slopes(LOSSES["minimax"].g, [50.0], [50.0])[1][0] == pytest.approx(-1.0)


@pytest.mark.parametrize("name", NAMES)
def test_direction(name):
    d, g = LOSSES[name]
    # Below 1, so that the least-squares target of 1 is not passed.
    low, high = [-0.5], [0.75]
    assert values(d, high, [0.0])[0] < values(d, low, [0.0])[0]
    assert values(d, [0.0], high)[0] > values(d, [0.0], [0.0])[0]
    assert values(g, [0.0], high)[0] < values(g, [0.0], low)[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_logits_are_taken_up_to_float32(name, dtype):
    # 300^2 is beyond float16, 300 is exact in both.
    for loss in LOSSES[name]:
        found = values(loss, [-300.0, 2.0], [300.0, 0.5], dtype)
        assert found.dtype == tf.float32
        np.testing.assert_array_equal(found, values(loss, [-300.0, 2.0], [300.0, 0.5]))


@pytest.mark.parametrize("name", NAMES)
def test_logits_are_given_by_keyword_only(name):
    for loss in LOSSES[name]:
        kinds = {parameter.name: parameter.kind for parameter in inspect.signature(loss).parameters.values()}
        assert kinds == dict.fromkeys(("real_logits", "fake_logits"), inspect.Parameter.KEYWORD_ONLY)
