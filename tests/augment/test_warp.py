import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from tfgan_kit.augment.warp import affine, gather_pixels

IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, shape).astype(np.float32)


def one(matrix, n=1):
    return tf.constant(np.broadcast_to(np.asarray(matrix, np.float32), (n, 2, 3)))


def some_maps(n, seed=1):
    """Rotated, scaled, sheared and moved, well beyond the borders."""
    generator = np.random.default_rng(seed)
    angle, scale = generator.uniform(-np.pi, np.pi, n), 2.0 ** generator.normal(0.0, 0.5, n)
    turned = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(n, 2, 2)
    linear = turned * scale[:, None, None] + 0.2 * generator.normal(size=(n, 2, 2))
    return np.concatenate([linear, 5.0 * generator.normal(size=(n, 2, 1))], axis=2).astype(np.float32)


def test_pixels_are_taken_from_their_own_picture():
    x = pictures(3, 4, 5, 2)
    place = np.random.default_rng(1).integers(0, 20, (3, 2, 7)).astype(np.int32)
    found = gather_pixels(tf.constant(x), tf.constant(place))
    assert found.shape == (3, 2, 7, 2)
    for i in range(3):
        np.testing.assert_array_equal(found[i], x[i].reshape(20, 2)[place[i]])


@pytest.mark.parametrize("shape", [(2, 8, 8, 3), (2, 7, 4, 1), (1, 2, 3, 5)])
@pytest.mark.parametrize("jit", [False, True])
def test_the_identity_is_exact(shape, jit):
    x = pictures(*shape)
    np.testing.assert_array_equal(
        tf.function(affine, jit_compile=jit, autograph=False)(tf.constant(x), one(IDENTITY, shape[0])), x
    )


@pytest.mark.parametrize(
    ("linear", "expected"),
    [
        ([[1.0, 0.0], [0.0, -1.0]], lambda x: x[:, :, ::-1]),
        ([[-1.0, 0.0], [0.0, 1.0]], lambda x: x[:, ::-1]),
        ([[-1.0, 0.0], [0.0, -1.0]], lambda x: np.rot90(x, 2, (1, 2))),
        ([[0.0, -1.0], [1.0, 0.0]], lambda x: np.rot90(x, -1, (1, 2))),
        ([[0.0, 1.0], [-1.0, 0.0]], lambda x: np.rot90(x, 1, (1, 2))),
    ],
)
@pytest.mark.parametrize("size", [6, 7])
def test_mirrors_and_quarter_turns_are_exact(linear, expected, size):
    x = pictures(1, size, size, 2)
    np.testing.assert_array_equal(affine(tf.constant(x), one(np.c_[linear, [0.0, 0.0]])), expected(x))


def test_whole_moves_are_exact_and_mirror_the_picture_at_the_border():
    x = pictures(1, 6, 5, 1)
    moved = affine(tf.constant(x), one([[1.0, 0.0, -2.0], [0.0, 1.0, 3.0]]))
    padded = np.pad(x[0], ((2, 0), (0, 3), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(moved[0], padded[:6, 3:])


@pytest.mark.parametrize("shape", [(9, 9, 2), (6, 11, 1)])
def test_any_map_agrees_with_scipy(shape):
    x, maps = pictures(6, *shape), some_maps(6)
    found = affine(tf.constant(x), tf.constant(maps))
    centre = (np.array(shape[:2]) - 1.0) / 2.0
    for i in range(6):
        linear = maps[i, :, :2].astype(np.float64)
        offset = centre - linear @ centre + maps[i, :, 2]
        for c in range(shape[2]):
            expected = ndimage.affine_transform(x[i, ..., c], linear, offset, order=1, mode="mirror")
            np.testing.assert_allclose(found[i, ..., c], expected, atol=2e-5)


def test_any_map_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    height, width = 7, 10
    x, maps = pictures(5, height, width, 3), some_maps(5, seed=2)
    # PyTorch's grid runs from -1 to 1 between the outermost centres, columns first.
    half = np.array([(height - 1) / 2, (width - 1) / 2], np.float32)
    scaled = maps / half[:, None]
    scaled[:, :, :2] *= half
    grid = torch.nn.functional.affine_grid(
        torch.tensor(scaled[:, ::-1][:, :, [1, 0, 2]].copy()), (5, 3, height, width), align_corners=True
    )
    expected = torch.nn.functional.grid_sample(
        torch.tensor(x.transpose(0, 3, 1, 2)), grid, padding_mode="reflection", align_corners=True
    )
    found = affine(tf.constant(x), tf.constant(maps)).numpy().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found, expected.numpy(), atol=5e-5)


@pytest.mark.parametrize("jit", [False, True])
def test_the_gradient_is_the_adjoint_of_the_warp(jit):
    x, maps = tf.constant(pictures(4, 6, 6, 2)), tf.constant(some_maps(4))
    along, other = tf.constant(pictures(4, 6, 6, 2, seed=3)), tf.constant(pictures(4, 6, 6, 2, seed=4))

    @tf.function(jit_compile=jit, autograph=False)
    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(other * affine(x, maps))
        return tape.gradient(value, x)

    # A warp is linear in the picture, so <other, warp(along)> is <gradient, along> exactly.
    expected = np.sum(other * affine(along, maps), axis=(1, 2, 3))
    np.testing.assert_allclose(np.sum(gradient() * along, axis=(1, 2, 3)), expected, rtol=1e-4, atol=1e-4)


def test_a_constant_picture_stays_constant():
    np.testing.assert_allclose(affine(tf.fill((8, 6, 6, 1), 0.7), tf.constant(some_maps(8))), 0.7, atol=1e-6)
