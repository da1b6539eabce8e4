"""What seeds give: the published known answers of Philox, TensorFlow's own Philox, distributions, what is refused."""

import numpy as np
import pytest
from scipy import stats

from tfgan_kit.latents import PRIORS, classes_from_seeds, noise_from_seeds, philox_4x32, z_from_seeds

MANY = 20_000


def words(key, counter):
    return [int(word) for word in philox_4x32(np.uint64(key), np.uint64(counter)).ravel()]


def test_known_answer_of_key_and_counter_0():
    """Random123's kat_vectors, philox4x32 10."""
    assert words(0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


@pytest.mark.parametrize(("key", "stream"), [(0, 0), (1, 1), (17, 2), (2**32 + 3, 0), (2**63 - 1, 2**32 - 1)])
def test_words_are_tensorflows(key, stream):
    """TensorFlow's stateless Philox takes the key as one 64-bit word and the counter as two, the lower first."""
    import tensorflow as tf

    made = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[32],
        key=[tf.constant(key, tf.uint64)],
        counter=tf.constant([5, stream], tf.uint64),
        alg=1,
        dtype=tf.uint32,
    )
    ours = philox_4x32(np.uint64(key), np.arange(5, 13, dtype=np.uint64), stream)
    np.testing.assert_array_equal(ours.ravel(), made.numpy())


def test_shape_and_dtype():
    for prior in PRIORS:
        z = z_from_seeds([3, 1, 4], 7, prior)
        assert z.shape == (3, 7)
        assert z.dtype == np.float32
    assert z_from_seeds([2**63 - 1], 1).shape == (1, 1)


@pytest.mark.parametrize("prior", PRIORS)
def test_a_row_depends_on_its_seed_alone(prior):
    every = z_from_seeds(range(50), 9, prior)
    np.testing.assert_array_equal(z_from_seeds(np.array([49, 7, 7]), 9, prior), every[[49, 7, 7]])
    assert len(np.unique(every)) == every.size


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_a_longer_z_begins_with_the_shorter(prior):
    np.testing.assert_array_equal(z_from_seeds(range(4), 10, prior)[:, :3], z_from_seeds(range(4), 3, prior))


def test_first_normals_stay_what_they_are():
    """A change here changes every picture that anyone has drawn."""
    expected = [[0.99114, -0.92466, -0.61761, -0.48207]]
    np.testing.assert_allclose(z_from_seeds([0], 4), expected, atol=1e-5)


def test_normal_is_standard_normal():
    z = z_from_seeds(range(MANY), 6)
    for column in z.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    correlation = np.corrcoef(np.concatenate([z, np.abs(z)], axis=1).T) - np.eye(12)
    # The sign of a value and its size are as good as independent, and so are the columns.
    np.testing.assert_allclose(correlation, 0, atol=4.5 / np.sqrt(MANY))
    successive = np.corrcoef(z[:-1, 0], z[1:, 0])[0, 1]
    assert abs(successive) < 4.5 / np.sqrt(MANY)


def test_uniform_is_uniform():
    z = z_from_seeds(range(MANY), 6, "uniform")
    assert z.min() >= -1
    assert z.max() <= 1
    for column in z.T:
        assert stats.kstest(column, stats.uniform(-1, 2).cdf).pvalue > 1e-4


def test_spherical_lies_on_the_sphere_and_has_no_direction():
    z = z_from_seeds(range(MANY), 3, "spherical")
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), np.sqrt(3), rtol=1e-6)
    # Archimedes: each coordinate of the sphere in three dimensions is uniform.
    for column in z.T:
        assert stats.kstest(column / np.sqrt(3), stats.uniform(-1, 2).cdf).pvalue > 1e-4


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000])
def test_one_attribute_goes_through_its_classes(size):
    c = classes_from_seeds([0, 1, 7, 2**63 - 1], (size,))
    assert (c.shape, c.dtype) == ((4, 1), np.int64)
    assert c[:, 0].tolist() == [seed % size for seed in (0, 1, 7, 2**63 - 1)]


def test_several_attributes_are_uniform_and_independent():
    sizes = (14, 10, 6, 7, 1, 2)
    c = classes_from_seeds(range(MANY), sizes)
    assert (c.shape, c.dtype) == ((MANY, 6), np.int64)
    for column, size in zip(c.T, sizes, strict=True):
        counts = np.bincount(column, minlength=size)
        assert len(counts) == size
        assert size == 1 or stats.chisquare(counts).pvalue > 1e-4
    for i, j in ((0, 1), (2, 3), (3, 5)):
        table = np.histogram2d(c[:, i], c[:, j], bins=(sizes[i], sizes[j]))[0]
        assert stats.chi2_contingency(table).pvalue > 1e-4


def test_classes_depend_on_their_seed_alone():
    every = classes_from_seeds(range(50), (4, 5, 6, 7, 8))
    np.testing.assert_array_equal(classes_from_seeds(np.array([49, 7, 7]), (4, 5, 6, 7, 8)), every[[49, 7, 7]])
    np.testing.assert_array_equal(classes_from_seeds(range(50), (4, 5)), every[:, :2])


def test_first_classes_stay_what_they_are():
    """The upper halves of K times the words of stream 1, by Python's own integers."""
    sizes = (14, 10, 6, 7)
    for seed in (0, 3, 2**40):
        drawn = philox_4x32(np.uint64(seed), np.uint64(0), 1)
        expected = [(size * int(word)) >> 32 for size, word in zip(sizes, drawn, strict=True)]
        assert classes_from_seeds([seed], sizes)[0].tolist() == expected
    assert classes_from_seeds(range(3), sizes).tolist() == [[7, 9, 0, 3], [0, 2, 1, 2], [11, 8, 1, 1]]


def test_noise_is_standard_normal_and_not_z():
    noise = noise_from_seeds(range(MANY), 5)
    assert (noise.shape, noise.dtype) == ((MANY, 5), np.float32)
    for column in noise.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    both = np.concatenate([noise, z_from_seeds(range(MANY), 5)], axis=1)
    np.testing.assert_allclose(np.corrcoef(both.T) - np.eye(10), 0, atol=4.5 / np.sqrt(MANY))


def test_noise_depends_on_its_seed_alone():
    every = noise_from_seeds(range(50), 9)
    np.testing.assert_array_equal(noise_from_seeds(np.array([49, 7, 7]), 9), every[[49, 7, 7]])
    np.testing.assert_array_equal(noise_from_seeds(range(50), 4), every[:, :4])


def test_first_noise_stays_what_it_is():
    np.testing.assert_allclose(noise_from_seeds([0], 3), [[-0.62723, -2.64385, -1.90653]], atol=1e-5)


def test_no_seeds():
    assert z_from_seeds([], 4).shape == (0, 4)
    assert noise_from_seeds([], 4).shape == (0, 4)
    assert classes_from_seeds([], (3,)).shape == (0, 1)
    assert classes_from_seeds([], (3, 4)).shape == (0, 2)


@pytest.mark.parametrize("seeds", [[-1], [0.5], [2**63], [[1, 2]], 5, ["a"]])
def test_seeds_that_are_not_legal(seeds):
    for draw in (
        lambda: z_from_seeds(seeds, 4),
        lambda: noise_from_seeds(seeds, 4),
        lambda: classes_from_seeds(seeds, (3,)),
        lambda: classes_from_seeds(seeds, (3, 4)),
    ):
        with pytest.raises(ValueError, match="seeds must be"):
            draw()


def test_prior_that_is_not_known():
    with pytest.raises(ValueError, match="normal, uniform, spherical"):
        z_from_seeds([0], 4, "cauchy")


def test_several_attributes_are_drawn_as_often_as_the_data_has_them():
    counts = ((900, 0, 60, 40), (1, 999))
    drawn = classes_from_seeds(np.arange(200_000), (4, 2), counts)
    for column, of in zip(drawn.T, counts, strict=True):
        shares = np.bincount(column, minlength=len(of)) / len(drawn)
        np.testing.assert_allclose(shares, np.array(of) / sum(of), atol=4 * 0.5 / np.sqrt(len(drawn)))
        assert not shares[np.array(of) == 0].any()
    # Counts that are all alike are as good as none.
    np.testing.assert_array_equal(
        classes_from_seeds(range(99), (4, 2), ((1,) * 4, (1,) * 2)), classes_from_seeds(range(99), (4, 2))
    )


def test_one_attribute_goes_through_its_values_whatever_their_counts():
    np.testing.assert_array_equal(classes_from_seeds(range(6), (3,), ((98, 1, 1),))[:, 0], [0, 1, 2, 0, 1, 2])
