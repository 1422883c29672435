"""All agents in one widget: fixed slots, three densities, pages, an inner cursor and live pane text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.strip import Strip

from fleet_widgets.base import WidgetMessage
from fleet_widgets.lines import BLANK, Line, join, to_strip
from fleet_widgets.live_text import LiveText, LiveView
from fleet_widgets.marking import Marking
from fleet_widgets.palette import GREY, Palette
from fleet_widgets.wall_layout import Density, Grid, Shown, layout
from fleet_widgets.wall_moves import Direction, step
from fleet_widgets.wall_tiles import Emphasis, Tile, TileRow, changed_from, tile_rows, view_of

__all__ = ["Density", "LiveView", "PaneWall", "Tile"]  # the value types belong to this interface

_DENSITIES: tuple[Density, ...] = ("auto", "micro", "small", "large")


class PaneWall(Marking, can_focus=True):
    """The wall. Slots keep their place, the cursor belongs to a key, and only rows that changed are drawn again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "move('left')", "left", id="wall.left", show=False),
        Binding("j,down", "move('down')", "down", id="wall.down", show=False),
        Binding("k,up", "move('up')", "up", id="wall.up", show=False),
        Binding("l,right", "move('right')", "right", id="wall.right", show=False),
        Binding("g,home", "first", "first", id="wall.first", show=False),
        Binding("G,end", "last", "last", id="wall.last", show=False),
        Binding("pagedown", "page(1)", "next page", id="wall.page_next", show=False),
        Binding("pageup", "page(-1)", "previous page", id="wall.page_previous", show=False),
        Binding("enter", "open", "open", id="wall.open", show=False),
        Binding("plus", "zoom(1)", "larger tiles", id="wall.larger", show=False),
        Binding("minus", "zoom(-1)", "smaller tiles", id="wall.smaller", show=False),
    ]

    density: reactive[Density] = reactive[Density]("auto", repaint=False)
    """Requested density; `auto` takes the largest at which all slots fit."""

    @dataclass
    class Selected(WidgetMessage):
        """The cursor is at another key (None: nothing is selected)."""

        key: str | None

    @dataclass
    class Opened(WidgetMessage):
        """Enter, or a click on the selected tile."""

        key: str

    @dataclass
    class VisibleChanged(WidgetMessage):
        """``visible_live()``, ``page``, ``pages`` or ``shown_density`` has a new answer."""

        newest_wins: ClassVar[bool] = True

    def __init__(
        self,
        *,
        palette: Palette = GREY,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(palette=palette, name=name, id=id, classes=classes)
        self._slots: tuple[Tile | None, ...] = ()
        self._index: dict[str, int] = {}
        self._live: dict[str, LiveText] = {}
        self._asked: dict[str, LiveView] = {}
        self._selected: str | None = None
        self._page = 0
        self._grid: Grid = layout(80, 24, 1, "auto")
        self._drawn: list[tuple[TileRow, ...]] = []
        self._strips: dict[int, Strip] = {}

    # --- what it shows -------------------------------------------------------------------------------------------

    @property
    def selected(self) -> str | None:
        """Key under the cursor; stays with the key when slots move, None when the key vanishes."""
        return self._selected

    @property
    def page(self) -> int:
        """Page in view, from 0."""
        return self._page

    @property
    def pages(self) -> int:
        """Pages in all, at least 1."""
        return max(1, -(-len(self._slots) // self._grid.capacity))

    @property
    def shown_density(self) -> Shown:
        """The density in force."""
        return self._grid.density

    def set_tiles(self, tiles: Sequence[Tile | None], hidden: Iterable[str] = ()) -> None:
        """Replace all slots (None = hole). Only rows that differ are redrawn; equal input redraws nothing.

        ``hidden`` are keys that exist and have no slot now: their marks stay. ValueError when a key stands in two
        slots.
        """
        slots = tuple(tiles)
        if slots == self._slots:
            self.forget_marks(hidden)
            return
        index = {tile.key: at for at, tile in enumerate(slots) if tile is not None}
        if len(index) != sum(tile is not None for tile in slots):
            raise ValueError("the same key stands in two slots")
        resized = len(slots) != len(self._slots)
        self._slots, self._index = slots, index
        self._forget_vanished()
        self.forget_marks(hidden)
        if resized:
            self._arrange()
        else:
            self._redraw(range(self._grid.capacity))
            self._note_visible()

    def set_live(
        self,
        key: str,
        rows: Sequence[Line],
        changed: Iterable[int] | None = None,
        *,
        first: int = 0,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Pane rows ``first``... of ``key``; ``changed`` are indexes into ``rows`` (None: compare). ``size`` is the
        pane's (columns, rows). Only visible rows that changed are redrawn. Unknown keys are ignored."""
        at = self._index.get(key)
        if at is None:
            return
        live = self._live.setdefault(key, LiveText())
        if live.update(rows, changed, first, size):
            self._redraw([at - self._page * self._grid.capacity])
            view = self._asked.get(key)
            need = self._view(self._slots[at])
            if view is not None and need is not None and need.outgrows(view):
                self.post_message(self.VisibleChanged(self))

    def drop_live(self, key: str) -> None:
        """Forget the live text of a pane that is gone."""
        if self._live.pop(key, None) is not None and key in self._index:
            self._redraw([self._index[key] - self._page * self._grid.capacity])
            self._note_visible()

    def visible_live(self) -> dict[str, LiveView]:
        """Live tiles of this page and the rows of their panes that are needed; empty while too dense for live text."""
        self._asked = self._views()
        return dict(self._asked)

    def select(self, key: str | None) -> None:
        """Move the cursor (and the page) to ``key``; keys that are not on the wall are ignored."""
        if key == self._selected or (key is not None and key not in self._index):
            return
        before, self._selected = self._selected, key
        if key is not None:
            self._turn_to(self._index[key] // self._grid.capacity)
        self._redraw_keys(before, key)
        self.cursor_at(key)
        self.post_message(self.Selected(self, key))

    def markable(self) -> Collection[str]:
        """Whoever has a slot."""
        return self._index.keys()

    def marks_drawn(self, changed: frozenset[str]) -> None:
        """The heads of these tiles."""
        self._redraw_keys(*changed)

    # --- actions -------------------------------------------------------------------------------------------------

    def action_move(self, direction: Direction) -> None:
        """Move the cursor to the next tile in a direction, over holes, and on to the next page at its edge."""
        at = None if self._selected is None else self._index[self._selected]
        self._select_slot(step(self._grid, [tile is not None for tile in self._slots], at, direction, self._page))

    def action_first(self) -> None:
        """Move to the first tile."""
        self._select_slot(next(iter(self._index.values()), None))

    def action_last(self) -> None:
        """Move to the last tile."""
        self._select_slot(next(reversed(self._index.values()), None))

    def action_page(self, by: int) -> None:
        """Turn pages; the cursor goes to the first tile of the new page."""
        target = min(max(0, self._page + by), self.pages - 1)
        if target != self._page:
            self._turn_to(target)
            start = target * self._grid.capacity
            self._select_slot(
                next((at for at in self._index.values() if start <= at < start + self._grid.capacity), None)
            )

    def action_open(self) -> None:
        """Post Opened for the selected tile."""
        if self._selected is not None:
            self.post_message(self.Opened(self, self._selected))

    def action_zoom(self, by: int) -> None:
        """Larger (+1) or smaller (-1) tiles, starting from the density in force."""
        at = _DENSITIES.index(self.shown_density) + by
        self.density = _DENSITIES[min(max(1, at), len(_DENSITIES) - 1)]

    def _select_slot(self, at: int | None) -> None:
        tile = self._slots[at] if at is not None else None
        if tile is not None:
            self.select(tile.key)

    # --- events --------------------------------------------------------------------------------------------------

    def watch_density(self) -> None:
        """Lay out again."""
        self._arrange()

    def on_resize(self) -> None:
        """Lay out again."""
        self._arrange()

    def focus_changed(self) -> None:
        """The cursor or label of the focused widget is strong."""
        self._redraw_keys(self._selected)

    def on_click(self, event: events.Click) -> None:
        """A click selects; a click on the selected tile opens."""
        position = self._grid.at(event.x, event.y)
        at = None if position is None else self._page * self._grid.capacity + position
        tile = self._slots[at] if at is not None and at < len(self._slots) else None
        if tile is not None and tile.key == self._selected:
            self.action_open()
        elif tile is not None:
            self.select(tile.key)

    def restyled(self) -> None:
        """Signs and styles depend on the palette."""
        self._draw_all()

    # --- drawing -------------------------------------------------------------------------------------------------

    def strip(self, y: int) -> Strip:
        """Row ``y`` of the page: the same row of every tile that stands there."""
        found = self._strips.get(y)
        if found is None:
            found = self._strips[y] = self._row_strip(y)
        return found

    def parts(self, y: int, x: int, width: int) -> list[Strip] | None:
        """Parts of the tiles of a row: the row is not joined for a change in one of them."""
        grid = self._grid
        first, last = x // grid.width, -(-(x + width) // grid.width)
        if last > grid.columns or y // grid.height >= grid.rows:
            return None
        found: list[Strip] = []
        for column in range(first, last):
            sign, text = self._tile_strips(column, y)
            left, right = max(0, x - column * grid.width), min(grid.width, x + width - column * grid.width)
            if left == 0:
                found.append(sign)
            if right > 1:
                whole = left <= 1 and right == grid.width
                found.append(text if whole else text.crop(max(0, left - 1), right - 1))
        return found

    def _tile_strips(self, column: int, y: int) -> tuple[Strip, Strip]:
        grid = self._grid
        position = grid.position(column, y // grid.height)
        rows = self._drawn[position] if position < len(self._drawn) else ()
        drawn = rows[y % grid.height] if rows else TileRow()
        return (
            to_strip((drawn.sign,), 1, self._palette, dim=self._dimmed),
            to_strip(
                drawn.text, grid.width - 1, self._palette, base=drawn.base, dim=self._dimmed, picture=drawn.picture
            ),
        )

    def _row_strip(self, y: int) -> Strip:
        grid, row = self._grid, y // self._grid.height
        parts: list[Strip] = []
        for column in range(grid.columns if row < grid.rows else 0):
            parts += self._tile_strips(column, y)
        rest = self.size.width - grid.width * (len(parts) // 2)
        return join([*parts, to_strip(BLANK, rest, self._palette)], self.size.width)

    def _rows_of(self, tile: Tile | None) -> tuple[TileRow, ...]:
        if tile is None:
            return tile_rows(None, self._grid, None, Emphasis(), self._palette.box)
        emphasis = Emphasis(tile.key == self._selected, tile.key in self._marked, self.has_focus)
        return tile_rows(tile, self._grid, self._live.get(tile.key), emphasis, self._palette.box)

    def _view(self, tile: Tile | None) -> LiveView | None:
        return None if tile is None else view_of(tile, self._grid, self._live.get(tile.key))

    def _redraw_keys(self, *keys: str | None) -> None:
        start = self._page * self._grid.capacity
        self._redraw([self._index[key] - start for key in keys if key is not None and key in self._index])

    def _redraw(self, positions: Iterable[int]) -> None:
        """Compose these positions of the page again and refresh the rows that came out different."""
        grid, start = self._grid, self._page * self._grid.capacity
        for position in positions:
            if not 0 <= position < len(self._drawn):
                continue
            at = start + position
            rows = self._rows_of(self._slots[at] if at < len(self._slots) else None)
            before, self._drawn[position] = self._drawn[position], rows
            column, row = grid.cell(position)
            for y in range(grid.height):
                if rows[y] != before[y]:
                    self._strips.pop(row * grid.height + y, None)
                    first = changed_from(before[y], rows[y], grid.width)
                    self.refresh_rows([row * grid.height + y], x=column * grid.width + first, width=grid.width - first)

    def _draw_all(self) -> None:
        self._strips.clear()
        self._drawn = [self._rows_of(tile) for tile in self._page_slots()]
        self.refresh()

    # --- pages and slots -----------------------------------------------------------------------------------------

    def _page_slots(self) -> list[Tile | None]:
        """The slots of this page, holes up to its capacity."""
        grid = self._grid
        slots = list(self._slots[self._page * grid.capacity : (self._page + 1) * grid.capacity])
        return slots + [None] * (grid.capacity - len(slots))

    def _arrange(self) -> None:
        """Lay out for the present size, number of slots and density, on the page of the cursor."""
        self._grid = layout(self.size.width, self.size.height, len(self._slots), self.density)
        at = self._index.get(self._selected) if self._selected is not None else None
        self._page = at // self._grid.capacity if at is not None else min(self._page, self.pages - 1)
        self._draw_all()
        self.post_message(self.VisibleChanged(self))

    def _turn_to(self, page: int) -> None:
        if page != self._page:
            self._page = page
            self._draw_all()
            self.post_message(self.VisibleChanged(self))

    def _forget_vanished(self) -> None:
        """Cursor and live text of keys that are no longer on the wall."""
        for key in [key for key in self._live if key not in self._index]:
            del self._live[key]
        if self._selected is not None and self._selected not in self._index:
            self._selected = None
            self.post_message(self.Selected(self, None))

    def _note_visible(self) -> None:
        """Tell when other panes, or other rows of them, are needed than were last asked for."""
        views = self._views()
        if views.keys() != self._asked.keys() or any(view.outgrows(self._asked[key]) for key, view in views.items()):
            self.post_message(self.VisibleChanged(self))

    def _views(self) -> dict[str, LiveView]:
        views = {tile.key: self._view(tile) for tile in self._page_slots() if tile is not None}
        return {key: view for key, view in views.items() if view is not None}
