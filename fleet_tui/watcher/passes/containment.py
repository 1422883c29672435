"""Quarantine by rule: an agent that policy had to refuse too often is contained before it does harm."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterable

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import AgentQuarantined, Draft, RunStateChanged, draft
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.governance.lifecycle import containment_reason
from fleet_tui.tmux import runner_client
from fleet_tui.watcher import alarms, evidence
from fleet_tui.watcher.context import Context

_ANSWER_S = 1.0
"""How long a runner may take to say that its run stands still, before its processes are stopped without it."""


async def contain(ctx: Context) -> None:
    """Quarantine agents whose denials reached the limit, and keep the alarm of every quarantined one."""
    for agent in ctx.reader.agents():
        reason = containment_reason(agent, ctx.settings)
        if reason is not None:
            await quarantine(ctx, agent, reason, rule="denials", actor="watcher")
        about = f"agent:{agent.name}"
        if agent.quarantined:
            title = f"{agent.name} QUARANTINED: {agent.quarantine_reason}"
            response = "look at its pane and its events; release it with a reason, or leave it contained"
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
        if ctx.home.workspaces.gates.shut(ticket):
            ctx.jobs.start(f"hold:{ticket}", lambda ticket=ticket: _hold(ctx, ticket))  # type: ignore[misc]
    for ticket in ctx.home.workspaces.gates.held() - held:
        ctx.jobs.start(f"hold:{ticket}", lambda ticket=ticket: _let_go(ctx, ticket))  # type: ignore[misc]


async def _hold(ctx: Context, ticket: int) -> None:
    await ctx.home.workspaces.gates.hold(ticket)


async def _let_go(ctx: Context, ticket: int) -> None:
    await ctx.home.workspaces.gates.let_go(ticket)


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
    """Freeze all of them at the same time; who is not started yet, or just gone, is seen to by the passes.

    Until the last one was asked nothing else is done: what is left running comes after that, and so does what is said.
    """

    left = await _ask_to_freeze(ctx, runs)
    await _without_their_runners(ctx, left)


async def _ask_to_freeze(ctx: Context, runs: Iterable[Run]) -> list[Run]:
    """Have the runners freeze their runs; the runs of those that do not say that nothing runs any more."""

    async def stands(run: Run) -> bool:
        with contextlib.suppress(FleetError, TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                return (await runner_client.freeze(ctx.paths.run_dir(run.id))).complete
        return False

    asked = list(runs)
    done = await asyncio.gather(*map(stands, asked))
    return [run for run, stood in zip(asked, done, strict=True) if not stood]


async def hold_still(ctx: Context, runs: Iterable[Run]) -> None:
    """Look with the kernel's eyes whether contained runs really stand still, and stop those whose runners did not."""
    contained: list[Run] = []
    for run in runs:
        agent = ctx.reader.agent(run.agent)
        held = agent is not None and (agent.quarantined or agent.paused) and not run.stop_requested
        if held and run.id in ctx.panes:
            contained.append(run)
        else:
            await alarms.clear(ctx, "contained-runs", f"run:{run.id}", "it is not contained any more")
    moving = await _moving(ctx, contained)
    await _ask_to_freeze(ctx, moving)
    await _without_their_runners(ctx, moving)  # also of those that say it is done: a run's directory can be made to lie


async def _moving(ctx: Context, runs: Collection[Run]) -> list[Run]:
    """Those of ``runs`` of which anything runs, by the kernel's word."""
    pids = _pids(ctx, runs)
    found = await asyncio.to_thread(runner_client.restless, list(pids.values())) if pids else set()
    return [run for run in runs if pids.get(run.id) in found]


def _pids(ctx: Context, runs: Iterable[Run]) -> dict[str, int]:
    """Their runners as tmux named them last. Taken once for each act: a look at the panes may come at every await."""
    return {run.id: ctx.panes[run.id] for run in runs if run.id in ctx.panes}


async def _without_their_runners(ctx: Context, runs: Collection[Run]) -> None:
    """Stop what the runners of contained runs left running, and say so when all of it is stopped."""
    pids = _pids(ctx, runs)
    moving = [run for run in await _moving(ctx, runs) if run.id in pids]
    freezing = (asyncio.to_thread(runner_client.freeze_tree, pids[run.id]) for run in moving)
    for run, stopped in zip(moving, await asyncio.gather(*freezing), strict=True):
        title = f"{run.agent} was contained and ran on: its runner did not stop it"
        response = "it is stopped now; look at what it did" if stopped else f"end it: fleet agent stop {run.agent}"
        await alarms.ensure(ctx, "contained-runs", f"run:{run.id}", priority=1, title=title, response=response)
