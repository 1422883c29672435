"""Long work beside the reconcile loop: one task per key at most, so a level-triggered pass may ask again and again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from fleet_tui.domain.errors import FleetError

log = logging.getLogger(__name__)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
_FORGET_S = 300.0
"""A failure that nobody has tried to repeat for so long concerns nobody any more."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed ``count`` times in a row, last at ``at_s`` (monotonic) with ``reason``."""

    count: int
    at_s: float
    reason: str

    @property
    def wait_s(self) -> float:
        """How long it rests before the next attempt."""
        return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self.count - 1, 10))


class Jobs:
    """Keyed asyncio tasks. A finished or failed job calls ``wake``; the next pass sees what it left behind.

    A job that failed rests before it may start again, longer each time, so that no pass can spin on it.
    """

    def __init__(self, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._wake = wake
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, Failure] = {}

    def start(self, key: str, work: Callable[[], Coroutine[object, object, None]]) -> bool:
        """Start ``work`` under ``key`` unless it is running or rests after a failure; returns whether it started."""
        failure = self._failures.get(key)
        resting = failure is not None and self._clock() < failure.at_s + failure.wait_s
        if key in self._tasks or resting:
            return False
        task = asyncio.create_task(work(), name=key)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._finish(key, done))
        return True

    def running(self, prefix: str = "") -> list[str]:
        """Keys of the jobs under way."""
        return [key for key in self._tasks if key.startswith(prefix)]

    def failures(self, key: str) -> int:
        """How often the job failed in a row; a success forgets them."""
        failure = self._failures.get(key)
        return failure.count if failure else 0

    def failing(self, at_least: int) -> dict[str, Failure]:
        """The jobs that failed so often in a row, by key; those that nobody repeats any more are forgotten."""
        now_s = self._clock()
        self._failures = {key: f for key, f in self._failures.items() if now_s - f.at_s < _FORGET_S}
        return {key: failure for key, failure in self._failures.items() if failure.count >= at_least}

    async def cancel(self, key: str) -> None:
        task = self._tasks.get(key)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def finish(self, prefixes: tuple[str, ...], limit_s: float) -> None:
        """Give the jobs whose keys begin so a limited time to end by themselves."""
        tasks = [task for key, task in self._tasks.items() if key.startswith(prefixes)]
        if tasks:
            await asyncio.wait(tasks, timeout=limit_s)

    async def close(self) -> None:
        """Cancel everything and wait for it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def idle(self) -> None:
        """Wait until nothing is under way (tests, graceful stop)."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def _finish(self, key: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(key, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._failures.pop(key, None)
        else:
            reason = str(error) if isinstance(error, FleetError) else f"{type(error).__name__}: {error}"
            self._failures[key] = Failure(self.failures(key) + 1, self._clock(), reason)
            log.error("job %s failed: %s", key, reason, exc_info=None if isinstance(error, FleetError) else error)
        self._wake()
