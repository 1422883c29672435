"""Work on pull requests that stopped: it goes on when a person says so, and never stops silently."""

from __future__ import annotations

from collections.abc import Iterator

from fleet_tui.domain.events import Draft, PullRequestStateChanged, draft
from fleet_tui.domain.model import PullRequest, Run, Ticket
from fleet_tui.domain.states import PullRequestState, RunState, TicketState
from fleet_tui.governance.dispatch import OCCUPYING
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.merging.handover import has_asked
from fleet_tui.watcher.merging.parties import (
    concerned,
    current_author,
    first_able,
    release_is_decided,
    release_manager,
    subscribers,
    verdicts,
)
from fleet_tui.watcher.passes import tickets
from fleet_tui.watcher.runs.queueing import queued

_ACTIVE = (PullRequestState.NEEDS_REVIEW, PullRequestState.CHANGES_REQUESTED, PullRequestState.GATED)


async def unblocked(ctx: Context) -> None:
    """A blocked pull request whose ticket a person let go on gets one more round."""
    for pull_request in ctx.reader.pull_requests(PullRequestState.BLOCKED):
        ticket = ctx.reader.ticket(pull_request.ticket)
        if ticket is None or ticket.state is TicketState.BLOCKED:
            title = f"PR {pull_request.number} waits for you: {pull_request.reason}"
            response = "mark its ticket ready to start another round, or reject it"
            await alarms.ensure(ctx, "blocked", f"pr:{pull_request.number}", priority=3, title=title, response=response)
            continue
        await alarms.clear(ctx, "blocked", f"pr:{pull_request.number}", "a person let it go on")
        others = concerned(ctx, pull_request, subscribers(ctx, "author", "pr_changes_requested"))
        author = current_author(ctx, pull_request) or first_able(ctx, others)
        if author is None:
            await tickets.block(ctx, ticket.number, f"no author is configured for PR {pull_request.number}")
            continue
        rework = queued(
            author,
            key=f"resume:{pull_request.number}:{pull_request.changed_ns}",
            trigger="pr_changes_requested",
            ticket=pull_request.ticket,
            pr=pull_request.number,
            round_=pull_request.round + 1,
            instructions=f"A person let this go on. Why it had stopped: {pull_request.reason}",
        )
        state = PullRequestStateChanged(
            pull_request.number, PullRequestState.CHANGES_REQUESTED.value, "let go on by a person", pull_request.round
        )
        await ctx.record(draft(state, f"pr:{pull_request.number}"), rework)


async def unfinished(ctx: Context) -> None:
    """Reviews, rework and release decisions whose run ended without a result: again after a release, else a person."""
    for pull_request in ctx.reader.pull_requests(*_ACTIVE):
        ticket = ctx.reader.ticket(pull_request.ticket)
        if ticket is None or ticket.state is TicketState.BLOCKED:
            continue
        for run in _without_result(ctx, pull_request):
            if _may_go_on(ctx, run, ticket):
                await ctx.record(*_again(ctx, run))
            else:
                reason = f"{run.agent} ended without a result on PR {pull_request.number} ({run.state_reason})"
                await tickets.block(ctx, ticket.number, f"{reason}; mark it ready to go on")
                break


def _without_result(ctx: Context, pull_request: PullRequest) -> Iterator[Run]:
    """The latest run of everybody who is waited for, where it has ended and nothing will follow by itself."""
    for name in _awaited(ctx, pull_request):
        runs = ctx.reader.runs(agent=name, pr=pull_request.number)
        latest = next((run for run in runs if run.head_sha in (None, pull_request.head_sha)), None)
        if latest is not None and latest.state not in OCCUPYING and not _follows(ctx, latest):
            yield latest


def _awaited(ctx: Context, pull_request: PullRequest) -> tuple[str, ...]:
    if pull_request.state is PullRequestState.CHANGES_REQUESTED:
        author = current_author(ctx, pull_request)
        return (author.name if author else pull_request.agent,)
    if pull_request.state is PullRequestState.NEEDS_REVIEW:
        return verdicts(ctx, pull_request).missing
    manager = release_manager(ctx, pull_request)
    return () if manager is None or release_is_decided(ctx, pull_request) else (manager.name,)


def _follows(ctx: Context, run: Run) -> bool:
    """Whether the end of ``run`` is followed by something: its replacement, or an answer to what it asked."""
    if run.state is RunState.CRASHED:
        return not ctx.reader.has_key(f"given-up:{run.id}")
    return has_asked(ctx, run)


def _may_go_on(ctx: Context, run: Run, ticket: Ticket) -> bool:
    """Its agent was released, or a person has let the ticket go on since."""
    return ctx.reader.has_key(f"stop-release:{run.id}") or ticket.changed_ns > (run.ended_ns or 0)


def _again(ctx: Context, run: Run) -> list[Draft]:
    agent = next((a for a in ctx.settings.agents if a.name == run.agent), None)
    if agent is None:
        return []
    return [
        queued(
            agent,
            key=f"again:{run.id}",
            trigger=run.trigger,
            ticket=run.ticket,
            pr=run.pr,
            head_sha=run.head_sha,
            round_=run.round,
            instructions=run.instructions,
            lens=run.lens,
        )
    ]
