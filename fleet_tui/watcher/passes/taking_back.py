"""Work that was sent back by somebody who has taken that back since: it goes on where it was, without its author."""

from __future__ import annotations

from fleet_tui.domain.events import Draft, PullRequestStateChanged, RunStopRequested, TicketUnblocked, draft
from fleet_tui.domain.model import PullRequest
from fleet_tui.domain.states import LIVE_RUNS, PullRequestState, RunState, TicketState
from fleet_tui.domain.text import some_names
from fleet_tui.governance.reviews import is_taken_back
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.context import Context


async def take_up_again(ctx: Context) -> None:
    """Free the pull requests whose objections are gone, at the same head."""
    for pull_request in ctx.reader.pull_requests(PullRequestState.CHANGES_REQUESTED, PullRequestState.BLOCKED):
        asked = _asked(ctx, pull_request)
        if is_taken_back(pull_request, ctx.reader.reviews(pull_request.number), asked):
            await ctx.record(*_freed(ctx, pull_request, f"{some_names(asked, 3)} took back what was asked for"))


def _asked(ctx: Context, pull_request: PullRequest) -> list[str]:
    """Whose objections brought it where it is; nobody's when it was a gate, a conflict or a person of the fleet."""
    wanted = EventFilter(kinds=(PullRequestStateChanged.kind,), subjects=(f"pr:{pull_request.number}",))
    last = next(iter(ctx.reader.events(wanted, limit=1)), None)
    return [] if last is None else [str(name) for name in last.payload.get("reviewers", ())]


def _freed(ctx: Context, pull_request: PullRequest, why: str) -> list[Draft]:
    number, ticket = pull_request.number, ctx.reader.ticket(pull_request.ticket)
    state = PullRequestStateChanged(number, PullRequestState.NEEDS_REVIEW.value, why, pull_request.round)
    drafts = [draft(state, f"pr:{number}")]
    rework = [
        run
        for run in ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS, ticket=pull_request.ticket)
        if run.pr == number and run.trigger == "pr_changes_requested" and not run.stop_requested
    ]
    drafts += [draft(RunStopRequested(run.id, why), f"run:{run.id}") for run in rework]
    blocked = ticket is not None and ticket.state is TicketState.BLOCKED and ticket.question is None
    if ticket is not None and blocked and ticket.blocked_reason == pull_request.reason:
        drafts.append(draft(TicketUnblocked(ticket.number, why), f"ticket:{ticket.number}"))
    return drafts
