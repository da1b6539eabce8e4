import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.descent import descend, gradients_of


def variables():
    return [keras.Variable(np.array(value, np.float32)) for value in ([1.0, 2.0], [3.0])]


def descended(optimizer, of, loss):
    optimizer.build(of)
    with tf.GradientTape() as tape:
        scaled = optimizer.scale_loss(loss(*(variable.value for variable in of)))
    return [float(number) for number in descend(optimizer, gradients_of(tape, scaled, of), of)]


def test_a_step_by_hand():
    x, y = variables()
    # The gradient is (2, 4) and (12,).
    norm, scale = descended(
        keras.optimizers.SGD(0.5), [x, y], lambda x, y: tf.reduce_sum(x * x) + 2.0 * tf.reduce_sum(y * y)
    )
    np.testing.assert_allclose(x, [0.0, 0.0])
    np.testing.assert_allclose(y, [-3.0])
    assert norm == pytest.approx(np.sqrt(2.0**2 + 4.0**2 + 12.0**2))
    assert scale == 1.0


def test_a_variable_that_the_loss_does_not_know_stays():
    x, y = variables()
    norm, _ = descended(keras.optimizers.SGD(0.5), [x, y], lambda x, y: tf.reduce_sum(x))
    np.testing.assert_array_equal(y, [3.0])
    assert norm == pytest.approx(np.sqrt(2.0))


def test_the_scale_of_a_loss_is_in_neither_the_step_nor_the_norm():
    plain, scaled = variables(), variables()
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5), initial_scale=8.0)
    first = descended(keras.optimizers.SGD(0.5), plain, lambda x, y: tf.reduce_sum(x * x * y))
    second = descended(wrapped, scaled, lambda x, y: tf.reduce_sum(x * x * y))
    assert first[0] == pytest.approx(second[0], rel=1e-6)
    assert (first[1], second[1]) == (1.0, 8.0)
    for one, other in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_only_an_overflow_of_a_scaled_gradient_counts_as_a_step_left_out():
    of = variables()
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5))
    assert descended(wrapped, of, lambda x, y: np.float32("inf") * tf.reduce_sum(x))[0] == 0.0
    np.testing.assert_array_equal(of[0], [1.0, 2.0])
    # Without a scale it is a failure, which must show.
    assert descended(keras.optimizers.SGD(0.5), of, lambda x, y: np.float32("inf") * tf.reduce_sum(x))[0] == np.inf
