import math

import numpy as np
import pytest

from tfgan_kit.evaluation.result import TITLES
from tfgan_kit.report.charts import MOST_POINTS, best_place, figures, in_words, statistics, thinned


def lines(count, **columns):
    return [{"step": i, "nimg": 1000 * i} | {name: of(i) for name, of in columns.items()} for i in range(1, count + 1)]


def test_known_statistics_share_charts_and_unknown_ones_have_their_own():
    drawn = statistics(lines(3, zeta=float, g_loss=float, d_loss=float, d_accuracy=lambda i: 0.5))
    assert [(chart.title, [line.label for line in chart.lines]) for chart in drawn] == [
        ("Losses", ["D", "G"]),
        ("D's accuracy", ["accuracy"]),
        ("zeta", ["zeta"]),
    ]
    assert [chart.share for chart in drawn] == [False, True, False]
    assert drawn[0].lines[0].x.tolist() == drawn[0].lines[0].y.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None, "many", True, [1], 10**400])
def test_what_is_no_number_is_left_out(bad):
    (chart,) = statistics(lines(5, d_loss=lambda i: bad if i == 2 else i))
    assert chart.lines[0].y.tolist() == [1, 3, 4, 5]
    assert statistics(lines(5, d_loss=lambda i: bad)) == []


def test_a_statistic_that_begins_late_is_drawn_from_there():
    rows = lines(4, d_loss=float)
    rows[3]["g_loss"] = 7.0
    (chart,) = statistics(rows)
    assert chart.lines[1].x.tolist() == [4.0]


def test_learning_rates_are_drawn_where_they_change():
    assert statistics(lines(3, lr_factor=lambda i: 1.0)) == []
    assert [chart.title for chart in statistics(lines(3, lr_factor=lambda i: 1 / i))] == ["Learning rates"]


def test_thinning_keeps_ends_and_extremes():
    x, y = np.arange(10_000.0), np.random.default_rng(0).normal(size=10_000)
    y[[1234, 8000]] = 50.0, -50.0
    kept = thinned(x, y, 100)
    assert len(kept) <= 100
    assert {0, 1234, 8000, 9999} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    assert thinned(x[:100], y[:100], 100).tolist() == list(range(100))


def test_long_runs_are_thinned():
    (chart,) = statistics(lines(5000, d_loss=float))
    assert 50 < len(chart.lines[0].x) <= MOST_POINTS


def test_figures_that_were_measured_once_are_no_curve():
    def measured(i):
        return {"frechet/mnist-cnn@2000": 10.0 - i} | ({"recall/mnist-cnn@2000": 0.1} if i == 1 else {})

    drawn = figures(lines(3, metrics=measured))
    assert [(chart.title, chart.lines[0].label) for chart in drawn] == [
        ("Frechet distance", "mnist-cnn, 2,000 samples")
    ]
    assert drawn[0].lines[0].y.tolist() == [9.0, 8.0, 7.0]
    assert drawn[0].lines[0].best == 2


def test_figures_of_other_samples_are_other_lines():
    rows = lines(4, metrics=lambda i: {f"frechet/mnist-cnn@{1000 * (1 + i % 2)}": float(i)})
    (chart,) = figures(rows)
    assert [line.label for line in chart.lines] == ["mnist-cnn, 2,000 samples", "mnist-cnn, 1,000 samples"]
    assert [line.y.tolist() for line in chart.lines] == [[1.0, 3.0], [2.0, 4.0]]


def test_figures_of_attributes_keep_their_names():
    (chart,) = figures(lines(2, metrics=lambda i: {"conditional_accuracy/hair/cnn@10": 0.1 * i}))
    assert chart.title == "As asked for, hair"
    assert chart.lines[0].best == 1


@pytest.mark.parametrize("metrics", [None, 3, "x", {}])
def test_evaluations_without_figures_are_none(metrics):
    assert figures([{"nimg": 1, "metrics": metrics}] * 3) == []


def test_the_best_is_the_lowest_or_the_highest():
    assert best_place([3.0, 1.0, 2.0, 1.0], "frechet") == 1
    assert best_place([3.0, 1.0, 2.0, 3.0], "recall") == 0
    assert best_place([3.0, 1.0], "ms_ssim") is None
    assert best_place([3.0, 1.0], "anything") is None
    assert best_place([3.0], "frechet") is None


def test_every_figure_without_a_direction_is_a_figure():
    from tfgan_kit.report.charts import _NO_DIRECTION

    assert set(_NO_DIRECTION) <= set(TITLES)


def test_what_a_figure_was_measured_in_is_said_in_words():
    assert in_words("mnist-cnn@10000") == "mnist-cnn, 10,000 samples"
    assert in_words("odd") == "odd"
