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
    ev.ReleaseDeclined.kind: (ev.ReleaseRequested.kind, "version"),
    ev.ReleaseTagged.kind: (ev.ReleaseRequested.kind, "version"),
    ev.TicketUnblocked.kind: (ev.TicketBlocked.kind, "ticket"),
}
"""Kind → the kind that it answers, and the field of the payload in which both agree."""
ALARMS: Mapping[str, tuple[str, ...]] = {
    "blocked": (ev.PullRequestStateChanged.kind,),
    "budget": (ev.BudgetExhausted.kind,),
    "budget-warning": (ev.BudgetWarning.kind,),
    "budget-wanted": (ev.BudgetExtensionSeconded.kind,),
    "command-denied": (ev.PolicyDenied.kind,),
    "config": (ev.ConfigRejected.kind,),
    "crash-loop": (ev.RunCrashed.kind,),
    "halt": (ev.FleetHalted.kind,),
    "land": (ev.MergeFailed.kind,),
    "quarantine": (ev.AgentQuarantined.kind,),
    "risk-high": (ev.RiskChanged.kind,),
    "risk-medium": (ev.RiskChanged.kind,),
}
"""An alarm's rule → the kinds of the event about the same thing that it tells of."""
CONTAINED: Mapping[str, str] = {"denials": ev.PolicyDenied.kind, "risk": ev.RiskChanged.kind}
"""The rule that put an agent into quarantine → the kind of the event about the agent that was too much."""
_LOOKED_AT = 300


def with_cause(reader: Reader, draft: Draft) -> Draft:
    """``draft`` with the newest event that it answers as its cause, where it answers one and names no cause itself."""
    if draft.kind == ev.AlarmRaised.kind:
        return _of_alarm(reader, draft)
    if draft.kind == ev.AgentQuarantined.kind:
        return _newest(reader, draft, CONTAINED.get(str(draft.payload.get("rule"))), "agent")
    return _newest(reader, draft, *ANSWERS.get(draft.kind, (None, "")))


def _newest(reader: Reader, draft: Draft, kind: str | None, field: str) -> Draft:
    """``draft`` caused by the newest event of ``kind`` that agrees with it in ``field``."""
    wanted = draft.payload.get(field) if kind else None
    if draft.cause is not None or kind is None or wanted is None:
        return draft
    asked = reader.events(EventFilter(kinds=(kind,)), limit=_LOOKED_AT)
    found = next((event for event in reversed(asked) if event.payload.get(field) == wanted), None)
    return draft if found is None else replace(draft, cause=found.id)


def _of_alarm(reader: Reader, draft: Draft) -> Draft:
    """An alarm with the newest event that it tells of, or with the alarm that it probably follows from."""
    kinds = ALARMS.get(str(draft.payload.get("rule")), ())
    told = reader.events(EventFilter(kinds=kinds, subjects=(draft.subject,)), limit=1) if kinds else []
    if not told and (first := draft.payload.get("first")) is not None:
        raised = reader.events(EventFilter(kinds=(ev.AlarmRaised.kind,)), limit=_LOOKED_AT)
        told = [event for event in raised if event.payload.get("alarm") == first]
    return draft if draft.cause is not None or not told else replace(draft, cause=told[-1].id)
