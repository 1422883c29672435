"""Where the slots of a wall stand: densities, columns, pages. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

Density = Literal["auto", "micro", "small", "large"]
Shown = Literal["micro", "small", "large"]

LARGE_MIN = (30, 8)
LARGE_BEST = 38
"""Columns of a large tile below which heads lose their words: taken only when nothing wider fits."""
SMALL_MIN = (30, 4)
SMALL_TIGHT = 3
"""Rows of a small tile that is taken only when all fit so and not otherwise: its last row is live text."""
MICRO_MOST = 2
"""Rows of a micro tile where there is room: what it works on is on the second."""
MICRO_BEST, MICRO_MIN = 38, 26
_TERMINAL = (81, 24)  # an 80x24 pane with its sign column: what a large tile would like to show
_OWN_ROWS = 3  # of a large tile: head, work, budget


@dataclass(frozen=True, slots=True)
class Grid:
    """``columns`` x ``rows`` slots a page, each ``width`` x ``height`` cells. Micro fills columns first, the others
    rows."""

    density: Shown
    columns: int
    rows: int
    width: int
    height: int

    @property
    def capacity(self) -> int:
        """Slots on one page."""
        return self.columns * self.rows

    def cell(self, position: int) -> tuple[int, int]:
        """(column, row) of a position on its page."""
        if self.density == "micro":
            return position // self.rows, position % self.rows
        return position % self.columns, position // self.columns

    def position(self, column: int, row: int) -> int:
        """Inverse of :meth:`cell`."""
        return column * self.rows + row if self.density == "micro" else row * self.columns + column

    def at(self, x: int, y: int) -> int | None:
        """Position under a cell of the widget."""
        column, row = x // self.width, y // self.height
        return self.position(column, row) if column < self.columns and row < self.rows else None


def layout(width: int, height: int, slots: int, density: Density) -> Grid:
    """The grid for ``slots`` slots: the requested density, or (`auto`) the largest at which all fit, else micro."""
    width, height, slots = max(1, width), max(1, height), max(1, slots)
    if density == "large":
        return large(width, height, slots) or _full(width, height, "large", LARGE_MIN)
    if density == "small":
        return _small(width, height, slots)
    if density == "micro":
        return _micro(width, height, slots)
    roomy = large(width, height, slots)
    if roomy:
        return roomy
    small = _small(width, height, slots)
    return small if small.capacity >= slots and height >= SMALL_TIGHT else _micro(width, height, slots)


def large(width: int, height: int, slots: int) -> Grid | None:
    """All slots large: the number of columns that shows the most of an 80x24 terminal in each; None when they do not
    fit."""
    best: tuple[tuple[bool, float], Grid] | None = None
    for columns in range(1, min(slots, max(1, width // LARGE_MIN[0])) + 1):
        rows = ceil(slots / columns)
        grid = Grid("large", columns, rows, width // columns, height // rows)
        if grid.height < LARGE_MIN[1]:
            continue
        shown = min(1.0, grid.width / _TERMINAL[0]) * min(1.0, (grid.height - _OWN_ROWS) / _TERMINAL[1])
        score = (grid.width >= LARGE_BEST, shown)
        if best is None or score > best[0]:
            best = (score, grid)
    return best[1] if best else None


def _full(width: int, height: int, density: Shown, least: tuple[int, int]) -> Grid:
    """As many tiles of at least the size ``least`` as the page holds."""
    columns, rows = max(1, width // least[0]), max(1, height // least[1])
    return Grid(density, columns, rows, width // columns, min(height, max(1, height // rows)))


def _small(width: int, height: int, slots: int) -> Grid:
    """Rows that are left over are the tiles'."""
    columns = max(1, width // SMALL_MIN[0])
    wanted = ceil(slots / columns)
    least = SMALL_TIGHT if height // wanted == SMALL_TIGHT else SMALL_MIN[1]
    rows = max(1, min(height // least, wanted))
    return Grid("small", columns, rows, width // columns, min(height // rows, LARGE_MIN[1] - 1))


def _micro(width: int, height: int, slots: int) -> Grid:
    wanted = ceil(slots / height)
    roomy, tight = max(1, width // MICRO_BEST), max(1, width // MICRO_MIN)
    columns = roomy if wanted <= roomy else min(tight, wanted)
    rows = min(height, ceil(slots / columns))
    return Grid("micro", columns, rows, width // columns, min(MICRO_MOST, height // rows))
