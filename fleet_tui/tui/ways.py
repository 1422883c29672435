"""Ways through the room: to a screen, to the object of an id, to what needs a person; and the line that says so."""

from __future__ import annotations

from fleet_tui.domain.events import Event
from fleet_tui.domain.text import NOTHING, SafeText
from fleet_tui.readmodel.values import NeedItem, NeedKind, Picture
from fleet_tui.tui.context import RoomContext
from fleet_tui.tui.remembered import Remembered
from fleet_tui.tui.said import Tell, said
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.alarms import AlarmsScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.base import RoomScreen
from fleet_tui.tui.screens.events import EventsScreen
from fleet_tui.tui.screens.pipeline import PipelineScreen
from fleet_tui.tui.screens.wall import WallScreen
from fleet_tui.tui.terminal import TerminalApp
from fleet_widgets.pane_wall import PaneWall
from fleet_widgets.wall_layout import Density


class Ways(TerminalApp):
    """What the room knows of where the person is."""

    context: RoomContext
    picture: Picture
    need: NeedItem | None
    modes_visited: list[str]
    remembered: Remembered

    @property
    def now_ns(self) -> int:
        return self.context.clock()

    @property
    def room_screen(self) -> RoomScreen | None:
        """The room's screen on show, also below the command palette."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, RoomScreen)), None)

    def say(self, text: str | Tell, style: str = "normal") -> None:
        """Put a line where results stand. It is the shown screen's, and what is told goes when it is over."""
        screen = self.room_screen
        if screen is not None:
            screen.said = said(text, style, self.now_ns)
            screen.show_message()

    @property
    def message(self) -> SafeText:
        """What the message line of the screen on show says; empty when it has nothing to say."""
        screen = self.room_screen
        return screen.said.text(self.now_ns) if screen is not None and screen.said is not None else NOTHING

    async def go(self, mode: str) -> None:
        """Show a screen by its name; its position is as it was left."""
        if mode != self.current_mode:
            if isinstance(self.screen, RoomScreen) and self.screen.passing:
                await self.pop_screen()
            self.modes_visited = [*self.modes_visited[-1:], mode]
            await self.switch_mode(mode)

    async def go_back_to_last(self) -> None:
        await self.go(self.modes_visited[0])

    async def open_agent(self, name: str) -> None:
        await self.go("wall")
        screen = self.screen
        if isinstance(screen, AgentScreen):
            screen.show_agent(name)
        else:
            await self.push_screen(AgentScreen(name))

    async def open_approval(self, approval: str) -> None:
        await self.go("approvals")
        if isinstance(self.screen, ApprovalsScreen):
            self.screen.select(approval)

    async def open_alarm(self, alarm: str) -> None:
        await self.go("alarms")
        if isinstance(self.screen, AlarmsScreen):
            self.screen.select(alarm)

    async def show_in_log(self, event: Event) -> None:
        """The log at one event."""
        await self.go("events")
        if isinstance(self.screen, EventsScreen):
            self.screen.show_event(event)

    async def open_ticket(self, number: int) -> bool:
        """Show a ticket on the board; whether it is there."""
        await self.go("pipeline")
        if not isinstance(self.screen, PipelineScreen):
            return False
        self.screen.select(number)
        card = self.screen.card()
        return card is not None and card.number == number

    async def show_density(self, density: Density) -> None:
        """The wall in ``density``, which it remembers."""
        await self.go("wall")
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        # On the way here the wall may remember the density it had, so the new one is the wall's before it is written.
        if isinstance(self.screen, WallScreen):
            self.screen.query_one(PaneWall).density = density
        self.remembered.set("density", density)

    async def open_need(self, item: NeedItem) -> None:
        """Show what a need is about, in the screen where it is answered."""
        self.need = item
        if item.kind in {NeedKind.APPROVAL, NeedKind.HELD}:
            await self.open_approval(item.id)
        elif item.kind is NeedKind.ALARM and self.current_mode == "alarms":
            await self.open_alarm(item.id)
        elif item.agent is not None and self.picture.snapshot and self.picture.snapshot.tile(item.agent):
            await self.open_agent(item.agent)
        elif item.kind is NeedKind.ALARM:
            await self.open_alarm(item.id)
        elif item.kind is NeedKind.BLOCKED:
            await self.open_ticket(int(item.id))
        else:
            await self.go("events")
            if isinstance(self.screen, EventsScreen):
                self.screen.show_need(item)
        screen = self.room_screen
        if screen is not None:
            told = f"{item.title}. {item.response}" if item.response else item.title
            self.say(lambda: told if screen.shows(item) else "", "quiet")
