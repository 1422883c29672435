"""The newest events for a list beside something else, without those that come because time passes."""

from __future__ import annotations

from fleet_tui.domain.events import Event, RunMetered
from fleet_tui.store.reader import EventFilter, Reader

BY_TIME = frozenset({RunMetered.kind})
"""Of each run at work one every few seconds: they say that it is at work, which is seen, and push out what happened."""
_PAGE, _MOST = 200, 2_000


class Recent:
    """The newest ``limit`` events. Each is read once; what came since the last call is added."""

    def __init__(self, limit: int = 30) -> None:
        self._limit = limit
        self._asked = self._read = 0
        self._told: tuple[Event, ...] = ()

    def read(self, reader: Reader, seq: int) -> tuple[Event, ...]:
        """Those up to at least number ``seq``, oldest first; a smaller one than before (a recording went back) begins
        anew."""
        if seq < self._asked or seq - self._asked > _MOST:
            self._told = self._backwards(reader)
        elif seq > self._asked:
            self._told = (*self._told, *self._new(reader.events(after=self._read, limit=_MOST)))[-self._limit :]
        self._asked = seq
        return self._told

    def _backwards(self, reader: Reader) -> tuple[Event, ...]:
        """From the end of the log, so far back as is worth it."""
        found: list[Event] = []
        before: int | None = None
        self._read = 0
        for _ in range(_MOST // _PAGE):
            page = reader.events(EventFilter(), before=before, limit=_PAGE)
            found[:0] = self._new(page)
            if len(found) >= self._limit or len(page) < _PAGE:
                break
            before = page[0].seq
        return tuple(found[-self._limit :])

    def _new(self, page: list[Event]) -> list[Event]:
        if page:
            self._read = max(self._read, page[-1].seq)
        return [event for event in page if event.kind not in BY_TIME]
