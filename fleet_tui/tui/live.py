"""Live panes: from tmux's frames to the widgets of the screen on show, no faster than the terminal takes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from fleet_widgets.lines import Line
from fleet_widgets.pane_wall import LiveView

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp


@runtime_checkable
class ShowsPanes(Protocol):
    """A screen with live panes on it."""

    def wanted_panes(self) -> dict[str, LiveView]: ...

    def show_pane(
        self, uuid: str, rows: tuple[Line, ...], changed: tuple[int, ...] | None, first: int, size: tuple[int, int]
    ) -> None: ...

    def drop_pane(self, uuid: str) -> None: ...


class LivePanes:
    """Runs as one task of the app; lives as long as the room."""

    def __init__(self, room: RoomApp) -> None:
        self._room = room
        self._changed = asyncio.Event()
        self.in_force = ""
        """How changes are noticed, for the header."""

    def wanted_changed(self) -> None:
        """Another part of another pane is on screen now."""
        self._changed.set()

    async def run(self) -> None:
        return
