"""Which agents the wall shows: all, or those that match what was typed behind `/`."""

from __future__ import annotations

from fleet_tui.readmodel.agent_filter import AgentFilter, in_place, number_of, numbered, parse
from fleet_tui.readmodel.filters import FilterError
from fleet_tui.readmodel.values import AgentTile, Snapshot
from fleet_tui.tui.present.text import count
from fleet_tui.tui.present.wall import Made, filter_line
from fleet_tui.tui.screens.find import Finds
from fleet_widgets.pane_wall import PaneWall


class FilteredWall(Finds):
    """For the screen with the wall and the line `#filter-line`."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, Made] = {}
        """All agents' tiles, by name."""
        self._filter = AgentFilter()
        self._slots: tuple[str | None, ...] = ()

    @property
    def is_filtered(self) -> bool:
        return bool(self._filter.tests)

    def fill(self, snapshot: Snapshot, *, differ: bool = True) -> None:
        """Show the tiles; nothing is drawn where neither they nor their places ``differ``."""
        slots = self._slots_for(snapshot)
        if differ or slots != self._slots:
            self._slots = slots
            tiles = [self._made[name].tile if name else None for name in slots]
            self.query_one(PaneWall).set_tiles(tiles, hidden=self._made.keys() - set(slots))
        self.query_one("#filter-line").display = self.is_filtered
        self.set_line("filter-line", filter_line(self._filter.text, self._shown(), snapshot))

    def _shown(self) -> list[str]:
        return [name for name in self._slots if name]

    def _slots_for(self, snapshot: Snapshot) -> tuple[str | None, ...]:
        """Who stands where: everybody, or who matches the filter, in the place that each had."""
        if not self.is_filtered:
            return tuple(self._made)
        return in_place(self._slots, [tile.name for tile in snapshot.tiles if self._filter.matches(tile)])

    def do_wall_filter(self) -> None:
        self.open_find(self._filter.text)

    def find_typed(self, text: str) -> None:
        """A number moves the cursor at once; of a filter is told what Enter would show."""
        tiles = self.snapshot.tiles if self.snapshot else ()
        number = number_of(text)
        found = numbered(tiles, number) if number is not None else None
        if found is not None:
            self.query_one(PaneWall).select(found.name)
        self.tell_typed(text, self.would_show(text)[0])

    def would_show(self, text: str) -> tuple[str, bool]:
        """What Enter would do with ``text``, and whether it would do anything."""
        tiles, number = self.snapshot.tiles if self.snapshot else (), number_of(text)
        if number is not None:
            found = numbered(tiles, number)
            return (f"Enter goes to {found.name}", True) if found else (f"nobody is on #{number} or named so", False)
        try:
            wanted = parse(text, tiles)
        except FilterError as error:
            return f"{error.message}. {error.hint}", False
        if not wanted.tests:
            return "Enter shows all agents", True
        matching = sum(wanted.matches(tile) for tile in tiles)
        if not matching:
            return f"no agent matches {text.strip()}", False
        return f"{matching} of {count(len(tiles), 'agent')}; Enter shows only them", True

    def find_entered(self, text: str) -> bool:
        """What cannot be read or fits nobody stays in the field."""
        told, does = self.would_show(text)
        if does:
            self.show_only(text)
        else:
            self.tell_typed(text, told, "warn")
        return does

    def show_only(self, text: str) -> None:
        """Go to the number, or show only who matches; what `would_show` says does something."""
        tiles, number = self.snapshot.tiles if self.snapshot else (), number_of(text)
        if number is not None:
            self._go_to(numbered(tiles, number))
        else:
            self.filter_by(parse(text, tiles))

    def _go_to(self, tile: AgentTile | None) -> None:
        """The cursor goes there, also out of the filter."""
        if tile is not None:
            if tile.name not in self._slots:
                self.filter_by(AgentFilter())
                self.room.say(f"the filter was cleared: it hides {tile.name}", "quiet")
            self.query_one(PaneWall).select(tile.name)

    def filter_by(self, wanted: AgentFilter) -> None:
        """Show only who matches. The cursor stays with its agent, else it goes to the one that is named, or first."""
        snapshot = self.snapshot
        if snapshot is None:
            return
        self._filter, self._slots = wanted, ()
        self.fill(snapshot)
        wall = self.query_one(PaneWall)
        shown = self._shown()
        if wanted.text in shown:
            wall.select(wanted.text)
        elif wall.selected is None:
            wall.select(shown[0] if shown else None)
        self.show_hints()
