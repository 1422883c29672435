"""The log under a filter, page by page, so that a million events cost no more than those on screen."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from fleet_tui.domain.events import Event
from fleet_tui.readmodel.filters import Filter
from fleet_tui.store.reader import Reader

SCAN = 4000
"""Rows looked at in one go when the predicate of a filter must decide: some tens of milliseconds."""


class EventSource:
    """Rows that match ``wanted``. Only for the thread that made it."""

    def __init__(self, reader: Reader, wanted: Filter, agent_of_run: dict[str, str]) -> None:
        self.wanted = wanted
        self.agent_of_run = agent_of_run
        """The very map that ``wanted`` looks runs up in: add new runs here."""
        self.total = reader.last_seq()
        self.complete = wanted.is_empty
        """Whether everything that matches is known; else only the newest part was looked at so far."""
        self._reader = reader
        self._rows: list[Event] = []
        self._scanned_from = self.total + 1
        if not wanted.is_empty:
            self._look_further()

    def count(self) -> int:
        """Rows known to match."""
        return self.total if self.wanted.is_empty else len(self._rows)

    def page(self, before: int | None, after: int | None, limit: int) -> Sequence[Event]:
        """At most ``limit`` events, ascending: next above ``after``, else next below ``before``, else the newest."""
        if self.wanted.is_empty:
            return self._reader.events(before=before, after=after, limit=limit)
        if after is not None:
            start = bisect_right(self._rows, after, key=_seq)
            return self._rows[start : start + limit]
        end = self._end(before)
        while end < limit and not self.complete:
            self._look_further()
            end = self._end(before)
        return self._rows[max(0, end - limit) : end]

    def refresh(self) -> bool:
        """Take in what was appended since; whether any of it matches."""
        newest = self._reader.last_seq()
        known, self.total = self.total, newest
        if self.wanted.is_empty:
            return newest > known
        found = False
        while known < newest:
            # Up to what was the newest, or the next time would take in again what comes between the two queries.
            rows = self._reader.events(self.wanted.store, after=known, before=newest + 1, limit=SCAN)
            matching = [event for event in rows if self.wanted.matches(event)]
            self._rows += matching
            found = found or bool(matching)
            if len(rows) < SCAN:
                break
            known = rows[-1].seq
        return found

    def holds(self, event: Event) -> bool:
        """Whether this event is among the rows, as far as they are known."""
        index = bisect_left(self._rows, event.seq, key=_seq)
        return self.wanted.is_empty or (index < len(self._rows) and self._rows[index].seq == event.seq)

    def _end(self, before: int | None) -> int:
        return len(self._rows) if before is None else bisect_left(self._rows, before, key=_seq)

    def _look_further(self) -> None:
        """Scan the next older part of the log."""
        rows = self._reader.events(self.wanted.store, before=self._scanned_from, limit=SCAN)
        self._rows[:0] = [event for event in rows if self.wanted.matches(event)]
        self.complete = len(rows) < SCAN
        if rows:
            self._scanned_from = rows[0].seq


def _seq(event: Event) -> int:
    return event.seq
