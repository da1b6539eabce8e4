"""report.html: one page that holds all it shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfgan_kit.evaluation.result import rounded
from tfgan_kit.report import charts, facts, picture_parts
from tfgan_kit.report.charts import Chart
from tfgan_kit.report.command import command_of
from tfgan_kit.report.curves import COLOURS, DASHES, svg
from tfgan_kit.report.markup import bullets, details, escape, figure, paragraph, section, table
from tfgan_kit.report.record import Histogram, RunRecord
from tfgan_kit.report.style import STYLE
from tfgan_kit.report.walk import Painter

# Nothing but this file: no script, no connection, pictures that it holds itself.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST_CLASSES = 60


def page(record: RunRecord, painter: Painter | None = None, remarks: Sequence[str] = ()) -> str:
    """The whole page.

    Args:
        record: the run.
        painter: its generator; None: no interpolations, and the newest preview stands for its samples.
        remarks: lines on the curves.

    Raises:
        MissingPackageError: there are curves to draw, and no matplotlib.
    """
    unread = [*record.unread]
    sections = [
        ("samples", "Samples", picture_parts.grid(record, painter, unread)),
        ("growth", "While it trained", picture_parts.growth(record, unread)),
        ("interpolations", "Interpolations", picture_parts.interpolations(record, painter)),
        ("figures", "Figures", _evaluation(record)),
        ("figures-over-time", "Figures over time", _history(record)),
        ("nearest", "Nearest training pictures", picture_parts.nearest(record, unread)),
        ("classes", "Classes", _classes(record)),
        ("curves", "Curves", _curves(record, remarks)),
        ("recipe", "Recipe", _recipe(record)),
        ("data", "Data", table(("", ""), facts.data_rows(record))),
        ("cost", "Time and cost", _cost(record)),
        ("versions", "Versions", table(("", ""), facts.version_rows(record)) + _versions_note()),
    ]
    sections = [(name, title, content) for name, title, content in sections if content]
    links = "".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title, _ in sections)
    numbers = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.headline(record))
    return "\n".join([
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',
        f"<title>{escape(record.name)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        "<header>",
        f"<h1>{escape(record.name)}</h1>",
        paragraph(facts.lede(record)),
        bullets((f"could not be read: {line}" for line in unread), "warning"),
        f'<dl class="facts">{numbers}</dl>',
        f'<nav aria-label="Contents"><ul>{links}</ul></nav>',
        "</header>",
        "<main>",
        *(section(name, title, content) for name, title, content in sections),
        "</main>",
        "</body>",
        "</html>",
        "",
    ])  # fmt: skip


def _curves(record: RunRecord, remarks: Sequence[str]) -> str:
    drawn = charts.statistics(record.stats)
    if not drawn:
        return ""
    left = [chart.title for chart in drawn[charts.MOST_CHARTS :]]
    about = f"Means of each of {len(record.stats):,} ticks."
    if len(record.stats) > charts.MOST_POINTS:
        about += f" Curves are thinned to at most {charts.MOST_POINTS} points, which keep the extremes."
    if left:
        about += f" Not drawn: {', '.join(left)}."
    remarked = f"<h3>Remarks</h3>{bullets(remarks)}" if remarks else ""
    return remarked + paragraph(about, "soft") + _charts(drawn, "curve")


def _charts(drawn: Sequence[Chart], name: str) -> str:
    shown = drawn[: charts.MOST_CHARTS]
    return '<div class="charts">' + "\n".join(_chart(chart, f"{name}-{i}") for i, chart in enumerate(shown)) + "</div>"


def _chart(chart: Chart, name: str) -> str:
    keys = []
    for i, line in enumerate(chart.lines):
        best = "" if line.best is None else f", best {rounded(line.y[line.best])} at {line.x[line.best]:g} kimg"
        last = f"{rounded(line.y[-1])}{best}"
        stroke = f"stroke:var(--line-{i % COLOURS + 1});stroke-width:2;stroke-dasharray:{DASHES[i % len(DASHES)]}"
        swatch = f'<svg viewBox="0 0 26 10" aria-hidden="true"><path d="M0 5H26" style="{stroke}"/></svg>'
        keys.append(f'<span class="key">{swatch}{escape(line.label)}: {escape(last)}</span>')
    about = f"<br>{escape(chart.about)}" if chart.about else ""
    drawn = f"<h3>{escape(chart.title)}</h3>{svg(chart, name)}"
    return figure(drawn, f"{''.join(keys)}{about}")


def _evaluation(record: RunRecord) -> str:
    found = record.evaluation
    if found is None:
        return ""
    head, rows = facts.evaluation_table(found)
    numeric = frozenset(range(1, len(head)))
    return "\n".join(
        [
            table(head, rows, numeric=numeric),
            bullets(found.notes),
            details("What these figures depend on", table(("", ""), facts.evaluation_facts(found))),
        ]
    )


def _history(record: RunRecord) -> str:
    if not record.evaluations:
        return ""
    drawn = charts.figures(record.evaluations)
    head, rows, best, left = facts.history_table(record)
    whole = table(head, rows, numeric=frozenset(range(1, len(head))), marked=best)
    kept = f"Marked: the best by {record.recipe.keep_best}." if best else ""
    shown = details("All evaluations", paragraph(f"{kept} {left}".strip(), "soft"), whole)
    return (_charts(drawn, "figure") if drawn else "") + shown


def _classes(record: RunRecord) -> str:
    if not record.histograms:
        return ""
    about = (
        "Share of pictures that the extractor gives each value: "
        '<span class="swatch"></span> real, <span class="swatch fake"></span> samples.'
    )
    parts = [f'<p class="soft">{about}</p>']
    for name, histogram in record.histograms.items():
        heading = f"<h3>{escape(name)}</h3>" if len(record.histograms) > 1 else ""
        parts.append(f"{heading}{_bars(histogram)}")
    return "\n".join(parts)


def _bars(histogram: Histogram) -> str:
    """A row a class, of many classes those whose shares differ most."""
    real, fake = np.array(histogram.real), np.array(histogram.fake)
    places = np.sort(np.argsort(-np.abs(fake - real), kind="stable")[:_MOST_CLASSES])
    longest = max(real[places].max(), fake[places].max())
    rows = []
    for i in places:
        widths = [f"{100 * share / longest:.1f}%" for share in (real[i], fake[i])]
        bars = (
            f'<span class="pair"><i style="width:{widths[0]}"></i><i class="fake" style="width:{widths[1]}"></i></span>'
        )
        rows.append(
            f'<span>{escape(histogram.names[i])}</span>{bars}<span class="number">{real[i]:.1%} / {fake[i]:.1%}</span>'
        )
    fewer = len(real) - len(places)
    left = f"Left out: {fewer} values whose shares differ least." if fewer else ""
    return f'<div class="bars">{"".join(rows)}</div>{paragraph(left, "soft")}'


def _recipe(record: RunRecord) -> str:
    changed = facts.changed_rows(record)
    names = {row[0] for row in changed}
    every = facts.recipe_rows(record)
    return "\n".join(
        [
            paragraph("The command that makes this run again, on the same data:"),
            f"<pre><code>{escape(command_of(record.recipe, record.recipe_name))}</code></pre>",
            paragraph(facts.length_note(record), "soft"),
            paragraph(facts.recipe_origin(record)),
            table(("field", "here", record.recipe_name), changed),
            details(
                f"Every field (digest {record.recipe.digest()})",
                table(
                    ("field", "value", "meaning"), every, marked=[i for i, row in enumerate(every) if row[0] in names]
                ),
            ),
        ]
    )


def _cost(record: RunRecord) -> str:
    return table(("", ""), facts.time_rows(record)) + paragraph("Money and energy were not measured.", "soft")


def _versions_note() -> str:
    return paragraph("Packages, system and processor are those that this report was made with.", "soft")
