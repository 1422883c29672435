"""The command line `:`: every key that works here, every agent, every pull request that waits, and typed commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.events import Click
from textual.markup import escape
from textual.widgets import Input

from fleet_tui.domain.text import one_line
from fleet_tui.tui import typed
from fleet_tui.tui.keys.names import shown
from fleet_tui.tui.keys.table import keys_for
from fleet_tui.tui.typed_table import COMMANDS

if TYPE_CHECKING:
    from fleet_tui.tui.screens.base import RoomScreen


@dataclass(frozen=True, slots=True)
class Entry:
    """``text`` is what is typed for; titles in it come from tickets, so it is never markup. Textual reads ``help`` as
    markup: it is escaped for it."""

    text: str
    help: str
    run: Callable[[], object]
    works: bool = True
    """Whether it does something now."""


_FIRST = 1_000.0
"""What was typed in full goes before whatever is only like it."""
_OFF = 0.5
"""What does nothing now goes behind what does."""


class RoomCommands(Provider):
    """Built from the table of keys and the current picture."""

    def _entries(self) -> Iterator[Entry]:
        screen = cast("RoomScreen", self.screen)
        here = screen.here()
        for key in keys_for(screen.scope):
            if key.id == "room.command" or not key.concerns(here):
                continue
            why = key.why_not(here)
            name = f"{key.label} ({shown(key.keys.split(',')[0])})"
            told = key.tooltip if why is None else f"not now: {why}"
            yield Entry(name, told, partial(screen.action_do, key.id), works=why is None)
        snapshot = screen.room.picture.snapshot
        if snapshot is None:
            return
        for tile in snapshot.tiles:
            yield Entry(f"agent {tile.name}", f"{tile.role}, {tile.doing}", partial(screen.room.open_agent, tile.name))
        for alarm in snapshot.alarms:
            text = f"alarm {one_line(alarm.title, 80)}"
            yield Entry(text, one_line(alarm.response), partial(screen.room.open_alarm, alarm.id))
        for card in snapshot.approvals:
            text = f"pr {card.approval.pr} {card.ticket_title}"
            yield Entry(text, "decide on this pull request", partial(screen.room.open_approval, card.id))

    async def discover(self) -> Hits:
        for entry in sorted(self._entries(), key=lambda entry: not entry.works):
            yield DiscoveryHit(Content(entry.text), entry.run, text=entry.text, help=escape(entry.help))

    async def search(self, query: str) -> Hits:
        room = cast("RoomScreen", self.screen).room
        exact = typed.match(query, COMMANDS)
        if exact is not None:
            command, words = exact
            usage = command.usage if len(words) >= command.least else f"usage: {command.usage}"
            shown_as = Content(one_line(query, 120))
            yield Hit(_FIRST, shown_as, partial(command.perform, room, words), help=escape(f"{command.told} ({usage})"))
        matcher = self.matcher(query)
        for command in COMMANDS:
            score = matcher.match(command.usage)
            if score > 0 and (exact is None or command is not exact[0]):
                yield Hit(score, Content(command.usage), partial(command.perform, room, ()), help=escape(command.told))
        for entry in self._entries():
            score = matcher.match(entry.text)
            if score > 0:
                worth = score if entry.works else score * _OFF
                yield Hit(worth, Content(entry.text), entry.run, text=entry.text, help=escape(entry.help))


class Found(CommandList):
    """The commands that what was typed has found so far."""

    def on_click(self, event: Click) -> None:
        """A row of before the last letter may be none of the list any more: textual 8 looks it up all the same."""
        if event.style.meta.get("option", -1) >= self.option_count:
            event.prevent_default()


class RoomPalette(CommandPalette):
    """Enter runs what was typed or gone to, never what happens to stand first."""

    _was_moved = False

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            yield Found() if isinstance(widget, CommandList) else widget

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A list that was not drawn yet cannot be paged: textual 8 looks its lines up, fails, and ends the room."""
        if action == "command_list" and not self.query_one(CommandList).scrollable_content_region:
            return False
        return super().check_action(action, parameters)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Once: of two clicks beside it, or a click and Enter, the second came too late and would close the screen
        below, or end the room."""
        return super().dismiss(result) if self.is_current else AwaitComplete()

    @on(CommandList.OptionHighlighted)
    def _moved(self, message: CommandList.OptionHighlighted) -> None:
        self._was_moved = self._was_moved or message.option_index > 0

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        if not message.value.strip() and not self._was_moved:
            message.stop()
            message.prevent_default()
