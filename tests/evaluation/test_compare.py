"""Evaluations beside each other: what may be compared, and which differences are said to exist."""

import json

import numpy as np
import pytest
from scipy import stats
from toy_pictures import Means, images_of

from tfgan_kit.errors import DataError
from tfgan_kit.evaluation.compare import LEVEL, Terms, check_comparable, compare, figures_of
from tfgan_kit.evaluation.compare_picture import draw_comparison, main_rows
from tfgan_kit.evaluation.evaluate import evaluate
from tfgan_kit.evaluation.registry import METRICS
from tfgan_kit.evaluation.result import Evaluation, Measured

FIELDS = ("value", "deviation")


def evaluation(figures, *, seeds=1, held_out="c" * 16, notes=(), **changes):
    """An evaluation of figures by name: values, (value, deviation), or Measured."""
    measured = {}
    for name, value in figures.items():
        known = dict(zip(FIELDS, np.ravel(value).tolist(), strict=False)) if not isinstance(value, Measured) else {}
        measured[name] = Measured(**known) if known else value
    fields = {
        "subject": {"kind": "run", "name": "x", "digest": "0" * 16, "nimg": 1000},
        "data": {"spec": "toy", "digest": "a" * 16, "images": 600},
        "held_out": {"spec": "toy:test", "digest": held_out, "images": 300} if held_out else None,
        "extractor": network("means", "b"),
        "samples": 100,
        "seeds": tuple(range(0, 100 * seeds, 100)),
        "metrics": measured,
        "notes": notes,
    }
    return Evaluation(**fields | changes)


def network(name, digit, resize="none"):
    return {"name": name, "digest": digit * 16, "resize": resize}


def rows_of(*evaluations, metrics=()):
    found = compare(evaluations, [f"s{i}" for i in range(len(evaluations))], metrics)
    return {row.name: row for row in found.rows}, " | ".join(found.notes)


def drawn(seed, mean, count=4):
    values = np.random.default_rng(seed).normal(mean, 1.0, count)
    return values, evaluation({"frechet": (values.mean(), values.std(ddof=1))}, seeds=count)


def test_repetitions_are_told_apart_by_welch_on_the_repetitions_themselves():
    a, first = drawn(0, 10.0, 4)
    b, second = drawn(1, 13.0, 6)
    rows, notes = rows_of(first, second)
    (found,) = rows["frechet"].differences
    assert found.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-9)
    assert found.exists is (found.p < LEVEL)
    assert found.exists
    assert rows["frechet"].best == 0
    assert "Welch" in notes
    assert "one measurement" not in notes


def test_p_is_times_the_number_of_pairs():
    values = [drawn(seed, mean) for seed, mean in ((0, 10.0), (1, 10.5), (2, 20.0))]
    rows, _ = rows_of(*(found for _, found in values))
    row = rows["frechet"]
    for each in row.differences:
        alone = stats.ttest_ind(*(values[i][0] for i in each.pair), equal_var=False).pvalue
        assert each.p == pytest.approx(min(1.0, 3 * alone), rel=1e-9)
    assert [row.differ(0, 1), row.differ(2, 0), row.differ(1, 2)] == [False, True, True]


def test_noise_alone_is_seldom_a_difference():
    # Of equal means about LEVEL of the comparisons show one.
    found = 0
    for seed in range(100):
        rows, _ = rows_of(drawn(2 * seed, 5.0)[1], drawn(2 * seed + 1, 5.0)[1])
        found += rows["frechet"].differences[0].exists
    assert found <= 100 * LEVEL * 2


@pytest.mark.parametrize(
    ("first", "second", "exists"),
    [((9.0, 0.0), (10.0, 0.0), True), ((10.0, 0.0), (10.0, 0.0), False), ((9.0, 0.0), (10.0, 2.0), False)],
)
def test_repetitions_that_do_not_deviate(first, second, exists):
    rows, _ = rows_of(evaluation({"modes_covered": first}, seeds=3), evaluation({"modes_covered": second}, seeds=3))
    assert rows["modes_covered"].differences[0].exists is exists
    assert rows["modes_covered"].best == (1 if exists or second[0] > first[0] else 0)


def test_of_one_measurement_each_no_difference_is_told():
    rows, notes = rows_of(evaluation({"frechet": 1.0}), evaluation({"frechet": 100.0}))
    assert rows["frechet"].differences[0].exists is None
    assert rows["frechet"].differ(1, 0) is None
    assert rows["frechet"].best == 0
    assert "one measurement each: no deviation, and no difference can be told; repeat with --seeds" in notes
    assert "Welch" not in notes


@pytest.mark.parametrize(("value", "exists"), [(2.9, True), (2.7, False)])
def test_deviations_that_a_metric_estimates_itself(value, exists):
    # 2 sqrt(0.3^2 + 0.4^2) = 1 beside 1.8.
    rows, notes = rows_of(evaluation({"kernel": (1.8, 0.3)}), evaluation({"kernel": (value, 0.4)}))
    assert rows["kernel"].differences[0].exists is exists
    assert rows["kernel"].differences[0].p is None
    assert "2 sqrt(da^2 + db^2)" in notes


def test_best_is_by_what_the_figure_is():
    figures = ("frechet", "recall", "conditional_accuracy/hair", "ms_ssim", "memorised_share", "memorisation_p/pixels")
    low, high = (evaluation(dict.fromkeys(figures, (value, 0.01)), seeds=3) for value in (0.2, 0.4))
    rows, _ = rows_of(low, high)
    assert [rows[name].best for name in figures] == [0, 1, 1, None, None, None]
    # Likeness and copying are told apart, if not ranked; p-values are not.
    assert [len(rows[name].differences) for name in figures] == [1, 1, 1, 1, 1, 0]


def test_figures_that_some_lack_or_that_are_not_finite():
    rows, _ = rows_of(
        evaluation({"frechet": (np.nan, np.nan), "recall": (0.5, 0.1)}, seeds=2),
        evaluation({"frechet": (3.0, 0.1)}, seeds=2),
        evaluation({"frechet": (2.0, 0.1), "density": (1.0, 0.1)}, seeds=2),
    )
    assert rows["frechet"].best == 2
    assert [each.pair for each in rows["frechet"].differences] == [(1, 2)]
    assert rows["recall"].measured[1:] == (None, None)
    assert rows["recall"].best is None
    assert rows["density"].title == "density"


def test_chosen_metrics_and_none_of_them_measured():
    both = [evaluation({"frechet": 1.0, "recall": 0.5, "patches/8px": 2.0})] * 2
    assert list(rows_of(*both)[0]) == ["frechet", "recall", "patches/8px"]
    assert list(rows_of(*both, metrics=["prdc", "patches"])[0]) == ["recall", "patches/8px"]
    with pytest.raises(DataError, match="nothing of mmd was measured"):
        rows_of(*both, metrics=["mmd"])


def test_held_out_pictures():
    real = Measured(value=1.0, real=0.5)
    rows, _ = rows_of(evaluation({"frechet": real}), evaluation({"frechet": real}))
    assert rows["frechet"].real == 0.5
    figures = {"frechet": real, "memorised_share": 0.01, "memorisation_p/pixels": 0.5, "classifier_accuracy": 0.9}
    rows, notes = rows_of(evaluation(figures), evaluation(figures, held_out=None))
    assert list(rows) == ["frechet"]
    assert rows["frechet"].real is None
    assert "left out" in notes
    assert "memorisation_p/pixels" in notes


def test_notes_say_whose_they_are():
    _, notes = rows_of(evaluation({"kernel": 1.0}, notes=("resized",)), evaluation({"kernel": 1.0}))
    assert "s0: resized" in notes
    assert "several training seeds" in notes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"extractor": network("pixels", "d")}, ("means b", "pixels d", "one --extractor")),
        ({"extractor": network("means", "d")}, ("means b", "means d", "one --extractor")),
        ({"samples": 2000}, ("100 and 2,000 samples", "one --n")),
        ({"data": {"spec": "other", "digest": "e" * 16, "images": 1}}, ("toy a", "other e", "one --data")),
        ({"extractor": network("means", "b", "lanczos")}, ("none, and lanczos", "one size")),
        ({"samples": 2000, "data": {"spec": "o", "digest": "e" * 16}}, ("one --n", "one --data")),
    ],
)
def test_what_is_not_comparable(changes, words):
    same, other = evaluation({"frechet": 1.0}), evaluation({"frechet": 1.0}, **changes)
    with pytest.raises(DataError, match="s0 and s2 are not comparable") as caught:
        compare([same, same, other], ["s0", "s1", "s2"])
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_what_is_comparable():
    # Names, other runs and repetitions do not matter.
    other = {"spec": "a copy", "digest": "a" * 16, "images": 600}
    check_comparable([Terms.of(evaluation({}), "x"), Terms.of(evaluation({}, seeds=3, data=other), "y")])


def test_json_can_be_read_back():
    found = compare([drawn(0, 10.0)[1], drawn(1, 20.0)[1]], ["a", "b"])
    content = json.loads(json.dumps(found.to_json()))
    assert content["names"] == ["a", "b"]
    assert content["figures"]["frechet"]["best"] == 0
    assert content["figures"]["frechet"]["differences"][0]["exists"] is True
    assert Evaluation.from_json(content["evaluations"][1]) == found.evaluations[1]


def test_every_metric_gives_the_figures_that_are_said(real, held_out, good, tmp_path):
    # The others want larger pictures, or a generator of other kind.
    names = [name for name in METRICS if name not in ("path_length", "classifier_accuracy", "ms_ssim", "patches")]
    found = evaluate(good, real, Means(), metrics=names, n=300, held_out=held_out, cache=tmp_path)
    measured = {figure.partition("/")[0] for figure in found.metrics}
    said = [figures_of(name) for name in names]
    assert sorted(measured) == sorted(figure for figures in said for figure in figures)
    assert figures_of("path_length") == ("path_length_z", "path_length_w")


def test_picture_has_a_strip_of_each_and_their_bars():
    found = compare([drawn(0, 10.0)[1], drawn(1, 20.0)[1]], ["a", "b"])
    grey, colour = images_of(np.arange(16)), np.full((4, 64, 64, 3), (255, 0, 0), np.uint8)
    picture = draw_comparison(found, [grey, colour])
    pixels = np.asarray(picture)
    # Enlarged 7 times: 16 of 56 px, and the gaps.
    assert picture.width >= 16 * 58
    assert (pixels == (255, 0, 0)).all(axis=2).sum() == 4 * 64 * 64
    first = pixels[(pixels != 255).any(axis=(1, 2)).argmax() :]
    assert {56} <= {int(size) for size in np.diff(np.flatnonzero(np.diff((first[60] != 255).any(axis=1))))}
    # Without pictures of the second it is lower by its row.
    assert draw_comparison(found, [grey, None]).height < picture.height


def test_main_figures_and_what_stands_in_for_them():
    some = {"frechet": 1.0, "mmd": 2.0, "recall": 0.5}
    both = [evaluation(some)] * 2
    assert [row.name for row in main_rows(compare(both, ["a", "b"]))] == ["frechet", "recall"]
    both = [evaluation({f"patches/{side}px": 1.0 for side in range(9)})] * 2
    assert len(main_rows(compare(both, ["a", "b"]))) == 6
