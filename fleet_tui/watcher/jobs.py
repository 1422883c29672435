"""Long work beside the reconcile loop: one task per key at most, so a level-triggered pass may ask again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

log = logging.getLogger(__name__)


class Jobs:
    """Keyed asyncio tasks. A finished or failed job calls ``wake``; the next pass sees what it left behind."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}

    def start(self, key: str, work: Callable[[], Coroutine[object, object, None]]) -> bool:
        """Start ``work`` under ``key`` unless it is already running; returns whether it was started."""
        if key in self._tasks:
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
        return self._failures.get(key, 0)

    async def cancel(self, key: str) -> None:
        task = self._tasks.get(key)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

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
            self._failures[key] = self._failures.get(key, 0) + 1
            log.error("job %s failed", key, exc_info=error)
        self._wake()
