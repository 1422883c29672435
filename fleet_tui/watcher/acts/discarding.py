"""Giving up what a contained agent did: kept at a backup ref, out of everybody's way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fleet_tui.domain.errors import Conflict, FleetError
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
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes.approvals import current, refuse_if_landing

ANSWER_S = 6.0
"""How long the person who asks is kept waiting; a client gives up after ten seconds."""


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
    work = _Discarding(ctx, agent.name, tuple(runs), reason, actor)
    key = f"discard:{agent.name}"
    if not ctx.jobs.start(key, work.run):
        raise Conflict("not now", f"the work of {agent.name} is being kept, or that failed just now", "try again soon")
    await ctx.jobs.finish((key,), ANSWER_S)
    if work.error is not None:
        raise work.error
    if key in ctx.jobs.running():
        work.answered = True
        hint = f"fleet log --type {WorkDiscarded.kind}"
        return {"message": f"its work is being kept before it is discarded; see `{hint}`", "kept": []}
    return {"message": f"discarded; kept at {', '.join(work.kept)}", "kept": work.kept}


@dataclass(slots=True)
class _Discarding:
    """The job: how long it takes is up to what the agent left. A failure that its caller is not there for is an
    alarm."""

    ctx: Context
    agent: str
    runs: tuple[Run, ...]
    reason: str
    actor: str
    kept: list[str] = field(default_factory=list)
    error: FleetError | None = None
    answered: bool = False

    async def run(self) -> None:
        about = f"agent:{self.agent}"
        try:
            for run in self.runs:
                self.kept.append(await _give_up(self.ctx, run, self.reason, self.actor))
        except Exception as error:
            self.error = error if isinstance(error, FleetError) else FleetError("not discarded", type(error).__name__)
            if self.answered:
                title = f"the work of {self.agent} could not be discarded: {self.error}"
                response = f"fleet agent discard {self.agent}"
                await alarms.ensure(self.ctx, "discard", about, priority=2, title=title, response=response)
            raise
        await alarms.clear(self.ctx, "discard", about, "it is discarded")


async def _give_up(ctx: Context, run: Run, reason: str, actor: str) -> str:
    assert run.ticket is not None
    backup = await ctx.repository_of(run).workspaces.snapshot(run.ticket, "discarded")
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
