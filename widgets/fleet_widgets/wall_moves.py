"""Where the cursor of a wall goes: over holes, within the page, and on to the next page at its edge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from fleet_widgets.wall_layout import Grid

Direction = Literal["left", "right", "up", "down"]
_STEPS: dict[Direction, tuple[int, int]] = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


def step(grid: Grid, taken: Sequence[bool], at: int | None, direction: Direction, page: int) -> int | None:
    """Slot reached from slot ``at`` (None: the first taken slot of ``page``); ``at`` itself when there is nothing
    that way.

    ``taken`` tells which slots hold a tile.
    """
    if at is None:
        start = page * grid.capacity
        return next((slot for slot in (*range(start, len(taken)), *range(start)) if taken[slot]), None)
    for slot in _line(grid, len(taken), at, direction):
        if taken[slot]:
            return slot
    return _next_page(grid, taken, at, forward=direction in ("right", "down"))


def _line(grid: Grid, slots: int, at: int, direction: Direction) -> Iterator[int]:
    """Slots of the page in a straight line from ``at``."""
    start = at - at % grid.capacity
    dx, dy = _STEPS[direction]
    column, row = grid.cell(at - start)
    while True:
        column, row = column + dx, row + dy
        if not (0 <= column < grid.columns and 0 <= row < grid.rows):
            return
        slot = start + grid.position(column, row)
        if slot < slots:
            yield slot


def _next_page(grid: Grid, taken: Sequence[bool], at: int, *, forward: bool) -> int:
    """First taken slot of a later page, or last of an earlier one; ``at`` when there is none."""
    start = at - at % grid.capacity
    slots = range(start + grid.capacity, len(taken)) if forward else range(start - 1, -1, -1)
    return next((slot for slot in slots if taken[slot]), at)
