"""The watchdog: a pass that does not come to its end is told to a person, for while it lasts no rule is enforced.

It is no pass, or it would wait with them. What blocks the event loop itself is beyond any task, so a thread looks for
that: it can only write to the log where the process stands. The room shows by itself that nobody answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
import traceback

from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context

STALLED_S = 30.0
"""How long one pass may take."""
RULE = "stalled"
_LOOK_S = 1.0

log = logging.getLogger(__name__)


async def watch(ctx: Context, *, limit_s: float = STALLED_S, look_s: float = _LOOK_S) -> None:
    """Watch until cancelled. A look that fails is logged, and the next one comes."""
    with _Heart(limit_s, look_s) as heart:
        told: tuple[str, float] | None = None
        while True:
            heart.beat()
            try:
                told = await _look(ctx, told, limit_s)
            except Exception:
                log.exception("the watchdog could not look")
            await asyncio.sleep(look_s)


async def _look(ctx: Context, told: tuple[str, float] | None, limit_s: float) -> tuple[str, float] | None:
    """Raise or clear the alarm; the pass that it is about, with when that began."""
    now = ctx.passing
    stalled = now if now is not None and time.monotonic() - now[1] > limit_s else None
    if stalled is None or (told is not None and stalled != told):
        await alarms.clear(ctx, RULE, "fleet", "the watcher goes on")
    if stalled is not None:
        title = f"the watcher is stuck in the pass `{stalled[0]}`: nothing is contained, metered or started"
        response = "see the watcher's log; fleet watcher stop, then fleet watcher start"
        await alarms.ensure(ctx, RULE, "fleet", priority=1, title=title, response=response)
        if stalled != told:
            log.error("the pass %s takes longer than %g s", stalled[0], limit_s)
    return stalled


class _Heart:
    """A thread that misses the beats of an event loop, and writes down once where that is stuck."""

    def __init__(self, limit_s: float, look_s: float) -> None:
        self._limit_s, self._look_s = limit_s, look_s
        self._last_s = time.monotonic()
        self._watched = threading.get_ident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="watchdog", daemon=True)

    def __enter__(self) -> _Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def beat(self) -> None:
        self._last_s = time.monotonic()

    def _listen(self) -> None:
        told = False
        while not self._over.wait(self._look_s):
            stuck = time.monotonic() - self._last_s > self._limit_s
            if stuck and not told:
                with contextlib.suppress(KeyError):
                    where = "".join(traceback.format_stack(sys._current_frames()[self._watched]))
                    log.error("the event loop does not go on; it is here:\n%s", where)
            told = stuck
