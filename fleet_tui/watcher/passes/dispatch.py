"""Ready tickets find their agents; other subscriptions and schedules start runs too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from croniter import croniter

from fleet_tui.domain.events import Draft, Event, ScheduleFired, TicketClaimed, draft
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.governance import dispatch
from fleet_tui.settings.schema import AgentSettings
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.cursor import Cursor
from fleet_tui.watcher.merging.parties import at_high_risk, works_in
from fleet_tui.watcher.runs import accounts, programs, spending
from fleet_tui.watcher.runs.queueing import queued

LEVEL_TRIGGERS = frozenset({"ticket_ready", "pr_needs_review", "pr_changes_requested", "pr_approved"})
"""Triggers that passes derive from states. Every other subscribed kind starts a run per event."""
_SECOND = 1_000_000_000
_UNSTUCK = "change its `depends_on`, or `tickets` of the agent that it is kept for"


async def assign(ctx: Context) -> None:
    """Queue a run for every ready ticket that an author has room for."""
    tickets = ctx.reader.tickets()
    authors = [a for a in ctx.settings.agents if "ticket_ready" in a.subscriptions(ctx.settings)]
    by_name = {a.name: a for a in authors}
    # What is queued in a repository that cannot be worked in takes no place: its agent is free for the others.
    live = [run for run in ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS) if run.state in LIVE_RUNS or ctx.usable(run)]
    lacking = programs.lacking(ctx)
    spent = (
        spending.without_room(ctx, authors)
        | accounts.without_account(ctx)
        | {agent.name for agent in authors if agent.vendor in lacking}
    )
    kept = {agent.name: agent.tickets for agent in authors if agent.tickets}
    risky = at_high_risk(ctx)
    bound = {agent.name: agent.repos for agent in authors if agent.repos}
    resting = {ticket.number for ticket in tickets if not ctx.is_usable(ticket.repo)} | ctx.dividing
    plan = dispatch.plan(
        tickets,
        ctx.reader.agents(),
        live,
        authors=by_name,
        risky=risky,
        spent=spent,
        kept=kept,
        bound=bound,
        resting=resting,
    )
    for assignment in plan.assignments:
        await ctx.record(*_claim(ctx, by_name[assignment.agent], assignment.ticket))
    for ticket in tickets:
        about = f"ticket:{ticket.number}"
        if ticket.number in plan.stuck:
            title = f"ticket #{ticket.number} cannot start: {plan.stuck[ticket.number]}"
            await alarms.ensure(ctx, "ticket-stuck", about, priority=3, title=title, response=_UNSTUCK)
        else:
            await alarms.clear(ctx, "ticket-stuck", about, "its dependencies can be met")


def _claim(ctx: Context, agent: AgentSettings, ticket: int) -> list[Draft]:
    nth = len(ctx.reader.runs(ticket=ticket))
    run = new_id("run")
    key = f"ticket:{ticket}:{nth}"
    return [
        queued(agent, key=key, trigger="ticket_ready", ticket=ticket, run=run),
        draft(TicketClaimed(ticket, agent.name, run), f"ticket:{ticket}", key=f"claim:{key}"),
    ]


async def react(ctx: Context, cursor: Cursor) -> None:
    """Queue runs for agents that subscribe to other events: once per agent and event, also across restarts."""
    wanted = {kind for agent in _takers(ctx) for kind in agent.subscriptions(ctx.settings)} - LEVEL_TRIGGERS
    position = cursor.read(default=ctx.reader.last_seq())
    newest = ctx.reader.last_seq()
    if newest <= position:
        return
    events = ctx.reader.events(EventFilter(kinds=tuple(sorted(wanted))), after=position, limit=500) if wanted else []
    for event in events:
        drafts = list(_reactions(ctx, event))
        if drafts:
            await ctx.record(*drafts)
    cursor.write(events[-1].seq if len(events) == 500 else newest)


def _reactions(ctx: Context, event: Event) -> Iterator[Draft]:
    for agent in _takers(ctx):
        payload = event.payload
        repo = _repo(ctx, payload)
        if repo is not None and not works_in(agent, repo):
            continue
        if event.kind in agent.subscriptions(ctx.settings) and f"agent:{agent.name}/" not in event.actor:
            yield queued(
                agent,
                key=f"event:{agent.name}:{event.id}",
                trigger=event.kind,
                ticket=payload.get("ticket"),
                pr=payload.get("pr"),
                head_sha=_head(ctx, payload.get("pr")),
                instructions=str(payload.get("summary", "")),
                cause=event.id,
            )


def _repo(ctx: Context, payload: dict[str, Any]) -> str | None:
    """The repository that an event is about; None where it is about none."""
    found = ctx.reader.pull_request(payload["pr"]) if isinstance(payload.get("pr"), int) else None
    number = found.ticket if found is not None else payload.get("ticket")
    ticket = ctx.reader.ticket(number) if isinstance(number, int) else None
    return ticket.repo if ticket is not None else payload.get("repo")


def _head(ctx: Context, pr: object) -> str | None:
    found = ctx.reader.pull_request(pr) if isinstance(pr, int) else None
    return found.head_sha if found else None


async def schedule(ctx: Context) -> None:
    """Queue a run for every agent whose cron schedule is due; what was missed while the watcher was away fires once."""
    now_ns = ctx.now_ns()
    for agent in _takers(ctx):
        if agent.schedule is None:
            continue
        due = int(croniter(agent.schedule, now_ns / _SECOND).get_prev(float)) * _SECOND
        key = f"schedule:{agent.name}:{due}"
        if due <= _known_since(ctx) or ctx.reader.has_key(key):
            continue
        fired = draft(ScheduleFired(agent.name, agent.schedule, due), f"agent:{agent.name}", key=key)
        await ctx.record(fired, queued(agent, key=key, trigger="schedule"))


def _known_since(ctx: Context) -> int:
    """A schedule never fires for an instant before the fleet first knew of it."""
    known = ctx.reader.events(EventFilter(kinds=("config_loaded",)), after=0, limit=1)
    return known[0].at_ns if known else ctx.now_ns()


def _takers(ctx: Context) -> list[AgentSettings]:
    willing = {agent.name for agent in ctx.reader.agents() if dispatch.takes_work(agent)}
    return [agent for agent in ctx.settings.agents if agent.name in willing]
