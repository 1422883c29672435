"""A short list of lines with a cursor that belongs to a key, not to a position."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.strip import Strip

from fleet_widgets.lines import BLANK, Line, Span, join, next_match, to_strip
from fleet_widgets.marking import Marking
from fleet_widgets.moving import KeyCursor, moving_keys, open_key
from fleet_widgets.palette import GREY, Palette
from fleet_widgets.places import clamped, revealed


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of one or more lines; ``selectable`` False for headings and blank lines."""

    key: str
    lines: tuple[Line, ...]
    selectable: bool = True


class LineList(KeyCursor, Marking):
    """A list of items. The sign ``>`` in the first column is the cursor, ``+`` a mark."""

    BINDINGS: ClassVar[list[BindingType]] = [*moving_keys("list"), open_key("list")]

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
        self._rows: list[tuple[Item, int]] = []  # (item, index of its line) of every row
        self._top = 0
        self._shown: list[tuple[Line, bool, bool]] = []
        """What stands on each row of the screen, and whether the cursor or a mark does."""

    @property
    def items(self) -> tuple[Item, ...]:
        """What it shows."""
        return self._items

    def set_items(self, items: Sequence[Item], hidden: Iterable[str] = ()) -> None:
        """Replace the entries. The cursor and the row it stands on stay with its key; a vanished key leaves nothing
        selected. ``hidden`` keys exist and are not listed now: their marks stay. Only rows that differ are redrawn.
        ValueError when a key stands twice."""
        new = tuple(items)
        if new == self._items:
            self.forget_marks(hidden)
            return
        if len({item.key for item in new}) != len(new):
            raise ValueError("the same key stands twice in a list")
        offset = self._cursor_row() - self._top
        self._items = new
        self._rows = [(item, index) for item in new for index in range(len(item.lines))]
        if not self.drop_vanished() and self._selected is not None and 0 <= offset < self.size.height:
            self._top = self._cursor_row() - offset
        self.forget_marks(hidden)
        self._clamp()
        self._redraw()

    def markable(self) -> Collection[str]:
        """The selectable items."""
        return self.keys()

    def marks_drawn(self, changed: frozenset[str]) -> None:
        """Their rows."""
        del changed
        self._redraw()

    def find(self, words: str, step: int = 1) -> bool:
        """Select the next item that holds ``words`` (``step`` -1: the one before); False when there is none."""
        found = [item for item in self._items if item.selectable]
        at = next((index for index, item in enumerate(found) if item.key == self._selected), -1 if step > 0 else 0)
        match = next_match([tuple(span for line in item.lines for span in line) for item in found], words, at, step)
        if match is not None:
            self.select(found[match].key)
        return match is not None

    def keys(self) -> list[str]:
        """Those of the selectable items."""
        return [item.key for item in self._items if item.selectable]

    def key_at(self, x: int, y: int) -> str | None:
        """The selectable item of a row."""
        del x
        row = self._top + y
        item = self._rows[row][0] if row < len(self._rows) else None
        return item.key if item is not None and item.selectable else None

    def cursor_moved(self) -> None:
        """Keep it in view."""
        self._reveal()
        self._redraw()
        self.cursor_at(self._selected)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._reveal()
        self._shown = self._drawn()
        self.refresh()

    def focus_changed(self) -> None:
        """The cursor or label of the focused widget is strong."""
        self.refresh_rows(y for y, (_, chosen, _) in enumerate(self._shown) if chosen)

    def strip(self, y: int) -> Strip:
        """Row ``y``: the cursor's column and the line of an item."""
        row = self._top + y
        if row >= len(self._rows):
            return self.blank()
        item, index = self._rows[row]
        chosen = item.key == self._selected
        marked = item.key in self._marked
        base = "cursor" if chosen and self.has_focus else "marked" if marked else "normal"
        style = "focus" if self.has_focus else "quiet"
        pointer = to_strip(
            (Span(self._sign(chosen, marked) if index == 0 else " ", style),),
            1,
            self.palette,
            base=base,
            dim=self.dimmed,
        )
        text = to_strip(item.lines[index], self.size.width - 1, self.palette, base=base, dim=self.dimmed)
        return join((pointer, text), self.size.width)

    def _sign(self, chosen: bool, marked: bool) -> str:
        box = self.palette.box
        return (box.both if marked else box.pointer) if chosen else box.mark if marked else " "

    def _cursor_row(self) -> int:
        return next((row for row, (item, _) in enumerate(self._rows) if item.key == self._selected), -1)

    def _drawn(self) -> list[tuple[Line, bool, bool]]:
        shown = self._rows[self._top : self._top + self.size.height]
        drawn = [(item.lines[index], item.key == self._selected, item.key in self._marked) for item, index in shown]
        return drawn + [(BLANK, False, False)] * (self.size.height - len(drawn))

    def _redraw(self) -> None:
        """Refresh the rows that differ from what stands there."""
        before, self._shown = self._shown, self._drawn()
        self.refresh_rows(y for y, row in enumerate(self._shown) if y >= len(before) or row != before[y])

    def _reveal(self) -> None:
        """Scroll as little as brings the whole selected item into view (its first line when it is taller than the
        view)."""
        row = self._cursor_row()
        if row >= 0:
            last = row + len(self._rows[row][0].lines) - 1
            self._top = revealed(self._top, row, last, self.size.height)
        self._clamp()

    def _clamp(self) -> None:
        self._top = clamped(self._top, len(self._rows), self.size.height)
