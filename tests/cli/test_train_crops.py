from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.errors import DataError, RecipeError
from tfgan_kit.training.run_folder import RunFolder

HEIGHT, WIDTH = 12, 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Pictures of 12x16."""
    path = tmp_path_factory.mktemp("pictures")
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (32, HEIGHT, WIDTH, 3), np.uint8)):
        Image.fromarray(pixels).save(path / f"{i:02d}.png")
    return path


@pytest.fixture
def tiny(folder) -> list[str]:
    """Arguments of a run of two ticks on windows of 8x10."""
    values = {
        "crop": "8x10", "mirror": "true", "family": "mlp", "g_hidden": "8", "d_hidden": "8", "z_dim": "4",
        "batch_size": "8", "jit": "false", "augment": "none", "tick_kimg": "0.032", "steps_per_call": "4",
        "preview_ticks": "1", "preview_grid": "2x3",
    }  # fmt: skip
    settings = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    return ["train", "pictures", "--data", f"folder:{folder}", "--kimg", "0.064", *settings]


def invoke(*arguments: str):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def test_a_run_on_windows_makes_and_is_measured_on_windows(tiny, tmp_path):
    run = tmp_path / "run"
    shown = invoke(*tiny, "--out", str(run))
    assert shown.exception is None, shown.exception
    recipe, facts, _ = RunFolder(run).read()
    assert facts.shape == (8, 10, 3)
    assert (recipe.resolution, recipe.crop) == ((HEIGHT, WIDTH), (8, 10))
    previews = sorted((run / "previews").glob("step-*.png"))
    assert len(previews) >= 2
    with Image.open(previews[-1]) as preview:
        # 3 columns and 2 rows of windows, 2 px apart.
        assert preview.size == (3 * 10 + 2 * 2, 2 * 8 + 2)

    again = invoke("train", "--out", str(run))
    assert "finished already" in again.stdout
    measured = invoke("evaluate", str(run), "--n", "16", "--extractor", "pixels", "--metrics", "frechet")
    assert measured.exception is None, measured.exception
    assert "Frechet distance" in measured.stdout


def test_the_plan_names_the_windows(tiny, tmp_path):
    shown = invoke(*tiny, "--out", str(tmp_path / "run"), "--dry-run")
    assert shown.exception is None, shown.exception
    assert "32 images of 8x10x3" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["--set", "crop=20"], DataError, "pictures of 12x16, which hold no window of crop=20x20"),
        (["--resolution", "8", "--set", "crop=9x8"], RecipeError, r"crop=\(9, 8\) and resolution=\(8, 8\) contradict"),
        (["--set", "crop=9x"], RecipeError, "crop must be two whole numbers or none"),
    ],
)
def test_a_window_that_does_not_fit_is_refused_before_anything_is_written(tiny, tmp_path, arguments, error, words):
    result = invoke(*tiny, "--out", str(tmp_path / "run"), *arguments)
    assert isinstance(result.exception, error)
    with pytest.raises(error, match=words):
        raise result.exception
    assert not (tmp_path / "run").exists()
