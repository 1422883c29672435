"""What was asked of the watcher and has no answer yet: how long it takes, and what became of it when none came."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.widgets import Input

from fleet_tui.bus import operator
from fleet_tui.domain.errors import FleetError
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
    """One question or act under way. ``words`` name what is done to what; a question has its ``call``: its answer may
    be given up."""

    words: str
    call: asyncio.Task[dict[str, Any]] | None = None
    is_given_up: bool = False
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
        """A question that changes nothing. A person may give it up with Esc.

        Raises:
            FleetError: refused, failed, unanswered or given up.
        """
        if self._room.context.replay is not None:
            raise FleetError("not in a recording", "a recording holds the log alone", "")
        with self.under_way(words) as errand:
            errand.call = asyncio.create_task(commands.ask(self._room.context.operator_socket, op, args))
            try:
                return await errand.call
            except asyncio.CancelledError:
                if not errand.is_given_up:
                    raise
                raise FleetError("given up", "you cancelled it", "r asks again") from None

    def give_up(self) -> bool:
        """Cancel the question that the message line offers to cancel, and say so; whether there was one."""
        errand = self._on_show()
        if errand is None or not self._may_give_up(errand):
            return False
        assert errand.call is not None
        errand.is_given_up = True
        errand.call.cancel()
        self._room.say(f"{errand.words}: cancelled; r asks again", "quiet")
        return True

    def _may_give_up(self, errand: Errand) -> bool:
        """Not an act; and not where Esc closes the field that is typed into, or ends an act on several."""
        typed = self._room.bulk is not None or isinstance(self._room.screen.focused, Input)
        return errand.call is not None and not errand.is_given_up and not typed

    def _on_show(self) -> Errand | None:
        """The newest that takes a while."""
        return next((one for one in reversed(self._open) if one.took_s >= SHOWN_AFTER_S), None)

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
        errand = self._on_show()
        if errand is None:
            return ""
        more = sum(one.took_s >= SHOWN_AFTER_S for one in self._open) - 1
        ways = (f"(+{more} more)" if more else "", "Esc cancels" if self._may_give_up(errand) else "")
        return "  ".join(filter(None, (errand.text(), *ways)))

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
