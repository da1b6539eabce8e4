"""`tfgan compare`: figures that are there are used, the others are measured, and what does not compare is refused."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tfgan_kit.cli import compared
from tfgan_kit.cli.main import app
from tfgan_kit.errors import DataError, TfganKitError
from tfgan_kit.evaluation.result import Evaluation, Measured
from tfgan_kit.extractors import open_extractor
from tfgan_kit.files import write_json
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint, loop
from tfgan_kit.training.run_folder import RunFolder

SMALL = ("--extractor", "pixels", "-n", "40", "--metrics", "kernel,mmd")


def run_cli(*args):
    result = CliRunner().invoke(app, ["compare", *map(str, args)], standalone_mode=False)
    if isinstance(result.exception, TfganKitError):
        raise result.exception
    if result.exception is not None:
        raise AssertionError(result.output) from result.exception
    return " ".join(result.output.split())


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders of 40 pictures, two dark and one light."""
    root = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    for name, low in (("real", 0), ("dark", 0), ("light", 120)):
        (root / name).mkdir()
        for i in range(40):
            image = generator.integers(low, low + 100, (8, 8), np.uint8)
            Image.fromarray(image).save(root / name / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of a few steps on the same pictures, the second conditional."""
    path = tmp_path_factory.mktemp("runs")
    generator = np.random.default_rng(0)
    np.savez(path / "tiny.npz", images=generator.integers(0, 256, (60, 8, 8), np.uint8), labels=np.arange(60) % 3)
    for conditional in (False, True):
        recipe = Recipe(
            data=f"npz:{path / 'tiny.npz'}", family="mlp", g_hidden=(8,), d_hidden=(8,), z_dim=4, batch_size=8,
            kimg=0.064, jit=False, preview_grid=(2, 3), conditional=conditional, seed=int(conditional),
        )  # fmt: skip
        loop.train(recipe, path / ("asked" if conditional else "plain"), name="mnist")
    return path


@pytest.fixture
def measured(monkeypatch):
    """Names of what is measured, as it is."""
    names = []
    real = compared._evaluated

    def evaluated(case, network, wanted):
        names.append(case.name)
        return real(case, network, wanted)

    monkeypatch.setattr(compared, "_evaluated", evaluated)
    return names


def written(path, value, **changes):
    """A file of figures."""
    found = Evaluation(
        subject={"kind": "run", "name": "gone", "digest": "0" * 16, "nimg": 1000},
        data={"spec": "toy", "digest": "a" * 16, "images": 60}, held_out=None,
        extractor={"name": "pixels", "digest": "b" * 16, "resize": "none"}, samples=100, seeds=(0, 100, 200),
        metrics={"frechet": Measured(value=value, deviation=0.1), "recall": Measured(value=0.5, deviation=0.1)},
    )  # fmt: skip
    write_json(path, dataclasses.replace(found, **changes).to_json())
    return path


def test_files_alone(tmp_path):
    output = run_cli(written(tmp_path / "a.json", 5.0), written(tmp_path / "b.json", 2.0), "--json", "out.json")
    assert "1: a.json 2: b.json" in output
    assert "Frechet distance 5 ± 0.1 2 ± 0.1 * yes (p" in output
    assert "recall 0.5 ± 0.1 * 0.5 ± 0.1 no (p 1)" in output
    assert "wrote compare.png" in output
    assert json.loads((tmp_path / "out.json").read_text())["figures"]["frechet"]["best"] == 1
    with Image.open(tmp_path / "compare.png") as picture:
        assert picture.width > 900


def test_metrics_choose_what_is_shown(tmp_path):
    files = [written(tmp_path / name, 1.0) for name in ("a.json", "b.json")]
    output = run_cli(*files, "--metrics", "prdc")
    assert "recall" in output
    assert "Frechet" not in output


def test_names_tell_files_apart(tmp_path):
    (tmp_path / "x").mkdir()
    output = run_cli(written(tmp_path / "a.json", 5.0), written(tmp_path / "x" / "a.json", 2.0))
    assert str(tmp_path / "x" / "a.json") in output


def test_folders_of_pictures(pictures, measured):
    data = f"folder:{pictures / 'real'}"
    output = run_cli(pictures / "dark", pictures / "light", "--data", data, *SMALL, "--out", "x.png")
    assert measured == ["dark", "light"]
    # Of pictures there is one repetition; the kernel distance estimates its own deviation.
    kernel = output[output.index("kernel distance") : output.index("MMD")]
    assert kernel.count("±") == 2
    assert kernel.strip().endswith("yes")
    assert "cannot be told" in output
    assert "wrote x.png" in output


def test_runs_are_measured_on_pictures_with_labels_if_one_was(runs, measured):
    output = run_cli(runs / "plain", runs / "asked", *SMALL, "--seeds", "2")
    assert measured == ["plain", "asked"]
    assert output.count("40 samples, 2 times") == 2
    assert "Welch" in output


def test_figures_of_a_run_are_used_while_they_are_what_is_wanted(runs, monkeypatch):
    folder = RunFolder(runs / "asked")
    _, facts, _ = folder.read()
    digest = checkpoint.newest_manifest(folder.checkpoints).sha256[:16]
    there = Evaluation(
        subject={"kind": "run", "name": "", "digest": digest, "nimg": 64},
        data={"spec": facts.spec, "digest": facts.digest, "images": 60}, held_out=None,
        extractor={"name": "pixels", "digest": open_extractor("pixels").digest, "resize": "none"}, samples=40,
        seeds=(0, 40), metrics={"mmd": Measured(value=1.0)}, notes=("conditional left out: why",),
    )  # fmt: skip
    measured = []

    def evaluated(case, network, wanted):
        measured.append((wanted.samples, wanted.repetitions, network.name))
        return there

    monkeypatch.setattr(compared, "_evaluated", evaluated)

    def of(found, **asked):
        measured.clear()
        write_json(folder.evaluation, found.to_json())
        wanted = {"data": None, "metrics": (), "samples": None, "repetitions": None, "extractor": None}
        compared.evaluate_all([folder.path], ["asked"], compared.Wanted(**wanted | asked))
        return measured

    # As they are, and with what they have asked for.
    assert of(there) == of(there, metrics=("mmd", "conditional"), samples=40, repetitions=2, extractor="pixels") == []
    assert of(there, data=facts.spec) == []
    # Others asked for.
    assert of(there, samples=30) == [(30, 2, "pixels")]
    assert of(there, repetitions=1) == [(40, 1, "pixels")]
    assert of(there, extractor="random-conv") == [(40, 2, "random-conv")]
    assert of(there, metrics=("mmd", "prdc")) == [(40, 2, "pixels")]
    # Of another checkpoint, or of other pictures.
    assert of(dataclasses.replace(there, subject={**there.subject, "digest": "f" * 16}))
    assert of(dataclasses.replace(there, data={**there.data, "digest": "f" * 16}))
    folder.evaluation.write_text("{")
    measured.clear()
    compared.evaluate_all([folder.path], ["asked"], compared.Wanted(data=None, metrics=(), samples=None,
                                                                    repetitions=None, extractor=None))  # fmt: skip
    assert len(measured) == 1
    folder.evaluation.unlink()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-n", "50"), "a.json has --n 100, and --n asks for 50"),
        (("--seeds", "5"), "a.json has --seeds 3"),
        (("--data", "mnist"), "a.json has --data toy"),
        (("--extractor", "mnist-cnn"), "a.json has --extractor pixels"),
        (("-n", "1"), "at least 2 samples"),
        (("--seeds", "0"), "at least 1"),
        (("--metrics", "fid"), "unknown metric 'fid'"),
        (("--out", "x.jpg"), "takes the name of a .png"),
        (("--out", "no/x.png"), "there is no folder no"),
        (("--json", "no/x.json"), "there is no folder no"),
    ],
)
def test_options_that_are_not_legal_or_do_not_fit_a_file(tmp_path, options, words):
    files = [written(tmp_path / name, 1.0) for name in ("a.json", "b.json")]
    with pytest.raises(DataError, match=words):
        run_cli(*files, *options)


def test_what_cannot_be_compared(tmp_path, pictures):
    first = written(tmp_path / "a.json", 1.0)
    with pytest.raises(DataError, match="at least 2 runs"):
        run_cli(first)
    with pytest.raises(DataError, match=r"a\.json and b\.json are not comparable \(100 and 200 samples\)"):
        run_cli(first, written(tmp_path / "b.json", 1.0, samples=200))
    with pytest.raises(DataError, match="is not there"):
        run_cli(first, "nothing")
    (tmp_path / "c.json").write_text("{}")
    with pytest.raises(DataError, match="is not the JSON of an evaluation"):
        run_cli(first, "c.json")
    with pytest.raises(DataError, match="name the real ones with --data"):
        run_cli(pictures / "dark", pictures / "light")


def test_nothing_is_measured_before_all_is_known_to_be_comparable(tmp_path, pictures, measured):
    first = written(tmp_path / "a.json", 1.0, data={"spec": f"folder:{pictures / 'real'}", "digest": "a" * 16})
    with pytest.raises(DataError, match="real pictures"):
        run_cli(first, pictures / "dark", "--data", f"folder:{pictures / 'real'}")
    assert measured == []
