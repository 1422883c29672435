"""Screen 1: every agent in its place, and the queue of what needs a person."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from fleet_tui.readmodel.agent_filter import AgentFilter
from fleet_tui.readmodel.recent import Recent
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.tui.keys.key import WALL, Here
from fleet_tui.tui.keys.keymap import effective
from fleet_tui.tui.keys.names import shown
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.last_picture import LastPicture
from fleet_tui.tui.present import wall as present
from fleet_tui.tui.present.first_run import first_lines, never_ran
from fleet_tui.tui.present.frame import LARGE
from fleet_tui.tui.remembered import density_of
from fleet_tui.tui.screens.find import find_field
from fleet_tui.tui.screens.marked_agents import MarkedAgents
from fleet_tui.tui.screens.wall_filter import FilteredWall
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Line, Span
from fleet_widgets.pane_wall import LiveView, PaneWall
from fleet_widgets.text_pane import Section, TextPane

QUEUE_ROWS, TALL_QUEUE_ROWS = 3, 6
"""Always the same for one size of the screen, so that the tiles keep their place."""


class WallScreen(FilteredWall, MarkedAgents):
    """In three seconds: who needs me, why, and that the rest is well."""

    scope = WALL
    heading = "1 WALL"
    CSS_PATH = "wall.tcss"
    BINDINGS = textual_bindings(WALL)

    def __init__(self) -> None:
        super().__init__()
        self._leaving = False
        self._recent = Recent()
        self._drawn_events: tuple[int, tuple[Line, ...]] = (-1, ())

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        queue = [
            FrameLine(palette=palette, id=f"need-{row}", classes="queue" if row < QUEUE_ROWS else "queue more")
            for row in range(TALL_QUEUE_ROWS)
        ]
        tiles = Vertical(
            *queue,
            FrameLine(palette=palette, id="queue-rule", classes="queue"),
            FrameLine(palette=palette, id="filter-line"),
            PaneWall(palette=palette, id="tiles"),
            TextPane(palette=palette, id="empty"),
            find_field("role:qa state:ask risk:high team:web words !noise; 12 goes there; empty shows all"),
            id="left",
        )
        yield Horizontal(tiles, TextPane(palette=palette, id="side", wrap=False))

    def main_widget(self) -> Widget:
        return self.query_one(PaneWall)

    def marking(self) -> PaneWall:
        return self.query_one(PaneWall)

    def under_cursor(self) -> str | None:
        return self.query_one(PaneWall).selected

    # -- showing -----------------------------------------------------------------------------------------------------

    def update_body(self) -> None:
        snapshot, now_ns = self.snapshot, self.room.now_ns
        wall = self.query_one(PaneWall)
        wall.dimmed = bool(self.room.why_frozen)
        if snapshot is None:
            return
        wall.display = bool(snapshot.tiles)
        self._show_first_steps()
        box = self.room.context.look.palette.box
        self._made, differ = present.wall_tiles(snapshot.tiles, now_ns, box, self._made)
        self.fill(snapshot, differ=differ)
        if wall.selected is None and snapshot.tiles and not self._had_selection:
            self._had_selection = True
            wall.select(snapshot.tiles[0].name)
        if self.size.width >= LARGE:
            sections = present.side(snapshot, self._newest(snapshot.seq), now_ns, self.current_need())
            self.query_one("#side", TextPane).set_sections(sections)
        else:
            self._show_queue(now_ns)

    _had_selection = False

    def _show_first_steps(self) -> None:
        """Until an agent has run there is little else to see; with the first run they go for good."""
        snapshot, pane, room = self.snapshot, self.query_one("#empty", TextPane), self.room
        assert snapshot is not None
        pane.display = never_ran(snapshot)
        if not pane.display:
            return
        if room.context.replay is not None:
            pane.set_sections((Section("recording", ((Span("no agent has run yet at this time of it", "quiet"),),)),))
            pane.styles.height = 2
            return
        room.parts.want()
        size = f"{self.size.width}x{self.size.height}, colours {room.console.color_system or 'none'}"
        keys = {name: shown(key.split(",")[0]) for name, key in effective(room.context.keymap).items()}
        lines = first_lines(snapshot, room.parts.report, size, keys, self.size.width)
        pane.set_sections((Section("first steps", lines),))
        pane.styles.height = min(len(lines) + 1, max(6, self.size.height - 10)) if snapshot.tiles else "1fr"

    def _show_queue(self, now_ns: int) -> None:
        snapshot = self.snapshot
        assert snapshot is not None
        rows, current = self._queue_rows(), self.current_need()
        part = present.queue_part(snapshot.needs, rows, current)
        for row in range(TALL_QUEUE_ROWS):
            text: Line = present.need_line(part[row], now_ns, current) if row < len(part) else ()
            self.set_line(f"need-{row}", text)
        self.set_line("queue-rule", present.queue_rule(snapshot, rows, self.size.width))

    def _queue_rows(self) -> int:
        return TALL_QUEUE_ROWS if self.has_class("-tall") else QUEUE_ROWS

    def _newest(self, seq: int) -> tuple[Line, ...]:
        """The newest events, read and drawn once for each new picture."""
        reader = self.room.reader()
        if self._drawn_events[0] != seq and reader is not None:
            self._drawn_events = (seq, present.newest(self._recent.read(reader, seq)))
        return self._drawn_events[1]

    def heading_text(self) -> str:
        wall = self.query_one(PaneWall)
        return f"{self.heading} {wall.page + 1}/{wall.pages}" if wall.pages > 1 else self.heading

    # -- live panes --------------------------------------------------------------------------------------------------

    def wanted_panes(self) -> dict[str, LiveView]:
        """Pane uuid → what of it is on screen."""
        snapshot = self.snapshot
        if snapshot is None:
            return {}
        panes = {tile.name: tile.pane_uuid for tile in snapshot.tiles if tile.pane_uuid}
        views = self.query_one(PaneWall).visible_live()
        return {panes[name]: view for name, view in views.items() if name in panes}

    def show_pane(self, uuid: str, rows: tuple[Line, ...], first: int, size: tuple[int, int]) -> None:
        name = self._name_of(uuid)
        if name is not None:
            self.query_one(PaneWall).set_live(name, rows, first=first, size=size)

    def drop_pane(self, uuid: str) -> None:
        name = self._name_of(uuid)
        if name is not None:
            self.query_one(PaneWall).drop_live(name)

    def _name_of(self, uuid: str) -> str | None:
        tiles = self.snapshot.tiles if self.snapshot else ()
        return next((tile.name for tile in tiles if tile.pane_uuid == uuid), None)

    @on(PaneWall.VisibleChanged)
    def _visible_changed(self) -> None:
        self.room.live.wanted_changed()
        self.room.remembered.set("density", self.query_one(PaneWall).density)

    def on_mount(self) -> None:
        self.query_one(PaneWall).density = density_of(self.room.remembered)
        super().on_mount()

    # -- keys --------------------------------------------------------------------------------------------------------

    def selected_tile(self) -> AgentTile | None:
        name = self.query_one(PaneWall).selected
        return self.snapshot.tile(name) if self.snapshot and name else None

    def here(self) -> Here:
        return self.here_on(self.selected_tile())

    @on(PaneWall.Selected)
    def _selected(self) -> None:
        self._leaving = False
        self.show_hints()

    @on(PaneWall.Opened)
    async def _opened(self, message: PaneWall.Opened) -> None:
        await self.room.open_agent(message.key)

    async def do_room_back(self) -> None:
        """The wall is the top: only the field, the marks and the filter can be left."""
        if not (self.end_find() or self.end_marks()) and self.is_filtered:
            self.filter_by(AgentFilter())

    def leave_picture(self, last: LastPicture) -> None:
        """Keep what is shown for the next start, without a message of now."""
        if self.snapshot is not None:
            self.said = None
            self.show_message()
            rows = [strip.text for strip in self._compositor.render_strips(self.size)]
            last.keep(rows, (self.size.width, self.size.height), self.room.now_ns)

    async def do_room_leave(self) -> None:
        """The only way out of the room, twice so that one `q` too many on another screen does not leave."""
        if self.end_find():
            return
        if self._leaving:
            self.room.exit(0)
        else:
            self._leaving = True
            then = "the demo ends and is removed" if self.room.context.demo else "agents work on, `fleet` comes back"
            question = f"leave the room? {then}: q again leaves, any other key stays"
            self.room.say(lambda: question if self._leaving else "", "strong")

    async def action_do(self, identity: str) -> None:
        if identity != "room.leave":
            self._leaving = False
        await super().action_do(identity)
