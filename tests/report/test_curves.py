import builtins
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from report_runs import HOSTILE

from tfgan_kit.errors import MissingPackageError
from tfgan_kit.report.charts import Chart, Line
from tfgan_kit.report.curves import scaling, svg


def chart(*values, title="Losses", best=None, share=False):
    lines = (
        Line(label=f"line {i}", x=np.arange(float(len(y))), y=np.array(y, float), best=best)
        for i, y in enumerate(values)
    )
    return Chart(title=title, lines=tuple(lines), share=share)


def test_a_chart_is_one_element_that_says_what_it_shows():
    root = ElementTree.fromstring(svg(chart([1.0, 4.0, 2.0], [2.0, 2.0, 2.5], best=1), "curve-1"))
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "curve-1-title curve-1-desc"
    assert [(child.tag, child.get("id")) for child in root[:2]] == [
        ("title", "curve-1-title"),
        ("desc", "curve-1-desc"),
    ]
    assert root[1].text.startswith("line 0: from 1 at 0 kimg to 2 at 2 kimg, between 1 and 4, best 4 at 1 kimg; line 1")


def test_it_points_nowhere_and_has_only_colours_of_the_page():
    drawn = svg(chart([1.0, 4.0], [2.0, 2.0], [3.0, 2.0], [0.0, 1.0], [5.0, 1.0]), "curve-1")
    assert "http" not in drawn
    assert "xmlns" not in drawn
    assert all(link.startswith("#curve") or link.startswith("#m") for link in re.findall(r'href="([^"]*)"', drawn))
    assert set(re.findall(r"#[0-9a-fA-F]{6}\b", drawn)) == set()
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", drawn))
    assert used == {"--ink", "--rule", "--line-1", "--line-2", "--line-3", "--line-4"}


def test_names_of_parts_are_unlike_those_of_other_charts():
    names = [set(re.findall(r'\bid="([^"]*)"', svg(chart([1.0, 2.0]), f"curve-{i}"))) for i in range(2)]
    assert names[0]
    assert not names[0] & names[1]


def test_equal_charts_are_drawn_equally():
    assert svg(chart([1.0, 2.0]), "a") == svg(chart([1.0, 2.0]), "a")


def test_a_title_does_no_harm():
    drawn = svg(chart([1.0], title=HOSTILE + r"\1 \g<0>"), "a")
    assert "<script" not in drawn
    assert r"\1 \g&lt;0&gt;" in drawn


@pytest.mark.parametrize(
    "values",
    [[0.0], [3e38, -3e38], [1e-300, 1e100], [0.0, 0.0, 0.0], [1e-7, 2e-7, 5e30], [-1.0, 1e20, 3.0], [1e100, -1e100]],
)
def test_any_range_is_drawn(values):
    text = "".join(ElementTree.fromstring(svg(chart(values), "a")).itertext())
    assert "nan" not in text
    assert "inf" not in text


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 2.0, 3.0], "linear"),
        ([1.0, 2.0, 1e6], "log"),
        ([1e-6, 1.0, 1.0, 2.0], "log"),
        ([-1.0, 2.0, 1e6], "symlog"),
        ([0.0, 1.0, 2.0, 1e6], "symlog"),
        ([0.0, 0.0], "linear"),
    ],
)
def test_the_scale_is_that_on_which_something_is_seen(values, scale):
    assert scaling(np.array(values))[0] == scale


def test_matplotlib_that_is_not_there_is_said(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match=r"pip install 'tfgan-kit\[evaluate\]'"):
        svg(chart([1.0]), "a")
