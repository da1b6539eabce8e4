"""`tfgan interpolate`, `tfgan arithmetic` and `tfgan project`: what they write, and one line where they cannot."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from test_sample import CLASSES, HAIR, write_model
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.errors import DataError, ModelFileError, SampleError, TfganKitError
from tfgan_kit.export import Sampler
from tfgan_kit.latents import z_from_seeds


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "plain.onnx", channels=3)
    write_model(tmp_path / "named.onnx", CLASSES)
    write_model(tmp_path / "several.onnx", HAIR, noise_dim=2)
    return tmp_path


def run_cli(*args):
    result = CliRunner().invoke(app, [str(arg) for arg in args], standalone_mode=False)
    if isinstance(result.exception, TfganKitError):
        raise result.exception
    if result.exception is not None:
        raise AssertionError(result.output) from result.exception
    return result.output


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def left(folder):
    return {path.name for path in folder.iterdir()} - {"plain.onnx", "named.onnx", "several.onnx"}


def test_interpolate_begins_and_ends_with_the_pictures_of_its_seeds(folder):
    out = run_cli("interpolate", "plain.onnx", "--from", 3, "--to", 8, "--via", 5, "--steps", 9, "--out", "frames")
    assert "9 pictures, seeds 3 to 5 to 8 by slerp in z" in out
    frames = [pixels(path) for path in sorted((folder / "frames").iterdir())]
    assert len(frames) == 9
    for place, seed in ((0, 3), (4, 5), (8, 8)):
        np.testing.assert_array_equal(frames[place], Sampler("plain.onnx").sample([seed])[0])


def test_interpolate_writes_films_and_sheets(folder):
    for name, size in (("w.gif", (51 * 5, 51 * 4)), ("w.webp", (51 * 5, 51 * 4))):
        run_cli("interpolate", "plain.onnx", "--steps", 5, "--out", name, "--loop", "--ease")
        with Image.open(name) as film:
            assert (film.size, film.n_frames) == (size, 5)
    run_cli("interpolate", "plain.onnx", "--steps", 5, "--out", "w.png", "--path", "lerp", "--truncation", 0.5)
    assert pixels("w.png").shape == (4, 5 * 5 + 4 * 2, 3)
    run_cli("interpolate", "plain.onnx", "--steps", 5, "--out", "z.gif", "--zoom", 2)
    with Image.open("z.gif") as film:
        assert film.size == (10, 8)


def test_interpolate_holds_the_class(folder):
    out = run_cli("interpolate", "named.onnx", "--from", 4, "--to", 6, "--steps", 3, "--out", "frames")
    assert "class bee" in out
    sampler = Sampler("named.onnx")
    last = pixels(folder / "frames" / "frame-00002.png")
    np.testing.assert_array_equal(last, sampler.sample([6], labels="bee")[0, ..., 0])
    out = run_cli("interpolate", "named.onnx", "--to", 6, "--steps", 3, "--class", "cat", "--out", "frames")
    assert "class cat" in out
    last = pixels(folder / "frames" / "frame-00002.png")
    np.testing.assert_array_equal(last, sampler.sample([6], labels="cat")[0, ..., 0])
    out = run_cli("interpolate", "several.onnx", "--steps", 3, "--class", "glasses=round", "--out", "x.png")
    assert "glasses=round" in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--path", "slurp"], "unknown path 'slurp': did you mean 'slerp'"),
        (["--out", "x.avi"], r"unknown picture format '\.avi': legal: \.gif, \.webp, \.mp4, \.png, or a folder"),
        (["--out", "no/x.gif"], "there is no folder no"),
        (["--fps", "100"], "at most 50 pictures a second; got 100"),
        (["--steps", "2", "--via", "5"], "--steps takes 3"),
        (["--steps", "1000000"], "to 100,000; got 1,000,000"),
        (["--steps", "5000", "--out", "x.png"], "to 2,000; got 5,000"),
        (["--from", "-1"], r"a seed is a whole number in \[0, 2\*\*63\); got -1"),
        (["--to", str(2**63)], "a seed is a whole number"),
        (["--class", "3"], "unconditional"),
        (["--truncation", "2"], r"truncation must be in \[0, 1\]; got 2"),
    ],
)  # fmt: skip
def test_interpolate_says_what_it_cannot(folder, args, message):
    with pytest.raises(SampleError, match=message):
        run_cli("interpolate", "plain.onnx", *args)
    assert not left(folder)


def test_a_missing_model_is_said(folder):
    for command in (["interpolate", "no.onnx"], ["arithmetic", "no.onnx", "--plus", "1", "--minus", "2"]):
        with pytest.raises(ModelFileError, match=r"no model file no\.onnx"):
            run_cli(*command)


def test_arithmetic_draws_the_sum(folder):
    out = run_cli("arithmetic", "plain.onnx", "--plus", "3,5", "--minus", "1", "--plus", "7-9", "--noise", 0)
    assert "mean(3,5) - mean(1) + mean(7-9) in z" in out
    whole = pixels("sum.png")
    zoom = round(56 / 5)
    shown = {tuple(tile) for tile in tiles(whole, zoom)}
    sampler = Sampler("plain.onnx")
    total = z_from_seeds([3, 5], 3).mean(0) - z_from_seeds([1], 3)[0] + z_from_seeds([7, 8, 9], 3).mean(0)
    for image in (*sampler.sample([3, 5, 1, 7, 8, 9]), sampler.generate(total[None].astype(np.float32))[0]):
        assert tuple(image.ravel()) in shown


def tiles(sheet, zoom):
    """Every 4x5 picture that could be on a sheet."""
    small = sheet[::zoom, ::zoom]
    for y in range(small.shape[0] - 3):
        for x in range(small.shape[1] - 4):
            yield small[y : y + 4, x : x + 5].ravel()


def test_arithmetic_holds_the_class(folder):
    assert "class bee" in run_cli("arithmetic", "named.onnx", "--plus", "4", "--minus", "2", "--out", "a.png")
    assert "class ant" in run_cli("arithmetic", "named.onnx", "--plus", "4,2", "--plus", "2", "--class", "ant")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "two terms or more"),
        (["--plus", "3"], "two terms or more"),
        (["--minus", "3", "--minus", "4"], "two terms or more"),
        (["--plus", "a", "--minus", "3"], "--plus takes numbers and ranges"),
        (["--plus", "3", "--minus", "9-1"], "--minus has the range '9-1'"),
        (["--plus", "3", "--minus", "0-1000"], "at most 64 pictures; got 1001"),
        (["--plus", "3", "--minus", "1", "--out", "sums"], "--out is one picture"),
        (["--plus", "3", "--minus", "1", "--class", "x"], "unconditional"),
        (["--plus", "3", *["--minus", "1"] * 16], "at most 16 terms"),
    ],
)
def test_arithmetic_says_what_it_cannot(folder, args, message):
    with pytest.raises(SampleError, match=message):
        run_cli("arithmetic", "plain.onnx", *args)
    assert not left(folder)


def test_project_finds_a_picture_of_the_model(folder):
    run_cli("sample", "named.onnx", "--seeds", "100", "--class", "bee", "--out", "one.png")
    out = run_cli("project", "named.onnx", "one.png", "--z", "z.npy", "--extractor", "pixels", "--restarts", 2)
    assert "class    bee fits best" in out
    assert "without derivatives" in out
    assert "random pictures are" in out
    z = np.load("z.npy", allow_pickle=False)
    assert (z.shape, z.dtype) == ((1, 3), np.float32)
    target = pixels("one.png")[..., None].astype(int)
    again = Sampler("named.onnx").generate(z, "bee")[0]
    assert np.abs(again - target).max() <= 8
    sheet = pixels("found.png")
    assert sheet.shape == (25 * 4, 25 * 5 * 2 + 4)
    np.testing.assert_array_equal(sheet[::25, :125:25], target[..., 0])
    np.testing.assert_array_equal(sheet[::25, 129::25], again[..., 0])


def test_project_takes_pictures_of_any_size_and_kind(folder):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (60, 40, 4), dtype=np.uint8)).save("big.png")
    for fit in ("crop", "pad", "stretch"):
        out = run_cli("project", "plain.onnx", "big.png", "--fit", fit, "--steps", 2, "--restarts", 1)
        assert "dB" in out
    out = run_cli("project", "several.onnx", "big.png", "--steps", 2, "--restarts", 1, "--class", "glasses=round")
    assert "glasses=round" in out


@pytest.mark.parametrize(
    ("args", "kind", "message"),
    [
        (["no.png"], SampleError, r"no\.png cannot be read: No such file"),
        (["plain.onnx"], SampleError, "no picture that Pillow reads"),
        (["one.png", "--fit", "sqeeze"], SampleError, "unknown fit 'sqeeze'"),
        (["one.png", "--out", "folder"], SampleError, "--out is one picture"),
        (["one.png", "--z", "z.txt"], SampleError, r"--z takes the name of an \.npy file"),
        (["one.png", "--z", "no/z.npy"], SampleError, r"--z takes the name of an \.npy file in a folder that is there"),
        (["one.png", "--extractor", "nope"], DataError, "extractor 'nope' is unknown"),
        (["one.png", "--class", "x"], SampleError, "unconditional"),
        (["one.png", "--seed", "-1"], SampleError, "a seed is a whole number"),
    ],
)
def test_project_says_what_it_cannot(folder, args, kind, message):
    Image.new("RGB", (5, 4)).save("one.png")
    with pytest.raises(kind, match=message):
        run_cli("project", "plain.onnx", *args)
    assert left(folder) == {"one.png"}


def test_project_names_the_classes_there_are(folder):
    Image.new("RGB", (5, 4)).save("one.png")
    with pytest.raises(SampleError, match="unknown class 'wasp': legal: ant, bee, cat, or 0 to 2"):
        run_cli("project", "named.onnx", "one.png", "--class", "wasp")


def test_none_of_them_imports_tensorflow(folder):
    Image.new("RGB", (5, 4)).save("one.png")
    code = (
        "import sys; from tfgan_kit.cli.main import app\n"
        "for line in ('interpolate plain.onnx --steps 3', 'arithmetic plain.onnx --plus 1 --minus 2',\n"
        "             'project plain.onnx one.png --steps 1', 'inspect plain.onnx'):\n"
        "    app(line.split(), standalone_mode=False)\n"
        "print(sorted({'tensorflow', 'keras', 'onnx', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "[]"
