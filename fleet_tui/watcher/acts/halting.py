"""All stop: everything is frozen at once and nothing starts or lands, until a person lifts it."""

from __future__ import annotations

import asyncio
from typing import Any

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import AgentPaused, AgentResumed, Draft, FleetHalted, FleetResumed, draft, payload_of
from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes.containment import freeze_now

_ABOUT = "fleet"


async def halt(ctx: Context, reason: str, actor: str) -> dict[str, Any]:
    """Record the stop and every pause in one transaction, then freeze all trees and shut all gates at the same time."""
    if ctx.reader.fleet().halted:
        raise Conflict("already stopped", ctx.reader.fleet().halted, "fleet halt --lift")
    runs = ctx.reader.runs(*LIVE_RUNS)
    working = {run.agent for run in runs}  # also one that is in the configuration no more
    agents = [a.name for a in ctx.reader.agents() if (a.configured or a.name in working) and not a.paused]
    drafts: list[Draft] = [draft(FleetHalted(reason, agents), _ABOUT, actor=actor)]
    drafts += [draft(AgentPaused(name, f"all stop: {reason}"), f"agent:{name}", actor=actor) for name in agents]
    await ctx.record(*drafts)
    # Neither waits for the other: one runner that does not answer keeps no gate open.
    await asyncio.gather(freeze_now(ctx, runs), _shut_gates(ctx))
    return {"message": f"all stop: {len(agents)} agents paused, {len(runs)} runs frozen, nothing starts or lands"}


async def lift(ctx: Context, reason: str, actor: str) -> dict[str, Any]:
    """Let go whom the stop paused; who was paused before, or was let go and paused again meanwhile, stays as he is."""
    if not ctx.reader.fleet().halted:
        raise Conflict("not stopped", "nothing to lift")
    (stopped,) = ctx.reader.events(EventFilter(kinds=(FleetHalted.kind,)), limit=1)
    names = {agent.name for agent in ctx.reader.agents() if agent.paused} & set(payload_of(stopped, FleetHalted).paused)
    drafts: list[Draft] = [draft(FleetResumed(reason), _ABOUT, actor=actor)]
    drafts += [draft(AgentResumed(name, "all stop lifted"), f"agent:{name}", actor=actor) for name in sorted(names)]
    await ctx.record(*drafts)
    return {"message": f"lifted: {len(names)} agents go on"}


async def _shut_gates(ctx: Context) -> None:
    """Nothing is taken in but from agents that a person let go on."""
    agents = {agent.name: agent for agent in ctx.reader.agents()}
    going = {run.ticket for run in ctx.reader.runs(*LIVE_RUNS) if run.agent in agents and not agents[run.agent].paused}
    await asyncio.to_thread(ctx.home.workspaces.gates.shut_all, {ticket for ticket in going if ticket is not None})


async def watch(ctx: Context) -> None:
    """The alarm stands as long as the stop does, and so do the gates; a restart in between changes nothing."""
    halted = ctx.reader.fleet().halted
    if halted:
        await _shut_gates(ctx)
        title, response = f"ALL STOP: {halted}", "look, then `fleet halt --lift`, or let agents go one by one"
        await alarms.ensure(ctx, "halt", _ABOUT, priority=1, title=title, response=response)
    else:
        ctx.home.workspaces.gates.open_all()
        await alarms.clear(ctx, "halt", _ABOUT, "lifted")
