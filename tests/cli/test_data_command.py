import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.cli import main as cli
from tfgan_kit.recipes import FOR_PICTURES, RECIPES


@pytest.fixture
def tfgan(monkeypatch, capsys):
    """Runs a command; its exit code, and what it printed."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tfgan", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.run()
        return exit_.value.code, capsys.readouterr()

    return run


@pytest.fixture
def folder(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 40, 50, 3), np.uint8)
    for i, picture in enumerate(pixels):
        path = tmp_path / "set" / "ab"[i % 2] / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return tmp_path / "set"


def test_prepare(tfgan, folder, tmp_path):
    code, shown = tfgan("data", "prepare", f"folder:{folder}", "--out", tmp_path / "out", "--resolution", "16")
    assert code == 0
    assert "prepared  20 pictures of 16x16x3, 2 of class, digest " in shown.out
    assert f"next      tfgan train --data records:{tmp_path / 'out'}" in shown.out
    code, shown = tfgan("train", "--data", f"records:{tmp_path / 'out'}", "--dry-run", "--set", "batch_size=4")
    assert code == 0
    assert "20 images of 16x16x3, 2 classes" in shown.out
    assert "20 pictures: augment=diffaugment" in shown.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resolution", "big"], "a resolution is HEIGHTxWIDTH"),
        (["--workers", "0"], "workers must be at least 1"),
        (["--per-shard", "0"], "at least 1 picture"),
        (["--fit", "squeeze"], "squeeze"),
        (["--channels", "2"], "channels"),
    ],
)
def test_prepare_refuses_in_a_line(tfgan, folder, tmp_path, arguments, message):
    code, shown = tfgan("data", "prepare", f"folder:{folder}", "--out", tmp_path / "out", *arguments)
    assert (code, shown.out) == (1, "")
    assert shown.err.startswith("error: ")
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_check(tfgan, folder, tmp_path):
    (folder / "a" / "98.png").write_bytes(b"broken")
    (folder / "a" / "99.png").write_bytes((folder / "b" / "01.png").read_bytes())
    code, shown = tfgan(
        "data", "check", f"folder:{folder}", "--no-timing", "--sheet", tmp_path / "sheet.png", "--json",
        tmp_path / "found.json",
    )  # fmt: skip
    # The sheet shows what training would be shown, and one of 22 is more broken pictures than training takes.
    assert (code, shown.err.count("\n")) == (1, 1)
    assert "1 of 22 pictures are broken, more than 1 %" in shown.err
    assert json.loads((tmp_path / "found.json").read_text())["broken"] == ["a/98.png"]
    assert not (tmp_path / "sheet.png").exists()
    (folder / "a" / "98.png").unlink()
    code, shown = tfgan(
        "data", "check", f"folder:{folder}", "--no-timing", "--sheet", tmp_path / "sheet.png", "--json",
        tmp_path / "found.json",
    )  # fmt: skip
    assert code == 0
    lines = {line[:12].strip(): line[12:] for line in shown.out.splitlines()}
    assert lines["pictures"] == "21 can be read"
    assert lines["sizes"] == "40x50 (21)"
    assert lines["equal"] == "1: b/01.png is a/99.png"
    assert lines["class"] == "a 11, b 10"
    assert (
        lines["train"] == f"tfgan train --data folder:{folder} --kimg 150 --set batch_size=5 --set augment=diffaugment"
    )
    content = json.loads((tmp_path / "found.json").read_text())
    assert content["duplicates"] == {"b/01.png": "a/99.png"}
    assert content["suggestion"]["augment"] == "diffaugment"
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (12 * 52 - 2, 2 * 42 - 2)


def test_check_times_a_few_steps(tfgan, tmp_path, monkeypatch, tiny_recipe):
    # The recipe is the one for pictures, but small.
    row = RECIPES[FOR_PICTURES]
    monkeypatch.setitem(RECIPES, FOR_PICTURES, replace(row, recipe=tiny_recipe.replace(data=row.recipe.data)))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "set.npz", images=pixels)
    code, shown = tfgan("data", "check", f"npz:{tmp_path / 'set.npz'}", "--json", tmp_path / "found.json")
    assert code == 0
    assert "images/s, so " in shown.out
    timing = json.loads((tmp_path / "found.json").read_text())["timing"]
    assert timing["hours"] == pytest.approx(150_000 / timing["img_per_sec"] / 3600)


def test_a_command_that_is_shown_can_be_pasted(tfgan, folder, tmp_path):
    spaced = folder.rename(tmp_path / "my set")
    code, shown = tfgan("data", "check", f"folder:{spaced}", "--no-timing")
    assert code == 0
    assert f"tfgan train --data 'folder:{spaced}' --kimg" in shown.out
    code, shown = tfgan("data", "prepare", f"folder:{spaced}", "--out", tmp_path / "an out")
    assert code == 0
    assert f"next      tfgan train --data 'records:{tmp_path / 'an out'}'" in shown.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["folder:nowhere"], "there is no folder"),
        (["cupboard:x"], "unknown scheme"),
        (["folder:{folder}", "--sheet", "sheet.gif"], "--sheet writes PNG"),
        (["folder:{folder}", "--json", "nowhere/found.json"], "nowhere"),
    ],
)
def test_check_refuses_in_a_line(tfgan, folder, arguments, message):
    code, shown = tfgan("data", "check", "--no-timing", *(text.format(folder=folder) for text in arguments))
    assert (code, shown.out) == (1, "")
    assert message in shown.err
    assert shown.err.count("\n") == 1
