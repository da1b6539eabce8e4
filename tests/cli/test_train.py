import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.cli.progress import describe
from tfgan_kit.cli.train import _choose
from tfgan_kit.errors import DataError, RecipeError, RunError
from tfgan_kit.recipes import DEFAULT, FOR_PICTURES, RECIPES
from tfgan_kit.training.loop import Progress
from tfgan_kit.training.run_folder import RunFolder

TINY = [
    "--set", "family=mlp", "--set", "g_hidden=8", "--set", "d_hidden=8", "--set", "z_dim=4", "--set", "batch_size=8",
    "--set", "jit=false", "--set", "tick_kimg=0.032", "--set", "steps_per_call=4",
]  # fmt: skip


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> list[str]:
    """Arguments of a run of a second, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    np.savez("tiny.npz", images=np.random.default_rng(0).integers(0, 256, (32, 8, 8), np.uint8))
    return ["train", "mnist", "--data", "npz:tiny.npz", "--kimg", "0.064", *TINY]


def invoke(*arguments: str):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def test_a_run_says_where_it_is_what_to_look_at_and_what_to_type_next(tiny):
    shown = invoke(*tiny)
    assert shown.exception is None, shown.exception
    folder = Path("artifacts/0001-mnist")
    lines = shown.stdout.splitlines()
    assert lines[:2] == [
        "family mlp has no g_width, g_max_width, d_width, d_max_width: left aside", f"training mnist in {folder}"
    ]  # fmt: skip
    # Plain lines, one a tick, where the output is not a terminal.
    assert [line.split()[0] for line in lines if " img/s " in line] == ["0.0/0.064", "0.1/0.064"]
    assert lines[-3] == f"finished: 0.1 kimg in {folder}"
    assert str(folder / "progress.gif") in lines[-2]
    assert lines[-1] == f"next      tfgan export {folder} --onnx"
    assert RunFolder(folder).finished


def test_a_finished_run_is_followed_by_the_next_number(tiny):
    invoke(*tiny)
    shown = invoke(*tiny)
    assert "training mnist in artifacts/0002-mnist" in shown.stdout


def test_a_run_folder_alone_brings_its_own_recipe(tiny):
    invoke(*tiny, "--out", "mine")
    shown = invoke("train", "--out", "mine")
    assert shown.exception is None, shown.exception
    assert "finished already" in shown.stdout


def test_a_dry_run_writes_nothing(tiny):
    shown = invoke(*tiny, "--dry-run")
    assert shown.exception is None, shown.exception
    assert "32 images of 8x8x1, no labels" in shown.stdout
    assert "0.064 kimg" in shown.stdout
    assert [path.name for path in Path().iterdir()] == ["tiny.npz"]


def test_a_dry_run_refuses_what_the_run_would(tiny):
    invoke(*tiny, "--out", "mine")
    shown = invoke(*tiny, "--out", "mine", "--dry-run")
    assert "mine, whose run goes on" in shown.stdout
    result = invoke(*tiny, "--out", "mine", "--set", "loss=hinge", "--dry-run")
    assert isinstance(result.exception, RunError)
    assert "loss is 'nonsaturating' there, 'hinge' here" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--set", "g_hidden=1,x"], RecipeError, "g_hidden must be whole numbers; got '1,x'"),
        (["--set", "resolution=33x"], RecipeError, "resolution must be two whole numbers"),
        (["mnst"], RecipeError, "did you mean 'mnist'"),
        (["--kimg", "1", "--minutes", "1"], RecipeError, "give one of them"),
        (["--set", "z_dim"], RecipeError, "key=value"),
        (["--set", "zdim=3"], RecipeError, "did you mean 'z_dim'"),
        (["--set", "loss=hing"], RecipeError, "did you mean 'hinge'"),
        (["--set", "g_lr=fast"], RecipeError, "g_lr must be a number; got 'fast'"),
        (["--set", "g_lr=-1"], RecipeError, "g_lr must be above 0"),
        (["--kimg", "-3"], RecipeError, "kimg must be above 0"),
        (["--seed", "-3"], RecipeError, "seed must be at least 0"),
        (["--resolution", "12by12"], RecipeError, "HEIGHTxWIDTH"),
        (["--data", "folder:/nowhere"], DataError, "/nowhere"),
        (["--data", "ftp:x"], DataError, "legal"),
        (["--out", "a-file"], RunError, "is a file"),
        (["--out", "a-file/run"], RunError, "--out a-file/run: a-file is a file: name a folder"),
        (["--data", "folder:pictures#"], DataError, "names no label column behind its #"),
    ],
)
def test_a_mistake_is_said_before_anything_is_written(tmp_path, monkeypatch, arguments, error, message):
    monkeypatch.chdir(tmp_path)
    Path("a-file").write_text("")
    result = invoke("train", *arguments)
    assert isinstance(result.exception, error), result.exception
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (["weight_clip=0.01", "d_spectral_norm=true"], ("weight_clip=0.01", "d_spectral_norm=true")),
        (["gp_lambda=10", "d_norm=batch", "r1_gamma=0"], ("gp_lambda=10", "d_norm=batch")),
        (["pretrain_d_kimg=1", "alternate_kimg=1"], ("pretrain_d_kimg=1", "alternate_kimg=(1.0, 1.0)")),
        (["augment=ada", "loss=relativistic"], ("augment=ada", "loss=relativistic")),
        (["family=mlp", "d_minibatch=stddev"], ("family=mlp", "d_minibatch=stddev")),
    ],
)
def test_a_dry_run_names_both_of_two_contradictions_in_one_line(tmp_path, monkeypatch, arguments, fields):
    monkeypatch.chdir(tmp_path)
    result = invoke("train", "--dry-run", *(part for one in arguments for part in ("--set", one)))
    assert isinstance(result.exception, RecipeError), result.exception
    message = str(result.exception)
    assert " contradict each other: " in message
    assert all(field in message for field in fields)
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_refuses_a_switch_that_the_family_has_not(tiny):
    result = invoke(*tiny, "--set", "g_up=resize", "--dry-run")
    assert isinstance(result.exception, RecipeError)
    assert "family mlp has no g_up; got g_up=resize" in str(result.exception)


def test_a_dry_run_refuses_a_classifier_without_labels(tiny):
    result = invoke(*tiny, "--set", "condition=auxiliary", "--dry-run")
    assert isinstance(result.exception, RecipeError)
    assert "condition=auxiliary needs classes to learn" in str(result.exception)
    assert [path.name for path in Path().iterdir()] == ["tiny.npz"]


@pytest.mark.parametrize(
    ("name", "changes", "chosen"),
    [
        (None, {}, DEFAULT),
        (None, {"data": "mnist"}, DEFAULT),
        (None, {"data": "mnist:test"}, DEFAULT),
        (None, {"data": "folder:pictures"}, FOR_PICTURES),
        (None, {"data": "npz:pictures.npz"}, FOR_PICTURES),
        (None, {"data": "stacked-mnist"}, "stacked-mnist"),
        ("mnist", {"data": "folder:pictures"}, "mnist"),
        ("dcgan-64", {"data": "folder:pictures"}, "dcgan-64"),
    ],
)
def test_own_pictures_have_a_recipe_of_their_own_unless_one_is_named(tmp_path, monkeypatch, name, changes, chosen):
    monkeypatch.chdir(tmp_path)
    found, recipe, folder = _choose(name, changes, None)
    assert found == chosen
    assert recipe == RECIPES[chosen].recipe.replace(**changes)
    assert folder == Path(f"artifacts/0001-{chosen}")


def test_own_pictures_are_trained_by_the_recipe_for_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    for i in range(3):
        Image.fromarray(np.full((16, 16, 3), 60 * i, np.uint8)).save(f"mine/{i}.png")
    small = ["--set", "batch_size=2", "--dry-run"]
    shown = invoke("train", "--data", "folder:mine", "--set", "g_width=4", "--set", "d_width=4", *small)
    assert shown.exception is None, shown.exception
    assert "3 images of 16x16x3" in shown.stdout or "3 images of 16x16x1" in shown.stdout
    assert "artifacts/0001-pictures" in shown.stdout
    assert not Path("artifacts").exists()


def test_ctrl_c_saves_says_so_and_the_same_command_goes_on(tiny):
    code = "from tfgan_kit.cli.main import run; run()"
    longer = [argument if argument != "0.064" else "400" for argument in tiny]
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, *longer], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if " img/s " in line:
            break
    os.kill(process.pid, signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors == ""
    assert "the same command goes on from there" in rest
    assert not RunFolder(Path("artifacts/0001-mnist")).finished
    shown = invoke("train", "--out", "artifacts/0001-mnist", "--kimg", "1")
    assert isinstance(shown.exception, RunError)
    assert "kimg is 400.0 there, 1.0 here" in str(shown.exception)


def test_the_progress_line_holds_what_one_watches():
    stats = {"d_loss": 1.25, "g_loss": 0.75, "d_real": 0.6, "d_fake": 0.4, "d_accuracy": 0.655}
    progress = Progress(
        nimg=12_345, total_img=200_000, share=0.06, img_per_sec=812.3, sec_left=125.0, stats=stats, tick=True
    )
    assert describe(progress) == ("12.3/200 kimg 812 img/s 2:05 left D 1.25 G 0.75 D(real) 0.60 D(fake) 0.40 acc 66 %")
