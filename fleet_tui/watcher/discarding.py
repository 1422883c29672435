"""Giving up what a contained agent did: kept at a backup ref, out of everybody's way."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import (
    Draft,
    PullRequestStateChanged,
    RunStopRequested,
    TicketBlocked,
    WorkDiscarded,
    draft,
)
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS, PullRequestState, TicketState
from fleet_tui.domain.text import clean
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes.approvals import current, refuse_if_landing


async def discard(ctx: Context, agent: Agent, reason: str, actor: str) -> dict[str, Any]:
    """Close the pull requests of the agent's contained runs, hand their tickets to a person, and end the runs; the
    workspaces are kept as backup refs first.

    Raises:
        Conflict: the agent is not contained, or contains no work.
    """
    if not agent.quarantined:
        raise Conflict("not quarantined", agent.name, f"fleet agent quarantine {agent.name}")
    reason = clean(reason, 400)
    runs = [run for run in ctx.reader.runs(*LIVE_RUNS, agent=agent.name) if run.ticket is not None and run.branch]
    if not runs:
        raise Conflict("nothing to discard", f"{agent.name} holds no workspace")
    kept = [await _give_up(ctx, run, reason, actor) for run in runs]
    return {"message": f"discarded; kept at {', '.join(kept)}", "kept": kept}


async def _give_up(ctx: Context, run: Run, reason: str, actor: str) -> str:
    assert run.ticket is not None
    backup = await ctx.workspaces.snapshot(run.ticket, "discarded")
    subject = f"ticket:{run.ticket}"
    discarded = WorkDiscarded(run.id, run.agent, run.ticket, backup, reason)
    drafts: list[Draft] = [
        draft(discarded, subject, actor=actor),
        draft(RunStopRequested(run.id, f"discarded: {reason}"), f"run:{run.id}", actor=actor),
    ]
    ticket = ctx.reader.ticket(run.ticket)
    pull_request = ctx.reader.pull_request(ticket.pr) if ticket is not None and ticket.pr is not None else None
    if pull_request is not None and pull_request.state in OPEN_PULL_REQUESTS:
        closed = PullRequestStateChanged(
            pull_request.number, PullRequestState.CLOSED.value, f"discarded: {reason}", pull_request.round
        )
        drafts.append(draft(closed, f"pr:{pull_request.number}", actor=actor))
    if ticket is not None and ticket.state not in {TicketState.SHIPPED, TicketState.CLOSED, TicketState.BLOCKED}:
        why = f"the work of {run.agent} was discarded: {reason}"
        drafts.append(draft(TicketBlocked(run.ticket, why[:400], None), subject, actor=actor))
    approval = current(ctx, pull_request) if pull_request is not None else None
    if approval is not None:
        refuse_if_landing(ctx, approval)
    await ctx.record(*drafts)
    return backup
