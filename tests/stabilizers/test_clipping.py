import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.stabilizers.clipping import clip_weights


@pytest.mark.parametrize("jit", [False, True])
def test_trainable_variables_are_clipped_and_others_left(jit):
    layers = [keras.Input((3,)), keras.layers.Dense(4), keras.layers.BatchNormalization()]
    D = keras.Sequential(layers)
    generator = np.random.default_rng(0)
    weights = [generator.normal(size=w.shape).astype("float32") for w in D.get_weights()]
    D.set_weights(weights)
    trainable, others = ([v.numpy().copy() for v in vs] for vs in (D.trainable_variables, D.non_trainable_variables))

    clip = clip_weights(0.25)
    tf.function(lambda: clip(D), jit_compile=jit)()
    assert len(trainable) == 4
    for v, before in zip(D.trainable_variables, trainable, strict=True):
        np.testing.assert_array_equal(v, np.clip(before, -0.25, 0.25))
    for v, before in zip(D.non_trainable_variables, others, strict=True):
        np.testing.assert_array_equal(v, before)
