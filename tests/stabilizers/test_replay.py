from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.stabilizers.replay import replay_buffer

SHAPE = (2, 3, 1)


def key(step):
    return rng.key(0, rng.Stream.REPLAY, step)


def turn(replay, fake, c, key):
    """What one step shows and keeps."""
    shown = replay.draw(fake, c, key)
    replay.keep(fake, c, key)
    return shown


def fakes(step, n=4):
    """Pictures that are each one grey level, which tells when and where they were made; and their classes."""
    levels = step * n + np.arange(n)
    images = np.broadcast_to((levels / 127.5 - 1.0)[:, None, None, None], (n, *SHAPE))
    return tf.constant(images, tf.float32), tf.constant(np.stack([levels, 3 * levels], axis=1), tf.int32)


def levels_of(images):
    found = np.round((np.asarray(images) + 1.0) * 127.5).astype(int)
    assert (found == found[:, :1, :1, :1]).all()
    return found[:, 0, 0, 0]


def test_an_empty_buffer_replaces_nothing():
    replay = replay_buffer(8, 1.0, SHAPE, attributes=2)
    fake, c = fakes(0)
    shown, shown_c = turn(replay, fake, c, key(0))
    np.testing.assert_array_equal(shown, fake)
    np.testing.assert_array_equal(shown_c, c)
    assert int(replay.state["count"]) == 4


def test_only_past_fakes_come_back_and_their_classes_with_them():
    replay = replay_buffer(16, 0.5, SHAPE, attributes=2)
    came_back = 0
    for step in range(30):
        fake, c = fakes(step)
        shown, shown_c = turn(replay, fake, c, key(step))
        levels = levels_of(shown)
        np.testing.assert_array_equal(shown_c, np.stack([levels, 3 * levels], axis=1))
        old = levels != levels_of(fake)
        assert (levels[old] < 4 * step).all()
        came_back += old.sum()
        assert int(replay.state["count"]) == min(2 * (step + 1), 16)
    # 4 a step but for the first, half of them.
    assert came_back == pytest.approx(58, abs=4 * np.sqrt(116 / 4))


def test_while_it_fills_every_one_of_the_buffer_is_one_that_went_in():
    replay = replay_buffer(7, 0.5, SHAPE)
    for step in range(6):
        turn(replay, fakes(step)[0], None, key(step))
        count = int(replay.state["count"])
        assert count == min(2 * (step + 1), 7)
        kept = replay.state["images"].numpy()[:count, 0, 0, 0].astype(int)
        assert len(set(kept)) == count
        assert set(kept % 4) <= {0, 1}
        if count < 7:
            np.testing.assert_array_equal(kept, [4 * s + i for s in range(step + 1) for i in range(2)])


def test_once_full_each_place_is_as_likely_to_be_written_over():
    replay = replay_buffer(10, 0.5, (1, 1, 1))
    apply = tf.function(lambda fake, key: turn(replay, fake, None, key), jit_compile=True)
    for step in range(5):
        apply(tf.zeros((4, 1, 1, 1)), key(step))
    written, n = np.zeros(10), 250
    for step in range(n):
        before = replay.state["images"].numpy().ravel()
        apply(tf.fill((4, 1, 1, 1), 1.0 if step % 2 == 0 else -1.0), key(100 + step))
        after = replay.state["images"].numpy().ravel()
        written += before != after
        # What is new takes two places; a place that held the same already does not show.
        assert (before != after).sum() <= 2
    # Each place shows about half of its writings: chi squared of 9 degrees of freedom, at 1 in 1000.
    expected = written.mean()
    assert np.sum((written - expected) ** 2 / expected) < 27.9


def test_each_of_the_buffer_is_as_likely_to_come_back():
    replay = replay_buffer(8, 1.0, SHAPE)
    turn(replay, fakes(0, 8)[0], None, key(0))
    drawn = np.zeros(8)
    apply = tf.function(lambda fake, key: turn(replay, fake, None, key)[0], jit_compile=True)
    start = replay.state["images"].numpy()
    for step in range(1, 100):
        drawn += np.bincount(levels_of(apply(fakes(0, 8)[0], key(step))), minlength=8)
        replay.state["images"].assign(start)
    expected = drawn.mean()
    assert np.sum((drawn - expected) ** 2 / expected) < 24.4


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_the_share_is_the_probability(share):
    replay = replay_buffer(512, share, (1, 1, 1))
    turn(replay, tf.zeros((512, 1, 1, 1)), None, key(0))
    shown, _ = turn(replay, tf.ones((512, 1, 1, 1)), None, key(1))
    assert np.mean(np.asarray(shown) < 0.5) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 512))


def test_a_picture_comes_back_within_1_in_255():
    replay = replay_buffer(64, 1.0, (4, 4, 3))
    fake = tf.constant(np.random.default_rng(0).uniform(-1.0, 1.0, (64, 4, 4, 3)), tf.float32)
    turn(replay, fake, None, key(0))
    back = replay.state["images"].numpy() / 127.5 - 1.0
    assert np.abs(back - fake).max() <= 1.0 / 255 + 1e-6
    assert np.abs(back - fake).max() > 0.9 / 255


def test_values_beyond_the_range_are_kept_at_its_ends():
    replay = replay_buffer(2, 1.0, (1, 1, 1))
    turn(replay, tf.reshape([-1.5, 1.5], (2, 1, 1, 1)), None, key(0))
    np.testing.assert_array_equal(replay.state["images"].numpy().ravel(), [0, 255])


def test_it_is_the_same_jitted_and_after_a_resumption():
    def run(steps, jit, state=None):
        replay = replay_buffer(6, 0.5, SHAPE, attributes=2)
        for name, v in replay.state.items():
            v.assign(v if state is None else state[name])
        apply = tf.function(partial(turn, replay), jit_compile=jit)
        return [apply(*fakes(step), key(step)) for step in steps], replay.state

    whole, end = run(range(8), False)
    _, middle = run(range(4), True)
    resumed, resumed_end = run(range(4, 8), True, middle)
    for expected, found in zip(whole[4:], resumed, strict=True):
        np.testing.assert_allclose(found[0], expected[0], atol=1e-6)
        np.testing.assert_array_equal(found[1], expected[1])
    assert sorted(end) == ["classes", "count", "images"]
    for name, v in end.items():
        np.testing.assert_array_equal(v, resumed_end[name])


def test_what_is_kept_is_small():
    state = replay_buffer(100, 0.5, (8, 8, 3)).state
    assert {name: v.dtype for name, v in state.items()} == {"images": tf.uint8, "count": tf.int32}


def test_a_batch_larger_than_the_buffer_is_refused():
    with pytest.raises(ValueError, match="3 pictures cannot take the 4"):
        replay_buffer(3, 1.0, SHAPE).keep(fakes(0)[0], None, key(0))
