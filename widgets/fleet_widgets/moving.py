"""How widgets are moved in: the same keys, pages and wheel everywhere, and a cursor that belongs to a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from fleet_widgets.base import LineWidget, WidgetMessage
from fleet_widgets.places import moved


def moving_keys(name: str, *, first: str = "first", last: str = "last") -> tuple[BindingType, ...]:
    """The keys of a widget that is `Moving`, with ids ``<name>.down`` and so on; ``first`` and ``last`` say what is at
    its ends."""
    return (
        Binding("j,down", "move(1)", "down", id=f"{name}.down", show=False),
        Binding("k,up", "move(-1)", "up", id=f"{name}.up", show=False),
        Binding("pagedown", "page(1)", "page down", id=f"{name}.page_down", show=False),
        Binding("pageup", "page(-1)", "page up", id=f"{name}.page_up", show=False),
        Binding("g,home", "first", first, id=f"{name}.first", show=False),
        Binding("G,end", "last", last, id=f"{name}.last", show=False),
    )


def open_key(name: str) -> Binding:
    """The key of a widget that opens what its cursor is on."""
    return Binding("enter", "open", "open", id=f"{name}.open", show=False)


class Moving(LineWidget, can_focus=True):
    """Subclasses say what a move is and where the ends are, and have `moving_keys` among their bindings."""

    wheel_rows: ClassVar[int] = 3

    @property
    def page_rows(self) -> int:
        """How far a page goes: one row stays in view."""
        return max(1, self.size.height - 1)

    def action_move(self, by: int) -> None:
        """Move down by rows; up when negative."""
        raise NotImplementedError

    def action_page(self, by: int) -> None:
        """Move by pages."""
        self.action_move(by * self.page_rows)

    def action_first(self) -> None:
        """Move to the start."""
        raise NotImplementedError

    def action_last(self) -> None:
        """Move to the end."""
        raise NotImplementedError

    def on_mouse_scroll_down(self) -> None:
        """The wheel."""
        self.action_move(self.wheel_rows)

    def on_mouse_scroll_up(self) -> None:
        """The wheel."""
        self.action_move(-self.wheel_rows)


class KeyCursor(Moving):
    """A cursor on one of several keys: it goes where its key goes, and nothing is selected when that vanishes.

    Subclasses give ``keys`` and ``key_at``, draw in ``cursor_moved``, and have `open_key` among their bindings.
    """

    wheel_rows = 1

    @dataclass
    class Selected(WidgetMessage):
        """The cursor is at another key (None: nothing is selected)."""

        key: str | None

    @dataclass
    class Opened(WidgetMessage):
        """Enter, or a click on what is selected."""

        key: str

    _selected: str | None = None

    @property
    def selected(self) -> str | None:
        """Key under the cursor."""
        return self._selected

    def keys(self) -> list[str]:
        """What the cursor may stand on, in order."""
        raise NotImplementedError

    def key_at(self, x: int, y: int) -> str | None:
        """What stands at a cell of the widget."""
        raise NotImplementedError

    def cursor_moved(self) -> None:
        """Another key is selected: bring it into view and draw what changed."""
        raise NotImplementedError

    def select(self, key: str | None) -> None:
        """Put the cursor on ``key`` and scroll it into view; what it may not stand on is ignored."""
        if key == self._selected or (key is not None and key not in self.keys()):
            return
        self._selected = key
        self.cursor_moved()
        self.post_message(self.Selected(self, key))

    def drop_vanished(self) -> bool:
        """After the keys changed: select nothing when the selected one is no longer there; whether that is so."""
        if self._selected is None or self._selected in self.keys():
            return False
        self._selected = None
        self.post_message(self.Selected(self, None))
        return True

    def action_move(self, by: int) -> None:
        """Move the cursor; the first move selects the first key."""
        self.select(moved(self.keys(), self._selected, by))

    def action_first(self) -> None:
        """Select the first key."""
        self.select(next(iter(self.keys()), None))

    def action_last(self) -> None:
        """Select the last key."""
        self.select(next(reversed(self.keys()), None))

    def action_open(self) -> None:
        """Post Opened for what is selected."""
        if self._selected is not None:
            self.post_message(self.Opened(self, self._selected))

    def on_click(self, event: events.Click) -> None:
        """A click selects; a click on what is selected opens."""
        key = self.key_at(event.x, event.y)
        if key is not None and key == self._selected:
            self.action_open()
        elif key is not None:
            self.select(key)
