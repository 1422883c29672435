"""Taking an issue before work on it begins: seen by people, and by other fleets that may want it at the same moment."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from fleet_tui.domain.events import (
    ClaimDecided,
    Draft,
    RunFinished,
    TicketUnblocked,
    TicketWithdrawn,
    draft,
)
from fleet_tui.domain.model import Run, Ticket
from fleet_tui.domain.repositories import HOME
from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.domain.text import one_line
from fleet_tui.forge import issues
from fleet_tui.forge.gh_values import Comment, Issue
from fleet_tui.forge.github import GitHubForge
from fleet_tui.forge.trouble import ForgeTrouble
from fleet_tui.forge.trust import Trust
from fleet_tui.governance.claims import LEFT_ALONE_NS, Claim, holder, obstacle
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.upstream.state import own_name

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context

_SECOND = 1_000_000_000
_TAKES = "ticket_ready"
"""What the run of an author is started by who takes a ticket; others go on with what is taken."""


async def claim(ctx: Context) -> None:
    """Take the issue of every run that is about to begin on one, beside the passes."""
    if ctx.upstream is None:
        return
    for run in ctx.reader.runs(RunState.QUEUED):
        if not may_begin(ctx, run) and not run.stop_requested:
            ctx.upstream.start(ctx, f"claim:{run.id}", lambda run=run: _claim(ctx, run))  # type: ignore[misc]


def may_begin(ctx: Context, run: Run) -> bool:
    """Whether nothing is left to be decided about whose the ticket of ``run`` is."""
    if ctx.upstream is None or run.ticket is None or run.trigger != _TAKES or run.previous is not None:
        return True
    return ctx.reader.has_key(_key(run.id))


def is_open(ctx: Context, ticket: Ticket) -> bool:
    """Whether it is not decided yet whose ``ticket`` is."""
    run = ctx.reader.run(ticket.run) if ticket.run and ticket.state is TicketState.IN_PROGRESS else None
    return run is not None and not may_begin(ctx, run)


def left_alone(ctx: Context, number: int) -> bool:
    """Whether another fleet took the issue not long ago: its label may not tell yet."""
    if ctx.upstream is None:
        return False
    wanted = EventFilter(kinds=(ClaimDecided.kind,), subjects=(f"ticket:{number}",))
    last = next(iter(ctx.reader.events(wanted, limit=1)), None)
    return last is not None and bool(last.payload["other"]) and ctx.now_ns() - last.at_ns < LEFT_ALONE_NS


async def _claim(ctx: Context, run: Run) -> None:
    assert ctx.upstream is not None
    assert run.ticket is not None
    forge = ctx.upstream.forge
    try:
        reason, other = await _take(ctx, forge, run.ticket, run)
    except ForgeTrouble as trouble:
        if not trouble.trouble.is_of_one:
            raise
        # Whatever is the matter with this issue, its agent is free for others, and it rests.
        forge.set_aside(run.ticket, trouble)
        ctx.look_at_tickets = True
        reason, other = one_line(f"{trouble.title}: {trouble.message}", 300), ""
    decided = ClaimDecided(run.ticket, run.id, not reason, reason, other)
    drafts = [draft(decided, f"ticket:{run.ticket}", key=_key(run.id))]
    now = ctx.reader.run(run.id)
    # GitHub took its time: when the run was stopped meanwhile, its ticket may be in other hands.
    waits = now is not None and now.state is RunState.QUEUED
    await ctx.record(*drafts, *(_let_go(run, run.ticket, reason) if reason and waits else []))


async def _take(ctx: Context, forge: GitHubForge, number: int, run: Run) -> tuple[str, str]:
    """Why the issue is not ours (empty: it is), and the fleet whose it is. Looked at before and after the claim."""
    name, names = own_name(ctx), ctx.settings.labels
    trust, issue = await forge.trust(), await forge.issues.get(number)
    forge.note(issue)
    if not issue.open:
        return "its issue was closed", ""
    if not _is_where_it_was(ctx, issue):
        return "it is of another repository now", ""
    claims = _claims(trust, await forge.issues.comments(number))
    reason = obstacle(forge.spelled(issue.labels), names.ready, claims, name)
    if reason:
        return reason, holder(claims)
    if holder(claims) == name:
        mine = max(claim.id for claim in claims if claim.fleet == name)
    else:
        mine = (await forge.issues.comment(number, issues.claim_text(name, run.agent))).id
        winner = holder(_claims(trust, await forge.issues.comments(number)))
        if winner != name:
            await forge.delete_comment(mine)
            return f"the fleet {winner} took it first", winner
    try:
        await forge.set_labels(number, add=[names.in_progress], remove=[names.ready])
        if ctx.settings.forge.assign:
            await forge.issues.assign(number, trust.login)
    except ForgeTrouble as trouble:
        if trouble.trouble.is_of_one:  # it is let go: nobody is to believe that it is taken
            with suppress(ForgeTrouble):
                await forge.delete_comment(mine)
        raise
    return "", ""


def _is_where_it_was(ctx: Context, issue: Issue) -> bool:
    """Whether the issue is of the repository that its run is to begin in: people may label it after it is ready."""
    ticket = ctx.reader.ticket(issue.number)
    return ticket is None or (issues.repositories(issue.labels) or [HOME]) == [ticket.repo or HOME]


def _claims(trust: Trust, comments: list[Comment]) -> list[Claim]:
    """Those of people whose words count: nobody else keeps a fleet from its work."""
    made = ((comment, issues.claimed_by(comment)) for comment in comments if trust.is_trusted(comment))
    return [Claim(comment.id, fleet, _instant_ns(comment.created)) for comment, fleet in made if fleet]


def _instant_ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * _SECOND


def _let_go(run: Run, number: int, reason: str) -> list[Draft]:
    """The run ends before it began, and the ticket waits for its label to say that it may be taken."""
    told = f"not begun: {reason}"
    return [
        draft(RunFinished(run.id, "stopped", None, None, 0, told), f"run:{run.id}"),
        draft(TicketUnblocked(number, told), f"ticket:{number}"),
        draft(TicketWithdrawn(number), f"ticket:{number}"),
    ]


def _key(run: str) -> str:
    return f"claim-decided:{run}"
