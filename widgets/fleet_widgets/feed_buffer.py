"""The loaded part of a long log: a stretch of rows around the screen, extended and trimmed as the view moves."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fleet_widgets.lines import Line
from fleet_widgets.places import clamped


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One row; ``id`` (0 or more) grows with time and is never reused."""

    id: int
    line: Line


class Source(Protocol):
    """Where rows come from. Called on the event loop: answers must take milliseconds."""

    def count(self) -> int:
        """Rows in all."""
        ...

    def page(self, *, before: int | None = None, after: int | None = None, limit: int) -> Sequence[FeedRow]:
        """At most ``limit`` rows, oldest first: those next below id ``before``, or next above id ``after``; the newest
        when neither is given. Fewer than ``limit`` means that there are no more that way."""
        ...


class Nothing:
    """A source without rows."""

    def count(self) -> int:
        """None."""
        return 0

    def page(self, *, before: int | None = None, after: int | None = None, limit: int) -> Sequence[FeedRow]:
        """None."""
        del before, after, limit
        return ()


class FeedBuffer:
    """Rows of a source around a view whose first row is ``top``. Never holds more than about six views of rows."""

    def __init__(self, source: Source, height: int) -> None:
        self.source = source
        self.rows: list[FeedRow] = []
        self.top = 0
        self.at_end = True
        """Whether the newest row known to the source is loaded."""
        self._height = max(1, height)
        self.load_end()

    @property
    def height(self) -> int:
        """Rows of the view."""
        return self._height

    @height.setter
    def height(self, value: int) -> None:
        last = self.top + self._height
        self._height = max(1, value)
        self.top = last - self._height
        self._settle()

    @property
    def view(self) -> list[FeedRow]:
        """The rows on screen, oldest first."""
        return self.rows[self.top : self.top + self._height]

    @property
    def below(self) -> bool:
        """Whether there are rows below the view."""
        return not self.at_end or self.top + self._height < len(self.rows)

    def load_end(self) -> None:
        """Load the newest rows and show them."""
        self.rows = list(self.source.page(limit=self._chunk))
        self.at_end = True
        self.top = max(0, len(self.rows) - self._height)

    def load_around(self, row_id: int) -> int | None:
        """Load rows with ``row_id`` (or the next one) in the middle of the view; the id found, None without rows."""
        older = list(self.source.page(before=row_id, limit=self._chunk))
        newer = list(self.source.page(after=row_id - 1, limit=self._chunk))
        self.rows = older + newer
        self.at_end = len(newer) < self._chunk
        if not self.rows:
            self.top = 0
            return None
        at = min(len(older), len(self.rows) - 1)
        self.top = at - self._height // 2
        self._settle()
        return self.rows[min(len(self.rows) - 1, self.index(row_id))].id

    def load_start(self) -> None:
        """Load the oldest rows and show them."""
        self.rows = list(self.source.page(after=-1, limit=self._chunk))
        self.at_end = len(self.rows) < self._chunk
        self.top = 0

    def extend_end(self) -> int:
        """Load what the source has beyond the last row; how many rows came. The view does not move."""
        if not self.rows:
            self.load_end()
            return len(self.rows)
        newer = list(self.source.page(after=self.rows[-1].id, limit=self._chunk))
        self.rows += newer
        self.at_end = len(newer) < self._chunk
        return len(newer)

    def scroll(self, by: int) -> None:
        """Move the view by rows, loading what it needs; stops at both ends."""
        self.top += by
        self._settle()

    def index(self, row_id: int) -> int:
        """Where ``row_id`` stands among the loaded rows, or would stand."""
        return bisect_left(self.rows, row_id, key=lambda row: row.id)

    def position(self, row_id: int) -> int | None:
        """Row of the screen on which ``row_id`` stands; None when it is not in view."""
        at = self.index(row_id)
        inside = self.top <= at < min(len(self.rows), self.top + self._height)
        return at - self.top if inside and self.rows[at].id == row_id else None

    @property
    def _chunk(self) -> int:
        return max(100, 2 * self._height)

    def _settle(self) -> None:
        """Load until the view is covered or there is nothing more, bring ``top`` into range, trim what is far away."""
        while self.top < 0 and self.rows:
            older = list(self.source.page(before=self.rows[0].id, limit=self._chunk))
            self.rows[:0] = older
            self.top += len(older)
            if len(older) < self._chunk:
                break
        while self.top + self._height > len(self.rows) and self.extend_end():
            pass  # asked even at the end: the log may have grown
        self.top = clamped(self.top, len(self.rows), self._height)
        self._trim()

    def _trim(self) -> None:
        keep = 2 * self._chunk
        surplus = self.top - keep
        if surplus > 0:
            del self.rows[:surplus]
            self.top -= surplus
        end = self.top + self._height + keep
        if len(self.rows) > end:
            del self.rows[end:]
            self.at_end = False
