"""What the report and the model card say of a run, as plain text: sentences, and rows of tables."""

from __future__ import annotations

import dataclasses

from tfgan_kit.evaluation.result import Evaluation, rounded
from tfgan_kit.recipe import Recipe
from tfgan_kit.recipes import RECIPES
from tfgan_kit.report.charts import best_place, in_words, metrics_of
from tfgan_kit.report.command import changes, public, typed
from tfgan_kit.report.machine import machine, versions
from tfgan_kit.report.record import RunRecord, is_number, numbers

Rows = list[tuple[str, ...]]

# Names of values that are listed; of more, the number is said.
_MOST_NAMES = 40
# Spaces in which an evaluation looks for copies, as its notes begin.
_COPY_NOTES = ("features: ", "pixels: ")


def lede(record: RunRecord) -> str:
    """What the run is, in a sentence."""
    height, width, channels = record.facts.shape
    picture = f"{height}x{width} {'grey' if channels == 1 else 'RGB'} pictures"
    asked = f", {_attributes(record)}" if record.facts.attributes else ""
    state = "" if record.finished else "; not finished"
    return (
        f"A generator of {picture}{asked}: family {record.recipe.family}, recipe {record.recipe_name}, "
        f"trained on {public(record.facts.spec)} for {record.nimg / 1000:.1f} kimg{state}."
    )


def headline(record: RunRecord) -> Rows:
    """The few numbers that come first."""
    rows: Rows = [("images seen", f"{record.nimg / 1000:.1f} kimg")]
    if record.seconds:
        rows.append(("training", duration(record.seconds)))
    if record.img_per_sec:
        rows.append(("images a second", rounded(record.img_per_sec)))
    found = record.evaluation
    if found is not None:
        name = next(iter(found.metrics), None)
        if name is not None:
            rows.append((f"{found.title(name)}, {in_words(found.key())}", rounded(found.metrics[name].value)))
    return rows


def data_rows(record: RunRecord, *, published: bool = False) -> Rows:
    """What it was trained on; `published` leaves out the folders that it lies in."""
    facts = record.facts
    rows: Rows = [
        ("source", public(facts.spec) if published else facts.spec),
        ("pictures", f"{facts.images:,}"),
        ("size", "x".join(map(str, facts.shape)) + " (height, width, channels)"),
        ("digest of pictures and labels", facts.digest),
    ]
    counts = facts.counts or ((),) * len(facts.attributes)
    for (name, values), of in zip(facts.attributes.items(), counts, strict=False):
        shown = [f"{value} ({count:,})" for value, count in zip(values, of, strict=False)] or list(values)
        more = f" and {len(shown) - _MOST_NAMES} more" if len(shown) > _MOST_NAMES else ""
        rows.append((f"values of {name}", ", ".join(shown[:_MOST_NAMES]) + more))
    return rows


def time_rows(record: RunRecord) -> Rows:
    """What training took, as far as it was measured."""
    rows: Rows = [("images seen", f"{record.nimg:,}")]
    if record.manifest:
        rows.append(("newest checkpoint", _checkpoint(record.manifest.step, record.manifest.nimg)))
    if record.best:
        held = f"{_checkpoint(record.best.step, record.best.nimg)}, by {record.recipe.keep_best}"
        rows.append(("best checkpoint", held))
    if record.seconds:
        rows.append(("time of training, previews and evaluations included", duration(record.seconds)))
    if record.img_per_sec:
        rows.append(("images a second, of the whole run", rounded(record.img_per_sec)))
    rates = numbers(record.timing, "img_per_sec")
    if rates:
        rows.append(("images a second, of the fastest tick", rounded(max(rates))))
    if record.peak_memory_mb:
        rows.append(("peak memory of the process", f"{record.peak_memory_mb:,.0f} MiB"))
    return rows


def version_rows(record: RunRecord) -> Rows:
    """What the run was begun with, and what this report was made with."""
    begun = [("tfgan-kit that began the run", record.begun_with)] if record.begun_with else []
    return [*begun, *versions().items(), *machine().items()]


def changed_rows(record: RunRecord, *, published: bool = False) -> Rows:
    """Field, value and the recipe's own, of all that differs from the recipe of that name."""
    return [
        (key, _value(key, own, published), typed(usual))
        for key, (usual, own) in changes(record.recipe, record.recipe_name).items()
    ]


def recipe_rows(record: RunRecord) -> Rows:
    """Field, value, and meaning, of every field."""
    return [
        (field.name, typed(getattr(record.recipe, field.name)), field.metadata["doc"])
        for field in dataclasses.fields(Recipe)
    ]


def recipe_origin(record: RunRecord) -> str:
    """What the recipe's name stands for, in a sentence."""
    if record.recipe_name not in RECIPES:
        return f"{record.recipe_name} is no recipe of this version of tfgan-kit."
    differing = len(changes(record.recipe, record.recipe_name))
    told = f"{differing} field{'s differ' if differing > 1 else ' differs'}" if differing else "nothing differs"
    return f"{record.recipe_name}: {RECIPES[record.recipe_name].about}; {told} from it."


def length_note(record: RunRecord) -> str:
    """What the command does not settle, or ""."""
    if record.recipe.minutes is None:
        return ""
    return (
        "The length is in minutes, so that a slower or faster machine sees fewer or more images: "
        f"--kimg {record.nimg / 1000:g} instead of --minutes trains as long as this run."
    )


def evaluation_table(found: Evaluation) -> tuple[tuple[str, ...], Rows]:
    """Head and rows of the figures; columns that would be empty are left out."""
    deviation = any(measured.deviation is not None for measured in found.metrics.values())
    real = any(measured.real is not None for measured in found.metrics.values())
    head = ("figure", "value", *["deviation"] * deviation, *["real pictures"] * real)
    rows: Rows = []
    for name, measured in found.metrics.items():
        cells = [found.title(name), rounded(measured.value) + (f" of {measured.of}" if measured.of else "")]
        for shown, number in ((deviation, measured.deviation), (real, measured.real)):
            cells += ["" if number is None else rounded(number)] * shown
        rows.append(tuple(cells))
    return head, rows


def evaluation_facts(found: Evaluation, *, published: bool = False) -> Rows:
    """What the figures depend on."""
    shown = public if published else str
    nimg = found.subject.get("nimg")
    held = found.held_out
    rows: Rows = [
        ("measured at", f"{nimg / 1000:.1f} kimg" if is_number(nimg) else "unknown"),
        ("samples", f"{found.samples:,}" + (f", {len(found.seeds)} times" if len(found.seeds) > 1 else "")),
        ("real pictures", f"{shown(found.data['spec'])}, {found.data['images']:,}, digest {found.data['digest']}"),
    ]
    if held:
        rows.append(("held-out pictures", f"{shown(held['spec'])}, {held['images']:,}, digest {held['digest']}"))
    rows += [
        ("extractor", f"{found.extractor['name']}, digest {found.extractor['digest']}"),
        ("pictures resized for it", found.extractor["resize"]),
    ]
    return rows


def copy_notes(found: Evaluation) -> list[str]:
    """What the evaluation says of copies of training pictures; [] where it did not look."""
    return [note for note in found.notes if note.startswith(_COPY_NOTES)]


def history_table(record: RunRecord, most: int = 60) -> tuple[tuple[str, ...], Rows, list[int], str]:
    """The evaluations of the run, a row each, the newest last.

    Returns:
        Head, rows, the places of rows that are best by the recipe's keep_best, and what is left out in words, or "".
    """
    lines = record.evaluations
    names = list(dict.fromkeys(name for line in lines for name in metrics_of(line)))
    best = set()
    for name in names:
        figure = name.rpartition("/")[0]
        points = [(i, metrics_of(line).get(name)) for i, line in enumerate(lines)]
        valued = [(i, float(value)) for i, value in points if is_number(value)]
        place = best_place([value for _, value in valued], figure) if figure == record.recipe.keep_best else None
        best |= {valued[place][0]} if place is not None else set()
    head = ("kimg", *(f"{name.rpartition('/')[0]}, {in_words(name.rpartition('/')[2])}" for name in names))
    kept = [i for i in range(len(lines)) if i >= len(lines) - most or i in best]
    rows = [(_kimg(lines[i].get("nimg")), *(_cell(metrics_of(lines[i]).get(name)) for name in names)) for i in kept]
    left = f"Of {len(lines)} evaluations the last {most} and the best are shown." if len(kept) < len(lines) else ""
    return head, rows, [place for place, i in enumerate(kept) if i in best], left


def duration(seconds: float) -> str:
    """Seconds in words: "52 s", "4 min 10 s", "3 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _attributes(record: RunRecord) -> str:
    attributes = record.facts.attributes
    if len(attributes) == 1:
        (values,) = attributes.values()
        return f"asked for by one of {len(values)} classes"
    return "asked for by " + ", ".join(f"{name} ({len(values)})" for name, values in attributes.items())


def _checkpoint(step: int, nimg: int) -> str:
    return f"step {step:,}, {nimg / 1000:.1f} kimg"


def _value(key: str, own: object, published: bool) -> str:
    return public(str(own)) if published and key == "data" else typed(own)


def _kimg(nimg: object) -> str:
    return f"{nimg / 1000:.1f}" if is_number(nimg) else ""


def _cell(value: object) -> str:
    return rounded(float(value)) if is_number(value) else ""
