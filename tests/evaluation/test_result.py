"""An evaluation as JSON and in words."""

import json

import pytest

from tfgan_kit.errors import DataError
from tfgan_kit.evaluation.registry import METRICS
from tfgan_kit.evaluation.result import HIGHER_IS_BETTER, TITLES, Evaluation, Measured, rounded


def an_evaluation(extractor="mnist-cnn"):
    return Evaluation(
        subject={"kind": "run", "name": "r", "digest": "ab", "nimg": 1000},
        data={"spec": "mnist", "digest": "cd", "images": 60000},
        held_out=None,
        extractor={"name": extractor, "digest": "ef", "resize": "none"},
        samples=10000,
        seeds=(0, 10000),
        metrics={"frechet": Measured(value=1.5, deviation=0.1), "modes_covered": Measured(value=9, of=10, real=10.0)},
        notes=("a note",),
        pairs=((3, 17, 0.5),),
        histograms={"class": {"names": ["0"], "real": [3], "fake": [4]}},
    )


def test_json_and_back(tmp_path):
    found = an_evaluation()
    file = tmp_path / "figures.json"
    file.write_text(json.dumps(found.to_json()))
    assert Evaluation.read(file) == found
    assert found.to_json()["metrics"]["frechet"] == {"value": 1.5, "deviation": 0.1}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 9}'])
def test_refuses_other_files(tmp_path, text):
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"not the JSON of an evaluation|has format 9"):
        Evaluation.read(file)
    with pytest.raises(DataError, match="not the JSON"):
        Evaluation.read(tmp_path / "missing.json")


def test_fid_is_said_of_the_inception_network_alone():
    assert an_evaluation("inception").title("frechet") == "FID"
    assert an_evaluation("inception").title("kernel") == "KID"
    for name in ("mnist-cnn", "inception-of-mine", "pixels"):
        assert "FID" not in an_evaluation(name).title("frechet")
        assert name in an_evaluation(name).title("inception_score")
    assert an_evaluation().title("conditional_accuracy/hair") == "as asked for, hair"


def test_titles_are_of_figures_that_are_there():
    assert set(TITLES) >= HIGHER_IS_BETTER
    assert not {"prdc", "modes"} & set(TITLES)
    assert {"frechet", "kernel", "mmd", "ms_ssim"} <= set(TITLES) & set(METRICS)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1.48123, "1.481"), (12345.6, "12346"), (0.00123456, "0.001235"), (1.5e-9, "1.50e-09"), (1000, "1000")],
)
def test_rounds_to_four_digits(value, text):
    assert rounded(value) == text
