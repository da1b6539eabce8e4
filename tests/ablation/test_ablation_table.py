"""The table of an ablation: means, deviations, and differences that are more than noise."""

import json
import math

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from tfgan_kit.ablation.picture import draw
from tfgan_kit.ablation.table import Ablation, Run, Variant
from tfgan_kit.recipe import Recipe

BASE, GOOD, SAME = (10.0, 11.0, 12.0), (2.0, 2.5, 3.0), (10.5, 11.5, 12.5)


def variant(name, values, *, figure="frechet", tip=0, diverged=()):
    runs = [Run(seed=seed, figures={figure: value}) for seed, value in enumerate(values)]
    runs += [Run(seed=len(runs) + i, figures={}, diverged=text) for i, text in enumerate(diverged)]
    return Variant(name=name, tip=tip, changes={"label_flips": 0.05} if tip else {}, runs=tuple(runs))


def ablation(*variants, seeds=3):
    return Ablation(
        name="dcgan-mnist", recipe=Recipe(kimg=20), seeds=tuple(range(seeds)), samples=100,
        extractor=("mnist-cnn", "ab"), real={"frechet": 0.5}, variants=variants, notes=("tip 1: always so",),
    )  # fmt: skip


@pytest.fixture
def found():
    return ablation(variant("baseline", BASE), variant("label_flips=0.05", GOOD, tip=6), variant("mirror=true", SAME))


def test_mean_deviation_and_difference(found):
    cell = found.cell(found.variants[1], "frechet")
    assert cell.mean == pytest.approx(np.mean(GOOD))
    assert cell.deviation == pytest.approx(np.std(GOOD, ddof=1))
    assert cell.difference == pytest.approx(np.mean(GOOD) - np.mean(BASE))


def test_p_is_that_of_welch(found):
    for place, values in ((1, GOOD), (2, SAME)):
        expected = stats.ttest_ind(values, BASE, equal_var=False).pvalue
        assert found.cell(found.variants[place], "frechet").p == pytest.approx(expected)


def test_marks_count_the_switches(found):
    cell = found.cell(found.variants[1], "frechet")
    assert 2 * cell.p < 0.05
    assert found.mark(cell) == "**"
    many = ablation(*found.variants, *(variant(f"s{i}", SAME) for i in range(60)))
    assert found.mark(cell) != many.mark(cell) == "*"
    assert found.mark(found.cell(found.variants[2], "frechet")) == ""


@pytest.mark.parametrize(("figure", "better"), [("frechet", True), ("recall", False)])
def test_better_is_by_what_the_figure_is(figure, better):
    found = ablation(variant("baseline", BASE, figure=figure), variant("x", GOOD, figure=figure))
    assert found.cell(found.variants[1], figure).better is better


def test_the_baseline_has_no_difference(found):
    cell = found.cell(found.variants[0], "frechet")
    assert (cell.difference, cell.p, cell.better) == (None, None, None)


def test_of_one_run_each_nothing_is_told():
    found = ablation(variant("baseline", BASE[:1]), variant("x", GOOD[:1]), seeds=1)
    cell = found.cell(found.variants[1], "frechet")
    assert cell.deviation is None
    assert cell.p is None
    assert found.mark(cell) == ""


def test_runs_that_diverged_are_said_and_not_counted():
    found = ablation(variant("baseline", BASE), variant("x", GOOD[:2], diverged=["d_loss was not finite"]))
    assert found.whole
    assert found.cell(found.variants[1], "frechet").values == GOOD[:2]
    assert "x, seed 2: d_loss was not finite" in found.facts()


def test_all_runs_diverged():
    found = ablation(variant("baseline", BASE), variant("x", (), diverged=["bad"] * 3))
    cell = found.cell(found.variants[1], "frechet")
    assert math.isnan(cell.mean)
    assert cell.difference is None
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["variants"][1]["figures"]["frechet"]["mean"] is None
    assert found.rows()[2][1] == "-"


def test_what_is_missing_so_far_is_said():
    found = ablation(variant("baseline", BASE), variant("x", GOOD[:1]))
    assert not found.whole
    assert "x: 1 of 3 runs so far" in found.facts()


def test_markdown_is_a_table_of_equal_rows(found):
    lines = [line for line in found.markdown().splitlines() if line.startswith("|")]
    assert len(lines) == 1 + 1 + 3 + 1
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| baseline |  | 11 ± 1 |")
    assert lines[-1].startswith("| held-out real pictures |  | 0.5 |")
    assert "- tip 1: always so" in found.markdown()


def test_picture_shows_a_row_a_variant(found, tmp_path):
    few, many = tmp_path / "few.png", tmp_path / "many.png"
    draw(found, few)
    draw(ablation(*found.variants, *(variant(f"s{i}", SAME) for i in range(10))), many)
    with Image.open(few) as small, Image.open(many) as large:
        assert large.height > small.height
        assert np.asarray(small.convert("RGB")).std() > 10
