"""A log of any length as a list: only the rows near the screen are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from textual.message import Message

from fleet_widgets.base import LineWidget
from fleet_widgets.lines import Line


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One row; ``id`` grows with time and is never reused."""

    id: int
    line: Line


class Source(Protocol):
    """Where rows come from. Called on the event loop: answers must take milliseconds."""

    def count(self) -> int:
        """Rows in all."""
        ...

    def page(self, *, before: int | None = None, after: int | None = None, limit: int) -> Sequence[FeedRow]:
        """At most ``limit`` rows, oldest first: those next below id ``before``, or next above id ``after``; the newest
        when neither is given."""
        ...


class EventFeed(LineWidget, can_focus=True):
    """Newest at the bottom. Following until the person scrolls up; then new rows are counted, nothing moves.

    Bindings (ids ``feed.*``): j k arrows, pageup pagedown, g G, f follow, enter.
    """

    follow: bool
    new_below: int
    """Rows that arrived while paused."""
    cursor: int | None
    """Id under the cursor."""

    @dataclass
    class Highlighted(Message):
        feed: EventFeed
        id: int | None

    @dataclass
    class Opened(Message):
        feed: EventFeed
        id: int

    @dataclass
    class FollowChanged(Message):
        """Follow was switched or ``new_below`` changed. Newest wins."""

        feed: EventFeed
        follow: bool
        new_below: int

    def set_source(self, source: Source, *, cursor: int | None = None) -> None:
        """Show another source (a new filter) from its end, or around the row ``cursor``."""

    def arrived(self) -> None:
        """The source has new rows at its end: shown when following, else counted."""

    def go_to(self, id: int) -> None:  # noqa: A002
        """Put the cursor on a row (the nearest one when it is not in the source); pauses."""
