"""`tfgan probe`: what is probed, on which pictures, and one clear line where it cannot be."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.cli.probe import open_splits
from tfgan_kit.errors import DataError, RunError, TfganKitError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint, loop
from tfgan_kit.training.run_folder import RunFolder


def run_cli(*args):
    result = CliRunner().invoke(app, ["probe", *map(str, args)], standalone_mode=False)
    if isinstance(result.exception, TfganKitError):
        raise result.exception
    if result.exception is not None:
        raise AssertionError(result.output) from result.exception
    return " ".join(result.output.split())


def archive(path, count, **changes):
    """Pictures whose brightness is their label."""
    labels = np.arange(count) % 2
    images = np.random.default_rng(0).integers(0, 100, (count, 8, 8)) + 100 * labels[:, None, None]
    np.savez(path, **{"images": images.astype(np.uint8), "labels": labels, **changes})
    return f"npz:{path}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a few steps that was not told the labels."""
    path = tmp_path_factory.mktemp("runs")
    recipe = Recipe(
        data=archive(path / "tiny.npz", 70), family="dcgan", g_width=4, d_width=4, kernel_px=3, d_end_px=2, z_dim=4,
        batch_size=8, kimg=0.064, jit=False, preview_grid=(2, 3), conditional=False, d_dropout=0.1,
    )  # fmt: skip
    loop.train(recipe, path / "run", name="mnist")
    return path / "run"


def test_run_on_its_own_data(run, tmp_path):
    output = run_cli(run, "--json", tmp_path / "f.json")
    for part in (
        "pixels 64 100.0% ± 0.0%", "D, last layer", "D, all sizes, pooled to 4 x 4", "D untrained, last layer",
        "the commonest value 0", "at 0.1 kimg", "trained on 50 pictures, tested on 20 of npz:",
        "has no test split: pictures that test the probe may have been seen by D", "probing pixels for class",
    ):  # fmt: skip
        assert part in output
    content = json.loads((tmp_path / "f.json").read_text())
    manifest = checkpoint.newest_manifest(RunFolder(run).checkpoints)
    assert content["subject"]["digest"] == manifest.sha256[:16]
    assert [each["of"] for each in content["probes"]] == ["pixels", "D", "D", "D untrained", "D untrained"]
    assert all(each["accuracy"] > 0.9 for each in content["probes"])
    assert content["commonest"].keys() == {"class"}


def test_splits_of_digits_are_train_and_test():
    (train, places), (test, others), note = open_splits(Recipe(data="mnist", batch_size=1, kimg=1), 300)
    assert (train.spec, test.spec, note) == ("mnist", "mnist:test", "")
    assert len(np.unique(places)) == 300
    assert len(np.unique(others)) == 2000


def test_splits_of_other_data_share_nothing(tmp_path):
    recipe = Recipe(data=archive(tmp_path / "x.npz", 140), batch_size=1, kimg=1)
    (_, places), (_, others), note = open_splits(recipe, 5000)
    assert (len(places), len(others)) == (100, 40)
    assert not set(places) & set(others)
    assert "no test split" in note
    (_, places), (_, others), _ = open_splits(recipe, 20)
    assert (len(places), len(others)) == (20, 120)


def test_what_cannot_be_probed(run, tmp_path):
    with pytest.raises(DataError, match="at least 10 pictures; got 9"):
        run_cli(run, "-n", "9")
    with pytest.raises(RunError, match="is not a run"):
        run_cli(tmp_path)
    with pytest.raises(DataError, match="there is no folder"):
        run_cli(run, "--json", tmp_path / "no" / "f.json")
    np.savez(tmp_path / "bare.npz", images=np.zeros((50, 8, 8), np.uint8))
    with pytest.raises(DataError, match="has no labels, which a probe is trained to tell"):
        run_cli(run, "--data", f"npz:{tmp_path / 'bare.npz'}")
    with pytest.raises(DataError, match="has 12 pictures, too few"):
        run_cli(run, "--data", archive(tmp_path / "few.npz", 12))
