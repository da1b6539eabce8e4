import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import ema


def decay(nimg, batch_size=64, halflife_kimg=10.0, rampup=0.0):
    value = ema.decay_for(tf.constant(float(nimg)), batch_size, halflife_kimg, rampup)
    assert value.dtype == tf.float32
    return float(value)


def network(fill):
    G = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    G.set_weights([np.full(weight.shape, fill) for weight in G.get_weights()])
    return G


@pytest.mark.parametrize("batch_size", [50, 100, 500])
def test_after_the_half_life_in_images_half_of_the_distance_is_left(batch_size):
    average, target = network(0.0), network(1.0)
    for step in range(1000 // batch_size):
        ema.update(average, target, ema.decay_for(tf.constant(float(step * batch_size)), batch_size, 1.0, 0.0))
    for weight in average.trainable_weights:
        np.testing.assert_allclose(weight, 0.5, rtol=1e-5)


def test_a_half_life_of_one_batch_keeps_half():
    assert decay(0, batch_size=64, halflife_kimg=0.064) == pytest.approx(0.5)


def test_early_on_the_half_life_is_at_most_a_share_of_the_images_seen():
    # 5 % of 20,000 images are 1000.
    assert decay(20_000, batch_size=500, rampup=0.05) == pytest.approx(0.5**0.5)
    assert decay(20_000, batch_size=500) == pytest.approx(0.5**0.05)


def test_the_ramp_ends_where_it_reaches_the_half_life():
    assert decay(200_000, rampup=0.05) == pytest.approx(decay(200_000), rel=1e-6)
    assert decay(199_000, rampup=0.05) < decay(200_000)
    assert decay(10_000_000, rampup=0.05) == decay(10_000_000)


def test_the_first_step_keeps_nothing_under_a_ramp():
    assert decay(0, rampup=0.05) == 0.0


@pytest.mark.parametrize("nimg", [0, 1e6])
def test_a_half_life_of_0_keeps_nothing(nimg):
    assert decay(nimg, halflife_kimg=0.0, rampup=0.05) == 0.0


def test_trainable_weights_are_interpolated_and_the_others_copied():
    average, target = network(0.0), network(1.0)
    ema.update(average, target, tf.constant(0.75))
    for weight in average.trainable_weights:
        np.testing.assert_allclose(weight, 0.25)
    assert len(average.non_trainable_weights) == 2
    for weight in average.non_trainable_weights:
        np.testing.assert_array_equal(weight, 1.0)


def test_a_decay_of_0_is_a_copy_to_the_bit_and_leaves_the_model():
    average, target = network(0.3), network(0.7)
    before = target.get_weights()
    ema.update(average, target, tf.constant(0.0))
    for copied, kept, original in zip(average.get_weights(), target.get_weights(), before, strict=True):
        np.testing.assert_array_equal(copied, original)
        np.testing.assert_array_equal(kept, original)
