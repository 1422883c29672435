"""The log as rows of the feed widget."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.readmodel.event_source import EventSource
from fleet_tui.tui.present.events import event_line
from fleet_widgets.event_feed import FeedRow


class FeedRows:
    """Lays the widget's ``Source`` protocol over an :class:`EventSource`."""

    def __init__(self, source: EventSource) -> None:
        self._source = source

    def count(self) -> int:
        return self._source.count()

    def page(self, *, before: int | None = None, after: int | None = None, limit: int) -> Sequence[FeedRow]:
        return [FeedRow(event.seq, event_line(event)) for event in self._source.page(before, after, limit)]
