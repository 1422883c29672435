"""Everything that stands between a pull request and its landing, told at once. Looks, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.domain.model import Approval, PullRequest
from fleet_tui.domain.states import OPEN_PULL_REQUESTS, ApprovalState, PullRequestState
from fleet_tui.domain.text import one_line, some_names
from fleet_tui.governance.approvals import voided_by
from fleet_tui.governance.release import Ground, Reason, Remote, gate_reasons, remote_reasons
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.merging.mergeview import Judgement, gates_in_force, judgement
from fleet_tui.watcher.merging.parties import (
    authors,
    contained,
    objections,
    release_is_decided,
    release_manager,
    verdicts,
)
from fleet_tui.watcher.passes import approvals
from fleet_tui.watcher.passes.risk import is_told

_TARGET_ALARMS = ("landed-differs", "target-diverged", "target-missing")


async def check(ctx: Context, number: int, there: Remote | None = None) -> dict[str, Any]:
    """Whether pull request ``number`` may land now: ``ready``, and every reason why not.

    ``there`` is how it stands on the forge, where it does.

    Raises:
        UsageError: there is no such pull request.
    """
    pull = ctx.reader.pull_request(number)
    if pull is None:
        raise UsageError("no such pull request", f"PR {number}", "fleet pr list")
    reasons = [reason async for reason in _reasons(ctx, pull)]
    if there is not None:
        reasons += remote_reasons(there, pull.head_sha, ctx.repository_of(pull).control.target)
    return {
        "pr": number,
        "ready": not reasons,
        "head": pull.head_sha,
        "base": await ctx.repository_of(pull).base(),
        "target": one_line(pull.target, 200),
        "state": pull.state.value,
        "forge": "local" if there is None else there.forge,
        "checked_ns": ctx.now_ns(),
        "reasons": [reason.as_dict() for reason in reasons],
    }


async def _reasons(ctx: Context, pull: PullRequest) -> AsyncIterator[Reason]:
    if pull.state not in OPEN_PULL_REQUESTS:
        yield Reason(Ground.NOT_OPEN, f"it is {pull.state.value}")
        return
    found = [*_standing(ctx, pull), *_people(ctx, pull)]
    try:
        now = await judgement(ctx, pull)
        wanted = [gate.name for gate in await gates_in_force(ctx, ctx.repository_of(pull), now.base)]
    except FleetError as error:
        found.append(Reason(Ground.UNKNOWN, f"its merge result cannot be built: {error.title}: {error.message}"))
    else:
        found += _of_the_result(now, wanted)
        found += _of_a_person(ctx, pull, now)
    if not found and pull.state not in (PullRequestState.GATED, PullRequestState.MERGING):
        found.append(Reason(Ground.UNKNOWN, f"it is {pull.state.value}: the watcher has not come to it yet, ask again"))
    for reason in found:
        yield reason


def _standing(ctx: Context, pull: PullRequest) -> Iterator[Reason]:
    """What holds it up whatever is in it."""
    if ctx.reader.fleet().halted:
        yield Reason(Ground.BLOCKED, "everything is stopped (`fleet halt`)")
    for rule in _TARGET_ALARMS:
        if alarms.active(ctx, rule, "fleet"):
            yield Reason(Ground.TARGET, f"alarm {rule}: see `fleet alarm list`")
    if pull.state is PullRequestState.BLOCKED:
        yield Reason(Ground.BLOCKED, f"it waits for a person: {pull.reason}")
    held = sorted(authors(ctx, pull) & contained(ctx))
    if held:
        yield Reason(Ground.QUARANTINE, f"its author {some_names(held, 3)} is in quarantine")
    if not is_told(ctx, pull):
        yield Reason(Ground.RISK, f"the risk of {pull.head_sha[:8]} is not known yet")
    for question in ctx.reader.questions():
        if question.ticket == pull.ticket:
            yield Reason(Ground.CONVERSATIONS, f"{question.agent} asks, unanswered: {question.summary}")


def _people(ctx: Context, pull: PullRequest) -> Iterator[Reason]:
    """Reviewers and the release manager."""
    against = objections(ctx, pull)
    for review in against:
        yield Reason(Ground.CHANGES_REQUESTED, f"by {review.agent} at {review.head_sha[:8]}: {review.summary}")
    if pull.state is PullRequestState.CHANGES_REQUESTED and not against:
        yield Reason(Ground.CHANGES_REQUESTED, pull.reason)
    outcome = verdicts(ctx, pull, told=is_told(ctx, pull))
    if outcome.conclusion == "waiting":
        yield Reason(Ground.REVIEWS, outcome.reason)
    for review in ctx.reader.reviews(pull.number):
        if review.agent in outcome.missing and review.head_sha != pull.head_sha:
            told = f"{review.agent} spoke about {review.head_sha[:8]}, the head is {pull.head_sha[:8]}"
            yield Reason(Ground.STALE, told)
    manager = release_manager(ctx, pull)
    if manager is not None and not release_is_decided(ctx, pull):
        yield Reason(Ground.REVIEWS, f"{manager.name} has not decided about its release")


def _of_the_result(now: Judgement, wanted: list[str]) -> Iterator[Reason]:
    """Conflicts, and the gates on exactly what would land."""
    if now.view.conflict:
        yield Reason(Ground.CONFLICT, f"it conflicts with the target in {some_names(now.view.conflict, 3)}")
        return
    yield from gate_reasons(wanted, {name: gate.state for name, gate in now.results.items()})


def _of_a_person(ctx: Context, pull: PullRequest, now: Judgement) -> Iterator[Reason]:
    """Whether a person must agree, has, and to what."""
    approval = approvals.current(ctx, pull)
    if approval is None:
        why = approvals.why_a_person(ctx, pull, now)
        if why:
            yield Reason(Ground.APPROVAL, f"a person must approve it: {'; '.join(why)}")
            yield from _last_word(ctx, pull)
        return
    changed = voided_by(approval, approvals.binding(ctx, pull, now), author_quarantined=False)
    if changed is not None:
        yield Reason(Ground.STALE, f"its approval does not hold any more: {changed}")
    if approval.state is ApprovalState.REQUESTED:
        given = f"{len(approval.votes)} of {approval.quorum} persons have approved {approval.head_sha[:8]}"
        yield Reason(Ground.APPROVAL, f"{given} (fleet approval show {approval.id})")
    elif (approval.hold_until_ns or 0) > ctx.now_ns():
        yield Reason(Ground.APPROVAL, "it is approved, and its grace time is not over")


def _last_word(ctx: Context, pull: PullRequest) -> Iterator[Reason]:
    """What became of the last approval, when it fell."""
    closed = [one for one in ctx.reader.approvals(*_FALLEN, pr=pull.number) if one.state in _FALLEN]
    if closed:
        last: Approval = max(closed, key=lambda one: one.requested_ns)
        told = f"that of {last.head_sha[:8]} is {last.state.value}"
        yield Reason(Ground.STALE, f"{told}: {last.reason}" if last.reason else told)


_FALLEN = (ApprovalState.VOIDED, ApprovalState.EXPIRED)
