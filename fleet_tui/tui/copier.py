"""Copying from the room: the ways as configured, and one line that says where a text went."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fleet_tui.tui import clipboard
from fleet_tui.tui.clipboard import Ground
from fleet_tui.tui.present.copying import Offer, offer, told
from fleet_tui.tui.terminal import TerminalApp

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp


class Copier:
    """``ground`` is what was found of the terminal when it was looked at last; None before."""

    def __init__(self, app: CopyingApp) -> None:
        self._app = app
        self.ground: Ground | None = None
        self.written: tuple[Offer, ...] = ()
        """What was written to a file last, so that it can be copied too."""

    @property
    def _room(self) -> RoomApp:
        return cast("RoomApp", self._app)

    def look(self) -> None:
        """Look at the terminal (again); the screen on show is drawn anew."""
        self._app.run_worker(self._look(), group="ground", exit_on_error=False)

    def copy(self, what: Offer) -> None:
        """Take it along all ways; what came of it goes to the message line."""
        self._app.run_worker(self._copy(what), group="copy", exit_on_error=False)

    async def _look(self) -> None:
        before, self.ground = self.ground, await clipboard.look(os.environ)
        if self.ground != before and self._room.room_screen is not None:
            self._room.room_screen.tick()

    async def _copy(self, what: Offer) -> None:
        room = self._room
        self.ground = await clipboard.look(os.environ)  # tmux may have another client than a minute ago
        went = await clipboard.copy(what.text, room.context.copy_to, self.ground, self._send, self.file)
        room.say(*told(what.what, what.text, went, room.size.width))

    def _send(self, sequence: str) -> bool:
        """Write to the terminal, unless a pager, an editor or an agent's tmux has it."""
        if not self._room.handed_over:
            self._app.send(sequence)
        return not self._room.handed_over

    @property
    def file(self) -> Path | None:
        """Where the last copy lies."""
        place = self._room.context.saved
        return place / "clip" if place is not None else None


class CopyingApp(TerminalApp):
    """An app whose copies go the room's ways, those of Textual's own fields too."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.copier = Copier(self)

    def copy_to_clipboard(self, text: str) -> None:
        """Of a field where one types."""
        self._clipboard = text
        self.copier.copy(offer("", "selection", text))
