"""Pull requests under review: ask the reviewers, draw the conclusion, send work back, ask the release manager."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.domain.events import (
    Draft,
    PullRequestStateChanged,
    ReviewWithdrawn,
    RunStopRequested,
    TicketBlocked,
    draft,
)
from fleet_tui.domain.model import PullRequest
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS, PullRequestState, RunState
from fleet_tui.domain.text import fitting, one_line
from fleet_tui.governance.reviews import next_round, risk_of
from fleet_tui.settings.schema import AgentSettings
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.merging.mergeview import REVIEW, gates_come_first, is_as_seen, lets_review
from fleet_tui.watcher.merging.parties import (
    contained,
    current_author,
    objections,
    release_is_decided,
    release_manager,
    reviewers,
    verdicts,
)
from fleet_tui.watcher.passes.risk import is_told
from fleet_tui.watcher.passes.taking_back import take_up_again
from fleet_tui.watcher.runs.queueing import queued

_ON_OPEN_ONES = frozenset({REVIEW, "pr_changes_requested", "pr_approved"})
"""What runs are started by whose work ends with their pull request."""
_FINDINGS_BYTES = 40_000
"""What one run is told of what is wrong; an event holds somewhat more."""


async def review(ctx: Context) -> None:
    """Queue a run per missing reviewer and act on what the verdicts add up to."""
    await _end_overtaken(ctx)
    await take_up_again(ctx)
    waiting = ctx.reader.pull_requests(PullRequestState.NEEDS_REVIEW)
    for pull_request in waiting:
        number = pull_request.number
        async with alarms.guarding(ctx, "review", f"pr:{number}", title=f"the review of PR {number} cannot go on"):
            await _conclude(ctx, pull_request)
    await alarms.only(ctx, "review", [f"pr:{pull_request.number}" for pull_request in waiting])
    await _reopen(ctx)
    await _tell_who_is_held(ctx)
    await _tell_what_is_lacking(ctx)


async def _conclude(ctx: Context, pull_request: PullRequest) -> None:
    if not is_as_seen(ctx, pull_request):
        return
    told = is_told(ctx, pull_request)
    outcome = verdicts(ctx, pull_request, told=told)
    if outcome.conclusion == "approved":
        if told:
            await change_state(ctx, pull_request, PullRequestState.APPROVED, outcome.reason)
    elif outcome.conclusion == "changes_requested":
        share = _FINDINGS_BYTES // len(outcome.findings) - len(r"\n\n")
        findings = "\n\n".join(fitting(finding, share) for finding in outcome.findings)
        await send_back(ctx, pull_request, outcome.reason, findings, objectors=outcome.objectors)
    elif await lets_review(ctx, pull_request) and is_as_seen(ctx, pull_request):
        if pull_request.reason and gates_come_first(ctx, pull_request):
            await change_state(ctx, pull_request, PullRequestState.NEEDS_REVIEW, outcome.reason)
        await _ask(ctx, pull_request, outcome.missing)


async def _ask(ctx: Context, pull_request: PullRequest, missing: Sequence[str]) -> None:
    """Queue each reviewer once for this head, and once more when it is to look through another lens by now."""
    asked = reviewers(ctx, pull_request)
    heard = {r.agent for r in ctx.reader.reviews(pull_request.number) if r.head_sha == pull_request.head_sha}
    for name in missing:
        lens = ctx.settings.lens(asked[name])
        key = f"review:{pull_request.number}:{pull_request.head_sha}:{name}" + (f":{lens}" if name in heard else "")
        await ctx.record(_run_on(pull_request, asked[name], key, REVIEW, lens))


async def _reopen(ctx: Context) -> None:
    """What was enough may not be any more: an objection after enough approvals, a higher risk that needs more."""
    for pull_request in ctx.reader.pull_requests(PullRequestState.APPROVED, PullRequestState.GATED):
        if not is_as_seen(ctx, pull_request):
            continue
        found = objections(ctx, pull_request)
        if found:
            names = ", ".join(review.agent for review in found)
            await change_state(ctx, pull_request, PullRequestState.NEEDS_REVIEW, f"{names} asks for changes after all")
        elif is_told(ctx, pull_request) and (outcome := verdicts(ctx, pull_request)).conclusion == "waiting":
            why = f"at risk {risk_of(pull_request)} it {outcome.reason}"
            await change_state(ctx, pull_request, PullRequestState.NEEDS_REVIEW, why)


async def _tell_who_is_held(ctx: Context) -> None:
    """A pull request that cannot go on without an agent in quarantine waits in sight, never silently."""
    standing: dict[str, str] = {}
    for pull_request in ctx.reader.pull_requests(PullRequestState.NEEDS_REVIEW, PullRequestState.GATED):
        if pull_request.state is PullRequestState.NEEDS_REVIEW:
            names = verdicts(ctx, pull_request, told=is_told(ctx, pull_request)).contained
        else:
            manager = release_manager(ctx, pull_request)
            held = manager is not None and not release_is_decided(ctx, pull_request) and manager.name in contained(ctx)
            names = (manager.name,) if manager and held else ()
        # About whom is waited for: that is where it is decided. Which ones wait is on the board, and changes.
        standing |= {f"agent:{name}": f"a pull request waits for {name}, in quarantine" for name in names}
    response = "release the agent with a reason, or configure another of its role"
    await alarms.keep(
        ctx, "review-held", standing, priority=2, response=response, over="it waits for nobody in quarantine"
    )


async def _tell_what_is_lacking(ctx: Context) -> None:
    """What no configured reviewer can give is not waived: it waits in sight."""
    standing = {}
    for pull_request in ctx.reader.pull_requests(PullRequestState.NEEDS_REVIEW):
        lacking = verdicts(ctx, pull_request).lacking if is_told(ctx, pull_request) else ()
        if lacking:
            risk, number = risk_of(pull_request), pull_request.number
            standing[f"pr:{number}"] = f"PR {number} (risk {risk}) waits for {', '.join(lacking)}: no reviewer has it"
    response = "add a reviewer with that lens or role, or change `reviews.bands`"
    over = "there is a reviewer for it, or it is not needed any more"
    await alarms.keep(ctx, "review-lacking", standing, priority=2, response=response, over=over)


async def _end_overtaken(ctx: Context) -> None:
    """End the runs that look at a head which is gone, or work on what was closed or merged by somebody: what they bring
    cannot count, and they hold up the next one's."""
    for run in ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS - {RunState.QUARANTINED}):
        pull_request = ctx.reader.pull_request(run.pr) if run.pr is not None else None
        if pull_request is None or run.stop_requested:
            continue
        if pull_request.state not in OPEN_PULL_REQUESTS and run.trigger in _ON_OPEN_ONES:
            reason = f"PR {pull_request.number} is {pull_request.state.value}"
            await ctx.say(RunStopRequested(run.id, reason), f"run:{run.id}", key=f"overtaken:{run.id}")
            continue
        if run.head_sha in (None, pull_request.head_sha):
            continue
        if ctx.settings.family(run.role).name in ("reviewer", "release"):
            reason = f"PR {pull_request.number} moved on to {pull_request.head_sha[:8]}"
            await ctx.say(RunStopRequested(run.id, reason), f"run:{run.id}", key=f"overtaken:{run.id}")


def _run_on(pull_request: PullRequest, agent: AgentSettings, key: str, trigger: str, lens: str = "") -> Draft:
    return queued(
        agent,
        key=key,
        trigger=trigger,
        ticket=pull_request.ticket,
        pr=pull_request.number,
        head_sha=pull_request.head_sha,
        round_=pull_request.round,
        lens=lens,
    )


async def send_back(
    ctx: Context, pull_request: PullRequest, reason: str, findings: str, *, objectors: Sequence[str] = ()
) -> None:
    """Return a pull request to its author with findings; after the last round a person decides."""
    await ctx.record(*sent_back(ctx, pull_request, reason, findings, objectors=objectors))


def sent_back(
    ctx: Context,
    pull_request: PullRequest,
    reason: str,
    findings: str,
    *,
    bounded: bool = True,
    objectors: Sequence[str] = (),
) -> list[Draft]:
    """The events of :func:`send_back`, for a transaction with what led to it. A person's wish is not ``bounded``."""
    following = pull_request.round + 1
    if bounded and next_round(pull_request, ctx.settings.reviews.max_rounds) is None:
        return held(pull_request, f"{pull_request.round} rounds used up: {reason}", objectors)
    author = current_author(ctx, pull_request)
    if author is None:
        return held(pull_request, f"its author {pull_request.agent} is no longer configured; {reason}")
    rework = queued(
        author,
        key=f"rework:{pull_request.number}:{pull_request.head_sha}:{following}{_nth(ctx, pull_request)}",
        trigger="pr_changes_requested",
        ticket=pull_request.ticket,
        pr=pull_request.number,
        round_=following,
        instructions=fitting(findings, _FINDINGS_BYTES),
    )
    state = PullRequestStateChanged(
        pull_request.number,
        PullRequestState.CHANGES_REQUESTED.value,
        one_line(reason, 400),
        pull_request.round,
        list(objectors),
    )
    return [draft(state, f"pr:{pull_request.number}"), rework]


def _nth(ctx: Context, pull_request: PullRequest) -> str:
    """What tells a rejection of the same head from one that was taken back before."""
    wanted = EventFilter(kinds=(ReviewWithdrawn.kind,), subjects=(f"pr:{pull_request.number}",))
    gone = ctx.reader.events(wanted, after=0, limit=1_000)
    nth = sum(event.payload["head_sha"] == pull_request.head_sha for event in gone)
    return f":{nth}" if nth else ""


def held(pull_request: PullRequest, reason: str, objectors: Sequence[str] = ()) -> list[Draft]:
    """A pull request, and its ticket, wait for a person."""
    state = PullRequestStateChanged(
        pull_request.number,
        PullRequestState.BLOCKED.value,
        one_line(reason, 400),
        pull_request.round,
        list(objectors),
    )
    blocked = TicketBlocked(pull_request.ticket, one_line(reason, 400))
    return [draft(state, f"pr:{pull_request.number}"), draft(blocked, f"ticket:{pull_request.ticket}")]


async def change_state(ctx: Context, pull_request: PullRequest, state: PullRequestState, reason: str) -> None:
    """Record what was concluded about a pull request."""
    changed = PullRequestStateChanged(pull_request.number, state.value, reason, pull_request.round)
    await ctx.say(changed, f"pr:{pull_request.number}")


async def ask_release_manager(ctx: Context, pull_request: PullRequest) -> bool:
    """Whether the release-manager role agreed to merge the current head; asks it when it has not been asked.

    Without a configured release manager the answer is yes: policy and the person decide.
    """
    manager = release_manager(ctx, pull_request)
    if manager is None:
        return True
    release = ctx.reader.release(pull_request.number)
    if release is not None and release_is_decided(ctx, pull_request):
        if release.decision == "merge":
            return True
        await ctx.record(*held(pull_request, f"{release.agent} holds it: {release.summary}"))
    elif manager.name not in contained(ctx):
        key = f"release:{pull_request.number}:{pull_request.head_sha}"
        await ctx.record(_run_on(pull_request, manager, key, "pr_approved"))
    return False
