"""Labels for picture files: from class folders, or from a table `labels.csv` beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import numpy as np

from tfgan_kit.data.source import Labels, index_labels
from tfgan_kit.errors import DataError

FILE_COLUMN = "file"


def folder_labels(names: list[str]) -> tuple[Labels | None, tuple[str, ...] | None, tuple[str, ...]]:
    """Labels by first folder; classes are the sorted folder names.

    Args:
        names: of the pictures, such as "cat/001.png".

    Returns:
        labels: (N,) int32, or None without at least two class folders.
        class_names: or None.
        notes: a warning where some pictures lie in folders and some beside them.
    """
    folders = [name.split("/")[0] if "/" in name else "" for name in names]
    classes = sorted(set(folders))
    if len(classes) < 2:
        return None, None, ()
    if "" in classes:
        beside = folders.count("")
        return None, None, (f"{beside:,} of {len(names):,} pictures lie in no class folder: no labels are used",)
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index[folder] for folder in folders], np.int32), tuple(classes), ()


class LabelTable:
    """A labels.csv: a row a picture, a column with file names and one or more with labels.

    Args:
        content: of the file, UTF-8.
        names: of the pictures.
        where: names the table in errors.

    Attributes:
        columns: that hold labels.

    Raises:
        DataError: not a table, or no column of file names.
    """

    def __init__(self, content: bytes, names: list[str], where: str) -> None:
        """Read the table and find its column of file names."""
        try:
            reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
            self._rows = list(reader)
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{where} is not a table in UTF-8: {error}") from None
        self._where = where
        headings = list(reader.fieldnames or ())
        if any(None in row or None in row.values() for row in self._rows):
            raise DataError(
                f"{where} has rows with more or fewer cells than its heading: every row needs {len(headings)}"
            )
        self._names = names if "/" in content.decode("utf-8-sig") else _file_names(names)
        self._file_column = self._find_file_column(headings)
        self.columns = [heading for heading in headings if heading != self._file_column]

    def labels(self, column: str) -> tuple[Labels, tuple[str, ...]]:
        """Labels of every picture and the class names, from a column.

        Raises:
            DataError: no such column, a file without a row, a row without a file, or two rows for a file.
        """
        if column not in self.columns:
            raise DataError(f"{self._where} has no label column {column!r}; legal: {', '.join(self.columns) or 'none'}")
        values = {row[self._file_column]: row[column] for row in self._rows}
        if len(values) < len(self._rows):
            raise DataError(
                f"{self._where} names {len(self._rows) - len(values):,} files more than once: leave one row each"
            )
        without_row = [name for name in self._names if name not in values]
        without_file = sorted(values.keys() - set(self._names))
        if without_row or without_file:
            raise DataError(
                f"{self._where} does not match the pictures: {_counted(without_row, 'pictures without a row')}, "
                f"{_counted(without_file, 'rows without a picture')}: complete the table or remove the files"
            )
        empty = [name for name in self._names if not (values[name] or "").strip()]
        if empty:
            raise DataError(
                f"{self._where} leaves {len(empty)} labels empty, such as that of {empty[0]!r}: fill them in"
            )
        return index_labels(np.array([values[name] for name in self._names]))

    def _find_file_column(self, headings: list[str]) -> str:
        """The column called `file`, or else the one that names the most pictures."""
        if FILE_COLUMN in headings:
            return FILE_COLUMN
        known = set(self._names)
        hits = {heading: sum(row[heading] in known for row in self._rows) for heading in headings}
        best = max(hits, key=hits.__getitem__, default="")
        if not hits.get(best):
            raise DataError(
                f"{self._where} has no column of file names: call it {FILE_COLUMN!r}, with "
                f"names as in {self._names[0]!r}"
            )
        return best


def _counted(names: Iterable[str], what: str) -> str:
    found = list(names)
    return f"{len(found):,} {what}" + (f" ({found[0]})" if found else "")


def _file_names(names: list[str]) -> list[str]:
    """The names without their folders, if that leaves them different; else as they are."""
    short = [name.rpartition("/")[2] for name in names]
    return short if len(set(short)) == len(names) else names
