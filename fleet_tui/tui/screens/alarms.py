"""Screen 3: what is abnormal, what it means, what is expected of you, and whether there are too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from textual import on
from textual.containers import Container, Vertical
from textual.widget import Widget

from fleet_tui.domain.events import Event
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel import needs
from fleet_tui.readmodel.accounts import read_accounts
from fleet_tui.readmodel.alarms import AlarmBoard, AlarmRow, cause_of, raised_event, read_alarms
from fleet_tui.readmodel.values import NeedItem, NeedKind
from fleet_tui.tui.commands import Act
from fleet_tui.tui.keys.key import ALARMS, Here
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.pace import Pace
from fleet_tui.tui.present import alarms as present
from fleet_tui.tui.present import strips
from fleet_tui.tui.present.copying import Offer, lines_text, offer
from fleet_tui.tui.present.text import rule
from fleet_tui.tui.screens.acts import AgentActs
from fleet_tui.tui.screens.list_detail import ListAndDetail
from fleet_tui.tui.screens.marked_alarms import MarkedAlarms
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Span
from fleet_widgets.list_view import LineList
from fleet_widgets.text_pane import Section, TextPane


class AlarmsScreen(MarkedAlarms, ListAndDetail, AgentActs):
    """Opens on the most urgent; what is acknowledged or shelved is always the selected alarm, by its id."""

    scope = ALARMS
    heading = "3 ALARMS"
    listed = "#alarms"
    CSS_PATH = "alarms.tcss"
    BINDINGS = textual_bindings(ALARMS)

    def __init__(self) -> None:
        super().__init__()
        self._board = AlarmBoard()
        self._read_at = -1
        self._pace = Pace()
        self._whole = False
        self._cause: tuple[tuple[str, int], Event | None] | None = None

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Vertical(
            FrameLine(palette=palette, id="meter"),
            Container(
                Vertical(FrameLine(palette=palette, id="list-rule"), LineList(palette=palette, id="alarms"), id="left"),
                TextPane(palette=palette, id="detail"),
                id="panes",
            ),
        )

    def main_widget(self) -> Widget:
        return self.query_one(LineList)

    def marking(self) -> LineList:
        return self.query_one("#alarms", LineList)

    def under_cursor(self) -> str | None:
        row = self.row()
        return row.alarm.id if row is not None else None

    def marked_rows(self) -> tuple[AlarmRow, ...]:
        marked = self.marking().marked if self.stands else ()
        return tuple(row for row in self._board.rows if row.alarm.id in marked)

    # -- showing -----------------------------------------------------------------------------------------------------

    def row(self) -> AlarmRow | None:
        return self._board.row(self._chosen)

    def on_screen_resume(self) -> None:
        self._read(at_once=True)
        if self.row() is None:
            self._choose_first()
        super().on_screen_resume()

    def _choose_first(self) -> None:
        self._chosen = next((row.alarm.id for row in self._board.rows), self._chosen)

    def select(self, alarm: str) -> None:
        """Show one alarm; an unknown id selects nothing."""
        self._chosen = alarm
        if self.stands:
            self.tick()

    def _read(self, *, at_once: bool = False) -> None:
        reader, snapshot = self.room.reader(), self.snapshot
        if reader is None or snapshot is None or snapshot.seq == self._read_at:
            return
        if not at_once and not self._pace.may_read:
            return
        with self._pace.reading():
            self._board, self._read_at = read_alarms(reader, self.room.now_ns), snapshot.seq

    def update_body(self) -> None:
        self._read()
        if self._chosen is None:  # nobody looks at one yet, so none slips from under the hand
            self._choose_first()
        now_ns, width, board = self.room.now_ns, self.size.width, self._board
        listed = self.query_one("#alarms", LineList)
        listed.dimmed = bool(self.room.why_frozen)
        items = present.items(board, now_ns, width, chosen=self._chosen, whole=self._whole)
        listed.set_items(items, hidden={row.alarm.id for row in board.rows} - {item.key for item in items})
        listed.select(self._chosen if self.row() is not None else None)
        self.set_line("meter", present.meter(board, now_ns, width, self.room.context.look.palette.box))
        self.query_one("#detail", TextPane).set_sections(self._sections(now_ns))
        self.show_focus()
        self.show_message()  # what is to be done about the selected one

    def _sections(self, now_ns: int) -> tuple[Section, ...]:
        row, frequent = self.row(), present.frequent(self._board.today(now_ns))
        if row is None:
            text = "the one you looked at is over" if self._chosen and self._board.rows else ""
            return (*((Section("", ((Span(text, "quiet"),),)),) if text else ()), frequent)
        meaning = self.room.context.alarms.get(row.alarm.rule)
        return (*present.detail(row, self._board, meaning, self._cause_of(row.alarm), now_ns), frequent)

    def _cause_of(self, alarm: Alarm) -> Event | None:
        """Read once for each alarm and picture."""
        key, reader = (alarm.id, self._read_at), self.room.reader()
        if reader is not None and (self._cause is None or self._cause[0] != key):
            self._cause = key, cause_of(reader, alarm)
        return self._cause[1] if self._cause is not None else None

    def show_focus(self) -> None:
        title = present.active_title(self._board)
        self.set_line("list-rule", rule(title, has_focus=self.query_one("#alarms").has_focus))

    def idle_message(self) -> str:
        row = self.row()
        if not self.room.why_frozen and self.marked_rows() and self.strip.request is None:
            return self.range_in_words() or "a acknowledges, s shelves them; Esc clears the marks"
        if self.room.why_frozen or row is None or not row.alarm.response:
            return super().idle_message()
        return f"do: {one_line(row.alarm.response)}"

    # -- keys --------------------------------------------------------------------------------------------------------

    def here(self) -> Here:
        row = self.row()
        tile = self.snapshot.tile(row.agent) if self.snapshot and row is not None and row.agent else None
        marked = tuple(one.alarm for one in self.marked_rows())
        return replace(self.here_on(tile), listed=row.alarm if row is not None else None, marked_alarms=marked)

    def copies(self) -> Iterator[Offer]:
        if self.row() is not None:
            yield offer("a", "alarm", lines_text(self.query_one("#detail", TextPane).lines()))

    def current_need(self) -> NeedItem | None:
        """The alarm that is selected, also when it was chosen without `w`."""
        return self.need_with(f"{NeedKind.ALARM}:{self._chosen}")

    def current_alarm(self) -> NeedItem | None:
        row = self.row()
        if row is None:
            return super().current_alarm()
        return needs.alarm_need(row.alarm, row.agent, row.followers)

    def do_need_acknowledge(self) -> None:
        """All that are marked; else the selected one, from what came first also what probably follows from it."""
        row = self.row()
        if self.marked_rows():
            self.acknowledge_marked()
            return
        if row is None:
            super().do_need_acknowledge()
            return
        args = {"alarm": row.alarm.id, "group": row.followers > 0}
        self.room.act(Act("acknowledge", args, "acknowledge", one_line(row.alarm.title, 80)))

    def do_alarm_shelve(self) -> None:
        if self.marked_rows():
            self.shelve_marked()
            return
        row = self.row()
        assert row is not None
        args, title = {"alarm": row.alarm.id}, one_line(row.alarm.title, 80)
        if row.alarm.state is AlarmState.SHELVED:
            self.room.act(Act("unshelve", args, "bring back", title))
        else:
            self.ask(strips.shelve(row), Act("shelve", args, "shelve", title))

    def what_changed(self, act: Act) -> str:
        if act.op == "resume_account":
            self._read(at_once=True)
            about = f"account:{act.args['account']}"
            return "" if any(row.alarm.about == about for row in self._board.rows) else "the limit is over"
        if act.op != "shelve":
            return super().what_changed(act)
        self._read(at_once=True)
        row = self._board.row(act.args["alarm"])
        if row is None or row.alarm.state is AlarmState.CLEARED:
            return "it has cleared"
        return "it is on the shelf already" if row.alarm.state is AlarmState.SHELVED else ""

    def do_account_resume(self) -> None:
        """The agents of the account that the selected alarm is about need not wait for the end of its limit."""
        row, reader = self.row(), self.room.reader()
        assert row is not None
        found = read_accounts(reader) if reader is not None else []
        status = next((one for one in found if f"account:{one.account.id}" == row.alarm.about), None)
        if status is None or status.account.opened_ns is not None:
            told = "they go on already, one after the other" if status is not None else "the limit is over"
            self.room.say(f"T: {told}", "quiet")
            return
        args = {"account": status.account.id, "reason": ""}
        target = f"the agents of {one_line(status.account.id, 60)}"
        self.ask(strips.resume_account(status), Act("resume_account", args, "let go on", target))

    async def do_room_back(self) -> None:
        if not self.end_marks():
            await super().do_room_back()

    def do_alarm_effects(self) -> None:
        """All effects of each alarm, or only some."""
        self._whole = not self._whole
        self.tick()
        self.room.say("all effects are listed" if self._whole else "of many effects only some are listed", "quiet")

    async def do_alarm_cause(self) -> None:
        """The event that led to the alarm; where none is recorded, the one with which it was raised."""
        row, reader = self.row(), self.room.reader()
        if row is None or reader is None:
            return
        cause = self._cause_of(row.alarm)
        event = cause or raised_event(reader, row.alarm)
        if event is None:
            self.room.say("c: the log does not hold where it was raised any more", "quiet")
            return
        await self.room.show_in_log(event)
        if cause is None:
            self.room.say("no cause is recorded; this is where the alarm was raised", "quiet")

    @on(LineList.Opened)
    async def _opened(self) -> None:
        """What the alarm is about: a decision, the agent behind it, or what the log says."""
        row, snapshot = self.row(), self.snapshot
        if row is None or snapshot is None:
            return
        card = next((card for card in snapshot.approvals if row.alarm.about == f"pr:{card.approval.pr}"), None)
        if card is not None:
            await self.room.open_approval(card.id)
        elif row.agent is not None and snapshot.tile(row.agent) is not None:
            await self.room.open_agent(row.agent)
        else:
            await self.do_alarm_cause()
