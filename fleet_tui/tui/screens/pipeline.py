"""Screen 4: every ticket in its stage, how old it is there, and who has to move for it to go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from textual import on
from textual.containers import Vertical
from textual.widget import Widget

from fleet_tui.domain.states import TicketState
from fleet_tui.readmodel.flow import Stage
from fleet_tui.readmodel.pipeline import Board, Pipeline, TicketCard
from fleet_tui.readmodel.values import AgentTile, NeedItem, NeedKind
from fleet_tui.tui.commands import Act
from fleet_tui.tui.keys.key import PIPELINE, Here
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.present import pipeline as present
from fleet_tui.tui.present import strips
from fleet_tui.tui.present.text import rule
from fleet_tui.tui.screens.acts import AgentActs
from fleet_tui.tui.screens.find import Finds, find_field
from fleet_tui.tui.screens.new_agent import open_new
from fleet_tui.tui.screens.ticket_plans import TicketPlans
from fleet_widgets.board_view import BoardView
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import BLANK
from fleet_widgets.text_pane import Section, TextPane

_FLOW_ROWS = 3
_ROOM_FOR_FLOW = 22
"""Rows of the screen from which all lines about the flow are shown; below, the slowest ticket alone."""


class PipelineScreen(TicketPlans, Finds, AgentActs):
    """Keys act on the selected ticket, by its number, wherever it has moved to."""

    scope = PIPELINE
    heading = "4 PIPELINE"
    CSS_PATH = "pipeline.tcss"
    BINDINGS = textual_bindings(PIPELINE)

    def __init__(self) -> None:
        super().__init__()
        self._pipeline: Pipeline | None = None
        self._board: Board | None = None
        self._seq = -1
        self._wanted: int | None = None

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Vertical(
            BoardView(palette=palette, id="board"),
            TextPane(palette=palette, id="none"),
            *self.plan_panes(),
            FrameLine(palette=palette, id="flow-rule"),
            *(FrameLine(palette=palette, id=f"flow-{row}") for row in range(_FLOW_ROWS)),
            FrameLine(palette=palette, id="chosen"),
            find_field("number, title or agent"),
        )

    def on_mount(self) -> None:
        self.query_one("#none", TextPane).set_sections((Section("", tuple(present.empty_lines())),))
        super().on_mount()

    def main_widget(self) -> Widget:
        return self.query_one("#plan" if self.has_class("-plan") else "#board")

    # -- showing -----------------------------------------------------------------------------------------------------

    def update_body(self) -> None:
        snapshot, reader, now_ns = self.snapshot, self.room.reader(), self.room.now_ns
        if snapshot is None or reader is None:
            return
        if self._pipeline is None or snapshot.seq < self._seq:  # a recording went back
            self._pipeline = Pipeline(reader)
        pipeline, view = self._pipeline, self.query_one(BoardView)
        if not pipeline.complete or snapshot.seq != self._seq:
            pipeline.catch_up()
        self._seq, self._board = snapshot.seq, pipeline.board(snapshot, now_ns)
        view.dimmed = bool(self.room.why_frozen)
        cards = self._board.column(Stage.READY).cards
        view.set_columns(present.columns(self._board, now_ns, self.plans.parts(cards)))
        self._select_wanted()
        self.plans.want(cards, self.card())
        self.show_plan()
        self.query_one("#none").display = not self._board.cards
        view.display = bool(self._board.cards) and not self.plan_is_alone
        self._show_flow(now_ns)

    def _select_wanted(self) -> None:
        view = self.query_one(BoardView)
        if self._wanted is not None:
            view.select(str(self._wanted))
            self._wanted = None
        elif view.selected is None and self._board is not None and not self._had_selection:
            slowest = self._board.slowest or next(iter(self._board.cards), None)
            if slowest is not None:
                self._had_selection = True
                view.select(str(slowest.number))

    _had_selection = False

    def _show_flow(self, now_ns: int) -> None:
        board, pipeline = self._board, self._pipeline
        if board is None or pipeline is None:
            return
        title = "flow, last 24 h" if pipeline.complete else "flow: reading the log"
        self.set_line("flow-rule", rule(title))
        lines = present.flow_lines(board, now_ns)
        most = 0 if self.plan_is_alone else _FLOW_ROWS if self.size.height >= _ROOM_FOR_FLOW else 1
        for row in range(_FLOW_ROWS):
            self.query_one(f"#flow-{row}").display = row < most
            self.set_line(f"flow-{row}", lines[row] if row < len(lines) else BLANK)
        self._show_chosen()

    def _show_chosen(self) -> None:
        card = self.card()
        parts = self.plans.parts([card]) if card is not None else {}
        self.set_line("chosen", present.selected_line(card, self.room.now_ns, parts))

    def card(self) -> TicketCard | None:
        key = self.query_one(BoardView).selected if self.stands else None
        return self._board.card(int(key)) if self._board is not None and key is not None else None

    def select(self, number: int) -> None:
        """Show one ticket; an unknown number selects nothing."""
        self._wanted, self._had_selection = number, True
        if self.stands:
            self.tick()

    # -- keys --------------------------------------------------------------------------------------------------------

    def here(self) -> Here:
        card = self.card()
        here = replace(self.here_on(self._agent(card)), ticket=card, plan=self.plans.of(card))
        # T is for the ticket under the cursor and no other.
        return replace(here, need=self.current_need())

    def current_need(self) -> NeedItem | None:
        """What the selected ticket waits for."""
        card = self.card()
        if card is None:
            return None
        return self.need_with(
            f"{NeedKind.BLOCKED}:{card.number}",
            f"{NeedKind.APPROVAL}:{card.approval}",
            f"{NeedKind.HELD}:{card.approval}",
        )

    def _agent(self, card: TicketCard | None) -> AgentTile | None:
        return self.snapshot.tile(card.agent) if self.snapshot and card and card.agent else None

    @on(BoardView.Selected)
    def _selected(self) -> None:
        self._show_chosen()
        self.plans.want((), self.card())
        self.show_hints()

    @on(BoardView.Opened)
    async def _opened(self) -> None:
        """The decision where one waits, else the agent that has the ticket in hand."""
        card = self.card()
        if card is None:
            return
        if card.approval is not None and card.stage is Stage.APPROVAL:
            await self.room.open_approval(card.approval)
        elif card.agent is not None and self._agent(card) is not None:
            await self.room.open_agent(card.agent)
        else:
            self.room.say(f"Enter: nobody has #{card.number} in hand: {card.waits}", "quiet")

    async def do_ticket_decide(self) -> None:
        card = self.card()
        assert card is not None
        assert card.approval is not None
        await self.room.open_approval(card.approval)

    async def do_screen_new(self) -> None:
        """With the selected ticket, where it still waits for somebody to take it."""
        card = self.card()
        await open_new(self.room, card.number if card is not None and card.stage is Stage.READY else None)

    def do_ticket_hold(self) -> None:
        card = self.card()
        assert card is not None
        op, strip = ("ready", strips.ready) if card.draft else ("hold", strips.hold)
        act = Act(op, {"ticket": card.number}, op, f"ticket #{card.number}")
        self.ask(strip(card.number, card.title), act)

    def what_changed(self, act: Act) -> str:
        if act.op not in ("hold", "ready"):
            return super().what_changed(act)
        reader, wanted = self.room.reader(), TicketState.READY if act.op == "hold" else TicketState.DRAFT
        ticket = reader.ticket(act.args["ticket"]) if reader else None
        return f"it is {ticket.state} now" if ticket is not None and ticket.state is not wanted else ""

    # -- finding -----------------------------------------------------------------------------------------------------

    def do_ticket_find(self) -> None:
        self.open_find()

    def find_typed(self, text: str) -> None:
        """The cursor goes to the first that matches; a ticket's own number counts first."""
        wanted = text.strip().casefold().lstrip("#")
        cards = self._board.cards if self._board and wanted else ()
        exact = [card for card in cards if str(card.number) == wanted]
        near = [card for card in cards if wanted in f"{card.title} {card.agent or ''}".casefold()]
        for card in [*exact, *near][:1]:
            self.query_one(BoardView).select(str(card.number))
        if wanted and not (exact or near):
            self.tell_typed(text, f"no ticket matches {text.strip()}")
