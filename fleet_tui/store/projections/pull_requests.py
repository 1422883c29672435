"""Pull requests, reviews and release decisions."""

from __future__ import annotations

from fleet_tui.domain.events import (
    Event,
    Payload,
    PullRequestApproved,
    PullRequestChangesRequested,
    PullRequestCreated,
    PullRequestMerged,
    PullRequestNeedsReview,
    PullRequestStateChanged,
    PullRequestUpdated,
    ReleaseDecided,
    ReviewWithdrawn,
    payload_of,
)
from fleet_tui.domain.states import ApprovalState, PullRequestState, TicketState, Verdict
from fleet_tui.store.projections.base import Apply, publish
from fleet_tui.store.projections.risk import NO_RISK
from fleet_tui.store.tables import APPROVAL, PULL_REQUEST, RELEASE, REVIEW, TICKET, Tables


def created(tables: Tables, event: Event) -> None:
    pull = payload_of(event, PullRequestCreated)
    publish(tables, pull.run)
    if tables.get(PULL_REQUEST, pull.pr) is not None:
        return
    facts = pull.as_dict()
    facts["number"] = facts.pop("pr")
    state = {"state": PullRequestState.NEEDS_REVIEW.value, "reason": "", "round": 1, "merge_sha": None}
    risk = {**NO_RISK, "risk_head": ""}
    tables.put(PULL_REQUEST, {**facts, **state, **risk, "created_ns": event.at_ns, "changed_ns": event.at_ns})
    ticket = tables.get(TICKET, pull.ticket)
    if ticket is not None:
        review = {"state": TicketState.IN_REVIEW.value, "pr": pull.pr, "changed_ns": event.at_ns}
        tables.put(TICKET, {**ticket, **review})


def updated(tables: Tables, event: Event) -> None:
    update = payload_of(event, PullRequestUpdated)
    facts = update.as_dict()
    publish(tables, update.run)
    facts.pop("pr")
    _move(tables, event, update.pr, PullRequestState.NEEDS_REVIEW, **facts, reason="")


def needs_review(tables: Tables, event: Event) -> None:
    call = payload_of(event, PullRequestNeedsReview)
    _move(tables, event, call.pr, PullRequestState.NEEDS_REVIEW, round=call.round, reason="")


def approved(tables: Tables, event: Event) -> None:
    _review(tables, event, payload_of(event, PullRequestApproved), Verdict.APPROVED)


def changes_requested(tables: Tables, event: Event) -> None:
    _review(tables, event, payload_of(event, PullRequestChangesRequested), Verdict.CHANGES_REQUESTED)


def review_withdrawn(tables: Tables, event: Event) -> None:
    gone = payload_of(event, ReviewWithdrawn)
    facts = {"verdict": Verdict.WITHDRAWN.value, "summary": gone.reason, "at_ns": event.at_ns}
    tables.change(REVIEW, gone.pr, gone.agent, gone.head_sha, **facts)


def state_changed(tables: Tables, event: Event) -> None:
    change = payload_of(event, PullRequestStateChanged)
    _move(tables, event, change.pr, PullRequestState(change.state), reason=change.reason, round=change.round)


def release_decided(tables: Tables, event: Event) -> None:
    release = payload_of(event, ReleaseDecided)
    publish(tables, release.run)
    tables.put(RELEASE, {**release.as_dict(), "at_ns": event.at_ns})


def merged(tables: Tables, event: Event) -> None:
    merge = payload_of(event, PullRequestMerged)
    _move(tables, event, merge.pr, PullRequestState.MERGED, merge_sha=merge.merge_sha, reason="")
    if merge.approval is not None:
        tables.change(APPROVAL, merge.approval, state=ApprovalState.USED.value)


def _move(tables: Tables, event: Event, number: int, state: PullRequestState, **changes: object) -> None:
    """A merge is final: a late verdict or update must not reopen what has landed."""
    row = tables.get(PULL_REQUEST, number)
    if row is None or row["state"] == PullRequestState.MERGED:
        return
    changed_ns = row["changed_ns"] if row["state"] == state else event.at_ns
    tables.put(PULL_REQUEST, {**row, **changes, "state": state.value, "changed_ns": changed_ns})


def _review(
    tables: Tables, event: Event, review: PullRequestApproved | PullRequestChangesRequested, verdict: Verdict
) -> None:
    publish(tables, review.run)
    facts = review.as_dict()
    facts.pop("data")
    tables.put(REVIEW, {**facts, "verdict": verdict.value, "at_ns": event.at_ns})


APPLY: dict[type[Payload], Apply] = {
    PullRequestCreated: created,
    PullRequestUpdated: updated,
    PullRequestNeedsReview: needs_review,
    PullRequestApproved: approved,
    PullRequestChangesRequested: changes_requested,
    ReviewWithdrawn: review_withdrawn,
    PullRequestStateChanged: state_changed,
    ReleaseDecided: release_decided,
    PullRequestMerged: merged,
}
