"""The page and the card as files: whole, harmless, bounded, and there whatever a run lacks."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from report_runs import (
    CLASSES,
    HOSTILE,
    Grey,
    add_evaluation,
    add_evaluations,
    add_previews,
    add_ticks,
    begin,
    evaluation,
    whole,
)

from tfgan_kit.errors import RunError
from tfgan_kit.report.write import LiveReport, write_report
from tfgan_kit.training.run_folder import RunFolder

VOID = {"meta", "link", "img", "br"}
MOST_BYTES = 6_000_000


class Page(HTMLParser):
    """What a page has, and whether its elements are closed in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.ids, self.text, self._open = [], [], [], "", []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1:] != ["style"]:
            self.text += data

    def sections(self):
        return [value for tag, name, value in self.attributes if tag == "section" and name == "id"]


def page_of(folder, painter=None, remarks=()) -> Page:
    written = write_report(folder, painter, remarks)
    text = written.report.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    found = Page(text)
    check_closed(found)
    return found


def check_closed(page):
    """Nothing is run, and nothing is asked of anyone."""
    assert not {"script", "iframe", "object", "embed", "form", "base"} & set(page.tags)
    assert len(page.ids) == len(set(page.ids))
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in {"src", "href", "srcset", "action", "data"}:
            assert value.startswith(("data:", "#")), (tag, value[:80])
            assert not value.startswith("#") or value[1:] in page.ids
        if name == "style":
            assert "url(" not in value.replace("url(#", "")
    (policy,) = [value for tag, name, value in page.attributes if (tag, name) == ("meta", "content") and "src" in value]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline';")


def test_a_run_that_has_all_shows_all(tmp_path):
    found = page_of(whole(tmp_path / "0001-mnist"), Grey(), ["D wins after 4 kimg."])
    assert found.sections() == [
        "samples", "growth", "interpolations", "figures", "figures-over-time", "nearest", "classes", "curves",
        "recipe", "data", "cost", "versions",
    ]  # fmt: skip
    for text in (
        "0001-mnist", "D wins after 4 kimg.", "Frechet distance", "12.35", "3 of 4", "no sign of copying",
        "best 9 at 2 kimg", "tfgan train mnist --resolution 8x8", "0123456789abcdef", "908 MiB", "20 s",
        "25.0% / 60.0%", "In z: each row", "great circle", "Python",
    ):  # fmt: skip
        assert text in found.text, text


@pytest.mark.parametrize("painter", [None, Grey()])
def test_a_run_that_has_just_begun_has_its_recipe(tmp_path, painter):
    found = page_of(begin(tmp_path / "0001-mnist"), painter)
    drawn = ["samples", "interpolations"] if painter else []
    assert found.sections() == [*drawn, "recipe", "data", "cost", "versions"]
    assert "not finished" in found.text


def test_a_run_without_evaluation_says_so_in_its_card(tmp_path):
    folder = begin(tmp_path / "run")
    add_ticks(folder, 3)
    add_previews(folder, 2)
    assert {"figures", "nearest", "classes", "interpolations"}.isdisjoint(page_of(folder).sections())
    card = (folder.path / "MODEL_CARD.md").read_text()
    assert "Not evaluated." in card
    assert "Whether it copies training pictures was not measured." in card


def test_pairs_of_an_older_evaluation_are_not_shown(tmp_path):
    folder = begin(tmp_path / "run")
    add_evaluation(folder)
    assert "nearest" in page_of(folder).sections()
    add_evaluation(folder, evaluation(pairs=()))
    assert "nearest" not in page_of(folder).sections()


def test_evaluations_while_training_are_a_curve(tmp_path):
    folder = begin(tmp_path / "run")
    add_evaluations(folder, [5.0, 3.0, 4.0])
    found = page_of(folder)
    assert "figures-over-time" in found.sections()
    assert "best 3 at 2 kimg" in found.text
    assert ("tr", "class", "marked") in found.attributes


def test_names_from_files_do_no_harm(tmp_path):
    folder = whole(tmp_path / "run")
    add_ticks(folder, 2, **{HOSTILE: float, '" onload="x': float})
    with folder.stats.open("a") as file:
        file.write(json.dumps({"nimg": 9000, "metrics": {f"{HOSTILE}/{HOSTILE}@7": 1.0}}) + "\n")
    hostile = evaluation(
        extractor={"name": HOSTILE, "digest": HOSTILE, "resize": HOSTILE},
        data={"spec": HOSTILE, "digest": HOSTILE, "images": 3},
        metrics={HOSTILE: evaluation().metrics["frechet"]},
        notes=(HOSTILE,),
    )
    add_evaluation(folder, hostile)
    found = page_of(folder, Grey(), [HOSTILE])
    assert found.text.count(HOSTILE) > 10
    card = (folder.path / "MODEL_CARD.md").read_text()
    assert "<script" not in card
    assert not re.search(r"(?<!\\)\]\(", card)
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (3, 4, 5) for row in rows)


def test_a_half_written_last_line_is_left_out(tmp_path):
    folder = begin(tmp_path / "run")
    add_ticks(folder, 3)
    for file in (folder.stats, folder.timing):
        with file.open("a") as stream:
            stream.write('{"step": 64, "nimg": 99000, "d_lo')
    found = page_of(folder)
    assert "Means of each of 3 ticks." in found.text
    assert "99.0" not in found.text


def test_a_huge_range_is_drawn(tmp_path):
    folder = begin(tmp_path / "run")
    add_ticks(folder, 5, d_loss=lambda i: 10.0 ** (9 * i - 8), g_loss=lambda i: -(3e38 ** (i / 5)))
    assert "curves" in page_of(folder).sections()


def test_long_runs_stay_small(tmp_path):
    folder = begin(tmp_path / "run")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5_000, 4))
    named = ({f"s{k}": v for k, v in enumerate(row)} for row in rows.tolist())
    lines = ({"step": i, "nimg": 1000 * i, **row} for i, row in enumerate(named))
    folder.stats.write_text("".join(json.dumps(line) + "\n" for line in lines))
    written = write_report(folder)
    assert written.report.stat().st_size < 200_000
    assert "thinned" in written.report.read_text()


@pytest.mark.parametrize("name", ["nearest.png", "progress.gif", "evaluation.json", "preview"])
def test_a_damaged_part_is_said_and_left_out(tmp_path, name):
    folder = whole(tmp_path / "run")
    last = folder.preview_path(32)
    (last if name == "preview" else folder.path / name).write_bytes(b"\x89PNG half of")
    assert "could not be read" in page_of(folder).text


@pytest.mark.parametrize(
    "histograms", [{"a": {}}, {"a": {"names": ["x"], "real": [1], "fake": [0]}}, {"a": {"names": 3}}]
)
def test_a_histogram_of_something_else_is_said(tmp_path, histograms):
    folder = begin(tmp_path / "run")
    add_evaluation(folder, evaluation(histograms=histograms))
    found = page_of(folder)
    assert "the histogram of an evaluation is not readable" in found.text
    assert "classes" not in found.sections()


def test_many_classes_are_the_ones_that_differ_most(tmp_path):
    folder = begin(tmp_path / "run")
    fake = [10] * 500
    fake[321] = 900
    names = [f"class{i}" for i in range(500)]
    add_evaluation(folder, evaluation(histograms={"a": {"names": names, "real": [10] * 500, "fake": fake}}))
    found = page_of(folder)
    assert "class321" in found.text
    assert "Left out: 440 values" in found.text


def test_equal_runs_give_equal_files(tmp_path):
    texts = []
    for parent in ("a", "b"):
        folder = whole(tmp_path / parent / "run")
        written = write_report(folder, Grey())
        texts.append((written.report.read_bytes(), written.card.read_bytes()))
    assert texts[0] == texts[1]
    assert not list(folder.path.glob(".tmp-*"))


def test_a_card_that_was_edited_is_left_as_it_is(tmp_path):
    folder = begin(tmp_path / "run")
    card = write_report(folder).card
    before = card.read_text()
    add_evaluation(folder)
    assert write_report(folder).card == card
    assert card.read_text() != before
    edited = card.read_text().replace("**Not stated.**", "CC0.")
    card.write_text(edited)
    assert write_report(folder).card is None
    assert card.read_text() == edited
    card.unlink()
    assert write_report(folder).card == card


def test_the_card_has_the_facts_and_no_folders(tmp_path):
    folder = whole(tmp_path / "0007-pets", name="pictures", data="folder:/home/somebody/pets")
    write_report(folder)
    card = (folder.path / "MODEL_CARD.md").read_text()
    assert "/home/somebody" not in card
    for text in (
        "# 0007-pets", "folder:pets", "0123456789abcdef", "tfgan train pictures", "12.35", "| extractor | pixels",
        "500, 2 times", "no sign of copying", "## Licence", "**Not stated.**", "dog &amp; cat (15)",
    ):  # fmt: skip
        assert text in card, text
    assert all(plain in card for plain in ("# 0007-pets", "## Limits", "## Versions"))


def test_the_card_says_where_the_figures_are_of_another_state(tmp_path):
    folder = whole(tmp_path / "run")
    add_evaluation(folder, evaluation(nimg=2000))
    write_report(folder)
    assert "another state of the run" in (folder.path / "MODEL_CARD.md").read_text()


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(RunError, match="is not a run"):
        write_report(RunFolder(tmp_path))


def test_a_column_a_class_is_only_said_where_it_is_so(tmp_path):
    assert len(CLASSES) == 4
    for columns, said in ((4, True), (2, False)):
        folder = begin(tmp_path / str(columns), classes=CLASSES, preview_grid=(2, columns))
        assert ("A column a class" in page_of(folder, Grey()).text) == said


def test_a_live_report_takes_a_small_share_of_the_time(tmp_path, monkeypatch):
    from tfgan_kit.report import write

    now, written = [0.0], []

    def costly(folder, painter, remarks=()):
        written.append(now[0])
        now[0] += 3.0

    monkeypatch.setattr(write, "write_report", costly)
    live = LiveReport(RunFolder(tmp_path), Grey(), notify=pytest.fail, clock=lambda: now[0])
    for _ in range(280):
        live.after_checkpoint(False)
        now[0] += 1.0
    assert written == [0.0, 100.0, 200.0]
    live.write()
    assert len(written) == 4


def test_a_live_report_that_fails_is_said_once_and_training_goes_on(tmp_path):
    said = []
    live = LiveReport(RunFolder(tmp_path), Grey(), notify=said.append)
    live.write()
    live.write()
    assert len(said) == 1
    assert said[0].startswith("no report was written: ")
    assert "is not a run" in said[0]
