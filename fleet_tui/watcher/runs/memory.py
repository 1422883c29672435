"""Ceilings on the memory of a run: its runner holds it there, a person is asked, and gives it more or ends it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.events import MemoryExhausted, RunMemoryLimited, RunStateChanged, draft
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import LIVE_RUNS, STANDING_ALARMS, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.store.reader import EventFilter
from fleet_tui.tmux import runner_client, scope
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, number_of

RULE, WARNING, KILLED = "memory", "memory-warning", "memory-killed"
SOURCE = "memory"
"""The source of the state of a run that is held at its ceiling."""
MOST_MB = 10_000_000
_HELD = (RunState.STARTING, RunState.RUNNING, RunState.WAITING, RunState.LIMITED)
_OVER = "it has room again, or has ended"
_LAST_STATES = 50
_STILL = 0.9
"""A warning stands until less than this part of what it was raised at is taken: it does not come and go."""


def ceiling_mb(ctx: Context, run: Run) -> int | None:
    """What ``run`` may take: by the configuration, or more where a person gave it more. None: there is no ceiling."""
    configured = ctx.settings.memory_mb(run.agent, run.role)
    given = [
        event.payload["memory_mb"]
        for event in ctx.reader.events(
            EventFilter(kinds=(RunMemoryLimited.kind,), subjects=(f"run:{run.id}",)), after=0, limit=1_000
        )
        if event.payload["given"]
    ]
    return None if configured is None else max([configured, *given[-1:]])


def holds(run: Run) -> bool:
    """Whether ``run`` is held at its ceiling."""
    return run.state is RunState.LIMITED and run.state_source == SOURCE


async def keep(ctx: Context) -> None:
    """Tell the runners their ceilings, hold who is over them, let go who has room again, tell people."""
    over, warned, killed = {}, {}, {}
    standing = {alarm.about for alarm in ctx.reader.alarms(*STANDING_ALARMS, rule=WARNING)}
    for run in ctx.reader.runs(*_HELD):
        status, about = ctx.statuses.get(run.id), f"run:{run.id}"
        if status is None:
            if holds(run):
                over[about] = _title(run, None)  # its runner does not answer just now
            continue
        status = await _tell(ctx, run, status)
        now = ctx.reader.run(run.id)
        if now is None or now.state not in _HELD:
            continue  # contained, paused or ended while its runner was asked
        await _hold(ctx, now, status)
        if status.kills:
            killed[about] = f"the kernel killed processes of {run.agent}: its memory grew too fast to be held"
        if status.full:
            over[about] = _title(run, status)
        elif _is_near(ctx, status, still=about in standing):
            warned[about] = (
                f"{run.agent} takes {status.memory_mb} MB of memory, its ceiling is {status.memory_limit_mb} MB"
            )
    give = "give it more with `fleet agent memory`, or stop it"
    await alarms.keep(ctx, RULE, over, priority=2, response=give, over=_OVER)
    look = "look at what is missing in its pane, and give it more, or stop it"
    await alarms.keep(ctx, KILLED, killed, priority=2, response=look, over="the run has ended")
    await alarms.keep(ctx, WARNING, warned, priority=3, response=f"{give}; at the ceiling it is frozen", over=_OVER)


async def _tell(ctx: Context, run: Run, status: RunnerStatus) -> RunnerStatus:
    wanted = ceiling_mb(ctx, run)
    if status.memory_limit_mb != wanted:
        with contextlib.suppress(FleetError):  # just ending, or of an older version: then there is none
            status = ctx.statuses[run.id] = await runner_client.limit_memory(ctx.paths.run_dir(run.id), wanted)
            if run.memory_by == "kernel":
                await asyncio.to_thread(scope.move, scope.unit_of(run.id), wanted)
    if status.memory_limit_mb == wanted and run.memory_mb != wanted:
        by = run.memory_by or ("watcher" if wanted is not None else "")
        told = RunMemoryLimited(run.id, run.agent, wanted, by, "as it is configured now")
        await ctx.say(told, f"run:{run.id}")
    return status


async def _hold(ctx: Context, run: Run, status: RunnerStatus) -> None:
    about = f"run:{run.id}"
    if status.full and run.state is not RunState.LIMITED:
        used, limit = status.memory_mb or 0, status.memory_limit_mb or 0
        reason = f"its memory is at its ceiling: {used} MB of {limit} MB"
        key = f"memory-exhausted:{run.id}:{limit}"
        await ctx.record(
            draft(RunStateChanged(run.id, RunState.LIMITED.value, SOURCE, reason), about),
            draft(MemoryExhausted(run.id, run.agent, used, limit), about, key=key),
        )
    elif not status.full and holds(run):
        await ctx.say(RunStateChanged(run.id, _before(ctx, run).value, SOURCE, "it has room again"), about)


def _before(ctx: Context, run: Run) -> RunState:
    """What it did when it was held: a turn that was over then is over still."""
    kinds = EventFilter(kinds=(RunStateChanged.kind,), subjects=(f"run:{run.id}",))
    states = [event.payload["state"] for event in ctx.reader.events(kinds, limit=_LAST_STATES)]
    at_work = [state for state in states if state in (RunState.RUNNING, RunState.WAITING)]
    return RunState(at_work[-1]) if at_work else RunState.RUNNING


def _is_near(ctx: Context, status: RunnerStatus, *, still: bool) -> bool:
    if status.memory_mb is None or status.memory_limit_mb is None:
        return False
    share = ctx.settings.limits.memory_warn_share * (_STILL if still else 1)
    return status.memory_mb >= share * status.memory_limit_mb


def _title(run: Run, status: RunnerStatus | None) -> str:
    told = run.state_reason if status is None else f"{status.memory_mb} MB of {status.memory_limit_mb} MB"
    return f"{run.agent} is frozen, its memory is at its ceiling: {told.rpartition(': ')[2]}"


def told(ctx: Context, run: Run) -> dict[str, Any] | None:
    """What ``run`` takes and may take, and who holds it there; None without a ceiling."""
    status = ctx.statuses.get(run.id)
    used = status.memory_mb if status is not None else None
    return None if run.memory_mb is None else {"used_mb": used, "limit_mb": run.memory_mb, "by": run.memory_by}


async def give(ctx: Context, agent: Agent, args: Args, reason: str, actor: str) -> dict[str, Any]:
    """A person lets the living runs of ``agent`` take ``memory_mb`` each; what is held goes on when that is enough.

    Raises:
        UsageError: no sane amount.
        Conflict: nothing of it runs, it has no ceiling, or it takes more already.
    """
    wanted = number_of(args, "memory_mb")
    if not 1 <= wanted <= MOST_MB:
        raise UsageError("not an amount", f"{wanted} MB", "a whole number of megabytes: fleet agent memory dev 800")
    runs, name = ctx.reader.runs(*LIVE_RUNS, agent=agent.name), one_line(agent.name, 60)
    if not runs:
        raise Conflict("nothing is running", f"{name} has no living run", "set `memory_mb` in the configuration")
    for run in runs:
        ceiling, status = ceiling_mb(ctx, run), ctx.statuses.get(run.id)
        if ceiling is None:
            raise Conflict("no ceiling", f"{name} may take what it wants", "set `limits.memory_mb` or the agent's own")
        if wanted <= ceiling:
            raise Conflict(
                "not more", f"{name} may take {ceiling} MB already", "a ceiling is lowered in the configuration"
            )
        if status is not None and wanted < (status.memory_mb or 0):
            raise Conflict("not enough", f"{name} takes {status.memory_mb} MB", "more than that, or it stays frozen")
    drafts = [
        draft(
            RunMemoryLimited(run.id, run.agent, wanted, run.memory_by, reason, given=True), f"run:{run.id}", actor=actor
        )
        for run in runs
    ]
    await ctx.record(*drafts)
    return {"message": f"{name} may take {wanted} MB of memory"}
