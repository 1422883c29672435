"""A person starts an agent: what a person held up of it goes on, and what it was stopped at begins again."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain.events import AgentResumed, Draft, RunStopUndone, TicketUnblocked, WorkDiscarded, draft
from fleet_tui.domain.model import Agent, Run, Ticket
from fleet_tui.domain.states import LIVE_RUNS, PullRequestState, RunState, TicketState
from fleet_tui.governance import begin
from fleet_tui.governance.lifecycle import Restart
from fleet_tui.store.filters import EventFilter
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs.queueing import respawn
from fleet_tui.watcher.runs.replacing import still_wanted, told


async def start(ctx: Context, agent: Agent, reason: str, actor: str) -> dict[str, Any]:
    """Take back a pause and a stop that is still held; begin again what it was stopped at, or crashed at too often: the
    same work in the same workspace, and where the vendor can in the same session.

    Raises:
        Refused: it may take no work: quarantined, not enabled, not configured, all stop.
        NothingToDo: it is at work, or idle and free.
        Conflict: something else than a person's act holds it up; the hint says what ends that.
    """
    hindered = begin.hindrance(agent, ctx.reader.fleet().halted)
    if hindered is not None:
        raise hindered
    runs = ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS, agent=agent.name)
    drafts: list[Draft] = []
    done: list[str] = []
    if agent.paused:
        drafts.append(draft(AgentResumed(agent.name, reason), f"agent:{agent.name}", actor=actor))
        done.append("goes on")
    for run in runs:
        if run.stop_until_ns is not None and not run.stop_requested:
            drafts.append(draft(RunStopUndone(run.id), f"run:{run.id}", actor=actor))
            done.append("is not stopped after all")
    for ticket, run in _put_down(ctx, agent):
        drafts += _again(ctx, ticket, run, reason, actor)
        done.append(f"begins ticket #{ticket.number} again")
    if not drafts:
        raise begin.as_it_is(agent, runs)
    await ctx.record(*drafts)
    return {"message": f"{agent.name} {', '.join(done)}"}


def _put_down(ctx: Context, agent: Agent) -> list[tuple[Ticket, Run]]:
    """The tickets that wait for a person because the last run of ``agent`` on them was stopped or given up; not those
    with a question, or that wait for another decision, or whose work a person discarded."""
    found = []
    for ticket in ctx.reader.tickets(TicketState.BLOCKED):
        last = next(iter(ctx.reader.runs(agent=agent.name, ticket=ticket.number, limit=1)), None)
        if last is not None and ticket.question is None and _was_ended(ctx, last) and _is_its_own(ctx, ticket, last):
            found.append((ticket, last))
    return found


def _was_ended(ctx: Context, run: Run) -> bool:
    if ctx.reader.has_key(f"respawn:{run.id}") or _was_discarded(ctx, run):
        return False
    return run.state is RunState.STOPPED or (run.state is RunState.CRASHED and ctx.reader.has_key(f"given-up:{run.id}"))


def _was_discarded(ctx: Context, run: Run) -> bool:
    told = ctx.reader.events(EventFilter(kinds=(WorkDiscarded.kind,), subjects=(f"ticket:{run.ticket}",)), limit=100)
    return any(event.payload["run"] == run.id for event in told)


def _is_its_own(ctx: Context, ticket: Ticket, run: Run) -> bool:
    """Whether the ticket waits for what ``run`` was at."""
    if run.pr is None:
        return ticket.run == run.id and ticket.pr is None
    pull_request = ctx.reader.pull_request(run.pr)
    is_blocked = pull_request is None or pull_request.state is PullRequestState.BLOCKED
    return not is_blocked and still_wanted(ctx, run)


def _again(ctx: Context, ticket: Ticket, run: Run, reason: str, actor: str) -> list[Draft]:
    """The person lets the ticket go on, and its agent has it at once. Runs at a pull request are queued by the passes,
    for everybody who is waited for there."""
    drafts = [draft(TicketUnblocked(ticket.number, reason), f"ticket:{ticket.number}", actor=actor)]
    if run.pr is None:
        drafts += respawn(run, Restart(1, 0), claims=ticket.number, told=told(ctx, run), by=actor)
    return drafts
