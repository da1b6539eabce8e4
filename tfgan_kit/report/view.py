"""A run as an object that shows itself in Jupyter."""

from __future__ import annotations

import os
from pathlib import Path

from tfgan_kit.report import facts, picture_parts
from tfgan_kit.report.markup import bullets, escape, paragraph, table
from tfgan_kit.report.record import RunRecord, read_record
from tfgan_kit.training.run_folder import RunFolder


class Run:
    """A run folder, whose record is read whenever it is asked for, so that one that trains is shown as it is.

    Attributes:
        path: of the folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Look at a run.

        Args:
            path: of its folder.

        Raises:
            RunError: not a run, or not readable.
        """
        self.path = Path(path)
        RunFolder(self.path).read()

    @property
    def record(self) -> RunRecord:
        """Everything the folder holds: recipe, facts of the data, a line a tick, evaluations."""
        return read_record(RunFolder(self.path))

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        record = self.record
        unread = [*record.unread]
        parts = [
            f"<h3>{escape(record.name)}</h3>",
            paragraph(facts.lede(record)),
            picture_parts.grid(record, None, unread),
            table(("", ""), facts.headline(record)),
            _figures(record),
            bullets(f"could not be read: {line}" for line in unread),
            paragraph(f"All of it, with curves, is on one page: tfgan report {self.path}"),
        ]
        return "\n".join(part for part in parts if part)

    def _repr_png_(self) -> bytes | None:
        previews = self.record.previews
        return previews[-1].read_bytes() if previews else None


def _figures(record: RunRecord) -> str:
    if record.evaluation is None:
        return ""
    head, rows = facts.evaluation_table(record.evaluation)
    return table(head, rows, numeric=frozenset(range(1, len(head))))


def open_run(path: str | os.PathLike[str]) -> Run:
    """The run in a folder.

    Raises:
        RunError: not a run, or not readable.
    """
    return Run(path)
