import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.augment.ada_ops import Op, colour, colour_matrix, draw, spatial, spatial_matrix

KEY = rng.key(0, rng.Stream.REAL_SHOWN, 5)
SURE = tf.constant(1.0)
NEVER = tf.constant(0.0)


def pictures(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).uniform(-1.0, 1.0, shape), tf.float32)


def whole(op, n, high, i=0):
    return np.floor(draw(KEY, n).uniform[op, i].numpy().astype(np.float64) * high).astype(int)


def normal(op, n, i=0):
    return draw(KEY, n).normal[op, i].numpy().astype(np.float64)


def angle(op, n):
    return np.pi * (2.0 * draw(KEY, n).uniform[op, 0].numpy().astype(np.float64) - 1.0)


def only(monkeypatch, *ops):
    """Every operation but these never applies."""
    from tfgan_kit.augment import ada_ops

    sometimes = ada_ops._sometimes

    def chosen(draws, op, p, value, neutral):
        return sometimes(draws, op, p if op in ops else NEVER, value, neutral)

    monkeypatch.setattr(ada_ops, "_sometimes", chosen)


def plane(linear=((1, 0), (0, 1)), move=(0, 0)):
    full = np.eye(3)
    full[:2, :2], full[:2, 2] = linear, move
    return full


def rotation(theta):
    return plane([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])


@pytest.mark.parametrize("shape", [(6, 8, 8, 3), (6, 7, 10, 1)])
def test_at_p_0_nothing_changes_to_the_bit(shape):
    x, draws = pictures(*shape), draw(KEY, 6)
    np.testing.assert_array_equal(spatial(x, draws, NEVER), x)
    np.testing.assert_array_equal(colour(x, draws, NEVER), x)


@pytest.mark.parametrize("size", [(8, 8), (7, 7), (8, 12)])
def test_flips_turns_and_whole_moves_are_exact(monkeypatch, size):
    only(monkeypatch, Op.FLIP, Op.TURN, Op.SHIFT)
    n, (height, width) = 64, size
    x = pictures(n, height, width, 2)
    found = spatial(x, draw(KEY, x.shape[0]), SURE)
    down_most, right_most = (int(length * 0.125 + 0.5) for length in size)
    flips = whole(Op.FLIP, n, 2)
    quarters = whole(Op.TURN, n, 4) if height == width else 2 * whole(Op.TURN, n, 2)
    down = whole(Op.SHIFT, n, 2 * down_most + 1) - down_most
    right = whole(Op.SHIFT, n, 2 * right_most + 1, 1) - right_most
    assert set(flips) == {0, 1}
    assert len(set(quarters)) == (4 if height == width else 2)
    for i in range(n):
        expected = x[i].numpy()
        if flips[i]:
            expected = expected[:, ::-1]
        expected = np.rot90(expected, -quarters[i])
        expected = np.pad(expected, ((2, 2), (2, 2), (0, 0)), mode="reflect")
        expected = expected[2 - down[i] : 2 - down[i] + height, 2 - right[i] : 2 - right[i] + width]
        np.testing.assert_array_equal(found[i], expected)


def test_the_matrix_is_the_inverse_of_the_changes_in_their_order():
    n, height, width = 32, 8, 12
    found = spatial_matrix(draw(KEY, n), height, width, SURE)
    flips, quarters = whole(Op.FLIP, n, 2), 2 * whole(Op.TURN, n, 2)
    down, right = whole(Op.SHIFT, n, 3) - 1, whole(Op.SHIFT, n, 5, 1) - 2
    scale, stretch = 2.0 ** (0.2 * normal(Op.SCALE, n)), 2.0 ** (0.2 * normal(Op.STRETCH, n))
    before, after = angle(Op.ROTATE_BEFORE, n), angle(Op.ROTATE_AFTER, n)
    move = 0.125 * np.stack([height * normal(Op.MOVE, n), width * normal(Op.MOVE, n, 1)], axis=1)
    for i in range(n):
        changes = [
            plane(np.diag([1.0, -1.0 if flips[i] else 1.0])),
            rotation(-np.pi / 2.0 * quarters[i]),
            plane(move=(down[i], right[i])),
            plane(np.eye(2) * scale[i]),
            rotation(-before[i]),
            plane(np.diag([1.0 / stretch[i], stretch[i]])),
            rotation(-after[i]),
            plane(move=move[i]),
        ]
        forward = np.eye(3)
        for change in changes:
            forward = change @ forward
        np.testing.assert_allclose(found[i], np.linalg.inv(forward)[:2], atol=2e-5)


def test_colours_are_changed_in_their_order():
    n = 32
    matrix, offset = colour_matrix(draw(KEY, n), 3, SURE)
    lighter, contrast = 0.2 * normal(Op.BRIGHTNESS, n), 2.0 ** (0.5 * normal(Op.CONTRAST, n))
    flips, hue, saturation = whole(Op.LUMA_FLIP, n, 2), angle(Op.HUE, n), 2.0 ** normal(Op.SATURATION, n)
    axis = np.ones(3) / np.sqrt(3.0)
    along = np.outer(axis, axis)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    colours = np.random.default_rng(0).uniform(-1.0, 1.0, (3, 5))
    for i in range(n):
        expected = contrast[i] * (colours + lighter[i])
        expected = (np.eye(3) - 2.0 * along * flips[i]) @ expected
        turn = np.cos(hue[i]) * np.eye(3) + np.sin(hue[i]) * cross + (1.0 - np.cos(hue[i])) * along
        expected = (along + saturation[i] * (np.eye(3) - along)) @ turn @ expected
        np.testing.assert_allclose(matrix[i].numpy() @ colours + offset[i].numpy(), expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_matrix_is_applied_to_every_pixel(channels):
    x = pictures(8, 4, 5, channels)
    matrix, offset = colour_matrix(draw(KEY, 8), channels, SURE)
    expected = np.einsum("bij,bhwj->bhwi", matrix, x) + offset.numpy()[:, None, None, None]
    np.testing.assert_allclose(colour(x, draw(KEY, x.shape[0]), SURE), expected, rtol=1e-5, atol=1e-5)


def test_grey_pictures_change_as_the_grey_of_coloured_ones_does():
    x = pictures(16, 4, 4, 1)
    coloured = colour(tf.repeat(x, 3, axis=-1), draw(KEY, x.shape[0]), SURE)
    np.testing.assert_allclose(
        coloured, tf.repeat(colour(x, draw(KEY, x.shape[0]), SURE), 3, axis=-1), rtol=1e-4, atol=2e-5
    )


def test_hue_and_saturation_leave_the_lightness(monkeypatch):
    only(monkeypatch, Op.HUE, Op.SATURATION)
    x = pictures(16, 4, 4, 3)
    changed = colour(x, draw(KEY, x.shape[0]), SURE)
    assert np.abs(changed - x).max() > 0.1
    np.testing.assert_allclose(tf.reduce_mean(changed, -1), tf.reduce_mean(x, -1), atol=1e-5)


def test_brightness_changes_nothing_on_average(monkeypatch):
    only(monkeypatch, Op.BRIGHTNESS)
    matrix, offset = colour_matrix(draw(KEY, 8192), 3, SURE)
    np.testing.assert_array_equal(matrix, np.broadcast_to(np.eye(3), (8192, 3, 3)))
    assert abs(np.mean(offset)) < 4.0 * 0.2 / np.sqrt(8192)
    assert np.std(offset) == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("op", [Op.SCALE, Op.STRETCH, Op.MOVE])
def test_a_change_of_place_has_the_chance_p(monkeypatch, op, p):
    only(monkeypatch, op)
    n = 4096
    matrix = spatial_matrix(draw(KEY, n), 8, 8, tf.constant(p)).numpy()
    assert_share((matrix != np.eye(2, 3)).any(axis=(1, 2)), p)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_two_rotations_together_have_the_chance_p(monkeypatch, p):
    only(monkeypatch, Op.ROTATE_BEFORE, Op.ROTATE_AFTER)
    n = 4096
    matrix = spatial_matrix(draw(KEY, n), 8, 8, tf.constant(p)).numpy()
    assert_share((matrix != np.eye(2, 3)).any(axis=(1, 2)), p)


@pytest.mark.parametrize(
    ("op", "drawn_neutral"), [(Op.FLIP, 1 / 2), (Op.TURN, 1 / 4), (Op.SHIFT, 1 / 9)], ids=["flip", "turn", "shift"]
)
def test_a_drawn_flip_turn_or_move_may_be_none(monkeypatch, op, drawn_neutral):
    only(monkeypatch, op)
    matrix = spatial_matrix(draw(KEY, 4096), 8, 8, tf.constant(0.6)).numpy()
    assert_share((matrix != np.eye(2, 3)).any(axis=(1, 2)), 0.6 * (1.0 - drawn_neutral))


@pytest.mark.parametrize("op", [Op.CONTRAST, Op.HUE, Op.SATURATION])
def test_a_change_of_colour_has_the_chance_p(monkeypatch, op):
    only(monkeypatch, op)
    matrix, offset = colour_matrix(draw(KEY, 4096), 3, tf.constant(0.3))
    assert_share((matrix.numpy() != np.eye(3)).any(axis=(1, 2)), 0.3)
    assert (offset.numpy() == 0.0).all()


def assert_share(hits, p):
    assert abs(np.mean(hits) - p) < 4.0 * np.sqrt(p * (1.0 - p) / len(hits))


def test_all_draws_of_a_key_differ():
    draws = draw(KEY, 16)
    rows = np.concatenate([np.reshape(part, (-1, 16)) for part in draws])
    assert len({row.tobytes() for row in rows}) == len(rows) == 5 * len(Op)


def test_the_largest_uniform_number_is_still_inside(monkeypatch):
    only(monkeypatch, Op.FLIP, Op.TURN, Op.SHIFT)
    draws = draw(KEY, 1)
    largest = draws._replace(uniform=tf.fill(draws.uniform.shape, 1.0 - 2.0**-24))
    moved = spatial_matrix(largest, 64, 64, SURE)
    assert np.abs(moved[0, :, 2]).max() <= 8.0


@pytest.mark.parametrize("channels", [2, 4])
def test_colour_needs_1_or_3_channels(channels):
    with pytest.raises(ValueError, match=f"1 or 3 channels for changes of colour; got {channels}"):
        colour(pictures(2, 4, 4, channels), draw(KEY, 2), SURE)


def test_places_change_with_any_number_of_channels():
    assert spatial(pictures(2, 4, 4, 5), draw(KEY, 2), SURE).shape == (2, 4, 4, 5)
