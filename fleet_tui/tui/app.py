"""The room: holds the picture, the needs cursor and the message line; screens do the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from textual import events, work
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.screen import Screen

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import clean
from fleet_tui.readmodel.bell import Bell
from fleet_tui.readmodel.feed import Feed
from fleet_tui.readmodel.health import Trust, age_s, trust
from fleet_tui.readmodel.values import Health, NeedItem, Picture
from fleet_tui.store.reader import Reader
from fleet_tui.tui import commands
from fleet_tui.tui.arrivals import Arrivals
from fleet_tui.tui.bulk import Bulk
from fleet_tui.tui.bulk_run import BulkRun
from fleet_tui.tui.commands import Act
from fleet_tui.tui.context import RoomContext
from fleet_tui.tui.copier import CopyingApp
from fleet_tui.tui.errands import Errands
from fleet_tui.tui.keyboard import Keyboard
from fleet_tui.tui.live import LivePanes
from fleet_tui.tui.messages import PictureArrived
from fleet_tui.tui.notices import Notices
from fleet_tui.tui.palette import RoomCommands, RoomPalette
from fleet_tui.tui.parts import Parts
from fleet_tui.tui.presence import Presence
from fleet_tui.tui.present.bulk import summary
from fleet_tui.tui.present.frame import notes
from fleet_tui.tui.remembered import Remembered
from fleet_tui.tui.screens.acts_by_strip import ActsByStrip
from fleet_tui.tui.screens.alarms import AlarmsScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.base import RoomScreen
from fleet_tui.tui.screens.budgets import BudgetsScreen
from fleet_tui.tui.screens.events import EventsScreen
from fleet_tui.tui.screens.new_agent import NewAgentScreen
from fleet_tui.tui.screens.pipeline import PipelineScreen
from fleet_tui.tui.screens.system import SystemScreen
from fleet_tui.tui.screens.wall import WallScreen
from fleet_tui.tui.theme import themes
from fleet_tui.tui.ways import Ways

ModeScreens = dict[str, Callable[[], Screen[Any]]]


class RoomApp(Ways, CopyingApp):
    """The control room. It reads the database, shows panes and sends commands; closing it changes nothing."""

    TITLE = "fleet"
    CSS_PATH = "room.tcss"
    AUTO_FOCUS = None
    COMMANDS = {RoomCommands}  # noqa: RUF012 - Textual's own form
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "back", "back", id="app.quit", show=False, priority=True),
        Binding("ctrl+c", "explain_quit", "how to leave", id="app.interrupt", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-s"), (100, "-m"), (160, "-l")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (16, "-short"), (32, "-tall")]  # noqa: RUF012

    def __init__(self, context: RoomContext) -> None:
        self.live = LivePanes(self, context.link)
        self.way = self.live.way  # the driver, which Textual makes first, needs it
        super().__init__(ansi_color=context.look.ansi or None)
        self.context = context
        for theme in themes():
            self.register_theme(theme)
        self.theme = context.look.theme
        self.picture = Picture(None, Health(0, 0, ""))
        if context.replay is not None:
            self.picture = context.replay.timeless(self.picture)
        self.started_ns = context.clock()
        self.ringer = Bell(context.bell, self.started_ns)
        self.need: NeedItem | None = None
        """The need that `w` visited last: its place in the queue counts even after it is gone."""
        self.granted: set[str] = set()
        """Granted approvals whose effect was still open in the last picture, or that were granted since."""
        self.drafts: dict[str, str] = {}
        self.seen: dict[str, frozenset[str]] = {}
        """Paths that were on screen, by head commit."""
        self.modes_visited: list[str] = ["wall", "wall"]
        self.readonly = context.readonly
        """Nothing can be done here."""
        self.remembered = Remembered(context.remembered)
        self.presence = Presence()
        self.feed = Feed(
            context.database,
            lambda: commands.probe(context.operator_socket, self.presence.args) if context.replay is None else {},
            self._publish,
            clock=context.clock,
        )
        self.parts = Parts(self)
        self.arrivals = Arrivals(self)
        self.notices = Notices(self, context.notify)
        self.errands = Errands(self)
        self.keyboard = Keyboard(self, super().on_event)
        self.handed_over = False
        """The terminal shows an agent instead of the room."""
        self.bulk: BulkRun | None = None
        """The act on several that is under way."""
        self._reader: Reader | None = None

    def _publish(self, picture: Picture) -> None:
        """Called in the feed's thread, where posting is all that is allowed."""
        replay = self.context.replay
        self.post_message(PictureArrived(picture if replay is None else replay.timeless(picture)))

    # -- life --------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        if self.context.last_picture is not None:
            self.context.last_picture.taken_over()
        self.set_keymap(dict(self.context.keymap))
        for name, factory in self.mode_screens().items():
            self.add_mode(name, factory)
        self.switch_mode("wall")
        self.feed.start()
        if self.context.replay is not None:
            self.context.replay.start(self)
        if self.context.live:
            self._show_live_panes()
        if self.context.demo:
            self.say(f"in a second terminal: {' '.join(self.context.program)} status", "quiet")
        self.set_interval(1.0, self._tick, name="ages")

    @work(group="live", exit_on_error=False)
    async def _show_live_panes(self) -> None:
        await self.live.run()

    def mode_screens(self) -> ModeScreens:
        return {
            "wall": lambda: WallScreen(),
            "approvals": lambda: ApprovalsScreen(),
            "alarms": lambda: AlarmsScreen(),
            "pipeline": lambda: PipelineScreen(),
            "events": lambda: EventsScreen(),
            "budgets": lambda: BudgetsScreen(),
            "new": lambda: NewAgentScreen(),
            "system": lambda: SystemScreen(),
        }

    def exit(self, *arguments: Any, **options: Any) -> None:
        """As Textual's; the wall on show is kept for the next start."""
        if (last := self.context.last_picture) is not None and isinstance(screen := self.room_screen, WallScreen):
            screen.leave_picture(last)
        super().exit(*arguments, **options)

    def on_unmount(self) -> None:
        self.feed.stop()
        if self._reader is not None:
            self._reader.close()

    @property
    def trust(self) -> Trust:
        return trust(self.picture.health, self.started_ns, self.now_ns)

    @property
    def why_frozen(self) -> str:
        """Why acts are off; empty while they are on."""
        if self.trust is not Trust.FROZEN:
            return ""
        age = age_s(self.picture.health, self.started_ns, self.now_ns)
        return f"off: the watcher has not answered for {age} s; r retries"

    @property
    def why_off(self) -> str:
        """Why nothing can be done; empty while it can."""
        if self.context.replay is not None:
            return self.context.replay.why_off
        if self.readonly:
            return "off: this room only looks" + ("" if self.context.readonly else " (:readonly off)")
        return self.why_frozen

    def notes(self, width: int) -> tuple[str, ...]:
        """What is unusual about this room, for line 1."""
        muted_ns = self.ringer.muted_until_ns - self.now_ns
        return notes(only_looks=self.readonly, muted_ns=muted_ns, others=self.picture.health.others, width=width)

    def mute(self, until_ns: int) -> None:
        """Bell and notices are for nothing until then but priority 1."""
        self.ringer.mute(until_ns)
        self.notices.bell.mute(until_ns)

    def set_readonly(self, *, on: bool) -> None:
        """From now on nothing can be done here, or again."""
        self.readonly = on
        self.say(self.why_off if on else "this room acts again", "quiet")
        self.tick()

    def reader(self) -> Reader | None:
        """A reader for short indexed queries of the screens; None while the database cannot be read."""
        if self._reader is None:
            try:
                self._reader = Reader.open(self.context.database)
            except FleetError:
                return None
        return self._reader

    async def on_event(self, event: events.Event) -> None:
        """Whatever is typed goes through the keyboard, which keeps the order; what is pasted is foreign text."""
        if isinstance(event, events.Paste):
            event.text = clean(event.text)  # Textual's fields draw what they hold as it is
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self.keyboard.take(event)
        else:
            await super().on_event(event)

    def on_app_focus(self) -> None:
        self.notices.looking = True

    def on_app_blur(self) -> None:
        self.notices.looking = False

    # -- the picture -------------------------------------------------------------------------------------------------

    def on_picture_arrived(self, message: PictureArrived) -> None:
        before, self.picture = (self.picture, self.trust), message.picture
        self.arrivals.note_return()
        if self.picture.says_the_same_as(before[0]) and self.trust is before[1]:
            return  # the watcher lives and nothing happened: what time changes is shown by the clock
        for screen in self.screen_stack:
            if isinstance(screen, RoomScreen):
                screen.show_picture()
        self.arrivals.tell()

    def _tick(self) -> None:
        self.tick()
        self.arrivals.ring()

    def tick(self) -> None:
        """Draw what time or a setting has changed."""
        screen = self.room_screen
        if screen is not None:
            screen.tick()

    # -- acts --------------------------------------------------------------------------------------------------------

    def act(self, act: Act, screen: ActsByStrip | None = None) -> None:
        """Send a command; its outcome goes to the message line, and to the ``screen`` that asked."""
        if self.context.replay is not None or self.readonly:
            self.say(f"{act.verb} {act.target}: {self.why_off}", "quiet")
        else:
            self._perform(act, screen)

    @work(group="acts", exit_on_error=False)
    async def _perform(self, act: Act, screen: ActsByStrip | None) -> None:
        outcome = await self.errands.perform(act)
        if outcome.ok and act.op == "approve":
            self.granted.add(act.args["approval"])
        self.say(outcome.text, outcome.style)
        if screen is not None:
            screen.act_done(act, outcome)
        self.feed.poke()

    def act_on_each(self, bulk: Bulk, screen: ActsByStrip) -> None:
        """Send a command for each of several; what came of each goes to ``screen``."""
        if self.bulk is not None:
            self.say(f"not yet: {self.bulk.words()}", "warn")
            return
        perform = partial(self.errands.perform, is_one_of_many=True)
        self.bulk = BulkRun(bulk, perform, screen.what_changed)
        self.say(self.bulk.words, "quiet")
        self._perform_each(self.bulk, screen)

    @work(group="acts", exit_on_error=False)
    async def _perform_each(self, run: BulkRun, screen: ActsByStrip) -> None:
        try:
            await run.run(self._show_progress)
        finally:
            self.bulk = None
        screen.each_done(run.bulk, run.results)
        self.say(*summary(run.bulk, run.results))
        self.feed.poke()

    def _show_progress(self) -> None:
        if self.room_screen is not None:
            self.room_screen.show_message()

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(RoomPalette(placeholder="a word of what to do, an agent, pr 3, ticket 12"))

    async def action_back(self) -> None:
        screen = self.screen
        if isinstance(screen, RoomScreen):
            await screen.action_do("room.leave")
        elif len(self.screen_stack) > 1:
            self.pop_screen()

    def action_explain_quit(self) -> None:
        self.say("Ctrl-C reaches no agent and does not quit; q goes back, on the wall twice leaves", "quiet")
