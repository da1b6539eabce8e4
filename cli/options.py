"""Options that several commands have, checked before any work."""

from __future__ import annotations

from pathlib import Path

from tfgan_kit.errors import DataError, nearest


def metric_names(text: str) -> list[str]:
    """The metrics of `--metrics`, names with commas between them; `standard` for none.

    Raises:
        DataError: an unknown name.
    """
    from tfgan_kit.evaluation.registry import GROUPS, METRICS

    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in METRICS and name not in GROUPS:
            raise DataError(f"unknown metric {name!r}: {nearest(name, [*METRICS, *GROUPS])}")
    return names or ["standard"]


def check_folders(*files: Path | None) -> None:
    """That the folders of files to be written are there; None is a file that is not asked for.

    Raises:
        DataError: one is not.
    """
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise DataError(f"{file} cannot be written: there is no folder {file.parent}")
