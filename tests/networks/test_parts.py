import keras
import numpy as np
import pytest

from tfgan_kit.networks.parts import Initializers, halvings, logit, normalise, structure, widths


@pytest.mark.parametrize(
    ("resolution", "smallest_px", "count"),
    [
        ((28, 28), 7, 2), ((28, 28), 4, 3), ((32, 32), 4, 3), ((64, 48), 7, 3), ((48, 64), 6, 3), ((7, 5), 7, 0),
        ((7, 5), 4, 1), ((33, 20), 5, 2), ((100, 75), 7, 4), ((9, 9), 2, 3), ((1024, 1024), 4, 8), ((4, 1024), 4, 0),
    ],
)  # fmt: skip
def test_halvings_by_hand(resolution, smallest_px, count):
    assert halvings(resolution, smallest_px) == count


@pytest.mark.parametrize(
    ("first", "count", "highest", "expected"),
    [
        (64, 4, 512, [64, 128, 256, 512]), (40, 3, 80, [40, 80, 80]), (3, 3, 7, [3, 6, 7]), (8, 1, 512, [8]),
        (8, 0, 9, []),
    ],
)  # fmt: skip
def test_widths_by_hand(first, count, highest, expected):
    assert widths(first, count, highest) == expected


def test_initial_weights_follow_the_seed_and_differ_from_layer_to_layer():
    one, same, other = Initializers(3), Initializers(3), Initializers(4)
    first, second = (one()((5, 7)).numpy() for _ in range(2))
    np.testing.assert_array_equal(same()((5, 7)), first)
    assert (first != second).any()
    assert (other()((5, 7)).numpy() != first).any()


def test_the_largest_seeds_of_a_recipe_have_weights_of_their_own():
    draws = [Initializers(2 * seed)()((8,)).numpy() for seed in (0, 3_000_000, 2**31 - 2, 2**31 - 1)]
    assert len({draw.tobytes() for draw in draws}) == 4


def test_initial_weights_are_glorot_uniform():
    weights = Initializers(0)()((300, 500)).numpy()
    limit = np.sqrt(6.0 / 800.0)
    assert np.abs(weights).max() <= limit
    assert weights.var() == pytest.approx(limit**2 / 3.0, rel=0.02)


def test_no_normalisation_is_no_layer():
    x = keras.Input((4,))
    assert normalise(x, "none", momentum=0.9, dtype="float32", name="norm") is x


def test_a_model_of_one_input_is_called_on_a_tensor():
    z, c = keras.Input((4,)), keras.Input((), dtype="int32")
    assert structure([z]) is z
    assert structure([z, c]) == [z, c]


def test_the_class_enters_the_logit_by_projection():
    features, c = keras.Input((4,)), keras.Input((), dtype="int32")
    D = keras.Model([features, c], logit(features, c, 3, Initializers(0)))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    classes = np.array([0, 1, 2, 1, 0], np.int32)
    kernel, bias = D.get_layer("logit").get_weights()
    (rows,) = D.get_layer("class_projection").get_weights()
    assert rows.shape == (3, 4)
    expected = x @ kernel[:, 0] + bias + np.sum(x * rows[classes], axis=1)
    np.testing.assert_allclose(D([x, classes]), expected, rtol=1e-5, atol=1e-6)
