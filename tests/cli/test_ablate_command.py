import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.errors import DataError, RecipeError, RunError
from tfgan_kit.training.run_folder import RunFolder

TINY = [
    "--set", "family=mlp", "--set", "g_hidden=8", "--set", "d_hidden=8", "--set", "z_dim=4", "--set", "batch_size=8",
    "--set", "jit=false", "--set", "tick_kimg=0.032", "--set", "preview_ticks=1", "--set", "g_norm=none",
    "--set", "d_norm=none",
]  # fmt: skip


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> list[str]:
    """Arguments of an ablation whose runs take a second."""
    monkeypatch.chdir(tmp_path)
    np.savez("tiny.npz", images=np.random.default_rng(0).integers(0, 256, (64, 8, 8), np.uint8))
    return [
        "ablate", "dcgan-mnist", "--data", "npz:tiny.npz", "--kimg", "0.064", "--n", "40", "--extractor", "pixels",
        "--metric", "frechet", "--out", "out", *TINY,
    ]  # fmt: skip


def invoke(*arguments: str):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def content():
    with open("out/table.json", encoding="utf-8") as file:
        return json.load(file)


def test_an_ablation_makes_runs_table_and_plot_and_goes_on_where_it_was(tiny, tmp_path):
    shown = invoke(*tiny, "--seeds", "1", "--switch", "label_flips=0.25")
    assert shown.exception is None, shown.exception
    assert "run 2 of 2: label_flips=0.25, seed 0, about" in shown.stdout
    assert all((tmp_path / "out" / name).stat().st_size > 0 for name in ("table.md", "table.json", "plot.png"))
    recipe, _, _ = RunFolder(tmp_path / "out/label_flips=0.25/0").read()
    own, _, _ = RunFolder(tmp_path / "out/baseline/0").read()
    assert recipe.differences(own) == {"label_flips": (0.25, 0.0)}
    first = content()
    assert first["whole"]
    assert [each["name"] for each in first["variants"]] == ["baseline", "label_flips=0.25"]

    # A second seed: what is there is not done again, and has the same figures.
    checkpoint = next((tmp_path / "out/baseline/0/checkpoints").iterdir()).stat().st_mtime_ns
    shown = invoke(*tiny, "--seeds", "2", "--switch", "label_flips=0.25")
    assert shown.exception is None, shown.exception
    assert "run 1 of 4" not in shown.stdout
    assert next((tmp_path / "out/baseline/0/checkpoints").iterdir()).stat().st_mtime_ns == checkpoint
    second = content()
    for before, after in zip(first["variants"], second["variants"][:2], strict=True):
        assert after["figures"]["frechet"]["values"][0] == before["figures"]["frechet"]["values"][0]
    assert all(len(each["figures"]["frechet"]["values"]) == 2 for each in second["variants"])
    assert second["variants"][1]["figures"]["frechet"]["p"] is not None

    # Another baseline in the same folder is refused before anything is trained.
    shown = invoke(*tiny, "--seeds", "1", "--switch", "label_flips=0.25", "--set", "g_lr=0.5")
    assert isinstance(shown.exception, RunError)
    assert "g_lr is 0.0002 there, 0.5 here" in str(shown.exception)
    assert content() == second


def test_equal_recipes_have_equal_figures_and_a_run_that_diverges_is_not_the_end(tiny):
    # Noise of no size trains the baseline again: through other code, to the same bits.
    switches = ["--seeds", "1", "--switch", "instance_noise=1e-30", "--switch", "g_lr=1e38"]
    shown = invoke(*tiny, *switches)
    assert shown.exception is None, shown.exception
    baseline, same, diverged = content()["variants"]
    assert same["figures"]["frechet"]["values"] == baseline["figures"]["frechet"]["values"]
    assert "not finite" in diverged["diverged"]["0"]
    again = invoke(*tiny, *switches)
    assert "run 1 of 3" not in again.stdout
    assert "g_lr=1e+38, seed 0" in again.stdout


def test_after_some_runs_a_fresh_process_goes_on(tiny, monkeypatch):
    replaced = []

    def execv(program, arguments):
        replaced.append((program, arguments))
        raise SystemExit(0)

    monkeypatch.setattr("tfgan_kit.cli.ablate._RUNS_A_PROCESS", 1)
    monkeypatch.setattr("os.execv", execv)
    arguments = [*tiny, "--seeds", "1", "--switch", "mirror"]
    first = invoke(*arguments)
    assert replaced == [(sys.executable, [sys.executable, *sys.orig_argv[1:]])]
    assert "run 1 of 2" in first.stdout
    assert "run 2 of 2" not in first.stdout
    second = invoke(*arguments)
    assert len(replaced) == 1
    assert "run 1 of 2" not in second.stdout
    assert content()["whole"]


def test_a_dry_run_writes_nothing(tiny, tmp_path):
    shown = invoke(*tiny, "--tips", "--switch", "r1_gamma", "--seeds", "4", "--dry-run")
    assert shown.exception is None, shown.exception
    assert "r1_gamma=0.5" in shown.stdout
    assert "label_flips=0.05 (tip 6)" in shown.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.npz"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["--switch", "label_flip"], RecipeError, "did you mean 'label_flips'"),
        ([], RecipeError, "--tips"),
        (["--switch", "mirror", "--minutes", "1"], RecipeError, "give one of them"),
        (["--switch", "mirror", "--seeds", "0"], DataError, "--seeds"),
        (["--switch", "mirror", "--n", "1"], DataError, "--n"),
        (["--switch", "mirror", "--metric", "frechett"], DataError, "did you mean 'frechet'"),
        (["--switch", "mirror", "--set", "seed=3"], RecipeError, "--seeds"),
        (["--switch", "mirror", "--set", "tick_kimg=1"], RecipeError, "too short for one preview"),
        (["--switch", "d_minibatch=stddev"], RecipeError, "contradict"),
        (["--switch", "mirror", "--switch", "g_attention_px=4"], RecipeError, "has no g_attention_px"),
        (["--switch", "mirror", "--out", "tiny.npz"], RunError, "is a file"),
    ],
)
def test_mistakes_are_refused_before_anything_is_written(tiny, tmp_path, arguments, error, words):
    shown = invoke(*tiny, *arguments)
    assert isinstance(shown.exception, error), shown.exception
    assert words in str(shown.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.npz"]


def test_an_unknown_recipe_gets_the_nearest(tiny):
    shown = invoke("ablate", "dcgan-mnis", "--switch", "mirror")
    assert "did you mean 'dcgan-mnist'" in str(shown.exception)


def test_minutes_that_end_before_a_preview_are_refused_after_the_first_run(tiny):
    tiny[tiny.index("--kimg") : tiny.index("--kimg") + 2] = ["--minutes", "0.0005"]
    shown = invoke(*tiny, "--switch", "mirror", "--set", "tick_kimg=1000", "--set", "steps_per_call=1")
    assert isinstance(shown.exception, RecipeError)
    assert "too short for one preview" in str(shown.exception)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_an_interrupted_ablation_goes_on(tiny, tmp_path):
    long = [*tiny, "--seeds", "1", "--switch", "mirror", "--kimg", "4000"]
    code = "from tfgan_kit.cli.main import run; run()"
    process = subprocess.Popen([sys.executable, "-c", code, *long], stdout=subprocess.PIPE, text=True)
    stats = tmp_path / "out/baseline/0/stats.jsonl"
    deadline = time.monotonic() + 120
    while not stats.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in shown
    run = RunFolder(tmp_path / "out/baseline/0")
    manifest, _, _ = run.load()
    assert not manifest.finished
    assert manifest.nimg > 0
