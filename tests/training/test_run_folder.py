import json
import subprocess
import sys

import pytest

from tfgan_kit.errors import RunError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import DataFacts, RunFolder, latest_run, next_run

RECIPE = Recipe(kimg=1, resolution=(8, 8), channels=1, conditional=False)
FACTS = DataFacts(spec="npz:x.npz", images=64, shape=(8, 8, 1), attributes={}, digest="abc")


def run_at(path, *, recipe=RECIPE, step=None, finished=False) -> RunFolder:
    folder = RunFolder(path)
    path.mkdir(parents=True)
    folder.create(recipe, FACTS, path.name[5:])
    if step is not None:
        checkpoint.save(folder.checkpoints, {}, step=step, nimg=step, finished=finished, keep=2)
    return folder


def test_what_is_created_is_read(tmp_path):
    folder = run_at(tmp_path / "0001-mnist")
    assert folder.read() == (RECIPE, FACTS, "mnist")
    assert folder.exists
    assert not folder.finished


@pytest.mark.parametrize(
    ("attributes", "classes"),
    [
        ({}, ()),
        ({"class": ("cat", "dog")}, (2,)),
        ({"hair": ("6a4e35", "85c2c6", "dba3be"), "glasses": ("none", "round"), "ear": ("none",)}, (3, 2, 1)),
    ],
)
def test_attributes_survive_in_their_order(tmp_path, attributes, classes):
    facts = DataFacts(spec="mnist", images=9, shape=(28, 28, 1), attributes=attributes, digest="d")
    RunFolder(tmp_path).create(RECIPE, facts, "x")
    read = RunFolder(tmp_path).read()[1]
    assert read == facts
    assert list(read.attributes) == list(attributes)
    assert read.classes == classes
    written = json.loads((tmp_path / "recipe.json").read_text())["data"]["attributes"]
    assert written == {name: list(values) for name, values in attributes.items()}


@pytest.mark.parametrize("attributes", [None, 3, ["a"], {"a": 3}])
def test_attributes_that_are_none_are_said(tmp_path, attributes):
    RunFolder(tmp_path).create(RECIPE, FACTS, "x")
    content = json.loads((tmp_path / "recipe.json").read_text())
    content["data"]["attributes"] = attributes
    (tmp_path / "recipe.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="not readable"):
        RunFolder(tmp_path).read()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not a run"),
        ("{", "not readable"),
        ("[]", "not readable"),
        ('{"format": 99, "tfgan_kit": "7.0"}', "format 99.*use tfgan-kit 7.0"),
        ('{"format": 1}', "not readable"),
    ],
)
def test_what_is_no_run_is_said(tmp_path, content, message):
    if content is not None:
        (tmp_path / "recipe.json").write_text(content)
    with pytest.raises(RunError, match=message):
        RunFolder(tmp_path).read()


def test_a_file_in_place_of_a_run_is_said(tmp_path):
    file = tmp_path / "generator.onnx"
    file.touch()
    with pytest.raises(RunError, match=r"generator\.onnx is not a run but a file: name the run's folder"):
        RunFolder(file).read()


def test_another_recipe_is_refused_with_the_difference(tmp_path):
    folder = run_at(tmp_path / "0001-mnist")
    folder.check_same(RECIPE, FACTS)
    with pytest.raises(RunError, match=r"g_lr is 0.0002 there, 0.1 here"):
        folder.check_same(RECIPE.replace(g_lr=0.1), FACTS)


def test_other_data_of_the_same_name_is_refused(tmp_path):
    folder = run_at(tmp_path / "0001-mnist")
    other = DataFacts(spec="npz:x.npz", images=64, shape=(8, 8, 1), attributes={}, digest="xyz")
    with pytest.raises(RunError, match="content is abc there, xyz here"):
        folder.check_same(RECIPE, other)


def test_a_folder_is_held_by_one_process(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tfgan_kit.training.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(RunError, match="in use"), RunFolder(tmp_path).lock():
        pass
    holder.kill()
    holder.communicate()
    with RunFolder(tmp_path).lock():
        pass


def test_rewinding_forgets_what_came_later(tmp_path):
    folder = run_at(tmp_path / "0001-mnist", step=4)
    folder.previews.mkdir()
    for step in (0, 4, 8):
        folder.append(folder.stats, {"step": step, "d_loss": 0.5})
        folder.append(folder.timing, {"step": step, "sec": 1})
        folder.preview_path(step).write_bytes(b"png")
    with folder.stats.open("a") as file:
        file.write('{"step": 9, "d_lo')
    (folder.previews / ".tmp-half").write_bytes(b"")
    checkpoint.save(folder.checkpoints, {}, step=8, nimg=8, finished=False, keep=2)
    folder.rewind(4)
    assert [line["step"] for line in folder.read_stats()] == [0, 4]
    assert folder.stats.read_text() == '{"step": 0, "d_loss": 0.5}\n{"step": 4, "d_loss": 0.5}\n'
    assert sorted(path.name for path in folder.previews.iterdir()) == ["step-00000000.png", "step-00000004.png"]
    assert [path.name for path in folder.checkpoints.iterdir()] == ["step-00000004"]
    assert [json.loads(line)["step"] for line in folder.timing.read_text().splitlines()] == [0, 4]


def test_runs_are_numbered(tmp_path):
    assert next_run("mnist", RECIPE, tmp_path).path.name == "0001-mnist"
    run_at(tmp_path / "0001-mnist", step=3, finished=True)
    assert next_run("mnist", RECIPE, tmp_path).path.name == "0002-mnist"
    run_at(tmp_path / "0007-other", step=3, finished=True)
    assert next_run("mnist", RECIPE, tmp_path).path.name == "0008-mnist"


def test_the_same_command_finds_its_unfinished_run(tmp_path):
    unfinished = run_at(tmp_path / "0001-mnist", step=3)
    asked = Recipe(kimg=1)  # what the data decides is still open here
    assert next_run("mnist", asked, tmp_path).path == unfinished.path
    assert next_run("mnist", asked.replace(seed=5), tmp_path).path.name == "0002-mnist"
    assert next_run("other", asked, tmp_path).path.name == "0002-other"


@pytest.mark.parametrize(
    ("own", "found"),
    [("diffaugment", "0001-mnist"), ("ada", "0002-mnist"), ("none", "0002-mnist")],
)
def test_an_unfinished_run_whose_augmentation_the_data_chose_is_found(tmp_path, own, found):
    # For 64 pictures auto comes to diffaugment.
    run_at(tmp_path / "0001-mnist", recipe=RECIPE.replace(augment=own), step=3)
    asked = Recipe(kimg=1, augment="auto")
    assert next_run("mnist", asked, tmp_path).path.name == found


@pytest.mark.parametrize("garbage", [b"3\n", b"[1]\n", b"{}\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_lines_that_are_none_end_the_records(tmp_path, garbage):
    folder = run_at(tmp_path / "0001-mnist")
    folder.append(folder.stats, {"step": 1, "nimg": 8})
    with folder.stats.open("ab") as file:
        file.write(garbage)
    folder.append(folder.stats, {"step": 2, "nimg": 16})
    assert [line["step"] for line in folder.read_stats()] == [1]


def test_a_run_that_is_held_is_not_taken(tmp_path):
    held = run_at(tmp_path / "0001-mnist", step=3)
    with held.lock():
        assert next_run("mnist", RECIPE, tmp_path).path.name == "0002-mnist"


def test_the_latest_run_has_a_checkpoint(tmp_path):
    with pytest.raises(RunError, match="no run with a checkpoint"):
        latest_run(tmp_path)
    run_at(tmp_path / "0001-a", step=3)
    run_at(tmp_path / "0002-b")
    assert latest_run(tmp_path).path.name == "0001-a"


def test_a_folder_whose_first_file_was_half_written_is_free(tmp_path):
    (tmp_path / ".tmp-0123-recipe.json").write_text("{")
    (tmp_path / ".lock").touch()
    folder = RunFolder(tmp_path)
    folder.check_free()
    folder.create(RECIPE, FACTS, "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "recipe.json"]
    (tmp_path / "recipe.json").rename(tmp_path / "thesis.json")
    with pytest.raises(RunError, match="not a run and not empty"):
        folder.check_free()
