import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.cli.toy import _TOYS
from tfgan_kit.errors import DataError, RecipeError, RunError
from tfgan_kit.toy.points import TOYS

SMALL = [
    "--steps", "12", "--frames", "3", "--samples", "300", "--set", "g_hidden=8", "--set", "d_hidden=8",
    "--set", "batch_size=16", "--set", "jit=false",
]  # fmt: skip


def invoke(*arguments: str):
    return CliRunner().invoke(app, ["toy", *arguments])


def test_a_toy_writes_animation_curves_and_figures(tmp_path):
    out = tmp_path / "toy"
    shown = invoke("ring8", *SMALL, "--out", str(out))
    assert shown.exception is None, shown.exception
    assert "modes covered" in shown.stdout
    assert "of 8" in shown.stdout
    with Image.open(out / "toy.gif") as animation:
        assert animation.n_frames == 4
        assert np.asarray(animation.convert("RGB")).std() > 10
    with Image.open(out / "curves.png") as curves:
        assert np.asarray(curves.convert("RGB")).std() > 10
    lines = [json.loads(line) for line in (out / "stats.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines] == [0, 2, 7, 12]
    content = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert content["figures"] == {name: value for name, value in lines[-1].items() if name != "step"}
    # The same command again takes the place of the first one, and finds the same.
    again = invoke("ring8", *SMALL, "--out", str(out))
    assert again.exception is None, again.exception
    assert json.loads((out / "figures.json").read_text(encoding="utf-8")) == content


def test_json_is_all_that_is_printed(tmp_path):
    shown = invoke("spiral", *SMALL, "--loss", "wasserstein", "--set", "weight_clip=0.1", "--json",
                   "--out", str(tmp_path / "toy"))  # fmt: skip
    content = json.loads(shown.stdout)
    assert content["toy"] == "spiral"
    assert content["optimum"] is None
    assert "optimal transport" in content["no_optimum_because"]
    assert "d_error" not in content["figures"]


def test_a_loss_without_an_optimum_says_so(tmp_path):
    shown = invoke("grid25", *SMALL, "--loss", "relativistic", "--out", str(tmp_path / "toy"))
    assert shown.exception is None, shown.exception
    assert "no optimal D to compare with: loss relativistic: only differences" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["ring9"], DataError, "did you mean 'ring8'"),
        (["ring8", "--loss", "hing"], RecipeError, "did you mean 'hinge'"),
        (["ring8", "--set", "augment=ada"], RecipeError, "about pictures"),
        (["ring8", "--set", "lable_flips=0.1"], RecipeError, "did you mean 'label_flips'"),
        (["grid25", "--samples", "20"], DataError, "grid25 has 25 modes, and 20 samples cannot show them"),
        (["ring8", "--steps", "0"], RecipeError, "--steps"),
        (["ring8", "--steps", "5"], DataError, "--frames takes 1 to 5, of 5 steps; got 30"),
        (["ring8", "--frames", "6000"], DataError, "--frames takes 1 to 500"),
        (["ring8", "--loss", "hinge", "--set", "loss=minimax"], RecipeError, "leave one of them out"),
    ],
)
def test_mistakes_are_refused_before_anything_is_written(tmp_path, monkeypatch, arguments, error, words):
    monkeypatch.chdir(tmp_path)
    shown = invoke(*arguments)
    assert isinstance(shown.exception, error), shown.exception
    assert words in str(shown.exception)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    for out in (tmp_path, tmp_path / "mine.txt"):
        assert isinstance(invoke("ring8", *SMALL, "--out", str(out)).exception, RunError)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_help_names_every_toy():
    assert set(_TOYS) == set(TOYS)
