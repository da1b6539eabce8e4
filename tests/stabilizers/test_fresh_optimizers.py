import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.stabilizers.fresh_optimizers import reset_at

LR, BETA2 = 0.1, 0.99


def optimizer_after_steps(weight, gradients, scaled=False):
    optimizer = keras.optimizers.Adam(LR, beta_1=0.0, beta_2=BETA2, epsilon=1e-8)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build([weight])
    for gradient in gradients:
        optimizer.apply([optimizer.scale_loss(tf.constant([gradient]))], [weight])
    return optimizer


@pytest.mark.parametrize("nimg", [0.0, 1992.0, 2008.0, 4992.0])
def test_between_the_moments_nothing_changes(nimg):
    weight = keras.Variable([1.0])
    optimizer = optimizer_after_steps(weight, [0.5, -0.25])
    before = [np.asarray(v).copy() for v in optimizer.variables]
    reset_at([2.0, 5.0], tf.constant(nimg), 8, [optimizer])
    for found, expected in zip(optimizer.variables, before, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("nimg", [2000.0, 2004.0, 5000.0])
@pytest.mark.parametrize("jit", [False, True])
def test_in_the_step_of_a_moment_the_optimizers_begin_anew_and_keep_their_rates(nimg, jit):
    weights = [keras.Variable([1.0]), keras.Variable([2.0])]
    optimizers = [optimizer_after_steps(weights[0], [0.5, 3.0]), optimizer_after_steps(weights[1], [1.0], scaled=True)]
    scale = float(optimizers[1].dynamic_scale)
    tf.function(lambda: reset_at([2.0, 5.0], tf.constant(nimg), 8, optimizers), jit_compile=jit)()
    assert [float(optimizer.learning_rate) for optimizer in optimizers] == pytest.approx([LR, LR])
    assert float(optimizers[1].dynamic_scale) == scale
    for optimizer in (optimizers[0], optimizers[1].inner_optimizer):
        assert int(optimizer.iterations) == 0
        assert all(not np.any(v) for v in optimizer.variables if v is not optimizer._learning_rate)


def test_a_layer_that_begins_late_takes_a_first_step_of_the_rate_only_with_fresh_moments():
    for fresh, size in ((True, LR), (False, LR / np.sqrt(1.0 - BETA2))):
        weight = keras.Variable([1.0])
        # Many steps without a gradient spend the bias correction.
        optimizer = optimizer_after_steps(weight, [0.0] * 600)
        reset_at([1.0], tf.constant(1000.0 if fresh else 0.0), 8, [optimizer])
        before = float(weight[0])
        optimizer.apply([tf.constant([2.0])], [weight])
        assert before - float(weight[0]) == pytest.approx(size, rel=0.01)
