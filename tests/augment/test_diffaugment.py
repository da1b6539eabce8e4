import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.augment.diffaugment import (
    COLOUR,
    GEOMETRY,
    OPS,
    brightness,
    contrast,
    cutout,
    diffaugment,
    saturation,
    translation,
)

KEY = rng.key(0, rng.Stream.REAL_SHOWN, 3)
NOW = tf.constant(0.0)
ALL = COLOUR + GEOMETRY
SHAPES = [(5, 8, 8, 3), (4, 7, 12, 1)]


def pictures(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).uniform(-1.0, 1.0, shape), tf.float32)


def uniform(n, key=KEY):
    return rng.uniform(key, (n, 1, 1, 1)).numpy()


def shifts(n, size, i, share=0.125):
    most = int(size * share + 0.5)
    return rng.integers(rng.split(KEY, i), (n,), 2 * most + 1).numpy() - most


def test_brightness_adds_one_number_a_picture():
    x = pictures(6, 5, 4, 3)
    np.testing.assert_allclose(brightness(x, KEY) - x, np.broadcast_to(uniform(6) - 0.5, x.shape), atol=1e-6)


def test_saturation_scales_the_distance_from_grey():
    x = pictures(6, 5, 4, 3).numpy()
    grey = x.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(saturation(tf.constant(x), KEY), grey + 2.0 * uniform(6) * (x - grey), atol=1e-6)
    np.testing.assert_allclose(saturation(tf.constant(x), KEY).numpy().mean(axis=-1, keepdims=True), grey, atol=1e-6)


def test_saturation_leaves_grey_pictures_as_they_are():
    x = pictures(6, 5, 4, 1)
    assert saturation(x, KEY) is x


def test_contrast_scales_the_distance_from_the_mean():
    x = pictures(6, 5, 4, 3).numpy()
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    changed = contrast(tf.constant(x), KEY).numpy()
    np.testing.assert_allclose(changed, mean + (0.5 + uniform(6)) * (x - mean), atol=1e-6)
    np.testing.assert_allclose(changed.mean(axis=(1, 2, 3), keepdims=True), mean, atol=1e-6)


@pytest.mark.parametrize("size", [(16, 16), (9, 20)])
def test_translation_moves_a_dot_by_the_drawn_pixels(size):
    n, (height, width) = 64, size
    x = np.zeros((n, height, width, 1), np.float32)
    x[:, height // 2, width // 2] = 1.0
    down, right = shifts(n, height, 0), shifts(n, width, 1)
    expected = np.zeros_like(x)
    expected[np.arange(n), height // 2 + down, width // 2 + right] = 1.0
    np.testing.assert_array_equal(translation(tf.constant(x), KEY), expected)
    assert set(right) == set(range(-int(width * 0.125 + 0.5), int(width * 0.125 + 0.5) + 1))


def test_translation_moves_zeros_in():
    x = pictures(32, 16, 8, 3).numpy()
    moved = translation(tf.constant(x), KEY).numpy()
    for picture, found, down, right in zip(x, moved, shifts(32, 16, 0), shifts(32, 8, 1), strict=True):
        padded = np.pad(picture, ((2, 2), (1, 1), (0, 0)))
        np.testing.assert_array_equal(found, padded[2 - down : 18 - down, 1 - right : 9 - right])


@pytest.mark.parametrize(("height", "width"), [(16, 16), (7, 10)])
def test_cutout_sets_one_rectangle_to_0_with_its_centre_inside(height, width):
    n = 256
    cut = cutout(tf.ones((n, height, width, 2)), KEY).numpy() == 0.0
    assert (cut[..., 0] == cut[..., 1]).all()
    lengths = []
    for size, across in ((height, 2), (width, 1)):
        hit = cut[..., 0].any(axis=across)
        ends = np.abs(np.diff(np.pad(hit.astype(int), ((0, 0), (1, 1))), axis=1)).sum(axis=1)
        assert (ends == 2).all()
        lengths.append(hit.sum(axis=1))
        length = int(size * 0.5 + 0.5)
        assert set(lengths[-1]) == set(range((length + 1) // 2, length + 1))
    assert (cut[..., 0].sum(axis=(1, 2)) == lengths[0] * lengths[1]).all()


def test_cutout_leaves_the_rest_as_it_is():
    x = pictures(16, 8, 8, 3).numpy()
    cut = cutout(tf.constant(x), KEY).numpy()
    assert ((cut == x) | (cut == 0.0)).all()
    assert (cut != x).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("op", ALL)
def test_each_picture_has_its_own_draw(op):
    x = pictures(1, 8, 8, 3)
    changed = op(tf.repeat(x, 256, axis=0), KEY).numpy()
    # Of a translation there are 9, of a cutout 81; the others are as many as the pictures, but for a chance match.
    assert len({picture.tobytes() for picture in changed}) >= {translation: 9, cutout: 60}.get(op, 250)


@pytest.mark.parametrize("op", COLOUR)
def test_colour_changes_nothing_on_average(op):
    x = pictures(1, 4, 4, 3)
    changed = op(tf.repeat(x, 4096, axis=0), KEY).numpy()
    np.testing.assert_allclose(changed.mean(axis=0), x[0], atol=0.04)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ops", OPS)
def test_shape_and_type_stay_and_something_changes(ops, shape):
    x = pictures(*shape)
    changed = diffaugment(ops).apply(x, KEY, NOW)
    assert changed.shape == x.shape
    assert changed.dtype == tf.float32
    assert (changed.numpy() != x.numpy()).any(axis=(1, 2, 3)).all()


def test_all_is_colour_and_then_geometry():
    x = pictures(*SHAPES[0])
    expected = x
    for i, op in enumerate(ALL):
        expected = op(expected, rng.split(KEY, 2 * i))
    np.testing.assert_array_equal(diffaugment("all").apply(x, KEY, NOW), expected)


def test_the_draws_of_different_operations_and_keys_differ():
    n = 64
    draws = [tuple(uniform(n, rng.split(KEY, i)).ravel()) for i in range(2 * len(ALL))]
    assert len(set(draws)) == len(draws)
    x, apply = pictures(*SHAPES[0]), diffaugment("all").apply
    other = rng.key(0, rng.Stream.REAL_SHOWN, 4)
    assert (apply(x, KEY, NOW).numpy() != apply(x, other, NOW).numpy()).any()
    np.testing.assert_array_equal(apply(x, KEY, NOW), apply(x, KEY, NOW))


@pytest.mark.parametrize(("ops", "shape"), [("all", SHAPES[0]), ("all", SHAPES[1]), ("geometry", SHAPES[0])])
def test_jitted_pictures_are_the_plain_ones_but_for_rounding(ops, shape):
    x, apply = pictures(*shape), diffaugment(ops).apply
    jitted = tf.function(apply, jit_compile=True, autograph=False)(x, KEY, NOW)
    np.testing.assert_allclose(jitted, apply(x, KEY, NOW), rtol=0.0, atol=0.0 if ops == "geometry" else 1e-6)


@pytest.mark.parametrize("op", ALL)
def test_the_gradient_agrees_with_finite_differences(op):
    x, along, slope = (pictures(4, 6, 6, 3, seed=seed) for seed in range(3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(slope * tf.sin(op(x, KEY)))
    found = float(tf.reduce_sum(tape.gradient(value, x) * along))
    ends = [np.sum(slope.numpy().astype(np.float64) * np.sin(op(x + s * along, KEY))) for s in (1e-2, -1e-2)]
    assert found == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_penalty_of_a_gradient_through_it_has_a_gradient_jitted(shape):
    x, weight, apply = pictures(*shape), tf.Variable(pictures(*shape[1:])), diffaugment("all").apply

    @tf.function(jit_compile=True, autograph=False)
    def step():
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                tape.watch(x)
                logits = tf.reduce_sum(tf.tanh(weight * apply(x, KEY, NOW)), axis=[1, 2, 3])
            penalty = tf.reduce_sum(tf.square(tape.gradient(logits, x)))
        return outer.gradient(penalty, weight)

    found = step().numpy()
    assert np.isfinite(found).all()
    assert (found != 0.0).mean() > 0.5


def test_unknown_operations_are_named():
    with pytest.raises(ValueError, match="ops 'color' is unknown; legal: all, colour, geometry"):
        diffaugment("color")


def test_it_remembers_nothing():
    transform = diffaugment("all")
    assert transform.update is None
    assert transform.state == {}
