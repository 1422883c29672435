"""What the fleet's rules let through is pushed to the forge and is a pull request there, kept as it is here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.domain.events import PullRequestCreated, PullRequestPublished, PullRequestUpdated
from fleet_tui.domain.forges import Trouble
from fleet_tui.domain.model import PullRequest, Review
from fleet_tui.domain.states import ApprovalState, EffectClass, EffectState, PullRequestState
from fleet_tui.forge.issues import mark
from fleet_tui.forge.trouble import ForgeTrouble
from fleet_tui.governance.publication import seen_first, withheld
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.merging.mergeview import judgement, lets_review
from fleet_tui.watcher.merging.parties import authors, contained
from fleet_tui.watcher.outbox import Act, Probe, carry_out, effect_id
from fleet_tui.watcher.passes.reviews import held
from fleet_tui.watcher.passes.risk import is_told
from fleet_tui.watcher.repos.landings import LANDING, PUBLISHING, is_at_work
from fleet_tui.watcher.upstream import texts
from fleet_tui.watcher.upstream.names import is_of_forge
from fleet_tui.watcher.upstream.state import Upstream

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context

_SHOWN = (
    PullRequestState.NEEDS_REVIEW,
    PullRequestState.APPROVED,
    PullRequestState.GATED,
    PullRequestState.MERGING,
)
"""States in which a new head is let through."""
_TOLD = (*_SHOWN, PullRequestState.CHANGES_REQUESTED, PullRequestState.BLOCKED)


@dataclass(frozen=True, slots=True)
class Published:
    """What was recorded last of a pull request on the forge; ``number`` is the forge's."""

    number: int
    url: str
    head_sha: str
    text_sha: str
    seq: int
    """The event that tells of it."""


def published(ctx: Context, pr: int) -> Published | None:
    """How pull request ``pr`` was shown last; None: it never was."""
    wanted = EventFilter(kinds=(PullRequestPublished.kind,), subjects=(f"pr:{pr}",))
    for event in ctx.reader.events(wanted, limit=1):
        told = event.payload
        number, seq = int(str(told["number"])), event.seq
        return Published(number, str(told["url"]), str(told["head_sha"]), str(told["text_sha"]), seq)
    return None


async def publish(ctx: Context) -> None:
    """Start what is needed, beside the passes, for the forge to show every open pull request as it is."""
    if ctx.upstream is None:
        return
    quiet = [one.upstream for one in ctx.repositories if one.upstream and not is_at_work(ctx, LANDING, one)]
    for pull_request in ctx.reader.pull_requests(*_TOLD):
        key, upstream = f"{PUBLISHING}{pull_request.number}", ctx.upstream_of(pull_request)
        if upstream is None or upstream not in quiet or not ctx.usable(pull_request) or key in ctx.jobs.running(key):
            continue
        if await _lags(ctx, upstream, pull_request):
            upstream.start(ctx, key, lambda up=upstream, pr=pull_request: _publish(ctx, up, pr))  # type: ignore[misc]


async def _lags(ctx: Context, upstream: Upstream, pull_request: PullRequest) -> bool:
    before = published(ctx, pull_request.number)
    if before is None or before.head_sha != pull_request.head_sha:
        return pull_request.state in _SHOWN and not await withheld_now(ctx, pull_request)
    if before.text_sha != _digest(*await _text(ctx, upstream, pull_request)):
        return True
    view = upstream.pulls.get(before.number)
    return bool(untold(ctx, pull_request)) or (view is not None and any(_labels(ctx, pull_request, view.labels)))


async def withheld_now(ctx: Context, pull_request: PullRequest) -> str:
    """Why this head is not shown on the forge; empty when it may be."""
    let_through = await lets_review(ctx, pull_request)
    return withheld(
        pull_request.risk_band,
        risk_known=is_told(ctx, pull_request) and pull_request.risk_head == pull_request.head_sha,
        quarantined=bool(authors(ctx, pull_request) & contained(ctx)),
        unseen="" if _was_seen(ctx, pull_request) else seen_first(pull_request.risk_reasons),
        unmet=None if let_through else "its gates have not passed",
    )


def _was_seen(ctx: Context, pull_request: PullRequest) -> bool:
    """Whether a person has approved this head, and has had the time to take that back."""
    granted = ctx.reader.approvals(ApprovalState.HELD, ApprovalState.USED, pr=pull_request.number)
    return any(one.head_sha == pull_request.head_sha and (one.hold_until_ns or 0) <= ctx.now_ns() for one in granted)


async def _text(ctx: Context, upstream: Upstream, pull_request: PullRequest) -> tuple[str, str]:
    try:
        gates = list((await judgement(ctx, pull_request)).results.values())
    except FleetError:
        gates = []
    return texts.title(pull_request), texts.body(pull_request, gates, upstream.issues(ctx))


def _digest(title: str, body: str) -> str:
    return hashlib.sha256(f"{title}\0{body}".encode()).hexdigest()[:16]


async def _publish(ctx: Context, upstream: Upstream, pull_request: PullRequest) -> None:
    before = published(ctx, pull_request.number)
    title, body = await _text(ctx, upstream, pull_request)
    digest, head = _digest(title, body), pull_request.head_sha
    if before is None or before.head_sha != head:
        try:
            is_there = await _push(ctx, upstream, pull_request, before)
        except Conflict as conflict:
            reason = f"its branch was changed on GitHub, not by the fleet: {conflict.message}"
            await ctx.record(*held(pull_request, reason))
            return
        if not is_there:
            return
    number = before.number if before else await _open(upstream, pull_request, title, body)
    if before is not None and before.text_sha != digest:
        await upstream.view(ctx, number, pull_request.branch)  # what is written to is ours
        await upstream.forge.pulls.edit(number, title=title, body=body)
    if before is None or (before.head_sha, before.text_sha) != (head, digest):
        url = f"https://github.com/{upstream.forge.repo}/pull/{number}"
        told = PullRequestPublished(pull_request.number, number, url, head, digest)
        # After what was told before: a text that is again as it once was, is news too.
        key = f"published:{pull_request.number}:{number}:{head}:{digest}:{before.seq if before else 0}"
        await ctx.say(told, f"pr:{pull_request.number}", key=key)
    for review in untold(ctx, pull_request):
        await carry_out(ctx, _comment(upstream, pull_request, number, review))
    view = await upstream.view(ctx, number, pull_request.branch)
    add, remove = _labels(ctx, pull_request, view.labels)
    if add or remove:
        await upstream.forge.set_labels(number, add=add, remove=remove)
        await upstream.view(ctx, number, pull_request.branch)


async def _push(ctx: Context, upstream: Upstream, pull_request: PullRequest, before: Published | None) -> bool:
    """By the watcher, from the control repository: the agent has no way there. False: it is withheld by now.

    Raises:
        Conflict: the branch is not where the fleet has put it.
    """
    expected = before.head_sha if before else await upstream.remote.fetch(pull_request.branch)
    if before is None and expected is not None and expected not in own_heads(ctx, pull_request):
        raise Conflict("not ours", f"{pull_request.branch} is there already, at {expected[:8]}")
    # Last of all: once it is there nobody can take it back, and the forge took its time to answer.
    now = ctx.reader.pull_request(pull_request.number)
    if now is None or now.head_sha != pull_request.head_sha or now.state not in _SHOWN or await withheld_now(ctx, now):
        return False
    await upstream.remote.push(pull_request.head_sha, pull_request.branch, expected)
    return True


def own_heads(ctx: Context, pull_request: PullRequest) -> set[str]:
    """Every head that was ever handed over on its branch."""
    same = [other.number for other in ctx.reader.pull_requests() if other.branch == pull_request.branch]
    made = (PullRequestCreated.kind, PullRequestUpdated.kind)
    wanted = EventFilter(kinds=made, subjects=tuple(f"pr:{number}" for number in same))
    return {str(event.payload["head_sha"]) for event in ctx.reader.events(wanted, after=0, limit=10_000)}


async def _open(upstream: Upstream, pull_request: PullRequest, title: str, body: str) -> int:
    """The forge's number; one that was opened before, and not recorded, is found again."""
    pulls = upstream.forge.pulls
    found = await pulls.find(pull_request.branch)
    if found is None:
        try:
            return await pulls.create(pull_request.branch, pull_request.target, title, body)
        except ForgeTrouble as trouble:
            found = await pulls.find(pull_request.branch) if trouble.trouble is Trouble.CONFLICT else None
            if found is None:
                raise
    await pulls.edit(found, title=title, body=body)
    return found


# -- verdicts and labels -----------------------------------------------------------------------------------------------


def untold(ctx: Context, pull_request: PullRequest) -> list[Review]:
    """The verdicts of which the forge has no comment yet."""
    reviews = [one for one in ctx.reader.reviews(pull_request.number) if not is_of_forge(one.agent)]
    effects = ((review, ctx.reader.effect(effect_id(_comment_key(pull_request, review)))) for review in reviews)
    return [review for review, effect in effects if effect is None or effect.state is not EffectState.DONE]


def _comment_key(pull_request: PullRequest, review: Review) -> str:
    return f"comment:{pull_request.number}:{texts.verdict_mark(review)}"


def _comment(upstream: Upstream, pull_request: PullRequest, number: int, review: Review) -> Act:
    forge, marked = upstream.forge, mark(texts.verdict_mark(review))

    async def perform() -> str:
        return str((await forge.issues.comment(number, texts.verdict(review))).id)

    async def probe() -> Probe:
        said, trust = await forge.issues.comments(number), await forge.trust()
        return Probe.DONE if any(marked in one.body and trust.is_trusted(one) for one in said) else Probe.NOT_DONE

    key, target = _comment_key(pull_request, review), f"pr:{pull_request.number}"
    return Act(key, "comment", EffectClass.MARK, target, perform, probe)


def _labels(ctx: Context, pull_request: PullRequest, there: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The labels that are missing there, and those that say something else than the state."""
    names = ctx.settings.labels
    of_state = {
        PullRequestState.NEEDS_REVIEW: names.in_review,
        PullRequestState.CHANGES_REQUESTED: names.changes_requested,
        PullRequestState.APPROVED: names.approved,
        PullRequestState.GATED: names.approved,
        PullRequestState.MERGING: names.approved,
        PullRequestState.BLOCKED: names.blocked,
        PullRequestState.MERGED: names.shipped,
    }
    right = of_state.get(pull_request.state, "")
    wrong = sorted(label for label in set(of_state.values()) - {right} if label in there)
    return [right] if right and right not in there else [], wrong
