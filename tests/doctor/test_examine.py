"""When a finding begins, when it is over, and that equal ticks give equal findings."""

import json

import pytest

from tfgan_kit.doctor.diagnosis import diagnose
from tfgan_kit.doctor.examine import Examination
from tfgan_kit.recipe import Recipe

RECIPE = Recipe(kimg=100, watch_from_kimg=0.0)


def line(tick, **figures):
    return {"step": tick, "nimg": 1000 * tick, **figures}


def flat(*contrasts):
    return [line(i, fake_contrast=value) for i, value in enumerate(contrasts, 1)]


def test_a_finding_begins_once_and_is_over_after_as_many_ticks():
    examination = Examination(RECIPE)
    begun, over = {}, {}
    for tick in flat(1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1):
        for place, found in zip((begun, over), examination.add(tick), strict=True):
            if found:
                place[tick["step"]] = found
    assert list(begun) == [4]
    assert list(over) == [12]
    (finding,) = examination.findings
    assert (finding.since_nimg, finding.told_nimg, finding.until_nimg) == (1000, 4000, 9000)
    assert finding.failure
    assert finding.kind == "failure"


def test_a_finding_may_come_again():
    findings = Examination(RECIPE, flat(0, 0, 0, 1, 1, 1, 0, 0, 0)).findings
    assert [(f.since_nimg, f.until_nimg) for f in findings] == [(0, 3000), (6000, None)]


def test_a_row_that_is_interrupted_begins_anew():
    assert not Examination(RECIPE, flat(0, 0, 1, 0, 0, 1, 0, 0)).findings


def test_ticks_without_the_figure_leave_an_alarm_as_it_was():
    lines = [line(1, fake_contrast=0.0), line(2), line(3, fake_contrast=0.0), line(4), line(5, fake_contrast=0.0)]
    (finding,) = Examination(RECIPE, lines).findings
    assert (finding.since_nimg, finding.told_nimg) == (0, 5000)


def test_the_earliest_failure_that_lasts_is_when_it_began():
    notes = [line(i, d_grad_norm=200.0) for i in range(1, 4)]
    assert Examination(RECIPE, notes).failing_since_nimg is None
    later = [line(4, d_grad_norm=200.0), *(line(i, d_grad_norm=200.0, fake_contrast=0.0) for i in range(5, 8))]
    assert Examination(RECIPE, [*notes, *later]).failing_since_nimg == 4000


@pytest.mark.parametrize("value", [None, "0", True, [0]])
def test_what_is_no_number_is_not_measured(value):
    examination = Examination(RECIPE, [line(i, fake_contrast=value) for i in range(1, 5)])
    assert not examination.findings
    assert "flat samples" not in examination.read


def test_the_same_ticks_one_by_one_or_at_once_give_the_same():
    lines = flat(0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0)
    one_by_one = Examination(RECIPE)
    for tick in lines:
        one_by_one.add(tick)
    again = diagnose(RECIPE, json.loads(json.dumps(lines)))
    assert tuple(one_by_one.findings) == again.findings
    assert again == diagnose(RECIPE, lines)


def test_a_diagnosis_says_what_was_watched_and_that_nothing_is_wrong():
    well = diagnose(RECIPE, [line(i, fake_contrast=1.0, d_grad_norm=1.0) for i in range(1, 5)])
    (remark,) = well.remarks()
    assert "nothing wrong in 4 ticks" in remark
    assert set(well.watched) == {"flat samples", "D's gradients", "D's gradients explode"}
    assert well.left.keys() & {"samples alike", "loss scale"} == {"samples alike", "loss scale"}
    assert diagnose(RECIPE, []).remarks() == []


def test_a_run_that_is_too_short_to_be_judged_is_said_to_be():
    lines = [line(i, fake_contrast=0.0, d_grad_norm=1.0) for i in range(1, 4)]
    found = diagnose(Recipe(kimg=100, watch_from_kimg=10.0), lines)
    assert found.watched == ("D's gradients explode",)
    assert found.left["flat samples"] == "it is not judged before watch_from_kimg=10, and no tick is of later"
    assert found.left["loss scale"] == "only precision=mixed_float16 has a loss scale"
    assert "not in these ticks" in found.left["G's gradients explode"]


def test_a_run_that_diverged_has_a_failure_that_no_tick_shows():
    diverged = line(7, diverged={"why": "d_loss was not finite at step 65", "since_nimg": 6500})
    found = diagnose(RECIPE, [line(i, fake_contrast=1.0) for i in range(1, 7)], divergence=diverged)
    (finding,) = found.present
    assert (finding.failure, finding.since_nimg, finding.told_nimg) == (True, 6500, 7000)
    assert "no longer finite (since 6.5 kimg: d_loss was not finite at step 65); try --set d_lr=" in finding.sentence()
    assert found.remarks() == [f"failure: {finding.sentence()}"]


def test_a_diagnosis_puts_failures_first_and_what_is_over_last():
    sick = {"d_grad_norm": 200.0, "fake_grey": 0.0}
    lines = [line(i, **sick, fake_contrast=0.0 if i < 4 else 1.0) for i in range(1, 9)]
    rollback = {"to_step": 2, "to_nimg": 2000, "lr_scale": 0.5, "why": "flat"}
    found = diagnose(RECIPE, lines, [line(3, rollback=rollback)])
    assert [f.alarm for f in found.present] == ["saturated samples", "D's gradients"]
    assert [f.alarm for f in found.past] == ["flat samples"]
    kinds = [remark.split(":")[0] for remark in found.remarks()]
    assert kinds[:3] == ["failure", "note", "over"]
    assert kinds[3].startswith("rolled back from 3 to 2 kimg")
    content = json.loads(json.dumps(found.to_json()))
    assert content["rollbacks"] == [{"failed_kimg": 3.0, "to_kimg": 2.0, "lr_scale": 0.5, "why": "flat"}]
    assert {f["alarm"] for f in content["findings"]} == {"saturated samples", "D's gradients", "flat samples"}


def test_a_sentence_has_what_since_when_the_evidence_and_what_to_try():
    (finding,) = Examination(RECIPE, flat(1, 0, 0, 0)).findings
    assert finding.sentence() == (
        "samples are dead: each is one shade (since 1 kimg: within a sample, the contrast is 0 % of the real "
        "pictures'); try --set g_lr=5e-05 or --set d_lr=5e-05"
    )
