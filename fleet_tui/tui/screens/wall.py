"""Screen 1: every agent in its place, and the queue of what needs a person."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input

from fleet_tui.domain.events import Event
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.store.reader import EventFilter
from fleet_tui.tui.bindings import WALL, Here, effective, shown, textual_bindings
from fleet_tui.tui.present import wall as present
from fleet_tui.tui.present.first_run import first_lines, never_ran
from fleet_tui.tui.present.frame import LARGE
from fleet_tui.tui.screens.acts import AgentActs
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Line
from fleet_widgets.pane_wall import LiveView, PaneWall
from fleet_widgets.text_pane import Section, TextPane

QUEUE_ROWS, TALL_QUEUE_ROWS = 3, 6
"""Always the same for one size of the screen, so that the tiles keep their place."""


class WallScreen(AgentActs):
    """In three seconds: who needs me, why, and that the rest is well."""

    scope = WALL
    heading = "1 WALL"
    CSS_PATH = "wall.tcss"
    BINDINGS = textual_bindings(WALL)

    def __init__(self) -> None:
        super().__init__()
        self._leaving = False
        self._events: tuple[int, tuple[Event, ...]] = (-1, ())
        self._found = ""
        self._made: dict[str, present.Made] = {}

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        queue = [
            FrameLine(palette=palette, id=f"need-{row}", classes="queue" if row < QUEUE_ROWS else "queue more")
            for row in range(TALL_QUEUE_ROWS)
        ]
        tiles = Vertical(
            *queue,
            FrameLine(palette=palette, id="queue-rule", classes="queue"),
            PaneWall(palette=palette, id="tiles"),
            TextPane(palette=palette, id="empty"),
            Input(id="find", placeholder="name, role or ticket", compact=True),
            id="left",
        )
        yield Horizontal(tiles, TextPane(palette=palette, id="side", wrap=False))

    def on_mount(self) -> None:
        self.query_one("#find").display = False
        super().on_mount()

    def main_widget(self) -> Widget:
        return self.query_one(PaneWall)

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
        if differ:
            wall.set_tiles([made.tile for made in self._made.values()])
        if wall.selected is None and snapshot.tiles and not self._had_selection:
            self._had_selection = True
            wall.select(snapshot.tiles[0].name)
        if self.size.width >= LARGE:
            sections = present.side(snapshot, self._recent(snapshot.seq), now_ns, self.current_need())
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
        room.parts.want()
        size = f"{self.size.width}x{self.size.height}, colours {room.console.color_system or 'none'}"
        keys = {name: shown(key.split(",")[0]) for name, key in effective(room.context.keymap).items()}
        lines = first_lines(snapshot, room.parts.report, size, keys)
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
        self.set_line("queue-rule", present.queue_rule(snapshot, rows))

    def _queue_rows(self) -> int:
        return TALL_QUEUE_ROWS if self.has_class("-tall") else QUEUE_ROWS

    def _recent(self, seq: int) -> tuple[Event, ...]:
        """The newest events, read once for each new picture."""
        reader = self.room.reader()
        if self._events[0] != seq and reader is not None:
            self._events = (seq, tuple(reader.events(EventFilter(), limit=30)))
        return self._events[1]

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
        """The wall is the top: only an open search field can be left."""
        if self.query_one("#find").display:
            self._close_find()

    async def do_room_leave(self) -> None:
        """The only way out of the room, twice so that one `q` too many on another screen does not leave."""
        if self.query_one("#find").display:
            self._close_find()
        elif self._leaving:
            self.room.exit(0)
        else:
            self._leaving = True
            question = "leave? agents keep running: q again leaves, anything else stays"
            self.room.say(lambda: question if self._leaving else "", "strong")

    async def action_do(self, identity: str) -> None:
        if identity != "room.leave":
            self._leaving = False
        await super().action_do(identity)

    def do_wall_find(self) -> None:
        find = self.query_one("#find", Input)
        find.display = True
        find.value = ""
        find.focus()

    @on(Input.Changed, "#find")
    def _find(self, message: Input.Changed) -> None:
        wanted = message.value.strip().casefold().lstrip("#")
        tiles = self.snapshot.tiles if self.snapshot and wanted else ()
        exact = [tile for tile in tiles if tile.name.casefold() == wanted or str(tile.ticket) == wanted]
        near = [tile for tile in tiles if wanted in f"{tile.name} {tile.role} {tile.ticket_title}".casefold()]
        for tile in [*exact, *near][:1]:
            self.query_one(PaneWall).select(tile.name)
        if wanted and not (exact or near):
            self.room.say(lambda: self._nobody(message.value), "quiet")

    def _nobody(self, wanted: str) -> str:
        """Said as long as the field holds what nobody matches."""
        field = self.query_one("#find", Input)
        return f"no agent matches {wanted.strip()}" if field.display and field.value == wanted else ""

    @on(Input.Submitted, "#find")
    def _close_find(self) -> None:
        self.query_one("#find").display = False
        self.query_one(PaneWall).focus()
