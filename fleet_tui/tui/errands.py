"""What was asked of the watcher and has no answer yet: how long it takes, and what became of it when none came."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleet_tui.bus import operator
from fleet_tui.domain.events import Event
from fleet_tui.tui import commands
from fleet_tui.tui.commands import Act, Outcome
from fleet_tui.tui.present.errands import doubtful, found, lost, working

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

SHOWN_AFTER_S = 0.3
"""What takes longer says so, each second anew, wherever the person is by then."""
_DOUBT_S = 600.0
"""How long the log is looked at for an act whose answer was lost."""


@dataclass(eq=False, slots=True)
class Errand:
    """One question or act under way. ``words`` name what is done to what."""

    words: str
    started_s: float = field(default_factory=time.monotonic)
    is_over: bool = False

    @property
    def took_s(self) -> float:
        return time.monotonic() - self.started_s

    def text(self) -> str:
        """What to say while it goes on; empty afterwards."""
        if self.is_over:
            return ""
        return working(self.words, self.took_s) if self.took_s >= SHOWN_AFTER_S else f"{self.words}: asking the watcher"


@dataclass(eq=False, slots=True)
class Doubt:
    """An act of which nobody knows whether it was done. ``watcher`` is the process that was asked."""

    act: Act
    request: str
    watcher: int | None
    since_s: float = field(default_factory=time.monotonic)


class Errands:
    """Belongs to the room: what goes on is shown on every screen, by what it is about."""

    def __init__(self, room: RoomApp) -> None:
        self._room = room
        self._open: list[Errand] = []
        self._doubts: list[Doubt] = []

    @contextlib.contextmanager
    def under_way(self, words: str) -> Iterator[Errand]:
        """Count as going on until the block ends."""
        errand = Errand(words)
        self._open.append(errand)
        timer = self._room.set_timer(SHOWN_AFTER_S + 0.01, self._show)
        try:
            yield errand
        finally:
            errand.is_over = True
            self._open.remove(errand)
            timer.stop()
            self._show()

    async def ask(self, words: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """A question that changes nothing.

        Raises:
            FleetError: refused, failed or unanswered.
        """
        with self.under_way(words):
            return await commands.ask(self._room.context.operator_socket, op, args)

    async def perform(self, act: Act, *, is_one_of_many: bool = False) -> Outcome:
        """Ask for ``act`` once, under an id by which its events are found when the answer is lost. Of one of many it is
        not said that it is under way."""
        request, watcher = operator.new_request(), self._watcher()
        with self.under_way(f"{act.verb} {act.target}") as errand:
            if not is_one_of_many:
                self._room.say(errand.text, "quiet")
            outcome = await commands.perform(self._room.context.operator_socket, act, request)
        if not outcome.is_lost:
            return outcome
        doubt = Doubt(act, request, watcher)
        self._doubts.append(doubt)
        return self.settled(doubt) or outcome

    def words(self) -> str:
        """What takes a while now; empty when nothing does."""
        slow = [errand for errand in self._open if errand.took_s >= SHOWN_AFTER_S]
        return slow[-1].text() + (f"  (+{len(slow) - 1} more)" if len(slow) > 1 else "") if slow else ""

    def look(self) -> None:
        """Something was recorded: perhaps one of the acts in doubt."""
        for doubt in list(self._doubts):
            outcome = self.settled(doubt)
            if outcome is not None:
                self._room.say(outcome.text, outcome.style)

    def settled(self, doubt: Doubt) -> Outcome | None:
        """What is known now of an act whose answer was lost; None while it is not known."""
        event = self._recorded(doubt.request)
        if event is not None:
            return self._over(doubt, Outcome(True, found(doubt.act, event), "normal"))
        if doubt.watcher is not None and self._watcher() not in (None, doubt.watcher):
            return self._over(doubt, Outcome(False, lost(doubt.act), "warn"))
        if time.monotonic() - doubt.since_s > _DOUBT_S:
            return self._over(doubt, Outcome(False, doubtful(doubt.act), "warn"))
        return None

    def _over(self, doubt: Doubt, outcome: Outcome) -> Outcome:
        self._doubts.remove(doubt)
        return outcome

    def _recorded(self, request: str) -> Event | None:
        reader = self._room.reader()
        return reader.event_with_key(operator.key_of(request)) if reader is not None else None

    def _watcher(self) -> int | None:
        """The process that is, or was, the watcher: as the log tells."""
        snapshot = self._room.picture.snapshot
        return snapshot.fleet.watcher_pid if snapshot is not None else None

    def _show(self) -> None:
        screen = self._room.room_screen
        if screen is not None:
            screen.show_message()
