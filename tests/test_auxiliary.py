from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.auxiliary import auxiliary_classifier_d, auxiliary_classifier_g, class_cross_entropy, feature_matching

CLASSES = (3, 2)
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 5)).astype("float32")
OTHERS = RNG.normal(size=(4, 5)).astype("float32")
C = np.array([[0, 1], [2, 0], [1, 1], [2, 1]], "int32")
OTHER_C = np.array([[1, 1], [0, 0], [1, 0], [2, 1]], "int32")


def by_hand(logits, c):
    total = 0.0
    for part, label in ((logits[:, :3], c[:, 0]), (logits[:, 3:], c[:, 1])):
        p = np.exp(part) / np.exp(part).sum(axis=1, keepdims=True)
        total = total - np.log(p[np.arange(4), label])
    return total


def test_the_cross_entropy_is_summed_over_the_attributes():
    found = class_cross_entropy(tf.constant(LOGITS), tf.constant(C), CLASSES)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, by_hand(LOGITS, C), rtol=1e-5)


def test_a_d_that_knows_nothing_pays_the_logarithm_of_each_number_of_classes():
    found = class_cross_entropy(tf.zeros((4, 5)), tf.constant(C), CLASSES)
    np.testing.assert_allclose(found, np.full(4, np.log(3.0) + np.log(2.0)), rtol=1e-6)


def test_d_classifies_real_and_fake_each_by_its_own_classes():
    view = SimpleNamespace(
        real_out={"classes": tf.constant(LOGITS)}, fake_out={"classes": tf.constant(OTHERS)},
        c=tf.constant(C), fake_c=tf.constant(OTHER_C),
    )  # fmt: skip
    term = auxiliary_classifier_d(0.5, CLASSES)
    assert (term.name, term.weight, term.lazy) == ("d_classes", 0.5, False)
    np.testing.assert_allclose(term.value(view), by_hand(LOGITS, C) + by_hand(OTHERS, OTHER_C), rtol=1e-5)


def test_g_is_judged_on_fake_alone():
    view = SimpleNamespace(fake_out={"classes": tf.constant(LOGITS)}, c=tf.constant(C))
    term = auxiliary_classifier_g(2.0, CLASSES)
    assert (term.name, term.weight, term.lazy) == ("g_classes", 2.0, False)
    np.testing.assert_allclose(term.value(view), by_hand(LOGITS, C), rtol=1e-5)


def test_one_attribute_is_the_plain_cross_entropy():
    found = class_cross_entropy(tf.constant(LOGITS), tf.constant([[4], [0], [2], [1]]), (5,))
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, -np.log(p[np.arange(4), [4, 0, 2, 1]]), rtol=1e-5)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float16])
def test_feature_matching_is_the_squared_distance_of_the_means(dtype):
    # Means (2, 300) and (1, -1), exact in float16; the square of 301 is beyond it.
    real = tf.constant([[1.0, 300.0], [3.0, 300.0]], dtype)
    fake = tf.constant([[1.0, -2.0], [1.0, 0.0]], dtype)
    term = feature_matching(1.0)
    found = term.value(SimpleNamespace(real_out={"features": real}, fake_out={"features": fake}))
    assert found.dtype == tf.float32
    assert float(found) == 1.0 + 301.0**2


def test_feature_matching_pulls_each_fake_by_its_share_of_the_difference():
    real, fake = tf.constant(LOGITS), tf.constant(OTHERS)
    with tf.GradientTape() as tape:
        tape.watch(fake)
        total = feature_matching(1.0).value(SimpleNamespace(real_out={"features": real}, fake_out={"features": fake}))
    pull = 2.0 * (OTHERS.mean(axis=0) - LOGITS.mean(axis=0)) / 4.0
    np.testing.assert_allclose(tape.gradient(total, fake), np.tile(pull, (4, 1)), rtol=1e-4, atol=1e-6)
