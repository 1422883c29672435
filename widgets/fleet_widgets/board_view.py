"""A board: cards in columns side by side, or in bands below each other where the screen is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

from textual.binding import Binding, BindingType
from textual.strip import Strip

from fleet_widgets.base import WidgetOptions
from fleet_widgets.lines import BLANK, Line, Span, join, to_strip
from fleet_widgets.moving import KeyCursor, moving_keys, open_key
from fleet_widgets.places import clamped, revealed

COLUMN_MIN = 19
"""Narrower columns would cut the first line of most cards; then the columns become bands."""
BAND_CELL = 26
"""Width of a card in a band."""
_PAGE = 5


@dataclass(frozen=True, slots=True)
class BoardCard:
    """``lines``: all of them in a column, the first alone in a band."""

    key: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """``head`` stands above a column (every column has as many lines); ``band`` is the same in one line."""

    head: tuple[Line, ...]
    band: Line
    cards: tuple[BoardCard, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    x: int
    width: int
    key: str | None
    line: Line
    first: bool = False
    """Whether the pointer stands on this row of its card."""


_Row = tuple[_Cell, ...]


class BoardView(KeyCursor):
    """The cursor belongs to a key and goes in two directions, over empty columns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "go(-1, 0)", "left", id="board.left", show=False),
        Binding("l,right", "go(1, 0)", "right", id="board.right", show=False),
        *moving_keys("board"),
        open_key("board"),
    ]

    def __init__(self, **options: Unpack[WidgetOptions]) -> None:
        super().__init__(**options)
        self._columns: tuple[BoardColumn, ...] = ()
        self._rows: list[_Row] = []
        self._head = 0  # rows that do not scroll
        self._top = 0

    def set_columns(self, columns: Sequence[BoardColumn]) -> None:
        """Replace the cards. The cursor stays with its key, wherever that goes; a vanished key leaves nothing
        selected."""
        new = tuple(columns)
        if new == self._columns:
            return
        self._columns = new
        self.drop_vanished()
        self._lay_out()
        self.refresh()

    @property
    def page_rows(self) -> int:
        """Cards, not rows of the screen."""
        return _PAGE

    def keys(self) -> list[str]:
        """Those of all cards."""
        return [card.key for column in self._columns for card in column.cards]

    def key_at(self, x: int, y: int) -> str | None:
        """The card there."""
        return next((cell.key for cell in self._row(y) if cell.x <= x < cell.x + cell.width), None)

    def cursor_moved(self) -> None:
        """Keep it in view."""
        self._reveal()
        self.refresh()

    def action_move(self, by: int) -> None:
        """Move the cursor down, or up."""
        self.action_go(0, by)

    def action_go(self, x: int, y: int) -> None:
        """Move the cursor; the first move selects the first card."""
        if self._selected is None:
            self.action_first()
            return
        along, across = (x, y) if self._in_bands else (y, x)
        self.select(step(self._lanes(), self._selected, along, across))

    def on_resize(self) -> None:
        """Columns become bands and back."""
        self._lay_out()
        self._reveal()
        self.refresh()

    def focus_changed(self) -> None:
        """The cursor of the focused widget is strong."""
        self.refresh()

    def strip(self, y: int) -> Strip:
        """Row ``y``: the cells side by side."""
        row, parts, x = self._row(y), [], 0
        for cell in row:
            if cell.x > x:
                parts.append(to_strip(BLANK, cell.x - x, self.palette))
            parts += self._cell(cell)
            x = cell.x + cell.width
        if x < self.size.width:
            parts.append(to_strip(BLANK, self.size.width - x, self.palette))
        return join(parts, self.size.width)

    def _cell(self, cell: _Cell) -> list[Strip]:
        if cell.key is None:
            return [to_strip(cell.line, cell.width, self.palette, dim=self.dimmed)]
        chosen = cell.key == self._selected
        sign = self.palette.box.pointer if chosen and cell.first else " "
        base = "cursor" if chosen and self.has_focus else "normal"
        pointer = (Span(sign, "focus" if self.has_focus else "quiet"),)
        # The last cell stays free, or neighbours would run into each other.
        return [
            to_strip(pointer, 1, self.palette, base=base, dim=self.dimmed),
            to_strip(cell.line, cell.width - 2, self.palette, base=base, dim=self.dimmed),
            to_strip(BLANK, 1, self.palette),
        ]

    # -- layout ----------------------------------------------------------------------------------------------------

    @property
    def _in_bands(self) -> bool:
        return self.size.width < COLUMN_MIN * max(1, len(self._columns))

    @property
    def _per_band_row(self) -> int:
        return max(1, self.size.width // BAND_CELL)

    def _lanes(self) -> list[list[str]]:
        """Keys in the direction in which they stand in order: columns, or rows of bands."""
        if not self._in_bands:
            return [[card.key for card in column.cards] for column in self._columns]
        size = self._per_band_row
        return [[card.key for card in part] for column in self._columns for part in _parts(column.cards, size)]

    def _lay_out(self) -> None:
        if self._in_bands:
            self._head, self._rows = 0, self._band_rows()
        else:
            self._head = max((len(column.head) for column in self._columns), default=0)
            self._rows = self._column_rows()
        self._clamp()

    def _band_rows(self) -> list[_Row]:
        rows: list[_Row] = []
        size, width = self._per_band_row, self.size.width // self._per_band_row
        for column in self._columns:
            rows.append((_Cell(0, self.size.width, None, column.band),))
            rows += (
                tuple(_Cell(at * width, width, card.key, card.lines[0], True) for at, card in enumerate(part))
                for part in _parts(column.cards, size)
            )
        return rows

    def _column_rows(self) -> list[_Row]:
        width = self.size.width // max(1, len(self._columns))
        places = [(at * width, column) for at, column in enumerate(self._columns)]
        rows: list[_Row] = [
            tuple(_Cell(x, width - 1, None, column.head[y]) for x, column in places) for y in range(self._head)
        ]
        high = max((len(card.lines) for column in self._columns for card in column.cards), default=1)
        most = max((len(column.cards) for column in self._columns), default=0)
        gap = 1 if most * (high + 1) <= self.size.height - self._head else 0
        for index in range(most):
            here = [(x, width, column.cards[index]) for x, column in places if index < len(column.cards)]
            rows += (tuple(_cell(x, width, card, y) for x, width, card in here) for y in range(high))
            rows += [()] * gap
        return rows

    def _row(self, y: int) -> _Row:
        at = y if y < self._head else y + self._top
        return self._rows[at] if 0 <= at < len(self._rows) else ()

    def _reveal(self) -> None:
        """Scroll as little as brings the selected card into view."""
        mine = [at for at, row in enumerate(self._rows) if any(cell.key == self._selected for cell in row)]
        if self._selected is not None and mine:
            above = self._rows[mine[0] - 1] if mine[0] > self._head else ()
            heads = bool(above) and all(cell.key is None for cell in above)  # with the name of its band
            self._top = revealed(self._top, mine[0] - heads - self._head, mine[-1], self.size.height)
        self._clamp()

    def _clamp(self) -> None:
        self._top = clamped(self._top, len(self._rows), self.size.height)


def _cell(x: int, width: int, card: BoardCard, y: int) -> _Cell:
    return _Cell(x, width, card.key, card.lines[y] if y < len(card.lines) else BLANK, y == 0)


def _parts(cards: Sequence[BoardCard], size: int) -> list[Sequence[BoardCard]]:
    return [cards[at : at + size] for at in range(0, len(cards), size)]


def step(lanes: Sequence[Sequence[str]], key: str, along: int, across: int) -> str:
    """The key reached from ``key``: ``along`` its lane, or ``across`` lanes that are not empty at the same place."""
    filled = [lane for lane in lanes if lane]
    at = next(index for index, lane in enumerate(filled) if key in lane)
    place = filled[at].index(key)
    lane = filled[min(max(0, at + across), len(filled) - 1)]
    return lane[min(max(0, place + along), len(lane) - 1)]
