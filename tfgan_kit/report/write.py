"""Writing the report and the model card into the run folder, once or again and again while the run trains."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfgan_kit.errors import TfganKitError
from tfgan_kit.files import write_atomic
from tfgan_kit.report.card import card
from tfgan_kit.report.page import page
from tfgan_kit.report.record import read_record
from tfgan_kit.report.walk import Painter
from tfgan_kit.training.run_folder import RunFolder

REPORT, CARD = "report.html", "MODEL_CARD.md"
# The last line of a card, by which one that was edited is told.
_SEAL = "<!-- tfgan report {} -->\n"
# Of the time of training, what reports may take.
_SHARE = 0.03


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written.

    Attributes:
        report: the page.
        card: the model card; None: there is one that was edited, which is left as it is.
    """

    report: Path
    card: Path | None


def write_report(folder: RunFolder, painter: Painter | None = None, remarks: Sequence[str] = ()) -> Written:
    """Write report.html and MODEL_CARD.md of a run as it is, equal for an equal run on the same machine.

    Args:
        folder: the run, with or without anything trained.
        painter: its generator, for fresh samples and interpolations; None: they are left out.
        remarks: lines on its curves, before those of the doctor.

    Raises:
        RunError: not a run.
        MissingPackageError: no matplotlib.
        OSError: the folder cannot be written.
    """
    record = read_record(folder)
    report, model_card = folder.path / REPORT, folder.path / CARD
    text = page(record, painter, [*remarks, *record.diagnosis.remarks()])
    write_atomic(report, lambda path: path.write_text(text, encoding="utf-8"))
    if not _ours(model_card):
        return Written(report=report, card=None)
    sealed = _sealed(card(record))
    write_atomic(model_card, lambda path: path.write_text(sealed, encoding="utf-8"))
    return Written(report=report, card=model_card)


class LiveReport:
    """The report of a run that trains: written now and then, in a small share of the run's time."""

    def __init__(
        self,
        folder: RunFolder,
        painter: Painter,
        notify: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Get ready.

        Args:
            folder: the run.
            painter: its generator, whose weights change.
            notify: called with a line where a report cannot be written; training goes on.
            clock: seconds.
        """
        self._folder, self._painter, self._notify, self._clock = folder, painter, notify, clock
        self._next, self._failed = clock(), False

    def after_checkpoint(self, stop: bool) -> None:
        """Write the report where training stops, or if the last one is long enough ago."""
        if stop or self._clock() >= self._next:
            self.write()

    def write(self, remarks: Sequence[str] = ()) -> None:
        """Write the report."""
        started = self._clock()
        try:
            write_report(self._folder, self._painter, remarks)
        except (TfganKitError, OSError) as error:
            if not self._failed:
                self._notify(f"no report was written: {error}")
            self._failed = True
        ended = self._clock()
        self._next = ended + (ended - started) * (1 / _SHARE - 1)


def _sealed(text: str) -> str:
    return f"{text}\n{_SEAL.format(hashlib.sha256(text.encode()).hexdigest()[:16])}"


def _ours(file: Path) -> bool:
    """Whether a card is as it was written, or not there."""
    try:
        content = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    except UnicodeDecodeError:
        return False
    text = content[: content.rfind("\n<!--")]
    return content == _sealed(text)
