import inspect

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import recipe
from tfgan_kit.losses import LOSSES, d_readings

NAMES = sorted(LOSSES)
REAL = np.array([0.0, 1.5, -2.0, 0.25, -1.0])
FAKE = np.array([0.0, -0.5, 3.0, 0.75, -1.0])


def log_sigmoid(t):
    return -np.log(1.0 + np.exp(-t))


def sigmoid(t):
    return 1.0 / (1.0 + np.exp(-t))


def relu(t):
    return np.maximum(t, 0.0)


def cross_entropy(t, logit):
    return -t * np.log(sigmoid(logit)) - (1.0 - t) * np.log(1.0 - sigmoid(logit))


# What D and G minimise at real logits r and fake logits f, written from the papers' probabilities.
BY_HAND = {
    "minimax": (
        lambda r, f: -np.log(sigmoid(r)) - np.log(1.0 - sigmoid(f)),
        lambda r, f: np.log(1.0 - sigmoid(f)),
    ),
    "nonsaturating": (
        lambda r, f: -np.log(sigmoid(r)) - np.log(1.0 - sigmoid(f)),
        lambda r, f: -np.log(sigmoid(f)),
    ),
    "half_cross_entropy": (
        lambda r, f: -0.5 * np.log(sigmoid(r)) - 0.5 * np.log(1.0 - sigmoid(f)),
        lambda r, f: -0.5 * np.log(sigmoid(f)),
    ),
    "least_squares": (lambda r, f: 0.5 * (r - 1.0) ** 2 + 0.5 * f**2, lambda r, f: 0.5 * (f - 1.0) ** 2),
    "hinge": (lambda r, f: relu(1.0 - r) + relu(1.0 + f), lambda r, f: -f),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -f),
    "relativistic": (lambda r, f: -log_sigmoid(r - f), lambda r, f: -log_sigmoid(f - r)),
    "relativistic_average": (
        lambda r, f: -np.log(sigmoid(r - f.mean())) - np.log(1.0 - sigmoid(f - r.mean())),
        lambda r, f: -np.log(sigmoid(f - r.mean())) - np.log(1.0 - sigmoid(r - f.mean())),
    ),
}

# (dD/dr, dD/df, dG/dr, dG/df) of the sum over the batch, in closed form.
SLOPES = {
    "minimax": lambda r, f: (sigmoid(r) - 1.0, sigmoid(f), 0.0 * r, -sigmoid(f)),
    "nonsaturating": lambda r, f: (sigmoid(r) - 1.0, sigmoid(f), 0.0 * r, sigmoid(f) - 1.0),
    "half_cross_entropy": lambda r, f: (0.5 * sigmoid(r) - 0.5, 0.5 * sigmoid(f), 0.0 * r, 0.5 * sigmoid(f) - 0.5),
    "least_squares": lambda r, f: (r - 1.0, f, 0.0 * r, f - 1.0),
    "hinge": lambda r, f: (-1.0 * (r < 1.0), 1.0 * (f > -1.0), 0.0 * r, -np.ones_like(f)),
    "wasserstein": lambda r, f: (-np.ones_like(r), np.ones_like(f), 0.0 * r, -np.ones_like(f)),
    "relativistic": lambda r, f: (-sigmoid(f - r), sigmoid(f - r), sigmoid(r - f), -sigmoid(r - f)),
    "relativistic_average": lambda r, f: (
        -sigmoid(f.mean() - r) - sigmoid(f - r.mean()).mean(),
        sigmoid(f - r.mean()) + sigmoid(f.mean() - r).mean(),
        sigmoid(r - f.mean()) + sigmoid(r.mean() - f).mean(),
        -sigmoid(r.mean() - f) - sigmoid(r - f.mean()).mean(),
    ),
}

# D's loss with targets t for real and u for fake.
WITH_TARGETS = {
    "minimax": lambda r, f, t, u: cross_entropy(t, r) + cross_entropy(u, f),
    "nonsaturating": lambda r, f, t, u: cross_entropy(t, r) + cross_entropy(u, f),
    "half_cross_entropy": lambda r, f, t, u: 0.5 * (cross_entropy(t, r) + cross_entropy(u, f)),
    "least_squares": lambda r, f, t, u: 0.5 * (r - t) ** 2 + 0.5 * (f - u) ** 2,
    "hinge": lambda r, f, t, u: (
        t * relu(1.0 - r) + (1.0 - t) * relu(1.0 + r) + u * relu(1.0 - f) + (1.0 - u) * relu(1.0 + f)
    ),
    "wasserstein": lambda r, f, t, u: -t * r + (1.0 - t) * r - u * f + (1.0 - u) * f,
    "relativistic": lambda r, f, t, u: cross_entropy((t + 1.0 - u) / 2.0, r - f),
    "relativistic_average": lambda r, f, t, u: cross_entropy(t, r - f.mean()) + cross_entropy(u, f - r.mean()),
}

# D's losses without targets, in the same operations: with the default targets they are to be the same to the bit.
PLAIN = {
    "minimax": lambda r, f: tf.nn.softplus(-r) + tf.nn.softplus(f),
    "nonsaturating": lambda r, f: tf.nn.softplus(-r) + tf.nn.softplus(f),
    "half_cross_entropy": lambda r, f: 0.5 * (tf.nn.softplus(-r) + tf.nn.softplus(f)),
    "least_squares": lambda r, f: 0.5 * (tf.square(r - 1.0) + tf.square(f)),
    "hinge": lambda r, f: tf.nn.relu(1.0 - r) + tf.nn.relu(1.0 + f),
    "wasserstein": lambda r, f: f - r,
    "relativistic": lambda r, f: tf.nn.softplus(f - r),
    "relativistic_average": lambda r, f: (
        tf.nn.softplus(-(r - tf.reduce_mean(f))) + tf.nn.softplus(f - tf.reduce_mean(r))
    ),
}


def values(loss, real, fake, dtype=tf.float32):
    return loss(real_logits=tf.constant(real, dtype), fake_logits=tf.constant(fake, dtype))


def slopes(loss, real, fake, **targets):
    real, fake = tf.constant(real, tf.float32), tf.constant(fake, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        total = tf.reduce_sum(loss(real_logits=real, fake_logits=fake, **targets))
    return [g.numpy() for g in tape.gradient(total, [real, fake], unconnected_gradients="zero")]


def scale_of(name):
    return 0.5 if name == "half_cross_entropy" else 1.0


def test_the_registry_is_the_recipe_s():
    assert sorted(LOSSES) == sorted(recipe.LOSSES)
    assert sorted(BY_HAND) == sorted(LOSSES)


@pytest.mark.parametrize("name", NAMES)
def test_values_by_hand_one_for_each_pair(name):
    for loss, by_hand in zip(LOSSES[name][:2], BY_HAND[name], strict=True):
        found = values(loss, REAL, FAKE)
        assert found.shape == REAL.shape
        np.testing.assert_allclose(found, by_hand(REAL, FAKE), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_closed_forms(name):
    found = [*slopes(LOSSES[name].d, REAL, FAKE), *slopes(LOSSES[name].g, REAL, FAKE)]
    np.testing.assert_allclose(found, SLOPES[name](REAL, FAKE), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [50.0, 1e4])
def test_values_and_gradients_are_finite_at_extreme_logits(name, size):
    real, fake = [size, size, -size, -size], [size, -size, size, -size]
    for loss in LOSSES[name][:2]:
        assert np.isfinite(values(loss, real, fake)).all()
        assert np.isfinite(slopes(loss, real, fake)).all()
    assert np.isfinite(slopes(LOSSES[name].d, real, fake, real_targets=1.2, fake_targets=-0.3)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [50.0, 1e4])
def test_d_has_a_full_gradient_where_it_is_entirely_wrong(name, size):
    to_real, to_fake = slopes(LOSSES[name].d, [-size], [size])
    assert to_real[0] <= -0.99 * scale_of(name)
    assert to_fake[0] >= 0.99 * scale_of(name)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "minimax"])
@pytest.mark.parametrize("size", [50.0, 1e4])
def test_g_has_a_full_gradient_where_d_wins(name, size):
    assert slopes(LOSSES[name].g, [size], [-size])[1][0] <= -0.99 * scale_of(name)


def test_the_saturating_form_s_gradient_vanishes_where_d_wins():
    assert abs(slopes(LOSSES["minimax"].g, [50.0], [-50.0])[1][0]) < 1e-20
    assert slopes(LOSSES["minimax"].g, [50.0], [50.0])[1][0] == pytest.approx(-1.0)


@pytest.mark.parametrize("name", NAMES)
def test_direction(name):
    d, g = LOSSES[name][:2]
    # Below 1, so that the least-squares target of 1 is not passed.
    low, high = [-0.5], [0.75]
    assert values(d, high, [0.0])[0] < values(d, low, [0.0])[0]
    assert values(d, [0.0], high)[0] > values(d, [0.0], [0.0])[0]
    assert values(g, [0.0], high)[0] < values(g, [0.0], low)[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_logits_are_taken_up_to_float32(name, dtype):
    # 300^2 is beyond float16, 300 is exact in both.
    for loss in LOSSES[name][:2]:
        found = values(loss, [-300.0, 2.0], [300.0, 0.5], dtype)
        assert found.dtype == tf.float32
        np.testing.assert_array_equal(found, values(loss, [-300.0, 2.0], [300.0, 0.5]))


@pytest.mark.parametrize("name", NAMES)
def test_logits_and_d_s_targets_are_given_by_keyword_only(name):
    logits = ["real_logits", "fake_logits"]
    for loss, names in zip(LOSSES[name][:2], ([*logits, "real_targets", "fake_targets"], logits), strict=True):
        kinds = {parameter.name: parameter.kind for parameter in inspect.signature(loss).parameters.values()}
        assert kinds == dict.fromkeys(names, inspect.Parameter.KEYWORD_ONLY)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("targets", [{}, {"real_targets": tf.ones(512), "fake_targets": tf.zeros(512)}])
def test_with_targets_of_1_and_0_the_values_are_the_plain_formula_s_to_the_bit(name, jit, targets):
    generator = np.random.default_rng(0)
    real, fake = (tf.constant(generator.normal(scale=4.0, size=512), tf.float32) for _ in range(2))
    found = tf.function(
        lambda real, fake: LOSSES[name].d(real_logits=real, fake_logits=fake, **targets), jit_compile=jit
    )
    np.testing.assert_array_equal(found(real, fake), tf.function(PLAIN[name], jit_compile=jit)(real, fake))


@pytest.mark.parametrize("name", NAMES)
def test_targets_of_any_value_by_hand(name):
    real_targets, fake_targets = np.array([1.2, 0.9, 0.0, 1.0, -0.5]), np.array([0.3, 0.0, 1.0, 2.0, -0.1])
    found = LOSSES[name].d(
        real_logits=tf.constant(REAL, tf.float32), fake_logits=tf.constant(FAKE, tf.float32),
        real_targets=tf.constant(real_targets, tf.float32), fake_targets=tf.constant(fake_targets, tf.float32),
    )  # fmt: skip
    assert found.dtype == tf.float32
    assert found.shape == REAL.shape
    expected = WITH_TARGETS[name](REAL, FAKE, real_targets, fake_targets)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_float_stands_for_the_same_target_everywhere(name):
    logits = {"real_logits": tf.constant(REAL, tf.float32), "fake_logits": tf.constant(FAKE, tf.float32)}
    found = LOSSES[name].d(**logits, real_targets=0.75, fake_targets=0.125)
    every = LOSSES[name].d(**logits, real_targets=tf.fill(REAL.shape, 0.75), fake_targets=tf.fill(FAKE.shape, 0.125))
    np.testing.assert_array_equal(found, every)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"least_squares", "hinge", "wasserstein"}])
def test_exchanged_targets_are_exchanged_kinds(name):
    logits = {"real_logits": tf.constant(REAL, tf.float32), "fake_logits": tf.constant(FAKE, tf.float32)}
    found = LOSSES[name].d(**logits, real_targets=0.0, fake_targets=1.0)
    exchanged = values(LOSSES[name].d, FAKE, REAL)
    np.testing.assert_allclose(found, exchanged, rtol=1e-6)


@pytest.mark.parametrize("target", [0.9, 0.5, 0.1])
def test_the_cross_entropy_is_least_where_d_says_the_target(target):
    logit = np.log(target / (1.0 - target))
    to_real, to_fake = slopes(LOSSES["minimax"].d, [logit], [logit], real_targets=target, fake_targets=target)
    np.testing.assert_allclose([to_real[0], to_fake[0]], 0.0, atol=1e-6)


def test_one_sided_smoothing_holds_d_back_on_real_alone():
    plain, smooth = (slopes(LOSSES["minimax"].d, [4.0], [-4.0], real_targets=target) for target in (1.0, 0.9))
    assert plain[0][0] < 0.0 < smooth[0][0]
    assert smooth[1][0] == plain[1][0]


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_readings_fit_the_loss(name):
    real, fake = tf.constant([0.2, 0.8, 3.0, -1.0]), tf.constant([0.4, -0.3, 1.0, -2.0])
    found = {k: float(v) for k, v in d_readings(LOSSES[name], real_logits=real, fake_logits=fake).items()}
    if name in ("minimax", "nonsaturating", "half_cross_entropy"):
        sigmoid = lambda logits: np.mean(1.0 / (1.0 + np.exp(-logits.numpy())))  # noqa: E731
        expected = {"d_real": sigmoid(real), "d_fake": sigmoid(fake), "d_accuracy": 5 / 8}
    else:
        # At 0 for hinge, at 1/2 for least squares, and by pairs where only differences mean something.
        accuracy = {"hinge": 5 / 8, "least_squares": 5 / 8}.get(name, 3 / 4)
        expected = {"d_real": 0.75, "d_fake": -0.225, "d_accuracy": accuracy}
    assert found == pytest.approx(expected, rel=1e-6)


def test_least_squares_is_undecided_at_a_half():
    found = d_readings(LOSSES["least_squares"], real_logits=tf.fill([4], 0.4), fake_logits=tf.fill([4], 0.4))
    assert float(found["d_accuracy"]) == 0.5
    found = d_readings(LOSSES["least_squares"], real_logits=tf.fill([4], 0.6), fake_logits=tf.fill([4], 0.4))
    assert float(found["d_accuracy"]) == 1.0
