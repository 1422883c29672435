"""Screen 5: the log of everything, filtered, followed, with causes and effects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual import on
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from fleet_tui.domain.events import Event
from fleet_tui.readmodel.values import NeedItem, NeedKind
from fleet_tui.tui.keys.key import EVENTS
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.present import events as present
from fleet_tui.tui.present.copying import Offer, of_event
from fleet_tui.tui.screens.filtered_log import FilteredLog
from fleet_widgets.event_feed import EventFeed
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.text_pane import TextPane


class EventsScreen(FilteredLog):
    """Follows at the bottom; scrolling up pauses and counts what arrives."""

    scope = EVENTS
    heading = "5 EVENTS"
    page_of = "j"
    CSS_PATH = "events.tcss"
    BINDINGS = textual_bindings(EVENTS)

    def __init__(self) -> None:
        super().__init__()
        self._effect = 0
        self._detail_of: int | None = None

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Vertical(
            FrameLine(palette=palette, id="filter-line"),
            Input(
                id="filter",
                placeholder="agent:x type:gate,alarm since:13:30 by:human words /regex/ !noise",
                compact=True,
            ),
            FrameLine(palette=palette, id="feed-rule"),
            EventFeed(palette=palette, id="feed"),
            TextPane(palette=palette, id="detail"),
        )

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self.query_one("#detail").display = False
        super().on_mount()

    # -- showing -----------------------------------------------------------------------------------------------------

    def update_body(self) -> None:
        snapshot, feed = self.snapshot, self.query_one(EventFeed)
        feed.dimmed = bool(self.room.why_frozen)
        if snapshot is not None and (self._source is None or snapshot.seq < self._seq):  # a recording went back
            self.filter_by(self._source.wanted.text if self._source else "")
        elif snapshot is not None and self._source is not None and snapshot.seq != self._seq:
            self._source.agent_of_run.update(self._agents())
            if self._source.refresh():
                feed.arrived()
            self._seq = snapshot.seq
        self.show_focus()
        self._show_filter_line()

    def show_need(self, item: NeedItem) -> None:
        """What the log says about a need that belongs to no agent."""
        self.filter_by(f"ticket:{item.id}" if item.kind is NeedKind.BLOCKED else f'"{item.id}"')

    def show_event(self, event: Event) -> None:
        """Go to one event, also when the filter hides it."""
        if self._source is None:
            self.filter_by("")
        self._go_to(event)

    @on(EventFeed.Highlighted)
    def _highlighted(self, message: EventFeed.Highlighted) -> None:
        self._effect = 0
        self._show_detail(message.id)

    def _show_detail(self, seq: int | None) -> None:
        event, reader = self._event(seq), self.room.reader()
        if event is None or reader is None:
            return
        self._detail_of = seq
        self.query_one("#detail").display = True
        cause = reader.event(event.cause) if event.cause else None
        newest = self.snapshot.seq if self.snapshot else event.seq
        sections = present.event_sections(event, cause, self._effects(event), newest)
        self.query_one("#detail", TextPane).set_sections(sections)

    def _event(self, seq: int | None) -> Event | None:
        reader = self.room.reader()
        return reader.event(seq) if reader is not None and seq is not None else None

    def _effects(self, event: Event) -> Sequence[Event]:
        reader = self.room.reader()
        return reader.effects_of(event.id) if reader is not None else ()

    # -- keys --------------------------------------------------------------------------------------------------------

    def copies(self) -> Iterator[Offer]:
        return of_event(self._event(self._current()))

    @on(EventFeed.Opened)
    def _opened(self) -> None:
        self.query_one("#detail", TextPane).focus()

    async def do_room_back(self) -> None:
        """First closes the filter field, then leaves the detail, then clears the filter, then goes up."""
        if self.query_one("#filter").display:
            self._close_filter()
        elif self.query_one("#detail").has_focus:
            self.query_one(EventFeed).focus()
        elif self._source is not None and self._source.wanted.text:
            self.filter_by("")
        else:
            await super().do_room_back()

    def do_pane_next(self) -> None:
        detail, feed = self.query_one("#detail"), self.query_one(EventFeed)
        (feed if detail.has_focus else detail).focus()

    def do_event_cause(self) -> None:
        event, reader = self._event(self._current()), self.room.reader()
        cause = reader.event(event.cause) if event and event.cause and reader else None
        if cause is None:
            self.room.say("c: no cause is recorded for this event", "quiet")
        else:
            self._go_to(cause)

    def do_event_effect(self) -> None:
        event = self._event(self._current())
        effects = self._effects(event) if event else ()
        if not effects:
            self.room.say("x: nothing followed from this event yet", "quiet")
            return
        self._go_to(effects[0])

    def _go_to(self, event: Event) -> None:
        if self._source is not None and not self._source.wanted.is_empty and not self._source.holds(event):
            self.filter_by("")
            self.room.say("the filter was cleared: it hides that event", "quiet")
        self.query_one(EventFeed).go_to(event.seq)
        self._show_detail(event.seq)

    def _current(self) -> int | None:
        cursor = self.query_one(EventFeed).cursor
        if cursor is not None or self._source is None:
            return cursor
        newest = self._source.page(None, None, 1)
        return newest[-1].seq if newest else None

    async def do_event_object(self) -> None:
        """Open what the event is about: the pull request where one decides on it, else the agent behind it."""
        event = self._event(self._current())
        if event is None or self.snapshot is None:
            return
        number = _pull_request(event)
        card = next((card for card in self.snapshot.approvals if card.approval.pr == number), None)
        if card is not None:
            await self.room.open_approval(card.id)
            return
        agent = self._agent_of(event, number)
        if agent is None or self.snapshot.tile(agent) is None:
            self.room.say("d: this event is about nothing that has a screen", "quiet")
            return
        await self.room.open_agent(agent)
        if number is not None:
            self.room.say(f"PR {number} waits for no decision of yours; this is its author", "quiet")

    def _agent_of(self, event: Event, pull_request: int | None) -> str | None:
        reader = self.room.reader()
        if pull_request is not None and reader is not None:
            found = reader.pull_request(pull_request)
            return found.agent if found is not None else None
        noun, _, name = event.subject.partition(":")
        run = event.payload.get("run") or (name if noun == "run" else None)
        agent = event.payload.get("agent") or (name if noun == "agent" else None)
        agent = agent or (self._agents().get(run) if isinstance(run, str) else None)
        return agent if isinstance(agent, str) else None


def _pull_request(event: Event) -> int | None:
    """The pull request that an event is about; one that is only mentioned by the event of a run does not count."""
    noun, _, name = event.subject.partition(":")
    return int(name) if noun == "pr" and name.isdecimal() else None
