"""One agent: its pane, live and large; its diff; ticket, run, risk, budget, verdicts, messages; its timeline."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.readmodel.queries import read_agent
from fleet_tui.readmodel.values import AgentDetail, AgentTile
from fleet_tui.tui.bindings import AGENT, Here, textual_bindings
from fleet_tui.tui.diff_side import DiffSide
from fleet_tui.tui.present import agent as present
from fleet_tui.tui.present.frame import MEDIUM
from fleet_tui.tui.present.text import rule
from fleet_tui.tui.screens.acts import AgentActs
from fleet_tui.tui.screens.search import Searches, search_field
from fleet_widgets.diff_view import DiffView
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Line, Span, line
from fleet_widgets.list_view import LineList
from fleet_widgets.pane_view import PaneView
from fleet_widgets.pane_wall import LiveView
from fleet_widgets.text_pane import TextPane


class AgentScreen(Searches, AgentActs):
    """One screen for all agents: `show_agent` turns it to another."""

    scope = AGENT
    heading = "1 AGENT"
    CSS_PATH = "agent.tcss"
    BINDINGS = textual_bindings(AGENT)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._agent = name
        self._run: str | None = None
        self._detail: AgentDetail | None = None
        self._read_at = -1
        self._instead: tuple[tuple[Line, ...], ...] = ()
        """What stands where the pane would be."""
        self._at = "pane"
        """The part that has the keys: one of `present.PARTS`. Where there is room for one only, it is on show."""
        self._zoomed = False

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Vertical(
            FrameLine(palette=palette, id="headline"),
            FrameLine(palette=palette, id="summary"),
            Horizontal(
                Vertical(PaneView(palette=palette, id="pane"), DiffSide(palette, id="diff-side"), id="left"),
                Vertical(
                    TextPane(palette=palette, id="facts"),
                    Vertical(
                        FrameLine(palette=palette, id="timeline-rule"),
                        LineList(palette=palette, id="timeline"),
                        id="happened",
                    ),
                    id="right",
                ),
                id="panes",
            ),
            search_field(),
        )

    def main_widget(self) -> Widget:
        return self._part(self._at)

    def _part(self, name: str) -> PaneView | TextPane | LineList | DiffView:
        parts: dict[str, type[PaneView | TextPane | LineList | DiffView]] = {
            "pane": PaneView,
            "facts": TextPane,
            "timeline": LineList,
            "diff": DiffView,
        }
        return self.query_one(f"#{name}", parts[name])

    def searched(self) -> PaneView | TextPane | LineList | DiffView:
        return self._part(self._at)

    def show_agent(self, name: str) -> None:
        """Turn to another agent, at its current run."""
        self._agent, self._run, self._detail, self._read_at, self.said = name, None, None, -1, None
        self._clear_pane()
        self.query_one(LineList).select(None)
        self._turn_to("pane")
        self.show_picture()
        self.room.live.wanted_changed()

    # -- showing -----------------------------------------------------------------------------------------------------

    def tile(self) -> AgentTile | None:
        return self.snapshot.tile(self._agent) if self.snapshot else None

    def update_body(self) -> None:
        tile, snapshot = self.tile(), self.snapshot
        pane = self.query_one(PaneView)
        pane.frozen = bool(self.room.why_frozen)
        if tile is None or snapshot is None:
            self.set_line("headline", line(Span(self._agent, "strong"), Span("  is no longer here", "quiet")))
            return
        self.set_line("headline", present.headline(tile, self.room.now_ns))
        self._read(tile, snapshot.seq)
        if self._detail is None:
            return
        box = self.room.context.look.palette.box
        self.query_one("#facts", TextPane).set_sections(present.facts(self._detail, self.room.now_ns, box))
        self.query_one(LineList).set_items(present.timeline(self._detail, self.room.now_ns))
        self._show_diff()
        self._show_instead()
        self._show_parts()

    def _show_diff(self) -> None:
        """Of the work that it published: what it has not handed over is in its own clone, where the watcher does not
        look."""
        change = self._detail.pull_request if self._detail else None
        wanted = change is not None and (self.has_class("-diff") or self._at == "diff")
        key = (change.number, change.head_sha, change.base_sha) if change is not None and wanted else None
        self.query_one(DiffSide).bring(key)

    def _show_parts(self) -> None:
        """Which parts are on the screen, and which has the keys."""
        self.set_class(self._zoomed or self.size.width < MEDIUM, "-one")
        for name in present.PARTS:
            self.set_class(name == self._at, f"-at-{name}")
        box = self.room.context.look.palette.box
        if self._detail is not None:
            self.set_line("summary", present.summary(self._detail, self._at, box))
        title = f"timeline, newest first{'; Enter: in the log' if self._at == 'timeline' else ''}"
        self.set_line("timeline-rule", rule(title, has_focus=self.query_one(LineList).has_focus))
        self.query_one(DiffSide).show_rule()

    def show_focus(self) -> None:
        """A click may have given the keys to another part."""
        part = next((name for name in present.PARTS if self._part(name).has_focus), self._at)
        if part != self._at:
            self._at = part
        self._show_parts()

    def _turn_to(self, part: str) -> None:
        """Show a part, and give it the keys."""
        self._at = part
        if part in ("diff", "pane"):
            self.set_class(part == "diff" or (self.has_class("-diff") and self.has_class("-l")), "-diff")
            self._show_diff()
        self._show_parts()
        self._part(part).focus()
        self.room.live.wanted_changed()

    def _show_instead(self) -> None:
        detail, now_ns = self._detail, self.room.now_ns
        if detail is None or self.pane_uuid():
            if self._instead:
                self._clear_pane()
            return
        instead = (present.no_pane(detail, now_ns), present.story(detail, now_ns))
        if instead != self._instead:
            self._instead = instead
            self.query_one(PaneView).clear(*instead)

    def _clear_pane(self, reason: str = "") -> None:
        self._instead = ()
        self.query_one(PaneView).clear([(Span(reason, "quiet"),)] if reason else ())

    def _read(self, tile: AgentTile, seq: int) -> None:
        reader = self.room.reader()
        if reader is not None and self._read_at != seq:
            self._detail, self._read_at = read_agent(reader, tile, self._run), seq

    def pane_uuid(self) -> str:
        """The pane of the run on show; empty when that run has no living process."""
        run = self._detail.run if self._detail else None
        return run.pane_uuid if run and run.state in LIVE_RUNS else ""

    # -- live panes --------------------------------------------------------------------------------------------------

    def wanted_panes(self) -> dict[str, LiveView]:
        uuid = self.pane_uuid()
        return {uuid: self.query_one(PaneView).live_view()} if uuid else {}

    def show_pane(self, uuid: str, rows: tuple[Line, ...], first: int, size: tuple[int, int]) -> None:
        if uuid == self.pane_uuid():
            self.query_one(PaneView).set_rows(rows, first=first, size=size)

    def drop_pane(self, uuid: str) -> None:
        if uuid == self.pane_uuid():
            self._clear_pane("the pane is gone; waiting for the watcher's account")

    @on(PaneView.ViewChanged)
    def _view_changed(self) -> None:
        self.room.live.wanted_changed()

    # -- keys --------------------------------------------------------------------------------------------------------

    def here(self) -> Here:
        return self.here_on(self.tile())

    async def do_room_back(self) -> None:
        """First ends the search, then the zoom, then goes up."""
        if self.end_search():
            return
        if self._zoomed:
            self.do_agent_zoom()
            return
        await self.dismiss()

    def do_pane_next(self) -> None:
        self._walk_parts(1)

    def do_agent_next_part(self) -> None:
        self._walk_parts(1)

    def do_agent_previous_part(self) -> None:
        self._walk_parts(-1)

    def _walk_parts(self, step: int) -> None:
        """Where there is room for one part only, it is the one on show; else the focus moves."""
        parts = [part for part in present.PARTS if part != "diff" or self.has_class("-diff")]
        parts = list(present.PARTS) if self.has_class("-one") and self._has_diff() else parts
        self._turn_to(parts[(parts.index(self._at) + step) % len(parts)])

    def _has_diff(self) -> bool:
        return self._detail is not None and self._detail.pull_request is not None

    def do_agent_diff(self) -> None:
        """The diff of its work; again: the pane."""
        if not self._has_diff():
            self.room.say("d: it has handed over nothing yet: a pull request shows its diff here", "quiet")
        else:
            was_there = self._at == "diff"
            self._turn_to("pane" if was_there else "diff")
            self.set_class(not was_there, "-diff")

    def do_agent_zoom(self) -> None:
        if self.size.width < MEDIUM:
            self.room.say("z: one part is on show here already; [ ] go through them", "quiet")
            return
        self._zoomed = not self._zoomed
        self._show_parts()
        self._part(self._at).focus()

    @on(LineList.Opened, "#timeline")
    async def _event_opened(self, message: LineList.Opened) -> None:
        reader = self.room.reader()
        event = reader.event(int(message.key)) if reader is not None else None
        if event is not None:
            await self.room.show_in_log(event)

    @on(LineList.Selected, "#timeline")
    def _event_selected(self, message: LineList.Selected) -> None:
        message.stop()

    def do_room_refresh(self) -> None:
        self.query_one(DiffSide).try_again()
        super().do_room_refresh()
        self.tick()

    def do_agent_older(self) -> None:
        self._walk(1)

    def do_agent_newer(self) -> None:
        self._walk(-1)

    def _walk(self, step: int) -> None:
        runs = self._detail.runs if self._detail else ()
        current = self._detail.run.id if self._detail and self._detail.run else None
        index = next((i for i, run in enumerate(runs) if run.id == current), -1) + step
        if not 0 <= index < len(runs):
            self.room.say("no older run" if step > 0 else "no newer run", "quiet")
            return
        self._run, self._read_at = runs[index].id, -1
        self._clear_pane()
        self.tick()
        self.room.live.wanted_changed()
