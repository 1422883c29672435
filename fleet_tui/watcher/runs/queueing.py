"""Putting runs into the durable queue. A run's idempotency key says what it is for, so no pass can queue it twice."""

from __future__ import annotations

from collections.abc import Iterator

from fleet_tui.domain.events import AgentRespawned, Draft, RunQueued, TicketClaimed, draft
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.model import Run
from fleet_tui.governance.lifecycle import Restart
from fleet_tui.settings.schema import AgentSettings
from fleet_tui.watcher.context import Context


def queued(
    agent: AgentSettings,
    *,
    key: str,
    trigger: str,
    ticket: int | None = None,
    pr: int | None = None,
    head_sha: str | None = None,
    round_: int = 1,
    instructions: str = "",
    cause: str | None = None,
    run: str | None = None,
    lens: str = "",
) -> Draft:
    """A run of ``agent``, to be started when there is room."""
    payload = RunQueued(
        run=run or new_id("run"),
        agent=agent.name,
        role=agent.role,
        vendor=agent.vendor,
        model=agent.model,
        trigger=trigger,
        ticket=ticket,
        pr=pr,
        head_sha=head_sha,
        round=round_,
        instructions=instructions,
        lens=lens,
    )
    subject = f"pr:{pr}" if pr is not None else f"ticket:{ticket}" if ticket is not None else f"agent:{agent.name}"
    return draft(payload, subject, cause=cause, key=f"run:{key}")


def respawn(
    run: Run, restart: Restart, *, claims: int | None, told: str, by: str = "", held: bool = False
) -> list[Draft]:
    """The replacement of a run that crashed, or that ``by`` had started again: the same work, after its back-off.

    ``claims`` is the ticket that the run held: the replacement takes it over. ``told`` are its instructions. ``held``:
    it waits for a person.
    """
    successor = new_id("run")
    payload = RunQueued(
        run=successor,
        agent=run.agent,
        role=run.role,
        vendor=run.vendor,
        model=run.model,
        trigger=run.trigger,
        ticket=run.ticket,
        pr=run.pr,
        head_sha=run.head_sha,
        round=run.round,
        attempt=restart.attempt,
        previous=run.id,
        instructions=told,
        not_before_ns=restart.not_before_ns,
        lens=run.lens,
        held=held,
    )
    subject = f"run:{run.id}"
    key = f"respawn:{run.id}"
    respawned = AgentRespawned(run.agent, successor, run.id, restart.attempt, by)
    drafts = [draft(payload, subject, key=f"run:{key}"), draft(respawned, f"agent:{run.agent}", key=key)]
    if claims is not None:
        drafts.append(draft(TicketClaimed(claims, run.agent, successor), f"ticket:{claims}", key=f"claim:{key}"))
    return drafts


def lineage(ctx: Context, run: Run) -> Iterator[Run]:
    """The run, and those in whose place it is, one after the other: one piece of work, the newest first."""
    at: Run | None = run
    while at is not None:
        yield at
        at = ctx.reader.run(at.previous) if at.previous else None
