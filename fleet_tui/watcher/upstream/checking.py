"""Checks on the forge (CI): how they ended becomes an event, and what failed goes back to the author with its log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from fleet_tui.domain.events import (
    CheckRerun,
    ChecksFailed,
    ChecksPassed,
    Draft,
    PullRequestChangesRequested,
    ReviewWithdrawn,
    draft,
)
from fleet_tui.domain.model import PullRequest
from fleet_tui.domain.states import PullRequestState, Verdict
from fleet_tui.domain.text import clean, fitting, one_line
from fleet_tui.forge.gh_values import Check, CheckState, Pull
from fleet_tui.forge.trouble import ForgeTrouble
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.upstream.names import CHECKS
from fleet_tui.watcher.upstream.publishing import published
from fleet_tui.watcher.upstream.standing import required_checks
from fleet_tui.watcher.upstream.state import Upstream

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context

_JUDGED = (PullRequestState.NEEDS_REVIEW, PullRequestState.APPROVED, PullRequestState.GATED)
_BACK = (PullRequestState.CHANGES_REQUESTED, PullRequestState.BLOCKED)
"""States in which nobody waits for checks; but those that had it sent back may have run again."""
_ROLE = "checks on GitHub"
_MOST_CHECKS = 5
_MOST_BYTES = 40_000
"""Of all that is told: an event holds somewhat more."""
_TAIL = 4_000
"""Characters of what one check said."""


async def check(ctx: Context) -> None:
    """Take in how the checks of every pull request ended, once all have; logs are fetched beside the passes."""
    for pull_request in ctx.reader.pull_requests(*_JUDGED, *_BACK) if ctx.upstream is not None else ():
        upstream = ctx.upstream_of(pull_request)
        if upstream is None:
            continue
        shown = published(ctx, pull_request.number)
        seen = upstream.pulls.get(shown.number) if shown is not None else None
        if shown is None or seen is None or seen.seq < shown.seq or seen.pull.head_sha != pull_request.head_sha:
            continue
        told = _told(ctx, pull_request)
        if pull_request.state in _BACK and told != (pull_request.head_sha, "failed"):
            continue
        stale, again = _reruns(ctx, pull_request)
        ended = _ended(seen.pull, stale)
        state = "failed" if any(one.state is CheckState.FAILED for one in ended) else "passed"
        if ended and told != (pull_request.head_sha, state):
            key = f"checks:{pull_request.number}"
            failed = [one for one in ended if one.state is CheckState.FAILED]
            if failed and all(one.job and again[one.name] < ctx.settings.forge.reruns for one in failed):
                upstream.start(ctx, key, lambda up=upstream, pr=pull_request, f=failed: _run_again(ctx, up, pr, f))  # type: ignore[misc]
                continue
            upstream.start(ctx, key, lambda up=upstream, pr=pull_request, found=ended: _tell(ctx, up, pr, found))  # type: ignore[misc]


def _reruns(ctx: Context, pull_request: PullRequest) -> tuple[frozenset[int], Counter[str]]:
    """What was run again at this head: the jobs whose results count no more, and how often by name."""
    wanted = EventFilter(kinds=(CheckRerun.kind,), subjects=(f"pr:{pull_request.number}",))
    told = [event.payload for event in ctx.reader.events(wanted, after=0, limit=1_000)]
    here = [one for one in told if one["head_sha"] == pull_request.head_sha]
    return frozenset(int(str(one["job"])) for one in here) - {0}, Counter(str(one["check"]) for one in here)


async def _run_again(ctx: Context, upstream: Upstream, pull_request: PullRequest, failed: Sequence[Check]) -> None:
    """It may have been bad luck; nobody is told before it has failed again."""
    for one in failed:
        job, why = one.job, ""
        try:
            await upstream.forge.pulls.rerun(job)
        except ForgeTrouble as trouble:
            if trouble.trouble.passes:
                raise
            job, why = 0, one_line(trouble.message, 200)  # it counts as tried, and the result stands
        rerun = CheckRerun(pull_request.number, pull_request.head_sha, one.name, job, why)
        await ctx.say(rerun, f"pr:{pull_request.number}")
    shown = published(ctx, pull_request.number)
    if shown is not None:
        await upstream.view(ctx, shown.number, pull_request.branch)


def _ended(pull: Pull, stale: Collection[int]) -> list[Check]:
    """The checks that count, when all of them have ended and are known; else none. ``stale`` jobs run again."""
    required = required_checks(pull)
    counting = [one for one in pull.checks if one.name in required] if required else list(pull.checks)
    missing = required - {one.name for one in counting}  # what must run may be there later than what may
    over = all(one.state is not CheckState.PENDING and one.job not in stale for one in counting)
    return counting if pull.complete and over and not missing else []


def _told(ctx: Context, pull_request: PullRequest) -> tuple[str, str]:
    """The head and how its checks ended, as it was recorded last."""
    kinds = (ChecksPassed.kind, ChecksFailed.kind)
    wanted = EventFilter(kinds=kinds, subjects=(f"pr:{pull_request.number}",))
    for event in ctx.reader.events(wanted, limit=1):
        return str(event.payload["head_sha"]), "failed" if event.kind == ChecksFailed.kind else "passed"
    return "", ""


async def _tell(ctx: Context, upstream: Upstream, pull_request: PullRequest, ended: Sequence[Check]) -> None:
    number, head = pull_request.number, pull_request.head_sha
    failed = [one for one in ended if one.state is CheckState.FAILED]
    if failed:
        said = [await _said(upstream, one) for one in failed[:_MOST_CHECKS]]
        summary = fitting("\n\n".join(said), _MOST_BYTES)
        names: list[str] = [one_line(one.name, 100) for one in failed]
        told: ChecksFailed | ChecksPassed = ChecksFailed(number, head, names, summary)
        drafts = [draft(PullRequestChangesRequested(number, CHECKS, "", _ROLE, head, summary), f"pr:{number}")]
    else:
        told, drafts = ChecksPassed(number, head, [one_line(one.name, 100) for one in ended]), []
        drafts += _taken_back(ctx, pull_request)
    now = ctx.reader.pull_request(number)
    if now is not None and (now.head_sha, now.state) == (head, pull_request.state):
        await ctx.record(draft(told, f"pr:{number}"), *drafts)


def _taken_back(ctx: Context, pull_request: PullRequest) -> list[Draft]:
    """Checks that ran again and passed have nothing against this head any more."""
    head, number = pull_request.head_sha, pull_request.number
    given = [one for one in ctx.reader.reviews(number) if (one.agent, one.head_sha) == (CHECKS, head)]
    if not any(one.verdict is Verdict.CHANGES_REQUESTED for one in given):
        return []
    return [draft(ReviewWithdrawn(number, CHECKS, head, "they ran again and passed"), f"pr:{number}")]


async def _said(upstream: Upstream, failed: Check) -> str:
    """The name of a check with the end of its log, where it has one that may be read."""
    name = f"{one_line(failed.name, 100)}: {one_line(failed.conclusion, 40)}"
    if not failed.job:
        return f"{name} ({one_line(failed.url, 300)})"
    try:
        log = await upstream.forge.pulls.job_log(failed.job)
    except ForgeTrouble as trouble:  # removed, or too long to be read: that it failed is told all the same
        return f"{name}; its log cannot be had: {one_line(trouble.message, 200)} ({one_line(failed.url, 300)})"
    return f"{name}, and the end of its log:\n{clean(log[-_TAIL:])}"
