"""MODEL_CARD.md: what who takes the model must know, as plain Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from tfgan_kit.report import facts
from tfgan_kit.report.command import command_of, public
from tfgan_kit.report.record import RunRecord

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$!])")


def card(record: RunRecord) -> str:
    """The whole card. Data on disk is named without the folders that it lies in."""
    parts = [
        f"# {plain(record.name)}",
        plain(facts.lede(record)),
        *_use(record),
        "## Training data",
        _table(("", ""), facts.data_rows(record, published=True)),
        *_procedure(record),
        *_evaluation(record),
        *_limits(record),
        "## Versions",
        _table(("", ""), facts.version_rows(record)),
        "Packages, system and processor are those that this card was made with.",
        "## Licence",
        "**Not stated.** Whoever publishes this model fills this in, and makes sure that the licence of the training "
        "data allows it.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: object) -> str:
    """Text that Markdown and the HTML in it leave as it is."""
    return html.escape(_SPECIAL.sub(r"\\\1", " ".join(str(text).split())), quote=False)


def fenced(text: str) -> str:
    """Text as a block of code, whatever is in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _use(record: RunRecord) -> list[str]:
    height, width, _ = record.facts.shape
    return [
        "## Intended use",
        f"It draws pictures of {height}x{width} px like those of {plain(public(record.facts.spec))}, from a seed"
        + (" and the values that are asked for" if record.facts.attributes else "")
        + ". It was checked for nothing beyond the figures below.",
    ]


def _procedure(record: RunRecord) -> list[str]:
    changed = facts.changed_rows(record, published=True)
    return [
        "## Training procedure",
        "The command that makes it again, on the same data:",
        fenced(command_of(record.recipe, record.recipe_name, published=True)),
        plain(facts.length_note(record)),
        f"{plain(facts.recipe_origin(record))} Digest of the recipe: {record.recipe.digest()}.",
        _table(("field", "here", record.recipe_name), changed),
        _table(("", ""), facts.time_rows(record)),
    ]


def _evaluation(record: RunRecord) -> list[str]:
    found = record.evaluation
    if found is None:
        return ["## Evaluation", "Not evaluated. `tfgan evaluate` measures it."]
    head, rows = facts.evaluation_table(found)
    return [
        "## Evaluation",
        _table(head, rows),
        _table(("", ""), facts.evaluation_facts(found, published=True)),
        _bullets(found.notes),
    ]


def _limits(record: RunRecord) -> list[str]:
    found = record.evaluation
    lines = []
    if not record.finished:
        lines.append("The run is not finished.")
    lines += [f"When training ended: {finding.what} ({finding.evidence})." for finding in record.diagnosis.present]
    if found is None:
        lines.append("Neither the quality of its pictures nor their variety was measured.")
        lines.append("Whether it copies training pictures was not measured.")
    else:
        lines.append(
            f"The figures are in the features of {found.extractor['name']} and of {found.samples:,} samples: they "
            "compare with figures of the same extractor, number, resizing and data alone."
        )
        lines.append("What the extractor does not see, no figure shows.")
        copies = facts.copy_notes(found)
        lines += [f"Copies of training pictures, in {note}." for note in copies]
        if not copies:
            lines.append("Whether it copies training pictures was not measured.")
        if found.subject.get("nimg") != record.nimg:
            lines.append("The figures are of another state of the run than its newest one.")
    lines.append("What training data lacks or has too much of, the model does too; the data was not examined for that.")
    return ["## Limits", _bullets(lines)]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    lines = [[plain(cell) for cell in head], ["---"] * len(head), *([plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {plain(line)}" for line in lines)
