from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.stabilizers.past import PastWeights


def network():
    layers = [keras.Input((2,)), keras.layers.Dense(3, name="a"), keras.layers.BatchNormalization(name="b")]
    return keras.Sequential(layers)


def at(step):
    return tf.constant(step, tf.int64)


def set_all(model, value):
    for v in model.variables:
        v.assign(tf.fill(v.shape, float(value)))


def used(past, model, step):
    """The step whose weights are used: every variable is filled with the number of its step."""
    weights = past.weights(step)
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    assert list(weights) == [v.path for v in variables]
    values = [np.unique(weights[v.path]) for v in variables]
    assert all(len(value) == 1 and value == values[0] for value in values)
    return int(values[0][0])


def simulate(steps, every, lasting, update_at):
    """What should be used at each step, when the step's number is in the weights, by a plain program."""
    expected, copy, period_of_copy = [], None, -1
    for step in steps:
        expected.append(copy if copy is not None and step % every < lasting else step)
        if update_at(step) and step % every >= lasting and period_of_copy != step // every:
            copy, period_of_copy = step, step // every
    return expected


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    ("every", "lasting", "update_at"),
    [
        (5, 2, lambda step: True),
        (2, 1, lambda step: True),
        (6, 5, lambda step: True),
        # A network that is not trained in some of the steps.
        (5, 2, lambda step: step % 3 == 0),
        (5, 2, lambda step: step >= 12),
    ],
)
def test_past_weights_are_used_in_the_first_steps_of_every_period_but_the_first(jit, every, lasting, update_at):
    model = network()
    past = PastWeights(model, every_steps=every, for_steps=lasting)
    weights = tf.function(past.weights, jit_compile=jit)
    update = tf.function(past.update, jit_compile=jit)
    found = []
    for step in range(23):
        set_all(model, step)
        found.append(used(SimpleNamespace(weights=weights), model, at(step)))
        # Several steps of D within one train step.
        for _ in range(2 if update_at(step) else 0):
            update(at(step))
    assert found == simulate(range(23), every, lasting, update_at)


def test_the_usual_case_by_hand():
    model = network()
    past = PastWeights(model, every_steps=4, for_steps=1)
    found = []
    for step in range(10):
        set_all(model, step)
        found.append(used(past, model, at(step)))
        past.update(at(step))
    assert found == [0, 1, 2, 3, 1, 5, 6, 7, 5, 9]


def test_the_first_copy_of_a_step_is_the_one_that_stays():
    model = network()
    past = PastWeights(model, every_steps=4, for_steps=1)
    for value in (10, 11):
        set_all(model, value)
        past.update(at(1))
    assert used(past, model, at(4)) == 10


def test_its_state_is_all_that_a_resumed_run_needs():
    model = network()
    first, second = (PastWeights(model, every_steps=3, for_steps=1) for _ in range(2))
    for step in range(3):
        set_all(model, step)
        first.update(at(step))
    assert set(first.state) == {"taken", *(v.path for v in model.variables)}
    for name, v in first.state.items():
        second.state[name].assign(v)
    set_all(model, 3)
    assert used(second, model, at(3)) == used(first, model, at(3)) == 1


def test_the_model_stays_as_it_is():
    model = network()
    past = PastWeights(model, every_steps=3, for_steps=1)
    before = model.get_weights()
    for step in range(5):
        past.weights(at(step))
        past.update(at(step))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_variables_of_whole_numbers_are_kept_too():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(1)])
    past = PastWeights(model, every_steps=2, for_steps=1)
    past.update(at(1))
    for v in model.non_trainable_variables:
        np.testing.assert_array_equal(past.weights(at(2))[v.path], v)


@pytest.mark.parametrize(("every", "lasting"), [(3, 3), (3, 4), (3, 0)])
def test_a_swap_must_be_shorter_than_its_period(every, lasting):
    with pytest.raises(ValueError, match=f"got {lasting} steps of every {every}"):
        PastWeights(network(), every_steps=every, for_steps=lasting)
