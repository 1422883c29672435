"""One tile of a wall as rows: head, own rows, live text, and the signs of cursor and mark. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_widgets.lines import BLANK, Line, Span, width_of
from fleet_widgets.live_text import LiveText, LiveView
from fleet_widgets.palette import Box
from fleet_widgets.wall_layout import MICRO_BEST, Grid

NO_SIGN = Span(" ")
_WORTH = 8
MICRO_INDENT = 6
"""Cells by which a second row of micro density stands behind badge and sign."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One slot. ``head`` is the first line, ``rows`` stand below it (at most half of the tile when it is live), live
    text fills what is left; where there is none, the end of ``text`` does. ``cell`` is the one-line form for micro
    density (``head`` when empty), ``narrow`` the same for columns that are narrower than one would like."""

    key: str
    head: Line
    rows: tuple[Line, ...] = ()
    live: bool = False
    cell: Line = ()
    text: tuple[Line, ...] = ()
    narrow: Line = ()


@dataclass(frozen=True, slots=True)
class TileRow:
    """One row of a tile: sign column, text, the palette name of the ground under the text, and whether it is part of a
    terminal's picture."""

    sign: Span = NO_SIGN
    text: Line = BLANK
    base: str = "normal"
    picture: bool = False


@dataclass(frozen=True, slots=True)
class Emphasis:
    """What the person did to the tile: ``chosen`` by the cursor, ``marked``; ``focused`` when keys go to the wall."""

    chosen: bool = False
    marked: bool = False
    focused: bool = False


def view_of(tile: Tile, grid: Grid, live: LiveText | None) -> LiveView | None:
    """The part of the tile's pane that is shown; None when the tile has no room for live text."""
    room = grid.height - 1 - _own_rows(tile, grid)
    if not tile.live or room <= 0 or grid.density == "micro":
        return None
    text = live or LiveText()
    return LiveView(text.tail(room), text.height - 1, grid.width - 1, room)


def tile_rows(
    tile: Tile | None, grid: Grid, live: LiveText | None, emphasis: Emphasis, box: Box
) -> tuple[TileRow, ...]:
    """Exactly ``grid.height`` rows; a hole is blank."""
    if tile is None:
        return (TileRow(),) * grid.height
    lines: list[Line] = [_cell(tile, grid) if grid.density == "micro" else tile.head]
    own = tile.rows[: _own_rows(tile, grid)]
    lines += [(Span(" " * MICRO_INDENT), *row) for row in own] if grid.density == "micro" else own
    view, before = view_of(tile, grid, live), len(lines)
    if view is not None and live is not None:
        lines += live.shown_tail(view.height)
    pictures = range(before, len(lines))
    if not tile.live and grid.density != "micro":
        lines += tile.text[max(0, len(tile.text) - (grid.height - len(lines))) :]
    lines += [BLANK] * (grid.height - len(lines))
    return _signed(lines, pictures, grid, emphasis, box)


def _cell(tile: Tile, grid: Grid) -> Line:
    return (tile.narrow if grid.width < MICRO_BEST else ()) or tile.cell or tile.head


def changed_from(before: TileRow, after: TileRow, width: int) -> int:
    """First cell that may differ between two forms of a row of ``width`` cells: what is equal at the left is not sent
    again, where that is enough to be worth the parting of a row."""
    if (before.sign, before.base) != (after.sign, after.base):
        return 0
    if any(span.fill or span.gives for span in (*before.text, *after.text)):
        return 1  # what stands at the right decides how much there is at the left
    left = 1
    for old, new in zip(before.text, after.text, strict=False):
        if old != new:
            if old.style == new.style and old.text.isascii() and new.text.isascii():
                left += _common(old.text, new.text)
            break
        left += width_of((new,))
    if left >= width:  # the sign of what was cut off stands in the last cell, and a wide character has no half
        return width - 1 if all(span.text.isascii() for span in (*before.text, *after.text)) else 1
    return left if left > _WORTH else 1


def _common(one: str, other: str) -> int:
    """How many characters at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _own_rows(tile: Tile, grid: Grid) -> int:
    """How many of the tile's own rows are shown under its head."""
    if grid.density == "micro":
        return min(len(tile.rows), grid.height - 1)
    return min(len(tile.rows), grid.height // 2 if tile.live else grid.height - 1)


def _signed(lines: Sequence[Line], pictures: range, grid: Grid, emphasis: Emphasis, box: Box) -> tuple[TileRow, ...]:
    """The rows with their sign column: the sign stands on the head, in large tiles along the whole tile."""
    sign = _sign(emphasis, box)
    base = "cursor" if emphasis.chosen and emphasis.focused else ("marked" if emphasis.marked else "normal")
    along = sign if grid.density == "large" else NO_SIGN
    below = (TileRow(along, lines[y], picture=y in pictures) for y in range(1, len(lines)))
    return (TileRow(sign, lines[0], base), *below)


def _sign(emphasis: Emphasis, box: Box) -> Span:
    if emphasis.chosen:
        return Span(box.both if emphasis.marked else box.focus, "focus" if emphasis.focused else "quiet")
    return Span(box.mark, "focus") if emphasis.marked else NO_SIGN
