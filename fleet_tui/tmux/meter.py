"""Run time: what the monotonic clock counts while a run is neither held nor waiting for a person.

That clock stands still while the machine sleeps (``CLOCK_MONOTONIC`` on Linux, ``mach_absolute_time`` on macOS), and no
change of the wall clock moves it.
"""

from __future__ import annotations

import time


class Meter:
    """Counts from the first :meth:`resume` on. Time held (:meth:`pause`) and time ``idle`` is not counted."""

    def __init__(self) -> None:
        self._total_ns = 0
        self._since_ns: int | None = None
        self._paused = True
        self._idle = False
        self.limit_ms: int | None = None
        """The run must not run for longer than this."""

    @property
    def idle(self) -> bool:
        """Whether the run waits for a person."""
        return self._idle

    @idle.setter
    def idle(self, idle: bool) -> None:
        self._idle = idle
        self._switch()

    def resume(self) -> None:
        self._paused = False
        self._switch()

    def pause(self) -> None:
        self._paused = True
        self._switch()

    @property
    def active_ms(self) -> int:
        return self._now_ns() // 1_000_000

    @property
    def at_limit(self) -> bool:
        return self.limit_ms is not None and self.active_ms >= self.limit_ms

    def left_s(self) -> float | None:
        """Seconds until the limit; None when it does not come nearer."""
        if self.limit_ms is None or self._since_ns is None:
            return None
        return max(0.0, self.limit_ms / 1000 - self._now_ns() / 1_000_000_000)

    def _switch(self) -> None:
        counts = not self._paused and not self._idle
        if counts and self._since_ns is None:
            self._since_ns = time.monotonic_ns()
        elif not counts:
            self._total_ns, self._since_ns = self._now_ns(), None

    def _now_ns(self) -> int:
        return self._total_ns + (0 if self._since_ns is None else time.monotonic_ns() - self._since_ns)
