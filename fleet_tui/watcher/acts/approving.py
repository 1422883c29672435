"""A person decides on a merge: checked against what is there now, each person counted once."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.events import ApprovalDenied, ApprovalGranted, ApprovalSeconded, ApprovalUndone, Draft, draft
from fleet_tui.domain.model import Approval
from fleet_tui.domain.states import ApprovalState
from fleet_tui.domain.text import clean, one_line
from fleet_tui.governance import statements
from fleet_tui.governance.approval_policy import has_voted, is_granted, persons
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, text_of
from fleet_tui.watcher.merging import signatures
from fleet_tui.watcher.passes import reviews
from fleet_tui.watcher.passes.approvals import changed_since, is_expired, refuse_if_landing

_SECOND = 1_000_000_000


async def approve(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Count one person's word for ``approval`` at ``head``; with ``signature`` that of who signed :func:`statement`.

    Raises:
        Conflict: it changed, expired, was decided, or this person has approved it already.
        Refused: the signature does not hold.
    """
    asked = _approval(ctx, args, ApprovalState.REQUESTED)
    person, evidence = await who(ctx, args, actor, _statement(ctx, asked))
    approval = _approval(ctx, args, ApprovalState.REQUESTED)  # checking a signature takes a moment
    pull_request = ctx.reader.pull_request(approval.pr)
    if pull_request is None:
        raise UsageError("no such pull request", f"PR {approval.pr}")
    shown = text_of(args, "head")
    if shown != approval.head_sha:
        what = f"head {shown[:8]} was shown, {approval.head_sha[:8]} would land"
        raise Conflict("CHANGED while you looked", what, "look again, then decide")
    if is_expired(ctx, approval):
        raise Conflict("expired", f"nobody decided on {approval.id} in time", "look at the new request")
    changed = await changed_since(ctx, approval, pull_request)
    if changed is not None:
        raise Conflict("CHANGED while you looked", changed, "look again, then decide")
    return await _count(ctx, approval, person, evidence)


async def _count(ctx: Context, approval: Approval, person: str, evidence: Any) -> dict[str, Any]:
    votes, about = persons((*approval.votes, person)), f"pr:{approval.pr}"
    so_far = f"{len(votes)} of {approval.quorum} persons approve PR {approval.pr}"
    if has_voted(person, approval.votes):
        raise Conflict("already approved by you", f"{so_far}: {', '.join(votes)}", "another person must approve it")
    if not is_granted(votes, approval.quorum):
        await ctx.say(ApprovalSeconded(approval.id, approval.pr, person, evidence), about, actor=person)
        told = f"{so_far}; it waits for another one"
        return {"votes": list(votes), "quorum": approval.quorum, "message": told}
    hold_s = ctx.settings.approval.hold_s
    hold_until = ctx.now_ns() + hold_s * _SECOND
    await ctx.say(ApprovalGranted(approval.id, approval.pr, person, hold_until, evidence), about, actor=person)
    return {"hold_until_ns": hold_until, "message": f"PR {approval.pr} lands in {hold_s} s"}


async def who(ctx: Context, args: Args, actor: str, statement: str) -> tuple[str, Any]:
    """Whose word it is, and what goes into the log with it: ``actor``, or who signed ``statement``."""
    evidence = args.get("shown")
    if "signature" not in args:
        return actor, evidence
    signature = text_of(args, "signature")
    name = await signatures.signer_of(ctx.settings.approval.signers, statement, signature)
    shown = evidence if isinstance(evidence, dict) else {}
    return f"signer:{name}", {**shown, "statement": statement, "signature": clean(signature), "handed_in_by": actor}


def statement(ctx: Context, args: Args) -> str:
    """What a person signs to approve ``approval``."""
    return _statement(ctx, _approval(ctx, args, ApprovalState.REQUESTED))


def _statement(ctx: Context, approval: Approval) -> str:
    undone = EventFilter(kinds=(ApprovalUndone.kind,), subjects=(f"pr:{approval.pr}",))
    found = ctx.reader.events(undone, after=0, limit=1_000)
    return statements.of_approval(approval, sum(event.payload["approval"] == approval.id for event in found))


async def undo(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Take back what was approved, as long as nothing landed."""
    approval = _approval(ctx, args, ApprovalState.REQUESTED, ApprovalState.HELD)
    if approval.state is ApprovalState.REQUESTED and not approval.votes:
        raise Conflict("nothing to undo", f"PR {approval.pr} is not approved: it waits for a decision")
    refuse_if_landing(ctx, approval)
    # Its grace time may be over; as long as nothing landed, taking it back is still right.
    await ctx.say(ApprovalUndone(approval.id, approval.pr, actor), f"pr:{approval.pr}", actor=actor)
    return {"message": f"PR {approval.pr} is not approved any more"}


async def deny(ctx: Context, args: Args, actor: str, verdict: str) -> dict[str, Any]:
    """Stop the pull request (``reject``), or send it back to its author with notes (``changes``)."""
    approval = _approval(ctx, args, ApprovalState.REQUESTED, ApprovalState.HELD)
    refuse_if_landing(ctx, approval)
    reason = clean(text_of(args, "reason"), 4_000)
    denied = draft(ApprovalDenied(approval.id, approval.pr, actor, verdict, reason), f"pr:{approval.pr}", actor=actor)
    pull_request = ctx.reader.pull_request(approval.pr)
    follow: list[Draft] = []
    if pull_request is not None and verdict == "changes":
        follow = reviews.sent_back(ctx, pull_request, f"{actor} asks for changes", reason, bounded=False)
    elif pull_request is not None:
        follow = reviews.held(pull_request, f"rejected by {actor}: {one_line(reason)}")
    await ctx.record(denied, *follow)
    return {"message": f"PR {approval.pr}: {'sent back with your notes' if verdict == 'changes' else 'rejected'}"}


def _approval(ctx: Context, args: Args, *states: ApprovalState) -> Approval:
    approval = ctx.reader.approval(text_of(args, "approval"))
    if approval is None:
        raise UsageError("no such approval", text_of(args, "approval"), "`fleet approval list`")
    if approval.state not in states:
        ago = f", {max(0, ctx.now_ns() - approval.decided_ns) // _SECOND} s ago" if approval.decided_ns else ""
        who_decided = f" by {approval.decided_by}{ago}" if approval.decided_by else ""
        why = f": {approval.reason}" if approval.reason else ""
        told = f"{approval.id} is {approval.state.value}{who_decided}{why}"
        raise Conflict("already decided", told, f"fleet pr show {approval.pr}")
    return approval
