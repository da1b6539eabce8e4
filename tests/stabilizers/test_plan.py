import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.stabilizers.plan import ALWAYS, Plan, Turn, choose, make_plan

PLANS = {
    "nothing": {},
    "lazy": {"lazy_every": 4},
    "pretrain": {"pretrain_d_kimg": 0.5},
    "pretrain, lazy": {"pretrain_d_kimg": 0.333, "lazy_every": 3},
    "alternate": {"alternate_kimg": (0.3, 0.2)},
    "alternate unevenly, lazy": {"alternate_kimg": (0.1, 0.73), "lazy_every": 3},
    "grow": {"level_starts_kimg": (0.4, 1.1, 2.0)},
    "grow from the start": {"level_starts_kimg": (0.0, 1.1)},
    "grow after pretraining, lazy": {"level_starts_kimg": (0.5, 1.1), "pretrain_d_kimg": 0.5, "lazy_every": 2},
    "grow within pretraining": {"level_starts_kimg": (0.2, 0.6, 1.5), "pretrain_d_kimg": 0.7},
    "levels that begin together": {"level_starts_kimg": (0.4, 0.4, 1.0), "pretrain_d_kimg": 0.6},
    "grow, alternate, lazy": {"level_starts_kimg": (0.7, 1.4), "alternate_kimg": (0.2, 0.2), "lazy_every": 2},
}
IMG_PER_STEP = (10, 64)
STEPS = 300


def turn_by_hand(step, img_per_step, pretrain_d_kimg=0.0, alternate_kimg=None, lazy_every=1, level_starts_kimg=()):
    """The turn of a step, from whole numbers of images."""
    nimg = step * img_per_step
    d, g = True, True
    if pretrain_d_kimg:
        g = nimg >= round(1000 * pretrain_d_kimg)
    if alternate_kimg:
        spans = [round(1000 * kimg) for kimg in alternate_kimg]
        d = nimg % sum(spans) < spans[0]
        g = not d
    begun = [nimg >= round(1000 * start) for start in level_starts_kimg]
    return Turn(d=d, g=g, lazy=step % lazy_every == 0, level=sum(begun) if begun else None)


@pytest.mark.parametrize("img_per_step", IMG_PER_STEP)
@pytest.mark.parametrize("name", PLANS)
def test_every_step_has_its_turn_and_every_turn_occurs(name, img_per_step):
    plan = make_plan(img_per_step=img_per_step, **PLANS[name])
    steps = np.arange(STEPS)
    # Vectorised over the steps, as one graph.
    index = tf.function(
        lambda steps: tf.map_fn(
            lambda step: plan.index(step, tf.cast(step * img_per_step, tf.float32)), steps, fn_output_signature=tf.int32
        )
    )
    found = [plan.turns[i] for i in index(tf.constant(steps, tf.int64)).numpy()]
    expected = [turn_by_hand(step, img_per_step, **PLANS[name]) for step in steps]
    assert found == expected
    assert set(plan.turns) == set(expected)
    assert len(set(plan.turns)) == len(plan.turns)


def test_an_index_is_a_whole_number_jitted_or_not():
    plan = make_plan(img_per_step=64, pretrain_d_kimg=1.0, lazy_every=2, level_starts_kimg=(2.0,))
    for step in (0, 1, 15, 16, 31, 32):
        arguments = tf.constant(step, tf.int64), tf.constant(64.0 * step)
        plain, jitted = (tf.function(plan.index, jit_compile=jit)(*arguments) for jit in (False, True))
        assert plain.dtype == tf.int32
        assert plain.shape == ()
        assert int(plain) == int(jitted) == int(plan.index(*arguments))


def test_a_boundary_far_out_is_met_to_the_image_as_far_as_float32_counts_them():
    plan = make_plan(img_per_step=1, pretrain_d_kimg=16_777.0)
    for nimg, g in ((16_776_999, False), (16_777_000, True)):
        assert plan.turns[int(plan.index(tf.constant(nimg, tf.int64), tf.constant(float(nimg))))].g is g


def test_thousandths_of_a_kimg_are_whole_images():
    # 1.1 * 1000 is above 1100 in floating point.
    plan = make_plan(img_per_step=10, pretrain_d_kimg=1.1)
    assert plan.turns[int(plan.index(tf.constant(110, tf.int64), tf.constant(1100.0)))].g


def test_the_plan_without_any_wish_is_the_one_that_is_always_the_same():
    assert ALWAYS.turns == make_plan(img_per_step=64).turns == (Turn(),)
    assert int(ALWAYS.index(tf.constant(3, tf.int64), tf.constant(192.0))) == 0


def test_d_alone_at_first_and_in_alternation_is_refused():
    with pytest.raises(ValueError, match="not both"):
        make_plan(img_per_step=64, pretrain_d_kimg=1.0, alternate_kimg=(1.0, 1.0))


def test_a_span_of_less_than_a_step_is_refused():
    with pytest.raises(ValueError, match=r"at least a step, 0\.064 kimg"):
        make_plan(img_per_step=64, alternate_kimg=(1.0, 0.05))


def test_one_turn_is_run_as_it_is():
    called = []
    choose(ALWAYS, tf.constant(0, tf.int64), tf.constant(0.0), called.append)
    assert called == [Turn()]


@pytest.mark.parametrize("eagerly", [True, False])
def test_the_turn_of_the_step_alone_is_run(eagerly):
    plan = make_plan(img_per_step=10, pretrain_d_kimg=0.03, lazy_every=2)
    ran = {turn: tf.Variable(0) for turn in plan.turns}
    jitted = {turn: tf.function(lambda turn=turn: ran[turn].assign_add(1), jit_compile=True) for turn in plan.turns}

    def do(step):
        choose(plan, step, tf.cast(step * 10, tf.float32), lambda turn: jitted[turn]())

    train = do if eagerly else tf.function(do)
    for step in range(9):
        train(tf.constant(step, tf.int64))
    expected = {turn: 0 for turn in plan.turns}
    for step in range(9):
        expected[turn_by_hand(step, 10, pretrain_d_kimg=0.03, lazy_every=2)] += 1
    assert {turn: int(v) for turn, v in ran.items()} == expected


def test_convolutions_keep_their_speed_in_a_choice_among_compiled_functions():
    x = tf.constant(np.random.default_rng(0).normal(size=(16, 28, 28, 16)), tf.float32)
    layers = [keras.Input((28, 28, 16)), keras.layers.Conv2D(32, 4, 2), keras.layers.Conv2D(32, 4, 2)]
    network, total = keras.Sequential(layers), tf.Variable(0.0)

    @tf.function(jit_compile=True)
    def work():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(x)))
        gradients = tape.gradient(loss, network.trainable_variables)
        total.assign_add(tf.add_n([tf.reduce_sum(gradient) for gradient in gradients]))

    plan = Plan(turns=(Turn(), Turn(lazy=False)), index=lambda step, nimg: tf.cast(step % 2, tf.int32))
    chosen = tf.function(lambda step: choose(plan, step, tf.constant(0.0), lambda turn: work()))
    bare = tf.function(lambda step: work())

    def seconds(function):
        for step in range(2):
            function(tf.constant(step, tf.int64))
        times = []
        for step in range(6):
            start = time.perf_counter()
            function(tf.constant(step, tf.int64))
            total.numpy()
            times.append(time.perf_counter() - start)
        return min(times)

    # Inside of one compiled function it would be tens of times as long.
    assert seconds(chosen) < 5.0 * seconds(bare)
