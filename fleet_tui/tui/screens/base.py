"""What every screen of the room has: the frame's four lines, the strip, the composer, and the keys of everywhere."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel import needs
from fleet_tui.readmodel.health import Trust
from fleet_tui.readmodel.held import newest
from fleet_tui.readmodel.values import NeedItem, NeedKind, Snapshot
from fleet_tui.tui import commands
from fleet_tui.tui.commands import Act
from fleet_tui.tui.composer import Composer
from fleet_tui.tui.compositor import RoomCompositor
from fleet_tui.tui.keys.key import Here, Key
from fleet_tui.tui.keys.keymap import effective
from fleet_tui.tui.keys.names import shown
from fleet_tui.tui.keys.table import by_id, keys_for
from fleet_tui.tui.notice import FrozenNotice
from fleet_tui.tui.outcome import OutcomePane
from fleet_tui.tui.present import frame, strips
from fleet_tui.tui.screens.acts_by_strip import ActsByStrip
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.key_menu import KeyMenu
from fleet_widgets.lines import Line, Span
from fleet_widgets.strip import ConfirmStrip


class RoomScreen(ActsByStrip):
    """Subclasses give ``scope``, ``heading``, ``body`` and ``update_body``."""

    scope: ClassVar[str] = ""
    passing: ClassVar[bool] = False
    """Whether it lies over another screen for a moment only, and goes when the person goes elsewhere."""
    heading: ClassVar[str] = ""
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self._compositor = RoomCompositor()

    @property
    def snapshot(self) -> Snapshot | None:
        return self.room.picture.snapshot

    # -- layout ------------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        palette = self.room.context.look.palette
        yield FrameLine(palette=palette, id="top")
        yield FrameLine(palette=palette, id="alarm")
        with Container(id="body"):
            yield from self.body()
        yield FrozenNotice(palette=palette, id="frozen", wrap=False)
        yield OutcomePane(palette=palette, id="outcome")
        yield Composer(palette, id="composer")
        yield ConfirmStrip(palette=palette, id="strip")
        yield FrameLine(palette=palette, id="message")
        yield FrameLine(palette=palette, id="hints")
        yield KeyMenu(palette=palette, id="menu")

    def body(self) -> Iterator[Widget]:
        """The widgets between the frame's lines."""
        raise NotImplementedError

    def update_body(self) -> None:
        """Show the newest picture; also called once a second, for the ages."""

    def main_widget(self) -> Widget | None:
        """What has the focus when nothing else wants it."""
        return None

    def on_mount(self) -> None:
        self.show_picture()

    @property
    def stands(self) -> bool:
        """Whether the widgets are there: composed, and not being taken down. A room that is being left composes a
        screen in part only."""
        return self.is_mounted and self.display and self.room.is_running

    def on_screen_resume(self) -> None:
        self.show_picture()
        if self.stands and self.focused is None and (widget := self.main_widget()) is not None:
            # Now and not a moment later: what a command has opened meanwhile would lose the focus again.
            self.set_focus(widget)

    def on_screen_suspend(self) -> None:
        self.said = None

    def on_resize(self) -> None:
        self.call_after_refresh(self.tick)

    def set_line(self, name: str, value: Line) -> None:
        """Show ``value`` in the one-line widget ``name``."""
        self.query_one(f"#{name}", FrameLine).set_line(value)

    def on_descendant_focus(self) -> None:
        if self.stands:
            self.show_focus()
            self.show_hints()

    def show_focus(self) -> None:
        """Mark what has the focus, where the widget itself does not."""

    # -- showing -----------------------------------------------------------------------------------------------------

    def show_picture(self) -> None:
        """A new picture arrived, or the screen became visible."""
        if self.stands:
            self.tick()
            self.check_strip()  # what the screen has read for this picture is what a strip is checked against
            self.room.live.wanted_changed()

    def tick(self) -> None:
        """Everything that time alone changes."""
        if not self.stands or not self.size.width:
            return
        known = self._frame()
        self.set_line("top", frame.top_line(self.room.picture, known))
        keys = effective(self.room.context.keymap)
        answer = (shown(keys["need.acknowledge"].split(",")[0]), shown(keys["need.next"].split(",")[0]))
        self.set_line("alarm", frame.alarm_line(self.room.picture, known, answer))
        notice, room = self.query_one(FrozenNotice), self.room
        notice.tell(room.picture, room.context.start, self.size.width, is_frozen=room.trust is Trust.FROZEN)
        self.show_message()
        self.show_hints()
        try:
            self.update_body()
        except FleetError as error:
            # The feed reports a database that cannot be read; until it can, the last picture stays.
            self.room.say(f"{error.title}: {error.message}", "warn")

    def _frame(self) -> frame.Frame:
        room, keys = self.room, effective(self.room.context.keymap)
        ways_out = [("room.refresh", "retry"), ("agent.attach", "attach")]
        here = [key.id for key in keys_for(self.scope)]
        return frame.Frame(
            self.heading_text(),
            self.size.width,
            room.now_ns,
            room.started_ns,
            room.live.in_force,
            room.live.governor.in_words,
            tuple(f"{shown(keys[name].split(',')[0])} {label}" for name, label in ways_out if name in here),
            room.notes(self.size.width),
            room.context.replay.mark() if room.context.replay is not None else "",
        )

    def heading_text(self) -> str:
        return self.heading

    def show_message(self) -> None:
        if not self.stands:
            return
        now_ns = self.room.now_ns
        text = self.said.text(now_ns) if self.said is not None else ""
        style = self.said.style if self.said is not None and text else "quiet"
        if not text:
            self.said = None
        held = newest(self.snapshot, now_ns)
        told = text or self.room.errands.words() or self.idle_message()
        self.set_line("message", frame.message_line(told, style, held, now_ns, self.marks_in_words()))

    def marks_in_words(self) -> str:
        """How many are marked; it stands before the message."""
        return ""

    def idle_message(self) -> str:
        """What the message line says when there is nothing to say."""
        replay = self.room.context.replay
        return replay.words() if replay is not None else self.room.why_frozen

    def show_hints(self) -> None:
        here, keys = self.here(), effective(self.room.context.keymap)
        self.room.presence.note(here.card.id if here.card else "", decides=self.strip.request is not None)
        if self.strip.request is not None:
            self.set_line("hints", (Span("the strip has the keys", "quiet"),))
            return
        typing = self._keys_while_typing()
        if typing:
            self.set_line("hints", frame.hint_line(typing, (), self.size.width))
            return
        pairs = [
            (shown(keys[key.id].split(",")[0]), key.label)
            for key in sorted(
                keys_for(self.scope), key=lambda key: (key.id != "need.next", self.scope not in key.hint_on)
            )
            if (key.hint or self.scope in key.hint_on) and key.why_not(here) is None
        ]
        ends = (("room.help", "keys"), ("room.command", "command"))
        right = [(shown(keys[name].split(",")[0]), label) for name, label in ends]
        self.set_line("hints", frame.hint_line(pairs, right, self.size.width))

    def _keys_while_typing(self) -> list[tuple[str, str]]:
        """What to press where letters are text; empty where they are commands."""
        if self.query_one(Composer).key is not None:
            return [("Tab", "goes to Send"), ("Esc", "closes, the draft stays")]
        return [("Enter", "done"), ("Esc", "closes")] if isinstance(self.focused, Input) else []

    # -- keys --------------------------------------------------------------------------------------------------------

    def here(self) -> Here:
        """What keys would act on now; screens add what is selected."""
        snapshot = self.snapshot
        return Here(
            scope=self.scope,
            frozen=self.room.why_off,
            recording=self.room.context.replay is not None,
            need=self.current_need(),
            alarm=self.current_alarm(),
            held=newest(snapshot, self.room.now_ns),
            needs=len(snapshot.needs) if snapshot else 0,
        )

    def current_need(self) -> NeedItem | None:
        """The need that this screen shows, while it exists: the one that `w` led to."""
        return self.need_with(self.room.need.key) if self.room.need is not None else None

    def shows(self, item: NeedItem) -> bool:
        """Whether ``item`` still waits and is what is shown here."""
        current = self.current_need()
        return current is not None and current.key == item.key

    def need_with(self, *keys: str) -> NeedItem | None:
        waiting = self.snapshot.needs if self.snapshot else ()
        return next((item for item in waiting if item.key in keys), None)

    def current_alarm(self) -> NeedItem | None:
        """The alarm that `w` led to; else the one on line 2."""
        chosen, waiting = self.current_need(), self.snapshot.needs if self.snapshot else ()
        if chosen is not None and chosen.kind is NeedKind.ALARM:
            return chosen
        return next((item for item in waiting if item.kind is NeedKind.ALARM), None)

    async def action_do(self, identity: str) -> None:
        """Do what a row of the table of keys says, or say why not."""
        key = by_id(identity)
        if key.why_not(self.here()) is not None:
            self.room.say(lambda: self._why_not(key), "quiet")
            return
        if identity == "room.back" and self.room.errands.give_up():
            return
        result = getattr(self, key.method)()
        if inspect.isawaitable(result):
            await result

    def _why_not(self, key: Key) -> str:
        why = key.why_not(self.here()) if self.stands else None
        return f"{shown(key.keys.split(',')[0])}: {why}" if why is not None else ""

    def on_key(self, event: events.Key) -> None:
        """Reached only by keys that nobody wanted."""
        if event.is_printable and not self.strip.request and event.key not in self.active_bindings:
            self.room.say(f"{event.character}: does nothing here; ? shows the keys", "quiet")

    async def do_need_next(self) -> None:
        """On from what this screen shows, else from where `w` was last."""
        waiting = self.snapshot.needs if self.snapshot else ()
        shown_now = self.current_need()
        item = needs.after(waiting, shown_now or self.room.need)
        if item is None:
            return
        await self.room.open_need(item)
        if item == shown_now:
            self.room.say("w: nothing else needs you", "quiet")

    def do_need_acknowledge(self) -> None:
        if (item := self.here().alarm) is not None:
            self.room.act(Act("acknowledge", {"alarm": item.id}, "acknowledge", item.title))

    def do_act_undo(self) -> None:
        if (held := self.here().held) is not None:
            self.room.act(Act(held.op, dict(held.args), "undo", held.target), self)

    def do_fleet_halt(self) -> None:
        """All stop, or its end: from any screen."""
        snapshot = self.snapshot
        if snapshot is None:
            return
        if snapshot.fleet.halted:
            self.ask(strips.lift(snapshot.fleet.halted), Act("lift", {"reason": ""}, "lift", "the all stop"))
            return
        running = sum(1 for tile in snapshot.tiles if tile.pane_uuid)
        self.ask(strips.halt(running), Act("halt", {"reason": ""}, "stop", "everything"))

    def do_ticket_unblock(self) -> None:
        item = self.here().need
        assert item is not None
        act = Act("unblock", {"ticket": int(item.id), "reason": ""}, "unblock", f"ticket #{item.id}")
        self.ask(strips.unblock(item), act)

    def do_room_refresh(self) -> None:
        health = self.room.picture.health
        self.room.say(lambda: "asking the watcher again" if self.room.picture.health is health else "", "quiet")
        self.room.feed.poke()
        self.room.live.look()
        if not self.room.why_off:
            self.room.run_worker(self._poll(), group="poll", exit_on_error=False)

    async def _poll(self) -> None:
        """The watcher looks at tickets, branches and the forge at once."""
        try:
            answer = await commands.ask(self.room.context.operator_socket, "poll", {})
        except FleetError:
            return  # whoever does not answer is shown by the header
        if answer.get("message"):
            self.room.say(one_line(str(answer["message"]), 200), "warn")

    def do_room_redraw(self) -> None:
        self.refresh(layout=True)

    async def do_room_back(self) -> None:
        await self.room.go("wall")

    async def do_room_leave(self) -> None:
        await self.do_room_back()

    async def do_room_help(self) -> None:
        from fleet_tui.tui.screens.help import HelpScreen

        await self.room.push_screen(HelpScreen(self.here()))

    def do_room_command(self) -> None:
        self.room.action_command_palette()

    # -- the composer ------------------------------------------------------------------------------------------------

    @on(Composer.Closed)
    def _draft_kept(self, message: Composer.Closed) -> None:
        message.stop()
        self.room.drafts[message.key] = message.draft
        if message.draft.strip():
            self.room.say("not sent; the draft is kept", "quiet")
        self._focus_main()

    def _focus_main(self) -> None:
        # At once, not after what comes next: that may be a strip, which takes the focus.
        self.set_focus(self.main_widget())
