"""From pictures with a table of labels to a trained run, a model file and `tfgan sample`: attributes all the way."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.data import open_source
from tfgan_kit.export.convert import export_onnx
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.latents import classes_from_seeds
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.loop import train
from tfgan_kit.training.run_folder import RunFolder

ATTRIBUTES = {"hair": ("brown", "red"), "glasses": ("none", "round", "square"), "ear": ("none", "ring")}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a few steps on 24 pictures of 8x8 px, with one row of labels.csv each."""
    root = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    rows = ["file,hair,number,glasses,ear"]
    for i in range(24):
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(root / f"{i:02}.png")
        hair, glasses, ear = (names[i % len(names)] for names in ATTRIBUTES.values())
        rows.append(f"{i:02}.png,{hair},{i},{glasses},{ear}")
    (root / "labels.csv").write_text("\n".join(rows))
    recipe = Recipe(
        data=f"folder:{root}#hair,glasses,ear", family="mlp", g_hidden=(8,), d_hidden=(8,), z_dim=4, batch_size=8,
        g_dropout=0.2, g_random_in_use=True, kimg=0.032, tick_kimg=0.016, jit=False, preview_grid=(2, 3),
    )  # fmt: skip
    out = root.parent / "0001-people"
    train(recipe, out, name="people", source=open_source(recipe))
    return out


@pytest.fixture(scope="module")
def model(run):
    return export_onnx(run).file


def test_the_run_knows_its_attributes(run):
    recipe, facts, _ = RunFolder(run).read()
    assert recipe.conditional is True
    assert facts.attributes == ATTRIBUTES
    assert list(json.loads((run / "recipe.json").read_text())["data"]["attributes"]) == ["hair", "glasses", "ear"]


def test_the_model_draws_what_the_preview_showed(run, model):
    sampler = Sampler(model)
    assert sampler.spec.attributes == ATTRIBUTES
    assert sampler.spec.noise_dim > 0
    sheet = np.asarray(Image.open(run / "previews" / "step-00000004.png")).astype(int)
    images = sampler.sample(range(6))
    gap = (sheet.shape[1] - 3 * 8) // 2
    for i, image in enumerate(images):
        row, column = divmod(i, 3)
        shown = sheet[row * (8 + gap) :, column * (8 + gap) :][:8, :8]
        assert np.abs(shown - image).max() <= 1


def test_sample_takes_the_attributes(run, model, tmp_path):
    out = tmp_path / "red"
    result = CliRunner().invoke(
        app, ["sample", str(run), "-n", "5", "--class", "hair=red", "--class", "square", "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    c = classes_from_seeds(range(5), (2, 3, 2))
    c[:, 0], c[:, 1] = 1, 2
    expected = Sampler(model).sample(range(5), labels=c)
    found = [np.asarray(Image.open(path)) for path in sorted(out.iterdir())]
    np.testing.assert_array_equal(found, expected)


def test_one_column_is_a_class(run):
    spec = RunFolder(run).read()[1].spec.partition("#")[0] + "#glasses"
    source = open_source(Recipe(data=spec, kimg=1, batch_size=8))
    assert source.attributes == {"class": ATTRIBUTES["glasses"]}
