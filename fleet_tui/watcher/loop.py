"""The reconcile loop: all passes in order, again while they change anything, then sleep until poked or due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from fleet_tui.domain.events import RunMetered
from fleet_tui.watcher import alarms, refusals, retention
from fleet_tui.watcher.acts import halting, stopping
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.cursor import Cursor
from fleet_tui.watcher.passes import (
    approvals,
    budgets,
    containment,
    dispatch,
    gates,
    listening,
    looking,
    merges,
    messages,
    releases,
    resume,
    reviews,
    risk,
    runs,
    tickets,
    walls,
)
from fleet_tui.watcher.repos import checkout
from fleet_tui.watcher.runs import memory, restoring
from fleet_tui.watcher.upstream import checking, claiming, closing, following, publishing
from fleet_tui.watcher.upstream import state as upstream

_TICK_S = 1.0
_MOST_ROUNDS = 20

_NEW_WORK = frozenset({"replace crashed runs", "resume unblocked", "resume unfinished", "schedules", "assign"})
"""Passes that rest while the fleet ends with its agents."""

Pass = tuple[str, Callable[[Context], Awaitable[None]]]


def passes(cursor: Cursor) -> Sequence[Pass]:
    """Every pass with its name, in the order in which they run: observe, contain, decide, act."""
    return (
        ("finish landings", merges.finish_interrupted),
        ("look at the forge", upstream.look),
        ("follow pull requests", following.follow),
        ("follow checks", checking.check),
        ("follow the target", merges.follow_user),
        ("look at the checkout", checkout.keep),
        ("observe tickets", tickets.observe),
        ("end held stops", stopping.end_held),
        ("observe runs", runs.observe),
        ("listen to vendors", listening.listen),
        ("look at screens", looking.look),
        ("park at limits", walls.keep),
        ("refused pushes", refusals.refused_pushes),
        ("observe risk", risk.observe),
        ("act on risk", risk.enforce),
        ("contain", containment.contain),
        ("all stop", halting.watch),
        ("hold at memory ceilings", memory.keep),
        ("meter", budgets.meter),
        ("replace crashed runs", runs.replace_crashed),
        ("ask about lost runs", restoring.ask),
        ("requeue released tickets", runs.requeue_released),
        ("resume unblocked", resume.unblocked),
        ("resume unfinished", resume.unfinished),
        ("review", reviews.review),
        ("gates", gates.judge),
        ("void approvals", approvals.void_changed),
        ("request approvals", approvals.request),
        ("land", merges.land),
        ("release", releases.keep),
        ("complete tickets", tickets.complete),
        ("react to events", lambda ctx: dispatch.react(ctx, cursor)),
        ("schedules", dispatch.schedule),
        ("assign", dispatch.assign),
        ("claim issues", claiming.claim),
        ("start runs", runs.start_queued),
        ("messages", messages.send),
        ("publish pull requests", publishing.publish),
        ("labels", tickets.label),
        ("close issues", closing.close),
        ("reclaim workspaces", merges.reclaim),
        ("tidy evidence", retention.tidy),
        ("report failing jobs", alarms.failing_jobs),
        ("attend to alarms", alarms.attend),
    )


class Loop:
    """Runs the passes. A failing pass is reported and does not stop the others; one that recovers clears its alarm."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._passes = passes(Cursor(ctx.paths.state / "subscriptions.cursor"))

    async def run(self) -> None:
        """Until ``ctx.stopping``."""
        while not self._ctx.stopping:
            await self.settle()
            try:
                async with asyncio.timeout(_TICK_S):
                    await self._ctx.wake.wait()
            except TimeoutError:
                pass

    async def settle(self) -> None:
        """Run all passes until a whole round records nothing but charged run time."""
        for _ in range(_MOST_ROUNDS):
            self._ctx.wake.clear()
            before = self._ctx.reader.last_seq()
            for name, step in self._passes:
                if self._ctx.stopping:
                    return
                if self._ctx.ending and name in _NEW_WORK:
                    continue
                # A bug in one pass must not end enforcement by the others.
                async with alarms.guarding(self._ctx, "pass", f"pass:{name}", title=f"the watcher cannot {name}"):
                    self._ctx.passing = (name, time.monotonic())
                    try:
                        await step(self._ctx)
                    finally:
                        self._ctx.passing = None
            self._ctx.round_ns = self._ctx.now_ns()
            # Charging asks nothing of the passes before it, and what follows from it has followed.
            if self._ctx.reader.kinds_after(before) <= {RunMetered.kind}:
                return
