"""`tfgan export`: every way to write it, and one clear line where it cannot be done."""

import dataclasses
import os
import subprocess
import sys
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

SPEC = ModelSpec(
    z_dim=4, z_prior="normal", attributes={"class": ("a", "b")}, height=8, width=8, channels=1, layout="nhwc",
    dtype="uint8", recipe_name="mnist", recipe_digest="", recipe={}, data_spec="mnist", data_digest="",
    data_images=1, nimg=1500, weights="ema",
    parity=Parity(max_abs_error=2.4e-7, batch_sizes=(1, 16), tolerance=1e-4), tfgan_kit="0",
)  # fmt: skip


@dataclasses.dataclass
class Calls:
    """What the command asks of the exporters, which are tested by themselves."""

    run: Path | None = None
    opened: dict = dataclasses.field(default_factory=dict)
    written: dict = dataclasses.field(default_factory=dict)


@pytest.fixture
def calls(monkeypatch):
    from tfgan_kit.export import convert, source
    from tfgan_kit.export.forms import saved_model, tflite

    seen = Calls()

    def open_source(run, **options):
        seen.run, seen.opened = run, options
        return source.Source(G=None, recipe=Recipe(kimg=1), spec=SPEC, path=run, refused=("step 9 is damaged",))

    def write_onnx(_, file, **options):
        seen.written["onnx"] = (file, options)
        spec = dataclasses.replace(SPEC, inputs=seen.opened["inputs"], max_batch=options["max_batch"])
        if options["precision"] == "float16":
            drift = {"max_abs_error": 0.004, "mean_abs_error": 2e-4, "samples": 64.0}
            spec = dataclasses.replace(spec, precision="float16", drift=drift)
        return convert.ExportResult(file=file, spec=spec, size_bytes=1_530_000, refused=())

    def write_saved_model(_, folder, **options):
        seen.written["saved_model"] = (folder, options)
        return SPEC.parity

    def write_tflite(_, file, **options):
        seen.written["tflite"] = (file, options)
        file.write_bytes(b"0" * 2000)
        return SPEC.parity

    monkeypatch.setattr(source, "open_source", open_source)
    monkeypatch.setattr(convert, "write_onnx", write_onnx)
    monkeypatch.setattr(saved_model, "write_saved_model", write_saved_model)
    monkeypatch.setattr(tflite, "write_tflite", write_tflite)
    return seen


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Runs in artifacts/ under the present folder: two, of which 0001 has the newer checkpoint, and 0000, of styles."""
    monkeypatch.chdir(tmp_path)
    facts = DataFacts(spec="mnist", images=1, shape=(8, 8, 1), attributes={}, digest="")
    recipes = {"0000-style": Recipe(kimg=1, family="style"), "0002-mnist": Recipe(kimg=1), "0001-mnist": Recipe(kimg=1)}
    for i, (name, recipe) in enumerate(recipes.items()):
        run = RunFolder(Path("artifacts") / name)
        run.path.mkdir(parents=True)
        run.create(recipe, facts, "mnist")
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
    assert calls.written.keys() == {"onnx"}
    assert calls.written["onnx"][0] == Path(file or f"{run}/generator.onnx")
    assert f"opset {18 if '--opset' in args else 17})" in output
    assert str(file or f"{run}/generator.onnx") in output
    assert "1.53 MB" in output
    assert "2e-07" in output
    assert "every class" in output
    assert "warning: step 9 is damaged" in output
    assert "next      tfgan sample" in output


def test_options_are_passed_on(calls, runs):
    output = run_cli(
        "artifacts/0000-style", "--onnx", "--layout", "nchw", "--output", "float32", "--weights", "last",
        "--truncation", "0.7", "--best", "--precision", "float16", "--optimize", "basic", "--inputs", "w",
        "--max-batch", "8", "--opset", "16",
    )  # fmt: skip
    assert calls.opened == {"weights": "last", "best": True, "inputs": "w", "truncation": 0.7}
    assert calls.written["onnx"][1] == {
        "layout": "nchw", "output": "float32", "precision": "float16", "optimize": "basic", "max_batch": 8,
        "opset": 16,
    }  # fmt: skip
    assert "wrote     artifacts/0000-style/generator.mapping.onnx (z to w)" in output
    assert "8 pictures a run" in output
    assert "float16   is within 0.004 of float32, 0.0002 on average, over 64 seeds (at most 0.05 and 0.002)" in output
    run_cli("--onnx", "--max-batch", "dynamic")
    assert calls.opened == {"weights": "ema", "best": False, "inputs": "z", "truncation": 1}
    assert calls.written["onnx"][1] == {
        "layout": "nhwc", "output": "uint8", "precision": "float32", "optimize": "full", "max_batch": None,
        "opset": None,
    }  # fmt: skip


def test_seeds_are_of_a_newer_opset(calls, runs):
    assert "opset 18)" in run_cli("--onnx", "--inputs", "seed", "--truncation", "0.5")
    assert calls.opened["inputs"] == "seed"


def test_the_other_formats_stand_alone_and_together(calls, runs):
    output = run_cli("--saved-model", "model", "--output", "float32")
    assert calls.written == {"saved_model": (Path("model"), {"output": "float32"})}
    assert "wrote     model/ (SavedModel, float32 nhwc)" in output
    assert "tfgan sample" not in output
    output = run_cli("--tflite", "g.tflite", "--max-batch", "4")
    assert calls.written["tflite"] == (Path("g.tflite"), {"output": "uint8", "max_batch": 4})
    assert "wrote     g.tflite (0.00 MB, TFLite, uint8 nhwc)" in output
    calls.written.clear()
    run_cli("--onnx", "--saved-model", "model", "--tflite", "g.tflite")
    assert calls.written.keys() == {"onnx", "saved_model", "tflite"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "tfgan export --onnx"),
        (["artifacts/0001-mnist"], "tfgan export --onnx"),
        (["--onnx", "artifacts/0001-mnist"], "tfgan export artifacts/0001-mnist --onnx$"),
        (["--onnx", "artifacts/0001-mnist", "x.onnx"], "tfgan export artifacts/0001-mnist --onnx x.onnx"),
        (["--onnx", "artifacts"], "artifacts is a folder: name a file, such as artifacts/generator.onnx"),
        (["--onnx", "model.pb"], "takes the name of an .onnx file; got 'model.pb'"),
        (["--onnx", "no/x.onnx"], "no/x.onnx cannot be written: there is no folder no"),
        (["--tflite", "artifacts"], "artifacts is a folder: name a file, such as artifacts/generator.tflite"),
        (["--saved-model", "artifacts"], "artifacts is not empty: name a new folder"),
        (["--saved-model", "no/model"], "no/model cannot be written: there is no folder no"),
        (["--onnx", "--max-batch", "many"], "--max-batch takes a number of pictures or dynamic; got 'many'"),
        (["--onnx", "--max-batch", "0"], "max_batch 0 cannot be written; legal: 1 to 1024, or dynamic"),
        (["--onnx", "--opset", "21"], "legal: 13 to 18"),
        (["--onnx", "--layout", "hwc"], "legal: nhwc, nchw"),
        (["--onnx", "--precision", "int4"], "legal: float32, float16, int8"),
        (["--onnx", "--truncation", "1.5"], r"truncation must be in \[0, 1\]; got 1.5"),
        (["--onnx", "--truncation", "0.7"], "family dcgan has no average of w .* or take inputs seed"),
        (["--onnx", "--inputs", "w"], "inputs w needs a generator that maps z to w, of family style; the run's is dc"),
        (["--onnx", "--inputs", "seed", "--opset", "17"], "opset 17 has no bitwise operators, .* take opset 18"),
        (["--saved-model", "m", "--precision", "float16"], "--precision float16 is of ONNX alone, a SavedModel has no"),
        (["--onnx", "--tflite", "m", "--inputs", "seed"], "--inputs seed is of ONNX alone, a TFLite file .*--tflite b"),
        (["--saved-model", "m", "--max-batch", "4"], "--max-batch 4 is not of a SavedModel"),
    ],
)
def test_what_cannot_be_written_so(runs, monkeypatch, args, message):
    # Refused before TensorFlow is asked for.
    monkeypatch.setattr("tfgan_kit.cli.export.import_tensorflow", lambda: pytest.fail("TensorFlow was imported"))
    with pytest.raises(ExportError, match=message):
        run_cli(*args)


def test_what_is_refused_costs_no_tensorflow(runs):
    code = (
        "import sys\nfrom tfgan_kit.cli.main import app\nfrom tfgan_kit.errors import ExportError\n"
        "try: app(['export', '--onnx', '--inputs', 'w'], standalone_mode=False)\n"
        "except ExportError: print(sorted({'tensorflow', 'keras', 'onnx', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_runs_that_are_not_there(runs, tmp_path, monkeypatch):
    with pytest.raises(RunError, match="is not a run"):
        run_cli("elsewhere", "--onnx")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(RunError, match="tfgan train"):
        run_cli("--onnx")


def test_every_option_is_one_line_of_help():
    text = CliRunner().invoke(app, ["export", "--help"], terminal_width=120).output
    options = text[text.index("Options:") : text.index("Example:")].strip().splitlines()[1:]
    assert all(line.strip().startswith("-") for line in options if line.strip())
