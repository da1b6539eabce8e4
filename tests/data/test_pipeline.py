import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.data import Feed, open_feed
from tfgan_kit.data.pipeline import mirrored
from tfgan_kit.data.source import ArraySource

PIXELS = np.random.default_rng(0).integers(0, 256, (50, 4, 6, 3), np.uint8)
# The first attribute is the picture's number, the second its last digit.
LABELS = np.stack([np.arange(50), np.arange(50) % 10], axis=1).astype(np.int32)
SOURCE = ArraySource("test", PIXELS, LABELS, {"number": tuple(map(str, range(50))), "digit": tuple("0123456789")})


def feed(memory_mb: int, *, mirror: bool = False, start_step: int = 0, source: ArraySource = SOURCE) -> Feed:
    return open_feed(source, batch=8, seed=3, mirror=mirror, memory_mb=memory_mb, start_step=start_step)


def run(data: Feed, first: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of some steps, asked for in a loop of the graph as the training loop does."""

    @tf.function
    def loop(first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = tf.TensorArray(tf.uint8, steps), tf.TensorArray(tf.int32, steps)
        for k in tf.range(steps):
            image, label = data(first + tf.cast(k, tf.int64))
            images, labels = images.write(k, image), labels.write(k, label)
        return images.concat(), labels.concat()

    images, labels = loop(tf.constant(first, tf.int64))
    return images.numpy(), labels.numpy()


@pytest.mark.parametrize("mirror", [False, True])
def test_memory_and_stream_agree_bit_for_bit(mirror: bool) -> None:
    memory, stream = feed(1, mirror=mirror), feed(0, mirror=mirror, start_step=3)
    assert (memory.in_memory, stream.in_memory) == (True, False)
    images, labels = run(memory, 3, 20)
    streamed_images, streamed_labels = run(stream, 3, 20)
    np.testing.assert_array_equal(streamed_images, images)
    np.testing.assert_array_equal(streamed_labels, labels)
    if not mirror:
        np.testing.assert_array_equal(images, PIXELS[labels[:, 0]])
    np.testing.assert_array_equal(labels, LABELS[labels[:, 0]])


def test_a_feed_goes_on_where_another_stopped() -> None:
    for memory_mb in (0, 1):
        whole, _ = run(feed(memory_mb), 0, 12)
        np.testing.assert_array_equal(run(feed(memory_mb, start_step=7), 7, 5)[0], whole[7 * 8 :])


def test_static_shapes_and_no_labels() -> None:
    unlabelled = ArraySource("test", PIXELS, None, {})
    for memory_mb in (0, 1):
        data = feed(memory_mb, source=unlabelled)
        graph = tf.function(lambda step, data=data: data(step)[0])
        concrete = graph.get_concrete_function(tf.constant(0, tf.int64))
        assert concrete.output_shapes == (8, 4, 6, 3)
        assert data(tf.constant(0, tf.int64))[1] is None
        labelled = feed(memory_mb)
        labels = tf.function(lambda step, data=labelled: data(step)[1])
        assert labels.get_concrete_function(tf.constant(0, tf.int64)).output_shapes == (8, 2)


def test_pictures_are_not_baked_into_the_graph() -> None:
    data = feed(1)
    graph = tf.function(lambda step: data(step)[0]).get_concrete_function(tf.constant(0, tf.int64)).graph
    constants = [node for node in graph.as_graph_def().node if node.op == "Const"]
    assert max(node.ByteSize() for node in constants) < 600 < PIXELS.nbytes


def test_mirror_flips_half_of_the_pictures_left_to_right() -> None:
    images = tf.constant(np.random.default_rng(1).integers(0, 256, (400, 2, 5, 1), np.uint8))
    flipped = mirrored(images, tf.constant(9, tf.int64), seed=0, batch=len(images), rows=np.arange(len(images)))
    np.testing.assert_array_equal(
        flipped, mirrored(images, tf.constant(9, tf.int64), seed=0, batch=len(images), rows=np.arange(len(images)))
    )
    as_they_are = (flipped.numpy() == images.numpy()).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(flipped.numpy()[~as_they_are], images.numpy()[~as_they_are][:, :, ::-1])
    assert 150 < as_they_are.sum() < 250
    other = mirrored(images, tf.constant(10, tf.int64), seed=0, batch=len(images), rows=np.arange(len(images)))
    assert (other.numpy() != flipped.numpy()).any()


def test_an_unreadable_picture_stops_the_step() -> None:
    class Failing(ArraySource):
        def read(self, indices: np.ndarray) -> np.ndarray:
            raise OSError("the disk is gone")

    data = feed(0, source=Failing("test", PIXELS, None, {}))
    step = tf.function(lambda step: data(step)[0])
    with pytest.raises(tf.errors.UnknownError, match="the disk is gone"):
        step(tf.constant(0, tf.int64))


def test_a_busy_stream_lets_the_process_end() -> None:
    code = """
import time, numpy as np, tensorflow as tf
from tfgan_kit.data import open_feed
from tfgan_kit.data.source import ArraySource
class Slow(ArraySource):
    def read(self, indices):
        time.sleep(0.05)
        return super().read(indices)
source = Slow("slow", np.zeros((9, 4, 4, 1), np.uint8), None, {})
feed = open_feed(source, batch=4, seed=0, mirror=False, memory_mb=0, start_step=0)
step = tf.function(lambda step: feed(step)[0])
for k in range(3):
    step(tf.constant(k, tf.int64))
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=300, check=False).returncode == 0
