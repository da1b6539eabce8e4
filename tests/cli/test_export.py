"""`tfgan export`: every way to write it, and one clear line where it cannot be done."""

import dataclasses
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.errors import ExportError, RunError, TfganKitError
from tfgan_kit.export import ModelSpec
from tfgan_kit.export.spec import Parity
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import DataFacts, RunFolder


@dataclasses.dataclass
class Calls:
    """What the command asks of `export_onnx`, which is tested by itself."""

    run: Path | None = None
    file: Path | None = None
    options: dict = dataclasses.field(default_factory=dict)


@pytest.fixture
def calls(monkeypatch):
    from tfgan_kit.export import convert

    seen = Calls()
    spec = ModelSpec(
        z_dim=4, z_prior="normal", attributes={"class": ("a", "b")}, height=8, width=8, channels=1, layout="nhwc",
        dtype="uint8", recipe_name="mnist", recipe_digest="", recipe={}, data_spec="mnist", data_digest="",
        data_images=1, nimg=1500, weights="ema",
        parity=Parity(max_abs_error=2.4e-7, batch_sizes=(1, 16), tolerance=1e-4), tfgan_kit="0",
    )  # fmt: skip

    def export_onnx(run, file=None, **options):
        seen.run, seen.file, seen.options = run, file, options
        made = run / "generator.onnx" if file is None else file
        return convert.ExportResult(file=made, spec=spec, size_bytes=1_530_000, refused=("step 9 is damaged",))

    monkeypatch.setattr(convert, "export_onnx", export_onnx)
    return seen


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two runs in artifacts/ under the present folder; 0001 has the newer checkpoint."""
    monkeypatch.chdir(tmp_path)
    facts = DataFacts(spec="mnist", images=1, shape=(8, 8, 1), attributes={}, digest="")
    for i, name in enumerate(("0002-mnist", "0001-mnist")):
        run = RunFolder(Path("artifacts") / name)
        run.path.mkdir(parents=True)
        run.create(Recipe(kimg=1), facts, "mnist")
        checkpoint.save(run.checkpoints, {}, step=1, nimg=64, finished=True, keep=2)
        os.utime(run.checkpoints, (i, i))
    return Path("artifacts")


def run_cli(*args):
    result = CliRunner().invoke(app, ["export", *args], standalone_mode=False)
    if isinstance(result.exception, TfganKitError):
        raise result.exception
    if result.exception is not None:
        raise AssertionError(result.output) from result.exception
    return result.output


@pytest.mark.parametrize(
    ("args", "run", "file"),
    [
        (["--onnx"], "artifacts/0001-mnist", None),
        (["--onnx", "x.onnx"], "artifacts/0001-mnist", "x.onnx"),
        (["--onnx=x.onnx"], "artifacts/0001-mnist", "x.onnx"),
        (["artifacts/0002-mnist", "--onnx"], "artifacts/0002-mnist", None),
        (["artifacts/0002-mnist", "--onnx", "x.onnx"], "artifacts/0002-mnist", "x.onnx"),
        (["--onnx", "x.onnx", "artifacts/0002-mnist"], "artifacts/0002-mnist", "x.onnx"),
        (["--onnx", "--opset", "18"], "artifacts/0001-mnist", None),
        (["--opset", "18", "artifacts/0002-mnist", "--onnx"], "artifacts/0002-mnist", None),
    ],
)
def test_ways_to_write_it(calls, runs, args, run, file):
    output = run_cli(*args)
    assert calls.run == Path(run)
    assert calls.file == (None if file is None else Path(file))
    assert calls.options["opset"] == (18 if "--opset" in args else 17)
    assert str(file or f"{run}/generator.onnx") in output
    assert "1.53 MB" in output
    assert "2e-07" in output
    assert "every class" in output
    assert "warning: step 9 is damaged" in output
    assert "next      tfgan sample" in output


def test_options_are_passed_on(calls, runs):
    run_cli("--onnx", "--layout", "nchw", "--output", "float32", "--weights", "last", "--truncation", "0.7", "--best")
    expected = {"layout": "nchw", "output": "float32", "opset": 17, "weights": "last", "best": True, "truncation": 0.7}
    assert calls.options == expected
    run_cli("--onnx")
    assert calls.options["truncation"] == 1
    assert calls.options["best"] is False


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "tfgan export --onnx"),
        (["artifacts/0001-mnist"], "tfgan export --onnx"),
        (["--onnx", "artifacts/0001-mnist"], "tfgan export artifacts/0001-mnist --onnx$"),
        (["--onnx", "artifacts/0001-mnist", "x.onnx"], "tfgan export artifacts/0001-mnist --onnx x.onnx"),
        (["--onnx", "artifacts"], "artifacts is a folder: name a file, such as artifacts/generator.onnx"),
        (["--onnx", "model.pb"], "takes the name of an .onnx file; got 'model.pb'"),
    ],
)
def test_what_cannot_be_written_so(runs, args, message):
    with pytest.raises(ExportError, match=message):
        run_cli(*args)


def test_options_and_runs_that_are_not_legal(runs, tmp_path, monkeypatch):
    with pytest.raises(ExportError, match="legal: 13 to 18"):
        run_cli("--onnx", "--opset", "21")
    with pytest.raises(ExportError, match="legal: nhwc, nchw"):
        run_cli("--onnx", "--layout", "hwc")
    with pytest.raises(ExportError, match=r"truncation must be in \[0, 1\]; got 1.5"):
        run_cli("--onnx", "--truncation", "1.5")
    with pytest.raises(RunError, match="is not a run"):
        run_cli("elsewhere", "--onnx")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(RunError, match="tfgan train"):
        run_cli("--onnx")
