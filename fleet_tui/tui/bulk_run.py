"""Asking the watcher for one act after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from fleet_tui.tui.bulk import Bulk, Result, why_not_done
from fleet_tui.tui.commands import Act, Outcome
from fleet_tui.tui.present.bulk import progress

_AT_ONCE = 6


class BulkRun:
    """A few at the same time, each once. Whether it is as it was is asked just before: who has changed since the act
    was asked for is left alone."""

    def __init__(
        self, bulk: Bulk, perform: Callable[[Act], Awaitable[Outcome]], what_changed: Callable[[Act], str]
    ) -> None:
        self.bulk = bulk
        self._perform = perform
        self._what_changed = what_changed
        self.results: list[Result] = []
        self.over = False
        self._why_stop = ""
        self._started_s = time.monotonic()

    async def run(self, tell: Callable[[], None]) -> None:
        """``tell`` is called after each."""
        waiting = list(reversed(list(self.bulk.acts.items())))

        async def in_turn() -> None:
            while waiting:
                key, act = waiting.pop()
                self.results.append(Result(key, act.target, await self._why_not(act)))
                tell()

        await asyncio.gather(*(in_turn() for _ in range(_AT_ONCE)))
        order = list(self.bulk.acts)
        self.results.sort(key=lambda result: order.index(result.key))
        self.over = True

    def cancel(self) -> None:
        """Ask nobody else; what was asked already goes on."""
        self._why_stop = self._why_stop or "not asked: you cancelled"

    async def _why_not(self, act: Act) -> str:
        """Empty when it was done."""
        changed = self._why_stop or self._what_changed(act)
        if changed:
            return changed.removeprefix(f"{act.target} ")
        outcome = await self._perform(act)
        if outcome.is_lost:
            self._why_stop = self._why_stop or "not asked: the watcher does not answer"
        return "" if outcome.ok else why_not_done(act, outcome)

    def words(self) -> str:
        """While it lasts."""
        return "" if self.over else progress(self.bulk, self.results, time.monotonic() - self._started_s)
