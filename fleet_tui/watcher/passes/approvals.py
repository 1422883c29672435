"""Approvals: requested when policy says so, voided when anything they are bound to changes, expired in time."""

from __future__ import annotations

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import ApprovalExpired, ApprovalRequested, ApprovalVoided, draft
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.model import Approval, PullRequest
from fleet_tui.domain.states import ApprovalState, EffectState, PullRequestState
from fleet_tui.governance.approval_policy import Terms, terms
from fleet_tui.governance.approvals import (
    Binding,
    binding_of,
    outdated_by,
    reasons_for_a_person,
    risk_for_a_person,
    voided_by,
)
from fleet_tui.governance.publication import seen_first
from fleet_tui.governance.reviews import risk_of
from fleet_tui.watcher import alarms
from fleet_tui.watcher.confinement import isolation
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.merging.mergeview import Judgement, is_as_seen, judgement
from fleet_tui.watcher.merging.parties import authors, contained, objections
from fleet_tui.watcher.passes.reviews import ask_release_manager
from fleet_tui.watcher.passes.risk import is_told

OPEN = (ApprovalState.REQUESTED, ApprovalState.HELD)
_HOUR_NS = 3_600_000_000_000


async def binding_now(ctx: Context, pull_request: PullRequest) -> Binding:
    """What an approval of ``pull_request`` would be bound to at this moment."""
    return binding(ctx, pull_request, await judgement(ctx, pull_request))


def binding(ctx: Context, pull_request: PullRequest, now: Judgement) -> Binding:
    """What an approval would be bound to, as :class:`Judgement` has it."""
    return binding_of(pull_request, now.base, now.view.tree, list(now.results.values()), ctx.policy)


async def void_changed(ctx: Context) -> None:
    """Void or expire every open approval that no longer holds."""
    approvals = ctx.reader.approvals(*OPEN)
    for approval in approvals:
        title = f"whether the approval of PR {approval.pr} still holds cannot be told, so it cannot land"
        async with alarms.guarding(ctx, "void", f"pr:{approval.pr}", title=title):
            await _void_if_changed(ctx, approval)
    await alarms.only(ctx, "void", [f"pr:{approval.pr}" for approval in approvals])


async def _void_if_changed(ctx: Context, approval: Approval) -> None:
    pull_request = ctx.reader.pull_request(approval.pr)
    subject = f"pr:{approval.pr}"
    if pull_request is None or pull_request.state is not PullRequestState.GATED:
        why = outdated_by(approval, pull_request, await ctx.repository_of(approval).base())
        await ctx.say(ApprovalVoided(approval.id, approval.pr, why), subject)
        return
    reason = await changed_since(ctx, approval, pull_request)
    if reason is not None:
        await ctx.say(ApprovalVoided(approval.id, approval.pr, reason), subject)
    elif is_expired(ctx, ctx.reader.approval(approval.id) or approval):  # not who was granted in time meanwhile
        await ctx.say(ApprovalExpired(approval.id, approval.pr), subject)


async def changed_since(ctx: Context, approval: Approval, pull_request: PullRequest) -> str | None:
    """What changed since ``approval`` was requested, or what it lacks, or None while it holds."""
    now = await judgement(ctx, pull_request)
    bound, quarantined = binding(ctx, pull_request, now), _author_quarantined(ctx, pull_request)
    return voided_by(approval, bound, author_quarantined=quarantined) or now.unmet


def is_expired(ctx: Context, approval: Approval) -> bool:
    """Whether nobody decided in time; what was granted in time stays granted."""
    return approval.state is ApprovalState.REQUESTED and approval.expires_ns <= ctx.now_ns()


def refuse_if_landing(ctx: Context, approval: Approval) -> None:
    """Nobody is told that something will not land while it does, or may have.

    Raises:
        Conflict: the landing under this approval is under way.
    """
    merges = ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="merge")
    if ctx.landing == approval.id or any(effect.precondition.get("approval") == approval.id for effect in merges):
        raise Conflict("too late", f"PR {approval.pr} is landing now", "revert it on the target branch instead")


def _author_quarantined(ctx: Context, pull_request: PullRequest) -> bool:
    return bool(authors(ctx, pull_request) & contained(ctx))


async def request(ctx: Context) -> None:
    """Ask a person about every gated pull request for which policy wants one."""
    gated = ctx.reader.pull_requests(PullRequestState.GATED)
    for pull_request in gated:
        number = pull_request.number
        async with alarms.guarding(
            ctx, "request", f"pr:{number}", title=f"the approval of PR {number} cannot be asked"
        ):
            await _request_if_needed(ctx, pull_request)
    await alarms.only(ctx, "request", [f"pr:{pull_request.number}" for pull_request in gated])


async def _request_if_needed(ctx: Context, pull_request: PullRequest) -> None:
    if _author_quarantined(ctx, pull_request) or current(ctx, pull_request) is not None:
        return
    if not is_told(ctx, pull_request):
        return  # what it is about to be asked about must be known
    now = await judgement(ctx, pull_request)
    if now.unmet is not None or not await ask_release_manager(ctx, pull_request):
        return  # the gates pass will deal with what is unmet
    reasons = why_a_person(ctx, pull_request, now)
    if reasons:
        await _request(ctx, pull_request, now, reasons)


def why_a_person(ctx: Context, pull_request: PullRequest, now: Judgement) -> tuple[str, ...]:
    """Why policy wants a person for this landing; empty when it does not."""
    level = isolation.work_of(ctx, pull_request)
    general = reasons_for_a_person(ctx.settings, level, now.view.paths, risk_for_a_person(pull_request))
    public = seen_first(pull_request.risk_reasons) if ctx.upstream_of(pull_request) is not None else ""
    return (*general, *filter(None, [public]), *_terms(ctx, pull_request, now).reasons)


def _terms(ctx: Context, pull_request: PullRequest, now: Judgement) -> Terms:
    return terms(ctx.settings.approval, risk_of(pull_request), now.view.paths)


async def _request(ctx: Context, pull_request: PullRequest, now: Judgement, reasons: tuple[str, ...]) -> None:
    bound = binding(ctx, pull_request, now)
    asked = _terms(ctx, pull_request, now)
    expires = ctx.now_ns() + asked.expires_h * _HOUR_NS
    payload = ApprovalRequested(
        new_id("approval"),
        pull_request.number,
        pull_request.ticket,
        bound.head_sha,
        bound.base_sha,
        bound.tree,
        bound.gates,
        bound.policy,
        list(reasons),
        expires,
        bound.risk.value,
        asked.quorum,
    )
    await ctx.record(draft(payload, f"pr:{pull_request.number}"))


def current(ctx: Context, pull_request: PullRequest) -> Approval | None:
    """The open approval of a pull request: requested, or granted and in its grace time."""
    return next(iter(ctx.reader.approvals(*OPEN, pr=pull_request.number)), None)


async def may_land(ctx: Context, pull_request: PullRequest) -> tuple[bool, Approval | None]:
    """Whether policy lets ``pull_request`` land now, and under which approval."""
    if not await ask_release_manager(ctx, pull_request):
        return False, None
    approval = current(ctx, pull_request)
    objection = await objection_to_landing(
        ctx, pull_request.number, pull_request.head_sha, approval.id if approval else None
    )
    return objection is None, approval


async def objection_to_landing(ctx: Context, number: int, head_sha: str, approval_id: str | None) -> str | None:
    """Why pull request ``number`` may not land at ``head_sha`` under this approval, as things are now; None if it may.

    Asked when a landing is decided and again when nothing but the landing itself is left to do: policy, quarantine, an
    undo, a new commit may have come in between.
    """
    pull_request = ctx.reader.pull_request(number)
    if pull_request is None or pull_request.state is not PullRequestState.GATED or pull_request.head_sha != head_sha:
        return "the pull request has changed"
    now = await judgement(ctx, pull_request)
    # From here on nothing is awaited: what is read now is what holds when the answer is given.
    if not is_as_seen(ctx, pull_request):
        return "the pull request has changed"
    if ctx.reader.fleet().halted:
        return "everything is stopped"
    if objections(ctx, pull_request):
        return "a reviewer asks for changes"
    if now.unmet is not None:
        return now.unmet
    quarantined = _author_quarantined(ctx, pull_request)
    if approval_id is None:
        return "the author is quarantined" if quarantined else "; ".join(why_a_person(ctx, pull_request, now)) or None
    approval = ctx.reader.approval(approval_id)
    if approval is None or approval.state is not ApprovalState.HELD:
        return "it is not approved"
    if (approval.hold_until_ns or 0) > ctx.now_ns():
        return "its grace time is not over"
    return voided_by(approval, binding(ctx, pull_request, now), author_quarantined=quarantined)
