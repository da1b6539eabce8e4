"""Linear probes of D: which features they are of, and that what can be told is told."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.build import build_discriminator
from tfgan_kit.data.source import ArraySource
from tfgan_kit.errors import CheckpointError, DataError
from tfgan_kit.networks.progressive import set_growth
from tfgan_kit.recipe import FAMILIES
from tfgan_kit.training import checkpoint
from tfgan_kit.training.probe import (
    ALL,
    LAST,
    PIXELS,
    RANDOM,
    TRAINED,
    Features,
    commonest,
    load_discriminators,
    max_pooled,
    probe,
)
from tfgan_kit.training.run_folder import DataFacts, RunFolder

SHAPE = (8, 8, 1)


def discriminator(recipe, classes=(), **changes):
    return build_discriminator(recipe.replace(**changes), shape=SHAPE, classes=classes, dtype="float32")


def toy(count, seed=0):
    """Noise whose brightness is the first label, and a second label that nothing says."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, (count, 2)).astype(np.int32)
    images = generator.integers(0, 100, (count, *SHAPE)) + 100 * labels[:, 0, None, None, None]
    names = {"light": ("no", "yes"), "coin": ("head", "tail")}
    return ArraySource("toy", images.astype(np.uint8), labels, names)


@pytest.mark.parametrize("size", [(4, 4), (7, 7), (2, 3), (14, 5)])
def test_max_pooling_is_that_of_torch(size):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
    cells = tuple(min(4, side) for side in size)
    expected = torch.nn.functional.adaptive_max_pool2d(torch.tensor(x).permute(0, 3, 1, 2), cells)
    np.testing.assert_array_equal(max_pooled(tf.constant(x)), expected.permute(0, 2, 3, 1).numpy())


def test_features_are_those_of_the_layers(tiny_recipe):
    D = discriminator(tiny_recipe, d_end_px=2)
    images = toy(5).images
    features = Features(D)
    last, pooled = features(images)
    x = images.astype(np.float32) / 127.5 - 1
    np.testing.assert_allclose(last, D(x)["features"], atol=1e-6)
    maps = [keras.Model(D.inputs[0], D.get_layer(f"act{i}").output)(x).numpy() for i in range(2)]
    assert [part.shape[1] for part in maps] == [4, 2]
    np.testing.assert_allclose(pooled, np.concatenate([part.reshape(5, -1) for part in maps], axis=1), atol=1e-6)
    assert features.kinds == (LAST, ALL)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("condition", ["projection", "auxiliary"])
def test_features_of_every_family_know_no_class(tiny_recipe, family, condition):
    D = discriminator(tiny_recipe, (3,), family=family, condition=condition)
    images = toy(4).images
    features = Features(D)
    found = features(images)
    assert (len(found) == 2) is (family not in ("mlp", "progressive"))
    assert all(part.shape[0] == 4 and part.std() > 0 for part in found)
    # The class reaches the logit alone.
    if condition == "projection":
        x = images.astype(np.float32) / 127.5 - 1
        of_classes = [D([x, np.full((4, 1), c, np.int32)], training=False) for c in (0, 2)]
        np.testing.assert_array_equal(of_classes[0]["features"], of_classes[1]["features"])
        assert np.abs(of_classes[0]["logits"] - of_classes[1]["logits"]).max() > 0
        np.testing.assert_allclose(found[0], of_classes[0]["features"], atol=1e-5)


def test_features_of_a_source_are_those_of_its_pictures(tiny_recipe):
    features, source = Features(discriminator(tiny_recipe)), toy(230)
    places = np.arange(229, -1, -1)
    found = features.of(source, places)
    assert list(found) == [LAST, ALL]
    np.testing.assert_allclose(found[LAST][-3:], features(source.images[:3][::-1])[0], atol=1e-5)


def test_probes_tell_what_can_be_told(tiny_recipe):
    train, test = toy(200), toy(100, seed=1)
    said = []
    found = probe(
        discriminator(tiny_recipe, seed=1), discriminator(tiny_recipe), (train, np.arange(200)), (test, np.arange(100)),
        on_progress=said.append,
    )  # fmt: skip
    assert [(each.of, each.layers) for each in found[::2]] == [
        (PIXELS, ""), (TRAINED, LAST), (TRAINED, ALL), (RANDOM, LAST), (RANDOM, ALL),
    ]  # fmt: skip
    assert [each.attribute for each in found[:2]] == ["light", "coin"]
    assert found[0].size == 64
    assert all(each.accuracy > 0.95 for each in found[::2])
    assert all(abs(each.accuracy - 0.5) < 0.2 for each in found[1::2])
    assert found[1].deviation == pytest.approx(np.sqrt(found[1].accuracy * (1 - found[1].accuracy) / 100))
    assert found[2].title == "D, last layer"
    assert "probing pixels for light" in said


def test_what_cannot_be_probed(tiny_recipe):
    D, source = discriminator(tiny_recipe), toy(20)
    places = np.arange(20)
    bare = dataclasses.replace(source, labels=None, attributes={})
    with pytest.raises(DataError, match="toy has no labels"):
        probe(D, D, (bare, places), (source, places))
    other = dataclasses.replace(source, attributes={"light": ("no", "yes"), "coin": ("x", "y")})
    with pytest.raises(DataError, match="different labels"):
        probe(D, D, (source, places), (other, places))


def test_commonest():
    assert commonest(np.array([3, 1, 3, 0])) == 0.5


def saved(path, recipe, D, classes=()):
    """A run whose checkpoint has the weights of D."""
    folder = RunFolder(path)
    names = {f"a{i}": tuple(map(str, range(count))) for i, count in enumerate(classes)}
    folder.path.mkdir()
    folder.create(recipe, DataFacts(spec="toy", images=9, shape=SHAPE, attributes=names, digest=""), "mnist")
    state = {f"D/{variable.path}": np.asarray(variable) for variable in D.variables}
    checkpoint.save(folder.checkpoints, state | {"step": np.array(3)}, step=3, nimg=12, finished=True, keep=1)
    return folder


def test_discriminators_of_a_run(tiny_recipe, tmp_path):
    # Dropout, which would make features random, is left out; classes stay in.
    recipe = tiny_recipe.replace(d_dropout=0.5, d_norm="batch")
    first = discriminator(recipe, (3,))
    start = [np.asarray(weight).copy() for weight in first.weights]
    for weight in first.weights:
        weight.assign(weight + 1)
    folder = saved(tmp_path / "run", recipe, first, (3,))
    trained, untrained, manifest, refused = load_discriminators(folder)
    for mine, own in zip(trained.weights, first.weights, strict=True):
        np.testing.assert_array_equal(mine, own)
    for mine, own in zip(untrained.weights, start, strict=True):
        np.testing.assert_array_equal(mine, own)
    assert {tensor.name for tensor in trained.inputs} == {"images", "c"}
    assert (manifest.nimg, refused) == (12, [])


def test_untrained_is_grown_as_far_as_trained(tiny_recipe, tmp_path):
    recipe = tiny_recipe.replace(family="progressive")
    D = discriminator(recipe)
    set_growth(D, tf.constant(0.75))
    trained, untrained, _, _ = load_discriminators(saved(tmp_path / "run", recipe, D))
    assert [float(each.get_layer("growth").grown) for each in (trained, untrained)] == [0.75, 0.75]


def test_run_without_a_checkpoint(tiny_recipe, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.create(tiny_recipe, DataFacts(spec="toy", images=9, shape=SHAPE, attributes={}, digest=""), "mnist")
    with pytest.raises(CheckpointError, match="no checkpoint yet"):
        load_discriminators(folder)
