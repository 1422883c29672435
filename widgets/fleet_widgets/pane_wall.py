"""All agents in one widget: fixed slots, three densities, pages, an inner cursor and live pane text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from textual.message import Message
from textual.reactive import reactive

from fleet_widgets.base import LineWidget
from fleet_widgets.lines import Line

Density = Literal["auto", "micro", "small", "large"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One slot. ``head`` is the first line, ``rows`` stand below it, live text fills what is left; ``cell`` is the one-line
    form for micro density (``head`` when empty)."""

    key: str
    head: Line
    rows: tuple[Line, ...] = ()
    live: bool = False
    cell: Line = ()


@dataclass(frozen=True, slots=True)
class LiveView:
    """The part of a pane that is on screen: pane rows ``first``-``last`` (0-based, inclusive), and the room in cells."""

    first: int
    last: int
    width: int
    height: int


class PaneWall(LineWidget, can_focus=True):
    """The wall. Bindings (all ids ``wall.*``): hjkl and arrows, g G, pageup pagedown, enter, space, + -."""

    density: reactive[Density] = reactive[Density]("auto")
    """Requested density; `auto` takes the largest at which all slots fit."""

    @dataclass
    class Selected(Message):
        """The cursor moved to another key (None: nothing is selected)."""

        wall: PaneWall
        key: str | None

    @dataclass
    class Opened(Message):
        """Enter (or a click on the selected tile)."""

        wall: PaneWall
        key: str

    @dataclass
    class VisibleChanged(Message):
        """`visible_live()` has a new answer. Newest wins."""

        wall: PaneWall

    @dataclass
    class MarksChanged(Message):
        wall: PaneWall
        marked: frozenset[str]

    selected: str | None
    """Key under the cursor; stays with the key when slots move, None when the key vanishes."""
    marked: frozenset[str]
    page: int
    pages: int
    shown_density: Density
    """The density in force (never `auto`)."""

    def set_tiles(self, tiles: Sequence[Tile | None]) -> None:
        """Replace all slots (None = hole). Only tiles that differ are redrawn; equal input redraws nothing."""

    def set_live(
        self,
        key: str,
        rows: Sequence[Line],
        changed: Iterable[int] | None = None,
        *,
        first: int = 0,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Pane rows ``first``... of ``key``; ``changed`` are indexes into ``rows`` (None: compare). ``size`` is the pane's
        (columns, rows). Only visible lines that changed are redrawn."""

    def drop_live(self, key: str) -> None:
        """Forget the live text of a pane that is gone."""

    def visible_live(self) -> dict[str, LiveView]:
        """Live tiles of the current page and the rows of their panes that are needed. Empty while too dense for live text."""
        raise NotImplementedError

    def select(self, key: str | None) -> None:
        """Move the cursor (and the page) to ``key``; unknown keys are ignored."""

    def mark(self, keys: Iterable[str]) -> None:
        """Replace the marks."""

    def mark_all(self) -> None: ...
