"""Which event another one answers, so that the log leads from a decision back to what had asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fleet_tui.domain import events as ev
from fleet_tui.domain.events import Draft
from fleet_tui.store.reader import EventFilter, Reader

ANSWERS: Mapping[str, tuple[str, str]] = {
    ev.AgentReleased.kind: (ev.AgentQuarantined.kind, "agent"),
    ev.AgentResumed.kind: (ev.AgentPaused.kind, "agent"),
    ev.AlarmAcknowledged.kind: (ev.AlarmRaised.kind, "alarm"),
    ev.AlarmCleared.kind: (ev.AlarmRaised.kind, "alarm"),
    ev.AlarmShelved.kind: (ev.AlarmRaised.kind, "alarm"),
    ev.AlarmUnshelved.kind: (ev.AlarmShelved.kind, "alarm"),
    ev.ApprovalDenied.kind: (ev.ApprovalRequested.kind, "approval"),
    ev.ApprovalExpired.kind: (ev.ApprovalRequested.kind, "approval"),
    ev.ApprovalGranted.kind: (ev.ApprovalRequested.kind, "approval"),
    ev.ApprovalUndone.kind: (ev.ApprovalGranted.kind, "approval"),
    ev.ApprovalVoided.kind: (ev.ApprovalRequested.kind, "approval"),
    ev.PullRequestMerged.kind: (ev.ApprovalGranted.kind, "approval"),
    ev.QuestionAnswered.kind: (ev.Blocker.kind, "question"),
    ev.QuestionWithdrawn.kind: (ev.Blocker.kind, "question"),
    ev.TicketUnblocked.kind: (ev.TicketBlocked.kind, "ticket"),
}
"""Kind → the kind that it answers, and the field of the payload in which both agree."""
_LOOKED_AT = 300


def with_cause(reader: Reader, draft: Draft) -> Draft:
    """``draft`` with the newest event that it answers as its cause, where it answers one and names no cause itself."""
    kind, field = ANSWERS.get(draft.kind, ("", ""))
    wanted = draft.payload.get(field) if kind else None
    if draft.cause is not None or wanted is None:
        return draft
    asked = reader.events(EventFilter(kinds=(kind,)), limit=_LOOKED_AT)
    found = next((event for event in reversed(asked) if event.payload.get(field) == wanted), None)
    return draft if found is None else replace(draft, cause=found.id)
