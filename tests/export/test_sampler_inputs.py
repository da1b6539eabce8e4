"""Every kind of model by the same calls: of z, of seeds and of w, of any layout, dtype and batch."""

import numpy as np
import pytest
from tiny_models import CHANNELS, HEIGHT, W_DIM, WIDTH, Z_DIM, tiny_spec, tiny_weights, write_tiny

from tfgan_kit.errors import ModelFileError, SampleError
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.spec import mapping_file
from tfgan_kit.latents import classes_from_seeds, noise_from_seeds, z_from_seeds

SEVERAL = {"hair": ("brown", "black"), "hat": ("none", "cap", "top")}
KINDS = {
    "z": {},
    "z nchw": {"layout": "nchw"},
    "z float32": {"dtype": "float32"},
    "z nchw float32": {"layout": "nchw", "dtype": "float32"},
    "z fixed": {"max_batch": 4},
    "z classes noise fixed": {"max_batch": 3, "noise_dim": 2, "attributes": {"class": ("ant", "bee", "cat")}},
    "z several": {"attributes": SEVERAL},
    "z float16": {"precision": "float16", "drift": {"max_abs_error": 0.001}},
    "seed": {"inputs": "seed"},
    "seed classes": {"inputs": "seed", "attributes": {"class": ("ant", "bee")}, "noise_dim": 2},
    "seed fixed nchw": {"inputs": "seed", "max_batch": 5, "layout": "nchw"},
    "w": {"inputs": "w"},
    "w classes noise": {"inputs": "w", "attributes": {"class": ("ant", "bee")}, "noise_dim": 2},
    "w fixed several": {"inputs": "w", "max_batch": 4, "attributes": SEVERAL},
}


def expected(spec, seeds):
    """The pictures as numpy makes them, (N, H, W, C) in [0, 255] and not rounded."""
    weights = tiny_weights(spec)
    z = z_from_seeds(seeds, Z_DIM).astype(np.float64)
    c = classes_from_seeds(seeds, spec.classes, spec.counts).sum(axis=1)
    if spec.inputs == "seed":
        x = (np.asarray(seeds) % 97)[:, None] * weights["row"]
    elif spec.inputs == "w":
        w = z @ weights["to_w"] + (weights["w_table"][c] if spec.classes else 0)
        x = np.where(w > 0, w, 0.25 * w) @ weights["from_w"]
    else:
        x = z @ weights["from_z"]
    if spec.classes and spec.inputs != "w":
        x = x + weights["table"][c]
    if spec.noise_dim and spec.inputs != "seed":
        x = x + noise_from_seeds(seeds, spec.noise_dim) @ weights["from_noise"]
    return (np.tanh(x).reshape(-1, HEIGHT, WIDTH, CHANNELS) + 1) * 127.5


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    return {kind: write_tiny(folder / f"{kind.replace(' ', '-')}.onnx", **fields) for kind, fields in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_pictures_are_those_of_numpy(models, kind):
    seeds = [0, 5, 2**40 + 3, 2**63 - 1, *range(7, 26)]
    images = Sampler(models[kind]).sample(seeds)
    assert (images.dtype, images.shape) == (np.uint8, (23, HEIGHT, WIDTH, CHANNELS))
    assert np.abs(images - expected(tiny_spec(**KINDS[kind]), seeds)).max() < 0.502


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_seed_is_the_same_picture_in_any_batch(models, kind, threads):
    whole = Sampler(models[kind], threads=1).sample(range(23))
    sampler = Sampler(models[kind], threads=threads, warm=True)
    for batch in (1, 2, 5, 64):
        np.testing.assert_array_equal(sampler.sample(range(23), batch=batch), whole)
        np.testing.assert_array_equal(np.concatenate(list(sampler.sample_iter(range(23), batch=batch))), whole)
    np.testing.assert_array_equal(sampler.sample([22]), whole[22:])
    assert sampler.sample([]).shape == (0, HEIGHT, WIDTH, CHANNELS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("seed")])
def test_latents_are_taken_by_all_but_models_of_seeds(models, kind):
    sampler = Sampler(models[kind])
    z = z_from_seeds(range(9), Z_DIM)
    np.testing.assert_array_equal(sampler.generate(z), sampler.sample(range(9)))
    np.testing.assert_array_equal(sampler.generate(z * np.float32(0.5)), sampler.sample(range(9), truncation=0.5))
    if sampler.spec.noise_dim:
        noise = noise_from_seeds(range(9), sampler.spec.noise_dim)
        np.testing.assert_array_equal(sampler.generate(z, noise=noise), sampler.sample(range(9)))


def test_a_model_of_seeds_says_that_it_takes_nothing_else(models):
    sampler = Sampler(models["seed"])
    for call in (sampler.generate, sampler.w_from_z):
        with pytest.raises(SampleError, match="takes seeds and makes its own latents, so that it has no input"):
            call(np.zeros((2, Z_DIM), np.float32))
    with pytest.raises(SampleError, match="no input w: give seeds to sample"):
        sampler.generate_w(np.zeros((2, W_DIM), np.float32))
    with pytest.raises(SampleError, match=r"was set at export, to 1, and it takes only 1 here; got 0\.5"):
        sampler.sample(truncation=0.5)


@pytest.mark.parametrize("kind", ["w", "w classes noise", "w fixed several"])
def test_a_model_of_w_maps_and_draws(models, kind):
    sampler = Sampler(models[kind])
    w = sampler.w_from_z(z_from_seeds(range(9), Z_DIM))
    assert (w.dtype, w.shape) == (np.float32, (9, W_DIM))
    np.testing.assert_array_equal(sampler.generate_w(w), sampler.sample(range(9)))
    assert (sampler.generate_w(w) != sampler.generate_w(-w)).any()
    if sampler.spec.noise_dim:
        noise = noise_from_seeds(range(9), 2)
        np.testing.assert_array_equal(sampler.generate_w(w, noise=noise, batch=2), sampler.sample(range(9)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: w.generate_w(np.zeros((2, 3), np.float32)), r"w must be \(N, 4\) float32; got \(2, 3\)"),
        (lambda w: w.w_from_z(np.zeros((2, 4), np.float32)), r"z must be \(N, 3\) float32"),
        (lambda w: w.w_from_z(np.zeros((2, 3), np.float32), labels="dog"), "unknown class 'dog'"),
        (lambda w: w.generate_w(np.zeros((2, 4), np.float32), noise=np.zeros((3, 2), np.float32)), "noise must be"),
        (lambda w: w.generate_w(np.zeros((2, 4), np.float32), batch=0), "batch must be at least 1"),
    ],
)
def test_what_a_model_of_w_refuses(models, call, message):
    with pytest.raises(SampleError, match=message):
        call(Sampler(models["w classes noise"]))


def test_a_model_of_z_has_no_w(models):
    with pytest.raises(SampleError, match="the model has no input w"):
        Sampler(models["z"]).generate_w(np.zeros((2, W_DIM), np.float32))
    with pytest.raises(SampleError, match="the model has no input w"):
        Sampler(models["z"]).w_from_z(np.zeros((2, Z_DIM), np.float32))


def test_a_model_of_w_without_its_mapping(models, tmp_path):
    path = tmp_path / "w.onnx"
    path.write_bytes(models["w"].read_bytes())
    with pytest.raises(ModelFileError, match=r"w\.mapping\.onnx, which makes w, is not beside it: copy both"):
        Sampler(path)
    mapping_file(path).write_bytes(mapping_file(models["w classes noise"]).read_bytes())
    with pytest.raises(ModelFileError, match=r"w\.mapping\.onnx is not the mapping of w\.onnx: its graph has"):
        Sampler(path)
    mapping_file(path).write_bytes(b"hello")
    with pytest.raises(ModelFileError, match=r"w\.mapping\.onnx"):
        Sampler(path)


@pytest.mark.parametrize(
    ("there", "said", "message"),
    [
        ({}, {"inputs": "seed"}, "is damaged: its graph has"),
        ({"inputs": "seed"}, {}, "is damaged: its graph has"),
        ({"inputs": "w"}, {"inputs": "w", "w_dim": 5}, "is damaged: its graph has"),
        ({"max_batch": 4}, {}, r"its graph has batches of \{4\}, and its metadata says any"),
        ({"max_batch": 4}, {"max_batch": 5}, r"its graph has batches of \{4\}, and its metadata says 5"),
        ({}, {"max_batch": 4}, r"batches of \{None\}, and its metadata says 4"),
    ],
)
def test_a_graph_that_is_not_what_the_metadata_say(tmp_path, there, said, message):
    path = write_tiny(tmp_path / "x.onnx", **there)
    ours, theirs = (tiny_spec(**fields).to_json() for fields in (there, said))
    import onnx

    model = onnx.load(path)
    assert model.metadata_props[0].value == ours
    model.metadata_props[0].value = theirs
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match=message):
        Sampler(path)
