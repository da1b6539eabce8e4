"""From the ticks of a run to its findings: the same function while it trains and afterwards.

It reads neither clock nor chance, so equal ticks give equal findings. A line that lacks what an alarm reads, as those
of older runs do, leaves that alarm as it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from tfgan_kit.doctor.alarms import ALARMS, Alarm
from tfgan_kit.doctor.finding import Finding
from tfgan_kit.doctor.remedies import legal
from tfgan_kit.doctor.sign import Line, Sign
from tfgan_kit.recipe import Recipe


class Examination:
    """The ticks of a run so far, and what was found in them.

    Attributes:
        findings: in the order in which they were sure; one that is over keeps its place.
        read: names of the alarms that a tick said something of.
    """

    def __init__(self, recipe: Recipe, lines: Iterable[Line] = ()) -> None:
        """Begin, with the ticks that there are.

        Args:
            recipe: of the run.
            lines: ticks of stats.jsonl, the oldest first.
        """
        self._recipe = recipe
        self._alarms = [alarm for alarm in ALARMS if not alarm.watched(recipe)]
        self._lines: list[Line] = []
        self._course = {alarm.name: _Course() for alarm in self._alarms}
        self.findings: list[Finding] = []
        self.read: set[str] = set()
        self._judged = False
        for line in lines:
            self.add(line)

    def add(self, line: Line) -> tuple[list[Finding], list[Finding]]:
        """Take in one tick.

        Returns:
            The findings that are sure since this tick, and those that are over since this tick.
        """
        self._lines.append(line)
        begun, over = [], []
        early = self._nimg_before(1) < 1000 * self._recipe.watch_from_kimg
        self._judged |= not early
        for alarm in self._alarms:
            if early and not alarm.at_once:
                continue
            sign = alarm.read(self._lines, self._recipe)
            if sign is None:
                continue
            self.read.add(alarm.name)
            course = self._course[alarm.name]
            course.take(sign, self._nimg_before(sign.ticks))
            if course.place is None and course.bad >= alarm.ticks(self._recipe):
                course.place = len(self.findings)
                self.findings.append(self._finding(alarm, sign, course.since_nimg))
                begun.append(self.findings[-1])
            elif course.place is not None and course.good >= self._recipe.watch_ticks:
                ended = dataclasses.replace(self.findings[course.place], until_nimg=course.good_nimg)
                self.findings[course.place] = ended
                course.place = None
                over.append(ended)
        return begun, over

    def left_out(self) -> dict[str, str]:
        """The alarms that no tick could raise, and why."""
        from_kimg = self._recipe.watch_from_kimg
        early = f"it is not judged before watch_from_kimg={from_kimg:g}, and no tick is of later"
        unread = "the figures that it is read from are not in these ticks"
        return {
            alarm.name: alarm.watched(self._recipe) or (unread if alarm.at_once or self._judged else early)
            for alarm in ALARMS
            if alarm.name not in self.read
        }

    @property
    def failing_since_nimg(self) -> int | None:
        """When the earliest failure that still lasts began; None: there is none."""
        return min((f.since_nimg for f in self.findings if f.failure and f.until_nimg is None), default=None)

    def _finding(self, alarm: Alarm, sign: Sign, since_nimg: int) -> Finding:
        return Finding(
            alarm=alarm.name, what=alarm.what, failure=alarm.failure, since_nimg=since_nimg,
            told_nimg=int(self._lines[-1]["nimg"]), until_nimg=None, evidence=sign.evidence,
            try_=legal(self._recipe, alarm.try_),
        )  # fmt: skip

    def _nimg_before(self, ticks: int) -> int:
        """Images seen before the last `ticks` ticks."""
        return int(self._lines[-ticks - 1]["nimg"]) if len(self._lines) > ticks else 0


class _Course:
    """How one alarm's signs run: bad ones in a row, then good ones in a row."""

    def __init__(self) -> None:
        self.bad = self.good = 0
        self.since_nimg = self.good_nimg = 0
        self.place: int | None = None  # of the finding that lasts

    def take(self, sign: Sign, before_nimg: int) -> None:
        if sign.bad:
            if not self.bad:
                self.since_nimg = before_nimg
            self.bad, self.good = self.bad + 1, 0
        else:
            if not self.good:
                self.good_nimg = before_nimg
            self.bad, self.good = 0, self.good + 1
