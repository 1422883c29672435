"""The log's feed with its filter: what is shown of it, and how much."""

from __future__ import annotations

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from fleet_tui.readmodel import filters
from fleet_tui.readmodel.event_source import EventSource
from fleet_tui.readmodel.filters import FilterError
from fleet_tui.tui.event_rows import FeedRows
from fleet_tui.tui.present.text import rule
from fleet_tui.tui.screens.base import RoomScreen
from fleet_widgets.event_feed import EventFeed
from fleet_widgets.lines import Span, fill, line


class FilteredLog(RoomScreen):
    """For a screen with an ``EventFeed``, the field ``#filter`` and the lines ``#filter-line`` and ``#feed-rule``."""

    def __init__(self) -> None:
        super().__init__()
        self._source: EventSource | None = None
        self._seq = -1

    def main_widget(self) -> Widget:
        return self.query_one(EventFeed)

    def show_focus(self) -> None:
        self.set_line("feed-rule", rule("log, oldest above", has_focus=self.query_one(EventFeed).has_focus))

    def _agents(self) -> dict[str, str]:
        reader = self.room.reader()
        return {run.id: run.agent for run in reader.runs(limit=2000)} if reader else {}

    def filter_by(self, text: str) -> bool:
        """Show only what matches; False (and a line that says where) when the filter cannot be read."""
        reader = self.room.reader()
        if reader is None:
            return False
        agents = self._agents()
        try:
            wanted = filters.parse(text, self.room.now_ns, agents)
        except FilterError as error:
            field, trouble = self.query_one("#filter", Input), f"{error.message}. {error.hint}"
            self.room.say(lambda: trouble if field.display and field.value == text else "", "warn")
            return False
        self._use(EventSource(reader, wanted, agents))
        return True

    def _use(self, source: EventSource) -> None:
        self._source = source
        self._seq = self.snapshot.seq if self.snapshot else -1
        self.query_one(EventFeed).set_source(FeedRows(source))
        self._show_filter_line()

    def _show_filter_line(self) -> None:
        feed, source = self.query_one(EventFeed), self._source
        if source is None:
            return
        state = "FOLLOW" if feed.follow else f"PAUSED, {feed.new_below} new below"
        known = f"{source.count()} of {source.total}" if not source.wanted.is_empty else f"{source.total} events"
        text = source.wanted.text or "none"
        more = "" if source.complete else " (looked at the newest part)"
        self.set_line(
            "filter-line",
            line(
                Span("filter: ", "quiet"),
                Span(text, "strong" if source.wanted.text else "quiet"),
                fill(),
                Span(f" {known}{more}  ", "quiet"),
                Span(state, "quiet" if feed.follow else "warn"),
            ),
        )

    def idle_message(self) -> str:
        feed = self.query_one(EventFeed)
        return super().idle_message() or (
            f"new events below: {feed.new_below}   f or G to follow" if feed.new_below else ""
        )

    @on(EventFeed.FollowChanged)
    def _follow_changed(self) -> None:
        self._show_filter_line()
        self.show_message()

    def do_filter_edit(self) -> None:
        field = self.query_one("#filter", Input)
        field.value = self._source.wanted.text if self._source else ""
        field.display = True
        field.focus()

    @on(Input.Submitted, "#filter")
    def _filter_entered(self, message: Input.Submitted) -> None:
        if self.filter_by(message.value):
            self._close_filter()

    def _close_filter(self) -> None:
        self.query_one("#filter").display = False
        self.query_one(EventFeed).focus()
