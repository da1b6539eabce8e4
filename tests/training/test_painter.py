"""A painter draws the pictures of seeds: the generator on their latents, labels and noise, whatever the batch."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.build import build_generator
from tfgan_kit.calling import inputs_of, noise_dim
from tfgan_kit.latents import classes_from_seeds, noise_from_seeds, z_from_seeds
from tfgan_kit.training.painter import Painter, subject_of
from tfgan_kit.training.run_folder import DataFacts

SEVERAL = {"hair": ("brown", "black", "red"), "glasses": ("none", "round")}


@pytest.fixture(scope="module")
def make(tiny_recipe):
    def make(attributes=None, **changes):
        recipe = tiny_recipe.replace(**changes)
        counts = ((3, 2, 1), (1, 5)) if attributes and len(attributes) > 1 else ()
        facts = DataFacts(spec="x", images=6, shape=(8, 8, 1), attributes=attributes or {}, counts=counts, digest="")
        G = build_generator(recipe, shape=facts.shape, classes=facts.classes, in_use=True)
        rng = np.random.default_rng(0)
        for weight in G.trainable_weights:
            weight.assign(weight + 0.3 * rng.standard_normal(weight.shape).astype(np.float32))
        return G, Painter(G, recipe, facts), facts

    return make


CASES = [
    {"family": "mlp"},
    {"family": "mlp", "attributes": {"class": ("a", "b", "c")}},
    {"family": "mlp", "attributes": SEVERAL},
    {"family": "mlp", "g_noise": 0.2, "g_random_in_use": True},
]


@pytest.mark.parametrize("case", CASES, ids=["unconditional", "classes", "attributes", "noise"])
def test_draws_the_generator_on_the_latents_of_the_seeds(make, case):
    G, painter, facts = make(**case)
    seeds = np.array([5, 0, 77])
    c = tf.constant(classes_from_seeds(seeds, facts.classes, facts.counts), tf.int32) if facts.classes else None
    noise = tf.constant(noise_from_seeds(seeds, noise_dim(G))) if noise_dim(G) else None
    images = G(inputs_of(tf.constant(z_from_seeds(seeds, 4)), c, noise), training=False).numpy()
    drawn = painter.draw(seeds)
    assert drawn.dtype == np.uint8
    assert drawn.std() > 1
    assert np.abs(drawn - (images + 1) * 127.5).max() < 0.51
    if facts.classes:
        np.testing.assert_array_equal(painter.labels(seeds), c)


def test_a_seed_is_the_same_picture_in_any_batch(make):
    _, painter, _ = make(family="mlp")
    whole = painter.draw(np.arange(230))
    assert whole.shape == (230, 8, 8, 1)
    np.testing.assert_array_equal(painter.draw(np.array([229, 3])), whole[[229, 3]])


@pytest.mark.parametrize("case", [CASES[0], CASES[2], {"family": "style", "g_start_px": 4}], ids=["z", "labels", "w"])
def test_spaces_lead_to_the_same_pictures(make, case):
    _, painter, _ = make(**case)
    seeds = np.arange(6)
    spaces = painter.spaces()
    assert set(spaces) == ({"z", "w"} if case["family"] == "style" else {"z"})
    for space in spaces.values():
        images = space.synthesize(space.draw(seeds))
        assert images.dtype == np.float32
        assert np.abs(images.clip(0, 255) - painter.draw(seeds)).max() < 0.51


def test_follows_the_weights(make):
    G, painter, _ = make(family="mlp")
    before = painter.draw(np.arange(3))
    for weight in G.trainable_weights:
        weight.assign(-weight)
    assert not np.array_equal(painter.draw(np.arange(3)), before)


def test_as_what_is_evaluated(make):
    _, painter, facts = make(**CASES[2])
    subject = subject_of(painter, name="run", digest="0", nimg=5, facts=facts)
    assert subject.to_json() == {"kind": "run", "name": "run", "digest": "0", "nimg": 5}
    assert subject.attributes == SEVERAL
    assert subject.labels(np.arange(4)).shape == (4, 2)
    _, painter, facts = make(family="mlp")
    assert subject_of(painter, name="run", digest="0", nimg=5, facts=facts).labels is None
