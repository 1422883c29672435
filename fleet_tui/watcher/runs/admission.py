"""Whether the host has room for one run more. Who finds none stays in the queue, and a person is told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import psutil

from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.governance.admission import Host, refusal
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context

PRESSURE = Path("/proc/pressure/memory")
_SOME = re.compile(r"^some avg10=([0-9.]+)", re.MULTILINE)
_SETTLED_NS = 15_000_000_000
"""How long a program takes until it has the memory that it needs."""


class Admission:
    """One look at the host, shared by all runs that a pass would start. ``taken`` are those that have a place."""

    def __init__(self, ctx: Context, taken: Sequence[Run]) -> None:
        self._ctx = ctx
        now_ns = ctx.now_ns()
        self._living = len(taken)
        self._coming = sum(run.state is RunState.QUEUED or now_ns - run.state_ns < _SETTLED_NS for run in taken)
        self._host: Host | None = None
        self._refused = ""

    async def admits(self) -> bool:
        """Whether one run more may start; it counts as started then."""
        if self._host is None:
            self._host = await asyncio.to_thread(look)
        limits = self._ctx.settings.limits
        self._refused = refusal(self._host, limits, living=self._living, coming=self._coming)
        if not self._refused:
            self._living += 1
            self._coming += 1
        return not self._refused

    async def tell(self) -> None:
        """One alarm while somebody waits for the host."""
        told = {"fleet": f"agents wait for memory: {self._refused}"} if self._refused else {}
        response = "end other programs, or lower limits.max_running, limits.memory_reserve_mb or limits.memory_run_mb"
        over = "nobody waits for the host"
        await alarms.keep(self._ctx, "host", told, priority=3, response=response, over=over)


def look() -> Host:
    """What the host says now."""
    try:
        found = _SOME.search(PRESSURE.read_text(encoding="ascii"))
    except OSError:
        found = None  # no Linux, or a kernel without it
    return Host(psutil.virtual_memory().available // 1_000_000, float(found[1]) if found else None)
