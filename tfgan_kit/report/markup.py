"""Pieces of HTML. Whatever comes from a file goes through `escape`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def escape(text: object) -> str:
    """Text as content or as the value of an attribute in double quotes."""
    return html.escape(" ".join(str(text).split()), quote=True)


def section(name: str, title: str, *parts: str) -> str:
    """A section with its heading; "" where every part is empty."""
    content = "\n".join(part for part in parts if part)
    return f'<section id="{name}">\n<h2>{escape(title)}</h2>\n{content}\n</section>' if content else ""


def paragraph(text: object, kind: str = "") -> str:
    """A paragraph of text, of a class of the style."""
    return f"<p{_class(kind)}>{escape(text)}</p>" if str(text) else ""


def bullets(lines: Iterable[object], kind: str = "") -> str:
    """A list; "" of no lines."""
    rows = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul{_class(kind)}>{rows}</ul>" if rows else ""


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numeric: frozenset[int] = frozenset(),
    marked: Iterable[int] = (),
) -> str:
    """A table whose first column names its rows; it scrolls by itself where it is wide. "" of no rows.

    Args:
        head: names of the columns; all empty: there is no head.
        rows: of as many cells.
        numeric: places of the columns of numbers.
        marked: places of the rows that stand out.
    """
    if not rows:
        return ""
    marked = frozenset(marked)
    top = "".join(f'<th scope="col"{_number(i in numeric)}>{escape(name)}</th>' for i, name in enumerate(head))
    lines = []
    for place, (first, *cells) in enumerate(rows):
        rest = "".join(f"<td{_number(i in numeric)}>{escape(cell)}</td>" for i, cell in enumerate(cells, 1))
        lines.append(
            f'<tr{_class("marked" if place in marked else "")}><th scope="row">{escape(first)}</th>{rest}</tr>'
        )
    caption = f"<thead><tr>{top}</tr></thead>" if any(head) else ""
    return f'<div class="wide" tabindex="0"><table>{caption}<tbody>\n' + "\n".join(lines) + "\n</tbody></table></div>"


def details(summary: str, *parts: str) -> str:
    """What is shown when it is asked for; "" where every part is empty."""
    content = "\n".join(part for part in parts if part)
    return f"<details><summary>{escape(summary)}</summary>\n{content}\n</details>" if content else ""


def figure(content: str, caption: str, kind: str = "") -> str:
    """Markup with a caption, both markup already."""
    return f"<figure{_class(kind)}>{content}<figcaption>{caption}</figcaption></figure>" if content else ""


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _number(numeric: bool) -> str:
    return _class("number" if numeric else "")
