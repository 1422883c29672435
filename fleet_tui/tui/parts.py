"""The watcher's report of itself and of the system, asked when it is wanted and only as often as it may differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.system import SystemReport, report
from fleet_tui.tui import commands

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp


_MENDED_NS = 2_000_000_000
_LOOKED_NS = 3_000_000_000
"""How often is asked again when the forge was to be looked at: it may take a while until it has been."""


class Parts:
    """``report`` is the last answer, for every screen that shows it."""

    def __init__(self, room: RoomApp) -> None:
        self._room = room
        self.report: SystemReport | None = None
        self._asked_for: object = None
        self._asked_ns = 0
        self._asking = False
        self._failed: object = None
        """For which state a question by the way had no answer."""

    def again(self) -> None:
        """The next wish asks whatever was answered before."""
        self._asked_for = None

    def want(self, *, by_the_way: bool = False) -> None:
        """Ask when the answer may differ from the last one. The screen on show is drawn anew when it has come. Nothing
        is said of a question ``by_the_way``, nor of its failure: the screen is about something else."""
        room, snapshot = self._room, self._room.picture.snapshot
        if snapshot is None or room.why_off or self._asking:
            return
        fleet = snapshot.fleet
        state = (fleet.config_sha, fleet.config_problems, fleet.isolation, fleet.watcher_pid)
        # Somebody mends a rejected file meanwhile: that may change what is wrong without the log telling so.
        is_old = self.report is not None and self.report.rejected and room.now_ns - self._asked_ns > _MENDED_NS
        due_ns = self.report.due_ns if self.report is not None else 0
        is_old |= bool(due_ns) and room.now_ns > due_ns and room.now_ns - self._asked_ns > _LOOKED_NS
        if by_the_way and state in (self._asked_for, self._failed):
            return
        if state != self._asked_for or is_old:
            self._asked_for, self._asked_ns = state, room.now_ns
            self._asking = True
            room.run_worker(self._ask(by_the_way), group="parts", exit_on_error=False)

    async def _ask(self, by_the_way: bool) -> None:
        room = self._room
        try:
            if by_the_way:
                answer = await commands.ask(room.context.operator_socket, "system", {})
            else:
                answer = await room.errands.ask("how the system is", "system", {})
            self.report = report(answer)
        except FleetError as error:
            if by_the_way:
                self._failed, self._asked_for = self._asked_for, None
                return
            room.say(one_line(f"{error.title}: {error.message}", 300), "warn")
            return
        finally:
            self._asking = False
        if room.room_screen is not None:
            room.room_screen.tick()
