"""Pull requests under review: ask the reviewers, draw the conclusion, send work back, ask the release manager."""

from __future__ import annotations

from collections.abc import Collection

from fleet_tui.domain.events import Draft, PullRequestStateChanged, RunStopRequested, TicketBlocked, draft
from fleet_tui.domain.model import PullRequest
from fleet_tui.domain.states import LIVE_RUNS, PullRequestState, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.governance.dispatch import takes_work
from fleet_tui.governance.reviews import ReviewOutcome, conclude
from fleet_tui.settings.schema import AgentSettings
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.queueing import queued


async def review(ctx: Context) -> None:
    """Queue a run per missing reviewer and act on what the verdicts add up to."""
    await _end_overtaken(ctx)
    for pull_request in ctx.reader.pull_requests(PullRequestState.NEEDS_REVIEW):
        asked = reviewers(ctx)
        outcome = verdicts(ctx, pull_request, asked)
        if outcome.conclusion == "approved":
            await change_state(ctx, pull_request, PullRequestState.APPROVED, outcome.reason)
        elif outcome.conclusion == "changes_requested":
            await send_back(ctx, pull_request, outcome.reason, "\n\n".join(outcome.findings))
        else:
            for name in outcome.missing:
                key = f"review:{pull_request.number}:{pull_request.head_sha}:{name}"
                await ctx.record(_run_on(pull_request, asked[name], key, "pr_needs_review"))


async def _end_overtaken(ctx: Context) -> None:
    """End the runs that look at a head which is gone: their verdict cannot count, and they hold up the next one's."""
    for run in ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS - {RunState.QUARANTINED}):
        pull_request = ctx.reader.pull_request(run.pr) if run.pr is not None else None
        if pull_request is None or run.head_sha in (None, pull_request.head_sha) or run.stop_requested:
            continue
        if ctx.settings.family(run.role).name in ("reviewer", "release"):
            reason = f"#{pull_request.number} moved on to {pull_request.head_sha[:8]}"
            await ctx.say(RunStopRequested(run.id, reason), f"run:{run.id}", key=f"overtaken:{run.id}")


def reviewers(ctx: Context) -> dict[str, AgentSettings]:
    """Who is asked about a pull request, by name."""
    return {agent.name: agent for agent in subscribers(ctx, "reviewer", "pr_needs_review")}


def verdicts(ctx: Context, pull_request: PullRequest, asked: Collection[str]) -> ReviewOutcome:
    """What the verdicts on the current head add up to."""
    return conclude(pull_request, ctx.reader.reviews(pull_request.number), asked, ctx.settings.reviews.required)


def _run_on(pull_request: PullRequest, agent: AgentSettings, key: str, trigger: str) -> Draft:
    return queued(
        agent,
        key=key,
        trigger=trigger,
        ticket=pull_request.ticket,
        pr=pull_request.number,
        head_sha=pull_request.head_sha,
        round_=pull_request.round,
    )


def subscribers(ctx: Context, family: str, kind: str) -> list[AgentSettings]:
    """Agents of a family that subscribe to ``kind`` and may work. A quarantined reviewer is not waited for."""
    willing = {agent.name for agent in ctx.reader.agents() if takes_work(agent) or (agent.paused and agent.enabled)}
    return [
        agent
        for agent in ctx.settings.agents
        if agent.name in willing
        and ctx.settings.family(agent.role).name == family
        and kind in agent.subscriptions(ctx.settings)
    ]


async def send_back(ctx: Context, pull_request: PullRequest, reason: str, findings: str) -> None:
    """Return a pull request to its author with findings; after the last round a person decides."""
    await ctx.record(*sent_back(ctx, pull_request, reason, findings))


def sent_back(
    ctx: Context, pull_request: PullRequest, reason: str, findings: str, *, bounded: bool = True
) -> list[Draft]:
    """The events of :func:`send_back`, for a transaction with what led to it. A person's wish is not ``bounded``."""
    next_round = pull_request.round + 1
    if bounded and next_round > ctx.settings.reviews.max_rounds:
        return held(pull_request, f"{pull_request.round} rounds used up: {reason}")
    author = next((a for a in ctx.settings.agents if a.name == pull_request.agent), None)
    if author is None:
        return held(pull_request, f"its author {pull_request.agent} is no longer configured; {reason}")
    rework = queued(
        author,
        key=f"rework:{pull_request.number}:{pull_request.head_sha}:{next_round}",
        trigger="pr_changes_requested",
        ticket=pull_request.ticket,
        pr=pull_request.number,
        round_=next_round,
        instructions=findings[:20_000],
    )
    state = PullRequestStateChanged(
        pull_request.number, PullRequestState.CHANGES_REQUESTED.value, one_line(reason, 400), pull_request.round
    )
    return [draft(state, f"pr:{pull_request.number}"), rework]


def held(pull_request: PullRequest, reason: str) -> list[Draft]:
    """A pull request, and its ticket, wait for a person."""
    state = PullRequestStateChanged(
        pull_request.number, PullRequestState.BLOCKED.value, one_line(reason, 400), pull_request.round
    )
    blocked = TicketBlocked(pull_request.ticket, one_line(reason, 400))
    return [draft(state, f"pr:{pull_request.number}"), draft(blocked, f"ticket:{pull_request.ticket}")]


async def change_state(ctx: Context, pull_request: PullRequest, state: PullRequestState, reason: str) -> None:
    """Record what was concluded about a pull request."""
    changed = PullRequestStateChanged(pull_request.number, state.value, reason, pull_request.round)
    await ctx.say(changed, f"pr:{pull_request.number}")


def release_manager(ctx: Context) -> AgentSettings | None:
    """The agent that decides on releases; the first one when there are several."""
    return next(iter(subscribers(ctx, "release", "pr_approved")), None)


async def ask_release_manager(ctx: Context, pull_request: PullRequest) -> bool:
    """Whether the release-manager role agreed to merge the current head; asks it when it has not been asked.

    Without a configured release manager the answer is yes: policy and the person decide.
    """
    manager = release_manager(ctx)
    if manager is None:
        return True
    release = ctx.reader.release(pull_request.number)
    if release is not None and release.head_sha == pull_request.head_sha:
        if release.decision == "merge":
            return True
        await ctx.record(*held(pull_request, f"{release.agent} holds it: {release.summary}"))
        return False
    key = f"release:{pull_request.number}:{pull_request.head_sha}"
    await ctx.record(_run_on(pull_request, manager, key, "pr_approved"))
    return False
