"""The driver of the room's terminal: what Textual writes, squeezed, and each frame in one piece."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fleet_tui.tui.squeeze import erases_in_colour, squeezed

if TYPE_CHECKING:
    from textual.driver import Driver

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"


def room_driver(base: type[Driver]) -> type[Driver]:
    """``base`` with the room's way of writing."""

    class RoomDriver(base):  # type: ignore[misc,valid-type]
        """A frame (between the marks of a synchronised update) is one write, so that it is never half on its way."""

        _held: list[str] | None = None
        _erase = erases_in_colour(os.environ)

        def write(self, data: str) -> None:
            if data == _BEGIN:
                self._held = [data]
                return
            if "\x1b[0" in data:
                data = squeezed(data, erase=self._erase)
            if self._held is None:
                super().write(data)
                return
            self._held.append(data)
            if data == _END:
                whole, self._held = "".join(self._held), None
                super().write(whole)

    return RoomDriver
