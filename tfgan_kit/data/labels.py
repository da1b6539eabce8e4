"""Labels for picture files: from class folders, or from a table `labels.csv` beside them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from tfgan_kit.data.source import Attributes, Labels, index_labels, one_attribute
from tfgan_kit.errors import DataError, nearest

FILE_COLUMN = "file"


def folder_labels(names: Sequence[str]) -> tuple[Labels | None, Attributes, tuple[str, ...]]:
    """Labels by first folder: one attribute, whose values are the sorted folder names.

    Args:
        names: of the pictures, such as "cat/001.png".

    Returns:
        labels: (N, 1) int32, or None without at least two class folders.
        attributes: {} without labels.
        notes: a warning where some pictures lie in folders and some beside them.
    """
    counts = Counter(_first_folder(name) for name in names)
    classes = sorted(counts)
    if len(classes) < 2:
        return None, {}, ()
    if "" in counts:
        return None, {}, (f"{counts['']:,} of {len(names):,} pictures lie in no class folder: no labels are used",)
    index = {name: i for i, name in enumerate(classes)}
    labels = np.fromiter((index[_first_folder(name)] for name in names), np.int32, len(names))
    return *one_attribute(labels, tuple(classes)), ()


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

    def __init__(self, content: bytes, names: Sequence[str], where: str) -> None:
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

    def labels(self, columns: Sequence[str]) -> tuple[Labels, Attributes]:
        """Labels of every picture from one or more columns.

        Returns:
            labels: (N, A) int32, a column for each of `columns`.
            attributes: named by their columns; a single one is ONLY.

        Raises:
            DataError: no such column, one that is named twice, a file without a row, a row without a file, two rows
                for a file, or an empty label.
        """
        for column in columns:
            if column not in self.columns:
                raise DataError(f"{self._where} has no label column {column!r}: {nearest(column, self.columns)}")
            if list(columns).count(column) > 1:
                raise DataError(f"the label column {column!r} of {self._where} is named twice: name it once")
        rows = self._matched_rows()
        made = [self._indexed(rows, column) for column in columns]
        if len(columns) == 1:
            return one_attribute(*made[0])
        labels = np.stack([indices for indices, _ in made], axis=1)
        return labels, {column: names for column, (_, names) in zip(columns, made, strict=True)}

    def _matched_rows(self) -> list[dict[str, str]]:
        """The row of each picture."""
        rows = {row[self._file_column]: row for row in self._rows}
        if len(rows) < len(self._rows):
            raise DataError(
                f"{self._where} names {len(self._rows) - len(rows):,} files more than once: leave one row each"
            )
        without_row = [name for name in self._names if name not in rows]
        without_file = sorted(rows.keys() - set(self._names))
        if without_row or without_file:
            raise DataError(
                f"{self._where} does not match the pictures: {_counted(without_row, 'pictures without a row')}, "
                f"{_counted(without_file, 'rows without a picture')}: complete the table or remove the files"
            )
        return [rows[name] for name in self._names]

    def _indexed(self, rows: list[dict[str, str]], column: str) -> tuple[Labels, tuple[str, ...]]:
        """(N,) indices into the values of a column, and their names."""
        values = [row[column] for row in rows]
        empty = [name for name, value in zip(self._names, values, strict=True) if not value.strip()]
        if empty:
            raise DataError(
                f"{self._where} leaves {len(empty):,} labels of the column {column!r} empty, such as that of "
                f"{empty[0]!r}: fill them in"
            )
        return index_labels(np.array(values))

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


def _first_folder(name: str) -> str:
    return name.split("/", maxsplit=1)[0] if "/" in name else ""


def _file_names(names: Sequence[str]) -> Sequence[str]:
    """The names without their folders, if that leaves them different; else as they are."""
    short = [name.rpartition("/")[2] for name in names]
    return short if len(set(short)) == len(names) else names
