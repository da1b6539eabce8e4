import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.stabilizers.history import historical_averaging


def network():
    layers = [keras.Input((2,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b")]
    return keras.Sequential(layers)


def fill(model, generator):
    weights = [generator.normal(size=v.shape).astype("float32") for v in model.trainable_variables]
    for v, w in zip(model.trainable_variables, weights, strict=True):
        v.assign(w)
    return np.concatenate([w.ravel() for w in weights])


@pytest.mark.parametrize("jit", [False, True])
def test_the_term_is_the_squared_distance_from_the_mean_of_the_past(jit):
    model, generator = network(), np.random.default_rng(0)
    term = historical_averaging(0.5, model.trainable_variables, name="d_history")
    assert (term.name, term.weight, term.lazy) == ("d_history", 0.5, False)
    value = tf.function(lambda: term.value(None), jit_compile=jit)
    update = tf.function(lambda: term.update(None), jit_compile=jit)

    past = []
    for _ in range(4):
        theta = fill(model, generator)
        expected = np.sum((theta - np.mean(past, axis=0)) ** 2) if past else 0.0
        assert value().shape == ()
        np.testing.assert_allclose(value(), expected, rtol=1e-5)
        update()
        past.append(theta)
    means = [term.state[f"mean/{v.path}"].numpy().ravel() for v in model.trainable_variables]
    np.testing.assert_allclose(np.concatenate(means), np.mean(past, axis=0), rtol=1e-5, atol=1e-6)
    assert int(term.state["count"]) == 4
    assert len(term.state) == 5


def test_the_gradient_points_from_the_mean_and_is_0_at_the_start():
    model, generator = network(), np.random.default_rng(1)
    term = historical_averaging(1.0, model.trainable_variables)
    theta = fill(model, generator)

    def gradient():
        with tf.GradientTape() as tape:
            value = term.value(None)
        return np.concatenate([g.numpy().ravel() for g in tape.gradient(value, [v.value for v in model.weights])])

    np.testing.assert_array_equal(gradient(), np.zeros_like(theta))
    term.update(None)
    moved = fill(model, generator)
    np.testing.assert_allclose(gradient(), 2.0 * (moved - theta), rtol=1e-5, atol=1e-6)
