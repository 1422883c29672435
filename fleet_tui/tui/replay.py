"""A room on a recording: its clock, how fast it runs, and where in the recording it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from fleet_tui.readmodel.values import Picture
from fleet_tui.tui.present.text import clock, span

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

SECOND_NS = 1_000_000_000
SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1000.0)
_FOREVER_NS = 1 << 62
_STEP_S = 0.2


class Player(Protocol):
    """What holds the recorded events (see ``store.recording.Playback``)."""

    @property
    def first_ns(self) -> int: ...

    @property
    def last_ns(self) -> int: ...

    def go_to(self, at_ns: int) -> bool: ...


class Replay:
    """Instants are those of the recording; ``steady`` is any clock that only runs forwards, in nanoseconds."""

    why_off = "a recording: nothing can be done in it"

    def __init__(self, player: Player, speed: float = 1.0, steady: Callable[[], int] = time.monotonic_ns) -> None:
        self._player, self._steady = player, steady
        self.speed = speed
        self.playing = True
        self._from_ns, self._since = player.first_ns, steady()
        player.go_to(self._from_ns)

    def now_ns(self) -> int:
        """The recording's clock: it stands at the end, and while paused."""
        passed = int((self._steady() - self._since) * self.speed) if self.playing else 0
        return min(self._from_ns + passed, self._player.last_ns)

    def start(self, room: RoomApp) -> None:
        room.set_interval(_STEP_S, lambda: self.advance(room), name="recording")

    def advance(self, room: RoomApp) -> None:
        """Bring the database to the clock's instant."""
        if self._player.go_to(self.now_ns()):
            room.feed.poke()

    def timeless(self, picture: Picture) -> Picture:
        """What was recorded does not grow old, however fast its clock runs."""
        return replace(picture, health=replace(picture.health, fresh_ns=_FOREVER_NS))

    def pause(self) -> None:
        """Stand still, or go on."""
        self._stand()
        self.playing = not self.playing

    def change_speed(self, by: int) -> None:
        """To the next faster or slower one."""
        self._stand()
        near = min(range(len(SPEEDS)), key=lambda at: abs(SPEEDS[at] - self.speed))
        self.speed = SPEEDS[min(max(0, near + by), len(SPEEDS) - 1)]

    def jump(self, parts: int) -> None:
        """Forwards or backwards by twentieths of the recording, at least a second."""
        length = self._player.last_ns - self._player.first_ns
        self._stand()
        wanted = self._from_ns + parts * max(SECOND_NS, length // 20)
        self._from_ns = min(max(wanted, self._player.first_ns), self._player.last_ns)

    def _stand(self) -> None:
        self._from_ns, self._since = self.now_ns(), self._steady()

    def mark(self) -> str:
        """``REPLAY 14:02:11``, for line 1 of every screen; with ``PAUSED`` or ``END`` where its time stands."""
        state = self._state()
        return f"REPLAY {clock(self.now_ns())}" + (f" {state}" if state in ("END", "PAUSED") else "")

    def _state(self) -> str:
        if self.now_ns() >= self._player.last_ns:
            return "END"
        return f"x{self.speed:g}" if self.playing else "PAUSED"

    def words(self) -> str:
        """``REPLAY 14:02:11, 00:41 of 12:30, x10``."""
        now_ns, first_ns, last_ns = self.now_ns(), self._player.first_ns, self._player.last_ns
        done, length = ((ns - first_ns) // SECOND_NS for ns in (now_ns, last_ns))
        keys = "p pause  < > back, on  ( ) slower, faster"
        return f"REPLAY {clock(now_ns)}, {span(done)} of {span(length)}, {self._state()}   {keys}"
