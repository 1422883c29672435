"""A log of any length as a list: only the rows near the screen are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Unpack

from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from fleet_widgets.base import WidgetMessage, WidgetOptions
from fleet_widgets.feed_buffer import FeedBuffer, FeedRow, Nothing, Source
from fleet_widgets.lines import Span, join, to_strip
from fleet_widgets.moving import Moving, moving_keys, open_key

__all__ = ["EventFeed", "FeedRow", "Source"]  # the value types belong to this interface


class EventFeed(Moving):
    """Newest at the bottom. It follows until the person moves up; then new rows are counted and nothing moves.

    While it follows there is no cursor: what is under the hand never changes by itself.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving_keys("feed", first="oldest", last="newest"),
        Binding("f", "toggle_follow", "follow", id="feed.follow", show=False),
        open_key("feed"),
    ]

    @dataclass
    class Highlighted(WidgetMessage):
        """The cursor is on another row (None: no cursor, the feed follows)."""

        id: int | None

    @dataclass
    class Opened(WidgetMessage):
        """Enter, or a click on the row of the cursor."""

        id: int

    @dataclass
    class FollowChanged(WidgetMessage):
        """Follow was switched, or ``new_below`` changed."""

        follow: bool
        new_below: int
        newest_wins: ClassVar[bool] = True

    def __init__(self, **options: Unpack[WidgetOptions]) -> None:
        super().__init__(**options)
        self._buffer = FeedBuffer(Nothing(), 1)
        self._cursor: int | None = None
        self._follow = True
        self._counted = 0
        self._new_below = 0

    @property
    def follow(self) -> bool:
        """Whether the newest row is kept in view."""
        return self._follow

    @property
    def new_below(self) -> int:
        """Rows that arrived while paused."""
        return self._new_below

    @property
    def cursor(self) -> int | None:
        """Id under the cursor."""
        return self._cursor

    def set_source(self, source: Source, *, cursor: int | None = None) -> None:
        """Show another source (a new filter) from its end and follow, or paused with the cursor on the row ``cursor``
        (the nearest one when it is not in the source)."""
        self._buffer = FeedBuffer(source, self.size.height)
        if cursor is None:
            self._set_cursor(None)
            self._set_follow(follow=True)
        else:
            self.go_to(cursor)
        self.refresh()

    def arrived(self) -> None:
        """The source may have new rows at its end: shown when following, else only counted."""
        if not self._follow:
            self._set_new_below(max(0, self._buffer.source.count() - self._counted))
            return
        before = self._buffer.view
        if self._buffer.extend_end():
            if self._buffer.at_end:
                self._buffer.scroll(len(self._buffer.rows))
            else:
                self._buffer.load_end()
            self._refresh_changed(before)

    def go_to(self, id: int) -> None:  # noqa: A002
        """Put the cursor on a row (the nearest one when it is not in the source) and pause."""
        self._set_follow(follow=False)
        if self._buffer.position(id) is None:
            found = self._buffer.load_around(id)
            self.refresh()
            self._set_cursor(found)
        else:
            self._set_cursor(id)

    # --- actions -------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor by rows and the view with it; a first single step puts it on the newest row in view and
        pauses."""
        if not self._buffer.rows:
            return
        if self._cursor is None:
            self._set_follow(follow=False)
            self._set_cursor(self._buffer.view[-1].id)
            if abs(by) <= 1:
                return
        self._move(by)

    def action_first(self) -> None:
        """Show the oldest row and pause."""
        self._set_follow(follow=False)
        self._buffer.load_start()
        self.refresh()
        self._set_cursor(self._buffer.rows[0].id if self._buffer.rows else None)

    def action_last(self) -> None:
        """Show the newest row and follow."""
        self._buffer.load_end()
        self.refresh()
        self._set_cursor(None)
        self._set_follow(follow=True)

    def action_toggle_follow(self) -> None:
        """Follow, or pause with the cursor on the newest row."""
        if self._follow:
            self.action_move(0)
        else:
            self.action_last()

    def action_open(self) -> None:
        """Post Opened for the row of the cursor; without one the newest row in view gets the cursor first."""
        if self._cursor is None:
            self.action_move(0)
        if self._cursor is not None:
            self.post_message(self.Opened(self, self._cursor))

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor; a click on it opens."""
        view = self._buffer.view
        if event.y < len(view):
            if view[event.y].id == self._cursor:
                self.action_open()
            else:
                self.go_to(view[event.y].id)

    def on_resize(self) -> None:
        """Another part of the log is visible."""
        self._buffer.height = self.size.height
        if self._follow:
            self._buffer.load_end()
        elif self._cursor is not None and self._buffer.position(self._cursor) is None:
            self._buffer.load_around(self._cursor)
        self.refresh()

    def focus_changed(self) -> None:
        """The cursor or label of the focused widget is strong."""
        self._refresh_cursor()

    # --- drawing -------------------------------------------------------------------------------------------------

    def strip(self, y: int) -> Strip:
        """Row ``y``: the cursor's column and the line of a row."""
        view = self._buffer.view
        if y >= len(view):
            return self.blank()
        chosen = view[y].id == self._cursor
        base = "cursor" if chosen and self.has_focus else "normal"
        sign = Span(self.palette.box.pointer if chosen else " ", "focus" if self.has_focus else "quiet")
        pointer = to_strip((sign,), 1, self.palette, base=base, dim=self.dimmed)
        text = to_strip(view[y].line, self.size.width - 1, self.palette, base=base, dim=self.dimmed)
        return join((pointer, text), self.size.width)

    def _move(self, by: int) -> None:
        """Cursor and view by rows, as far as the log goes."""
        buffer = self._buffer
        if self._cursor is not None and buffer.position(self._cursor) is None:
            buffer.load_around(self._cursor)
        before, at = buffer.view, buffer.index(self._cursor or 0)
        wanted = at - buffer.top + by
        over = min(0, wanted) + max(0, wanted - buffer.height + 1)
        if over:
            buffer.scroll(over)
            self._refresh_changed(before)
            if over > 0 and not buffer.below:
                self._counted = buffer.source.count()
                self._set_new_below(0)
        view = buffer.view
        if view:
            self._set_cursor(view[min(max(0, wanted - over), len(view) - 1)].id)

    def _set_cursor(self, row_id: int | None) -> None:
        if row_id != self._cursor:
            before, self._cursor = self._cursor, row_id
            shown = [self._buffer.position(at) for at in (before, row_id) if at is not None]
            self.refresh_rows(y for y in shown if y is not None)
            self.post_message(self.Highlighted(self, row_id))

    def _set_follow(self, *, follow: bool) -> None:
        if follow is not self._follow:
            self._follow = follow
            self._counted, self._new_below = self._buffer.source.count(), 0
            self.post_message(self.FollowChanged(self, follow, 0))

    def _set_new_below(self, count: int) -> None:
        if count != self._new_below:
            self._new_below = count
            self.post_message(self.FollowChanged(self, self._follow, count))

    def _refresh_changed(self, before: list[FeedRow]) -> None:
        after = self._buffer.view
        size = max(len(before), len(after))
        self.refresh_rows(y for y in range(size) if before[y : y + 1] != after[y : y + 1])

    def _refresh_cursor(self) -> None:
        at = self._buffer.position(self._cursor) if self._cursor is not None else None
        self.refresh_rows([] if at is None else [at])
