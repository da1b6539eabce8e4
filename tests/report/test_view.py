"""How a run shows itself in a notebook."""

import re
import subprocess
import sys

import pytest
import report_runs

import tfgan_kit
from tfgan_kit.errors import RunError


@pytest.fixture
def folder(tmp_path):
    run = report_runs.begin(tmp_path / "0001-mnist", classes=report_runs.CLASSES)
    report_runs.add_ticks(run, 3)
    report_runs.add_previews(run, 2)
    report_runs.add_checkpoint(run, 3000)
    return run


def test_a_run_shows_its_pictures_and_figures(folder):
    run = tfgan_kit.open_run(folder.path)
    text = run._repr_html_()
    assert "<h3>0001-mnist</h3>" in text
    assert "3.0 kimg" in text
    assert "data:image/png;base64," in text
    assert "<script" not in text
    assert not re.search(r"https?://", text.replace("http://elsewhere.example/x.png", ""))
    assert run._repr_png_() == sorted(folder.previews.iterdir())[-1].read_bytes()
    assert repr(run) == f"Run({str(folder.path)!r})"
    assert [line["nimg"] for line in run.record.stats] == [1000, 2000, 3000]


def test_a_run_that_goes_on_is_shown_as_it_is(folder):
    run = tfgan_kit.open_run(str(folder.path))
    report_runs.add_checkpoint(folder, 5000)
    assert "5.0 kimg" in run._repr_html_()


def test_a_run_of_which_nothing_is_there_yet(tmp_path):
    run = tfgan_kit.open_run(report_runs.begin(tmp_path / "new").path)
    assert "not finished" in run._repr_html_()
    assert run._repr_png_() is None


def test_an_evaluation_is_shown(folder):
    report_runs.add_evaluation(folder)
    assert "<table>" in tfgan_kit.open_run(folder.path)._repr_html_().split("data:image")[1]


def test_what_cannot_be_read_is_said(folder):
    sorted(folder.previews.iterdir())[-1].write_bytes(b"no picture")
    assert "could not be read" in tfgan_kit.open_run(folder.path)._repr_html_()


def test_what_is_no_run(tmp_path):
    with pytest.raises(RunError, match="is not a run"):
        tfgan_kit.open_run(tmp_path)


def test_a_run_is_shown_without_tensorflow_or_matplotlib(folder):
    code = (
        f"import sys, tfgan_kit\ntfgan_kit.open_run({str(folder.path)!r})._repr_html_()\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
