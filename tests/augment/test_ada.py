import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.augment.ada import OPS, ada
from tfgan_kit.augment.ada_ops import colour, draw, spatial

KEY = rng.key(0, rng.Stream.FAKE_SHOWN, 2)
NOW = tf.constant(0.0)
GOOD = {"ops": "all", "target": 0.6, "speed_kimg": 1.0, "max_p": 0.8}


def make(p=0.0, **changes):
    """The transform, with its strength set to `p`."""
    transform = ada(**{**GOOD, **changes})
    transform.state["p"].assign(p)
    return transform


def update(transform, logits, times=4):
    """As many updates as one move of p takes."""
    for _ in range(times):
        transform.update(rows_of(logits))


def pictures(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).uniform(-1.0, 1.0, shape), tf.float32)


def rows_of(logits):
    """What D said about real pictures; the opposite about fake ones."""
    logits = tf.convert_to_tensor(logits, tf.float32)
    return {"real_logits": logits, "fake_logits": -logits}


def p_of(transform):
    return float(transform.state["p"])


def share_above_0(mean_sign, n=20):
    """n logits whose signs have this mean."""
    above = round(n * (1.0 + mean_sign) / 2.0)
    return [0.3] * above + [-5.0] * (n - above)


def test_p_rises_above_the_target_and_falls_below_it_by_the_images_seen():
    transform = make(0.4)
    update(transform, share_above_0(0.7))
    assert p_of(transform) == pytest.approx(0.4 + 4 * 20 / 1000)
    update(transform, share_above_0(0.5), times=8)
    assert p_of(transform) == pytest.approx(0.4 - 4 * 20 / 1000)


def test_the_size_of_a_logit_is_nothing_its_sign_alone_counts():
    transform = make(0.4, target=0.0)
    update(transform, [1e6, -1e-6, -1e-6, -1e-6])
    assert p_of(transform) == pytest.approx(0.4 - 4 * 4 / 1000)


def test_at_the_target_p_stays():
    transform = make(0.4, target=0.5)
    for logits in 2 * (share_above_0(0.0), share_above_0(1.0)):
        transform.update(rows_of(logits))
    assert p_of(transform) == pytest.approx(0.4)
    assert int(transform.state["sign_steps"]) == 0


def test_p_moves_every_few_steps_on_the_mean_of_all_of_them():
    transform, seen = make(0.4), []
    # Means 0.7 and 0.5, on either side of the target.
    for sign in (1.0, 0.8, 0.8, 0.2, 0.0, 1.0, 1.0, 0.0):
        transform.update(rows_of(share_above_0(sign)))
        seen.append(p_of(transform))
    np.testing.assert_allclose(seen, [0.4, 0.4, 0.4, 0.48, 0.48, 0.48, 0.48, 0.4], rtol=1e-5)
    assert float(transform.state["sign_sum"]) == 0.0


@pytest.mark.parametrize(("sign", "bound"), [(1.0, 0.3), (-1.0, 0.0)])
def test_p_stays_within_its_bounds(sign, bound):
    transform = make(0.15, max_p=0.3)
    for _ in range(5):
        update(transform, share_above_0(sign))
        assert 0.0 <= p_of(transform) <= np.float32(0.3)
    assert p_of(transform) == pytest.approx(bound)


@pytest.mark.parametrize("start_p", [0.0, 0.8])
def test_p_settles_where_overfitting_is_at_the_target(start_p):
    transform = make(speed_kimg=4.0, p=start_p)
    jitted = tf.function(lambda logits: transform.update(rows_of(logits)), jit_compile=True, autograph=False)
    generator = np.random.default_rng(0)

    # A D whose mean sign falls from 1 to 0.2 as p goes from 0 to 0.8: at the target when p is 0.4.
    seen = []
    for _ in range(400):
        above = generator.random(32) < (2.0 - p_of(transform)) / 2.0
        jitted(tf.constant(np.where(above, 1.0, -1.0), tf.float32))
        seen.append(p_of(transform))
    assert np.mean(seen[-200:]) == pytest.approx(0.4, abs=0.08)
    assert np.std(seen[-200:]) < 0.1


def test_p_begins_at_0_and_stays_without_an_update():
    transform = ada(**GOOD)
    transform.apply(pictures(2, 4, 4, 3), KEY, NOW)
    assert p_of(transform) == 0.0
    assert set(transform.state) == {"p", "sign_sum", "sign_steps"}
    assert not any(variable.trainable for variable in transform.state.values())


def test_the_state_is_all_that_the_controller_remembers():
    first, second = make(0.4), make()
    signs = [share_above_0(sign) for sign in (0.9, 0.8, 0.7, 0.1, 0.9, 0.9, 0.9)]
    for logits in signs[:3]:
        first.update(rows_of(logits))
    for name, variable in first.state.items():
        second.state[name].assign(variable)
    for logits in signs[3:]:
        first.update(rows_of(logits))
        second.update(rows_of(logits))
    for name, variable in first.state.items():
        assert variable.numpy() == second.state[name].numpy()


@pytest.mark.parametrize("ops", OPS)
def test_each_choice_is_made_of_its_operations(ops):
    x, p, draws = pictures(6, 8, 8, 3), tf.constant(0.7), draw(KEY, 6)
    expected = {
        "all": lambda: colour(spatial(x, draws, p), draws, p),
        "geometry": lambda: spatial(x, draws, p),
        "colour": lambda: colour(x, draws, p),
    }[ops]()
    found = make(0.7, ops=ops).apply(x, KEY, NOW)
    np.testing.assert_array_equal(found, expected)
    assert (found.numpy() != x.numpy()).any()


@pytest.mark.parametrize("shape", [(4, 8, 8, 3), (4, 7, 10, 1)])
def test_p_is_read_at_every_call_and_0_is_the_identity_jitted(shape):
    x, transform = pictures(*shape), make()
    apply = tf.function(transform.apply, jit_compile=True, autograph=False)
    np.testing.assert_array_equal(apply(x, KEY, NOW), x)
    transform.state["p"].assign(0.8)
    assert np.abs(apply(x, KEY, NOW) - x).max() > 0.1
    transform.state["p"].assign(0.0)
    np.testing.assert_array_equal(apply(x, KEY, NOW), x)


@pytest.mark.parametrize("channels", [1, 3])
def test_jitted_pictures_are_the_plain_ones_but_for_rounding(channels):
    x, apply = pictures(8, 12, 12, channels), make(0.8).apply
    jitted = tf.function(apply, jit_compile=True, autograph=False)
    np.testing.assert_allclose(jitted(x, KEY, NOW), apply(x, KEY, NOW), atol=1e-4)


def test_another_key_changes_the_pictures_otherwise():
    x, apply = pictures(8, 8, 8, 3), make(0.8).apply
    np.testing.assert_array_equal(apply(x, KEY, NOW), apply(x, KEY, NOW))
    assert (apply(x, KEY, NOW).numpy() != apply(x, rng.split(KEY, 1), NOW).numpy()).any()


def test_the_gradient_agrees_with_finite_differences():
    x, along, slope = (pictures(4, 6, 6, 3, seed=seed) for seed in range(3))
    apply = make(0.8).apply
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(slope * tf.sin(apply(x, KEY, NOW)))
    found = float(tf.reduce_sum(tape.gradient(value, x) * along))
    ends = [np.sum(slope.numpy().astype(np.float64) * np.sin(apply(x + s * along, KEY, NOW))) for s in (1e-3, -1e-3)]
    assert found == pytest.approx((ends[0] - ends[1]) / 2e-3, rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_penalty_of_a_gradient_through_it_has_a_gradient_jitted(channels):
    x, weight, apply = pictures(4, 8, 8, channels), tf.Variable(pictures(8, 8, channels)), make(0.8).apply

    @tf.function(jit_compile=True, autograph=False)
    def step():
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                tape.watch(x)
                logits = tf.reduce_sum(tf.tanh(weight * apply(x, KEY, NOW)), axis=[1, 2, 3])
            penalty = tf.reduce_sum(tf.square(tape.gradient(logits, x)))
        return outer.gradient(penalty, weight)

    found = step().numpy()
    assert np.isfinite(found).all()
    assert (found != 0.0).mean() > 0.9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ops": "bgc"}, "ops 'bgc' is unknown; legal: all, geometry, colour"),
        ({"max_p": 1.2}, "max_p must be in .0, 1.; got 1.2"),
        ({"max_p": -0.1}, "got -0.1"),
        ({"speed_kimg": 0.0}, "speed_kimg must be above 0"),
    ],
)
def test_arguments_outside_their_range_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)
