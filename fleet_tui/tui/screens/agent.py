"""One agent: its pane, live and large; its diff; ticket, run, risk, budget, verdicts, messages; its timeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from textual import on

from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.readmodel.queries import read_agent
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.tui.diff_side import DiffSide
from fleet_tui.tui.keys.key import AGENT, Here
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.present import agent as present
from fleet_tui.tui.present.copying import About, Offer, diff_text, lines_text, offer
from fleet_tui.tui.screens.agent_parts import AgentParts
from fleet_widgets.lines import Line, Span, line
from fleet_widgets.list_view import LineList
from fleet_widgets.pane_view import PaneView
from fleet_widgets.pane_wall import LiveView
from fleet_widgets.text_pane import TextPane


class AgentScreen(AgentParts):
    """One screen for all agents: `show_agent` turns it to another."""

    scope = AGENT
    heading = "1 AGENT"
    CSS_PATH = "agent.tcss"
    BINDINGS = textual_bindings(AGENT)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._agent = name
        self._run: str | None = None
        self._read_at = -1
        self._instead: tuple[tuple[Line, ...], ...] = ()
        """What stands where the pane would be."""

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
        box, report = self.room.context.look.palette.box, self.room.parts.report
        self.room.parts.want(by_the_way=True)
        vendor = report.vendor(tile.vendor) if report is not None else None
        told = present.facts(self._detail, self.room.now_ns, box, vendor)
        self.query_one("#facts", TextPane).set_sections(told)
        self.query_one(LineList).set_items(present.timeline(self._detail, self.room.now_ns))
        self._show_diff()
        self._show_instead()
        self._show_parts()

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

    def about(self, here: Here) -> About:
        """Of the run on show."""
        known, detail = super().about(here), self._detail
        return known if detail is None else replace(known, run=detail.run, pull_request=detail.pull_request)

    def copies(self) -> Iterator[Offer]:
        yield offer("p", "pane", lines_text(self.query_one(PaneView).rows()))
        yield offer("d", "diff", diff_text(self.query_one(DiffSide).files))
        yield offer("f", "facts", lines_text(self.query_one("#facts", TextPane).lines()))

    def paged(self) -> Offer | None:
        rows = (line for item in self.query_one(LineList).items for line in item.lines)
        parts = (*self.copies(), offer("t", "timeline", lines_text(rows)))
        return next((part for part in parts if part.what == self._at), None)

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
