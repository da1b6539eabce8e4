import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.augment import ada, consistency, diffaugment
from tfgan_kit.rng import Stream
from tfgan_kit.terms import DView, Transform

SHAPE = (5, 6, 6, 3)


def pictures(seed):
    return tf.constant(np.random.default_rng(seed).uniform(-1.0, 1.0, SHAPE), tf.float32)


REAL, FAKE = pictures(0), pictures(1)


def key(stream):
    return rng.key(7, stream, 3)


def view(weight, real=REAL, fake=FAKE, weight_fake=None):
    """Of a D that is linear in the pictures, and another on fake ones if told so, as with other classes."""

    def of(weight):
        return lambda x: {"logits": tf.reduce_sum(weight * x, axis=[1, 2, 3])}

    D, D_fake = of(weight), of(weight if weight_fake is None else weight_fake)
    return DView(
        real=real, fake=fake, real_out=D(real), fake_out=D_fake(fake), c=None, fake_c=None, D=D, D_fake=D_fake,
        weights=[weight], key=key, notes={},
    )  # fmt: skip


@pytest.fixture(scope="module")
def weight():
    return tf.Variable(np.random.default_rng(2).normal(size=SHAPE[1:]).astype(np.float32))


def lighter(by):
    return Transform(apply=lambda x, key, progress: x + by)


def test_of_a_linear_d_and_a_sum_it_is_the_square_of_d_of_the_summand(weight):
    term = consistency(10.0, 3.0, lighter(0.1))
    expected = 13.0 * (0.1 * np.sum(weight.numpy())) ** 2
    value = term.value(view(weight))
    assert value.shape == (5,)
    assert value.dtype == tf.float32
    assert term.weight == 1.0
    np.testing.assert_allclose(value, np.full(5, expected), rtol=1e-3)


@pytest.mark.parametrize(("weights", "changed"), [((10.0, 0.0), REAL), ((0.0, 10.0), FAKE)])
def test_a_weight_of_0_leaves_its_half_out(weight, weights, changed):
    double = Transform(apply=lambda x, key, progress: 2.0 * x)
    value = consistency(*weights, double).value(view(weight))
    np.testing.assert_allclose(value, 10.0 * np.sum(weight * changed, axis=(1, 2, 3)) ** 2, rtol=1e-4)


def test_fake_pictures_are_judged_with_their_own_classes(weight):
    value = consistency(0.0, 1.0, lighter(0.1)).value(view(weight, weight_fake=3.0 * weight))
    np.testing.assert_allclose(value, np.full(5, (0.3 * np.sum(weight.numpy())) ** 2), rtol=1e-3)


def test_an_unchanged_picture_costs_nothing(weight):
    np.testing.assert_array_equal(consistency(10.0, 10.0, lighter(0.0)).value(view(weight)), np.zeros(5))


def test_real_and_fake_are_changed_by_draws_of_their_own(weight):
    keys = []

    def apply(x, key, progress):
        keys.append(tuple(key.numbers.numpy()))
        assert float(progress) == 0.0
        return x

    consistency(1.0, 1.0, Transform(apply=apply)).value(view(weight))
    assert len(set(keys)) == 2
    assert keys[0] == tuple(key(Stream.CONSISTENCY).numbers.numpy())
    real_splits, fake_splits = (
        {tuple(rng.split(rng.Key(tf.constant(k, tf.int64)), i).numbers.numpy()) for i in range(128)} for k in keys
    )
    assert not real_splits & fake_splits


def test_same_pictures_are_changed_differently_as_real_and_as_fake(weight):
    same = view(weight, REAL, REAL)
    transform = diffaugment("geometry")
    halves = [consistency(*weights, transform).value(same).numpy() for weights in ((1.0, 0.0), (0.0, 1.0))]
    assert (halves[0] != halves[1]).all()
    np.testing.assert_allclose(consistency(1.0, 1.0, transform).value(same), sum(halves), rtol=1e-5)


def test_the_gradient_flows_through_both_sides_jitted(weight):
    term = consistency(1.0, 1.0, diffaugment("all"))

    @tf.function(jit_compile=True, autograph=False)
    def gradient():
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(term.value(view(weight)))
        return value, tape.gradient(value, weight)

    value, found = gradient()
    np.testing.assert_allclose(value, tf.reduce_sum(term.value(view(weight))), rtol=1e-3)
    # The value is a quadratic form of the weights, so its slope along them is twice the value.
    assert float(tf.reduce_sum(found * weight)) == pytest.approx(2.0 * float(value), rel=1e-3)


def test_it_brings_the_transform_s_state_and_update_along():
    transform = ada(ops="geometry", target=0.6, speed_kimg=500.0, max_p=0.8)
    term = consistency(10.0, 10.0, transform)
    assert term.name == "bcr"
    assert not term.lazy
    assert term.update is transform.update
    assert term.state is transform.state
