import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.batches import images_of, img_per_step, real_and_classes
from tfgan_kit.errors import DataError

BYTES = np.arange(4 * 256, dtype=np.int64).reshape(4, 16, 16, 1).astype(np.uint8)
C = np.array([[0, 1], [2, 0], [1, 1], [2, 1]], np.int64)


@pytest.mark.parametrize("data", [BYTES, tf.constant(BYTES), (BYTES,), [BYTES], (BYTES, C), (BYTES, None)])
def test_images_come_alone_or_before_their_classes(data):
    assert images_of(data).dtype == tf.uint8
    np.testing.assert_array_equal(images_of(data), BYTES)
    real, c = real_and_classes(data, conditional=False)
    assert c is None
    np.testing.assert_allclose(real, BYTES.astype(np.float64) / 127.5 - 1.0, atol=1e-6)


def test_bytes_span_minus_1_to_1_and_floats_stay_as_they_are():
    real, _ = real_and_classes(BYTES, conditional=False)
    assert real.dtype == tf.float32
    assert (float(tf.reduce_min(real)), float(tf.reduce_max(real))) == (-1.0, 1.0)
    floats = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 3, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(real_and_classes(floats, conditional=False)[0], floats)


def test_classes_are_int32_columns():
    _, c = real_and_classes((BYTES, C), conditional=True)
    assert c.dtype == tf.int32
    np.testing.assert_array_equal(c, C)
    np.testing.assert_array_equal(real_and_classes((BYTES, C[:, 0]), conditional=True)[1], C[:, :1])


@pytest.mark.parametrize("data", [BYTES, (BYTES,), (BYTES, None)])
def test_classes_that_are_wanted_must_be_there(data):
    with pytest.raises(DataError, match=r"trains on \(images, class indices\); got images alone"):
        real_and_classes(data, conditional=True)


@pytest.mark.parametrize("d_steps", [1, 2, 4])
def test_a_step_takes_the_whole_batch(d_steps):
    assert img_per_step(tf.constant(BYTES), d_steps) == 4


def test_other_sizes_are_refused():
    with pytest.raises(DataError, match=r"multiple of d_steps=3; got images of shape \(4, 16, 16, 1\): batch"):
        img_per_step(tf.constant(BYTES), 3)

    @tf.function(input_signature=[tf.TensorSpec((None, 16, 16, 1), tf.uint8)], autograph=False)
    def unknown(images):
        return img_per_step(images, 1)

    with pytest.raises(DataError, match=r"of a fixed size .* got images of shape \(None, 16, 16, 1\)"):
        unknown(BYTES)
