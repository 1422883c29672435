"""A short list of lines with a cursor that belongs to a key, not to a position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from fleet_widgets.base import LineWidget, WidgetMessage
from fleet_widgets.lines import BLANK, Line, Span, join, next_match, to_strip
from fleet_widgets.palette import GREY, Palette


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of one or more lines; ``selectable`` False for headings and blank lines."""

    key: str
    lines: tuple[Line, ...]
    selectable: bool = True


class LineList(LineWidget, can_focus=True):
    """A list of items. The sign ``>`` in the first column is the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", id="list.down", show=False),
        Binding("k,up", "move(-1)", "up", id="list.up", show=False),
        Binding("g,home", "first", "first", id="list.first", show=False),
        Binding("G,end", "last", "last", id="list.last", show=False),
        Binding("pagedown", "page(1)", "page down", id="list.page_down", show=False),
        Binding("pageup", "page(-1)", "page up", id="list.page_up", show=False),
        Binding("enter", "open", "open", id="list.open", show=False),
    ]

    @dataclass
    class Selected(WidgetMessage):
        """The cursor is at another key (None: nothing is selected)."""

        key: str | None

    @dataclass
    class Opened(WidgetMessage):
        """Enter, or a click on the selected item."""

        key: str

    def __init__(
        self,
        *,
        palette: Palette = GREY,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(palette=palette, name=name, id=id, classes=classes)
        self._items: tuple[Item, ...] = ()
        self._selected: str | None = None
        self._rows: list[tuple[Item, int]] = []  # (item, index of its line) of every row
        self._top = 0

    @property
    def selected(self) -> str | None:
        """Key under the cursor."""
        return self._selected

    @property
    def items(self) -> tuple[Item, ...]:
        """What it shows."""
        return self._items

    def set_items(self, items: Sequence[Item]) -> None:
        """Replace the entries. The cursor and the row it stands on stay with its key; a vanished key leaves nothing
        selected. Only rows that differ are redrawn. ValueError when a key stands twice."""
        new = tuple(items)
        if new == self._items:
            return
        if len({item.key for item in new}) != len(new):
            raise ValueError("the same key stands twice in a list")
        before, offset = self._drawn(), self._cursor_row() - self._top
        self._items = new
        self._rows = [(item, index) for item in new for index in range(len(item.lines))]
        if self._selected is not None and self._selected not in {item.key for item in new if item.selectable}:
            self._selected = None
            self.post_message(self.Selected(self, None))
        elif self._selected is not None and 0 <= offset < self.size.height:
            self._top = self._cursor_row() - offset
        self._clamp()
        self._refresh_changed(before)

    def select(self, key: str | None) -> None:
        """Put the cursor on ``key`` and scroll it into view; keys that are not selectable are ignored."""
        if key == self._selected or (key is not None and key not in self._keys()):
            return
        before = self._drawn()
        self._selected = key
        self._reveal()
        self._refresh_changed(before)
        self.post_message(self.Selected(self, key))

    def find(self, words: str, step: int = 1) -> bool:
        """Select the next item that holds ``words`` (``step`` -1: the one before); False when there is none."""
        found = [item for item in self._items if item.selectable]
        at = next((index for index, item in enumerate(found) if item.key == self._selected), -1 if step > 0 else 0)
        match = next_match([tuple(span for line in item.lines for span in line) for item in found], words, at, step)
        if match is not None:
            self.select(found[match].key)
        return match is not None

    def action_move(self, by: int) -> None:
        """Move the cursor; the first move selects the first item."""
        keys = self._keys()
        if keys:
            at = keys.index(self._selected) + by if self._selected in keys else 0
            self.select(keys[min(max(0, at), len(keys) - 1)])

    def action_first(self) -> None:
        """Select the first item."""
        self.select(next(iter(self._keys()), None))

    def action_last(self) -> None:
        """Select the last item."""
        self.select(next(reversed(self._keys()), None))

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self.action_move(by * max(1, self.size.height - 1))

    def action_open(self) -> None:
        """Post Opened for the selected item."""
        if self._selected is not None:
            self.post_message(self.Opened(self, self._selected))

    def on_click(self, event: events.Click) -> None:
        """A click selects; a click on the selected item opens."""
        row = self._top + event.y
        if row < len(self._rows) and self._rows[row][0].selectable:
            key = self._rows[row][0].key
            if key == self._selected:
                self.action_open()
            else:
                self.select(key)

    def on_mouse_scroll_down(self) -> None:
        """Next item."""
        self.action_move(1)

    def on_mouse_scroll_up(self) -> None:
        """Previous item."""
        self.action_move(-1)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._reveal()
        self.refresh()

    def focus_changed(self) -> None:
        """The cursor or label of the focused widget is strong."""
        self._refresh_cursor()

    def strip(self, y: int) -> Strip:
        """Row ``y``: the cursor's column and the line of an item."""
        row = self._top + y
        if row >= len(self._rows):
            return self.blank()
        item, index = self._rows[row]
        chosen = item.key == self._selected
        sign = self.palette.box.pointer if chosen and index == 0 else " "
        base = "cursor" if chosen and self.has_focus else "normal"
        style = "focus" if self.has_focus else "quiet"
        pointer = to_strip((Span(sign, style),), 1, self.palette, base=base, dim=self.dimmed)
        text = to_strip(item.lines[index], self.size.width - 1, self.palette, base=base, dim=self.dimmed)
        return join((pointer, text), self.size.width)

    def _keys(self) -> list[str]:
        return [item.key for item in self._items if item.selectable]

    def _cursor_row(self) -> int:
        return next((row for row, (item, _) in enumerate(self._rows) if item.key == self._selected), -1)

    def _drawn(self) -> list[tuple[Line, bool]]:
        """What stands on each row of the screen, to find the rows that differ."""
        shown = self._rows[self._top : self._top + self.size.height]
        drawn = [(item.lines[index], item.key == self._selected) for item, index in shown]
        return drawn + [(BLANK, False)] * (self.size.height - len(drawn))

    def _refresh_changed(self, before: list[tuple[Line, bool]]) -> None:
        after = self._drawn()
        self.refresh_rows(y for y in range(len(after)) if y >= len(before) or after[y] != before[y])

    def _refresh_cursor(self) -> None:
        self.refresh_rows(y for y, (_, chosen) in enumerate(self._drawn()) if chosen)

    def _reveal(self) -> None:
        """Scroll as little as brings the whole selected item into view (its first line when it is taller than the
        view)."""
        row = self._cursor_row()
        if row >= 0:
            last = row + len(self._rows[row][0].lines) - 1
            self._top = min(max(self._top, last - self.size.height + 1), row)
        self._clamp()

    def _clamp(self) -> None:
        self._top = min(max(0, self._top), max(0, len(self._rows) - self.size.height))
