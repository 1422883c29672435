"""Quarantine by rule: an agent that policy had to refuse too often is contained before it does harm."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import AgentQuarantined, Draft, RunStateChanged, draft
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.governance.lifecycle import containment_reason
from fleet_tui.tmux import runner_client
from fleet_tui.watcher import alarms, evidence
from fleet_tui.watcher.context import Context


async def contain(ctx: Context) -> None:
    """Quarantine agents whose denials reached the limit, and keep the alarm of every quarantined one."""
    for agent in ctx.reader.agents():
        reason = containment_reason(agent, ctx.settings)
        if reason is not None:
            await quarantine(ctx, agent, reason, rule="denials", actor="watcher")
        about = f"agent:{agent.name}"
        if agent.quarantined:
            title = f"{agent.name} QUARANTINED: {agent.quarantine_reason}"
            response = "inspect its pane and events, then release it with a reason"
            await alarms.ensure(ctx, "quarantine", about, priority=1, title=title, response=response)
        else:
            await alarms.clear(ctx, "quarantine", about, "released")
    await _hold_work(ctx)


async def _hold_work(ctx: Context) -> None:
    """Close the gates and write-protect the workspaces of contained agents, keep evidence, and undo the first two when
    they are released."""
    contained = {agent.name: agent for agent in ctx.reader.agents() if agent.quarantined}
    held: set[int] = set()
    for run in ctx.reader.runs(RunState.QUARANTINED):
        agent = contained.get(run.agent)
        if agent is None:
            continue
        if run.ticket is not None and run.branch:
            held.add(run.ticket)
        if not ctx.reader.has_key(evidence.key_of(run, agent.epoch)):
            epoch = agent.epoch
            ctx.jobs.start(f"evidence:{run.id}", lambda run=run, epoch=epoch: evidence.keep(ctx, run, epoch))  # type: ignore[misc]
    for ticket in sorted(held):
        await ctx.workspaces.hold(ticket)
    for ticket in ctx.workspaces.held() - held:
        await ctx.workspaces.let_go(ticket)


async def quarantine(ctx: Context, agent: Agent, reason: str, *, rule: str, actor: str, key: str | None = None) -> None:
    """Revoke the identity and mark the runs in one transaction, then freeze at once; the passes keep it so.

    Nothing happens a second time for the same ``key``.
    """
    if key is not None and ctx.reader.has_key(key):
        return
    runs = ctx.reader.runs(*LIVE_RUNS, agent=agent.name)
    subject = f"agent:{agent.name}"
    newest = runs[0].id if runs else None
    drafts: list[Draft] = [
        draft(AgentQuarantined(agent.name, reason, rule, agent.epoch + 1, newest), subject, actor=actor, key=key)
    ]
    for run in runs:
        held = RunStateChanged(run.id, RunState.QUARANTINED.value, "rule", reason)
        drafts.append(draft(held, f"run:{run.id}", actor=actor))
    await ctx.record(*drafts)
    await freeze_now(ctx, runs)


async def freeze_now(ctx: Context, runs: Iterable[Run]) -> None:
    """Freeze all of them at the same time; who is not started yet, or just gone, is seen to by the passes."""

    async def one(run: Run) -> None:
        with contextlib.suppress(FleetError):
            if (await runner_client.freeze(ctx.paths.run_dir(run.id))).complete:
                return
        if run.id in ctx.panes:
            await _without_its_runner(ctx, run, ctx.panes[run.id])

    await asyncio.gather(*map(one, runs))


async def hold_still(ctx: Context, run: Run) -> None:
    """Look with the kernel's eyes whether a contained run really stands still, and stop it if its runner did not."""
    agent, pid = ctx.reader.agent(run.agent), ctx.panes.get(run.id)
    about = f"run:{run.id}"
    if pid is None or agent is None or not (agent.quarantined or agent.paused) or run.stop_requested:
        await alarms.clear(ctx, "contained-runs", about, "it is not contained any more")
        return
    if not await asyncio.to_thread(runner_client.restless, pid):
        return
    with contextlib.suppress(FleetError):
        await runner_client.freeze(ctx.paths.run_dir(run.id))
    await _without_its_runner(ctx, run, pid)


async def _without_its_runner(ctx: Context, run: Run, pid: int) -> None:
    """Stop what a contained run's runner left running, and say so."""
    if not await asyncio.to_thread(runner_client.restless, pid):
        return
    stopped = await asyncio.to_thread(runner_client.freeze_tree, pid)
    title = f"{run.agent} was contained and ran on: its runner did not stop it"
    response = "it is stopped now; look at what it did" if stopped else f"end it: fleet agent stop {run.agent}"
    await alarms.ensure(ctx, "contained-runs", f"run:{run.id}", priority=1, title=title, response=response)
