"""Gates and approvals."""

from __future__ import annotations

import json

from fleet_tui.domain.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRequested,
    ApprovalSeconded,
    ApprovalUndone,
    ApprovalVoided,
    Event,
    GateFailed,
    GatePassed,
    GateStarted,
    Payload,
    payload_of,
)
from fleet_tui.domain.states import ApprovalState, GateState
from fleet_tui.store.canonical import dumps
from fleet_tui.store.projections.base import Apply
from fleet_tui.store.tables import APPROVAL, GATE, Row, Tables

_OPEN = (ApprovalState.REQUESTED, ApprovalState.HELD)


def gate_started(tables: Tables, event: Event) -> None:
    facts = payload_of(event, GateStarted).as_dict()
    facts["id"] = facts.pop("gate")
    no_result = {"exit_code": None, "duration_ms": 0, "log": "", "tail": "", "reason": ""}
    tables.put(GATE, {**facts, **no_result, "state": GateState.RUNNING.value, "started_ns": event.at_ns})


def gate_passed(tables: Tables, event: Event) -> None:
    result = payload_of(event, GatePassed)
    tables.change(GATE, result.gate, state=GateState.PASSED.value, reason="", **_result(result))


def gate_failed(tables: Tables, event: Event) -> None:
    result = payload_of(event, GateFailed)
    tables.change(GATE, result.gate, state=GateState.FAILED.value, reason=result.reason, **_result(result))


def requested(tables: Tables, event: Event) -> None:
    request = payload_of(event, ApprovalRequested)
    if tables.get(APPROVAL, request.approval) is not None:
        return
    facts = request.as_dict()
    facts["id"] = facts.pop("approval")
    facts["reasons"] = dumps(request.reasons)
    tables.put(APPROVAL, {**facts, **_UNDECIDED, "requested_ns": event.at_ns})


def seconded(tables: Tables, event: Event) -> None:
    vote = payload_of(event, ApprovalSeconded)
    _decide(tables, vote.approval, {"votes": _with_vote(tables, vote.approval, vote.by)})


def granted(tables: Tables, event: Event) -> None:
    grant = payload_of(event, ApprovalGranted)
    decision = {"decided_ns": event.at_ns, "decided_by": grant.by, "hold_until_ns": grant.hold_until_ns}
    votes = _with_vote(tables, grant.approval, grant.by)
    _decide(tables, grant.approval, {"state": ApprovalState.HELD.value, "votes": votes, **decision})


def undone(tables: Tables, event: Event) -> None:
    undo = payload_of(event, ApprovalUndone)
    _decide(tables, undo.approval, _UNDECIDED)


def denied(tables: Tables, event: Event) -> None:
    denial = payload_of(event, ApprovalDenied)
    decision = {"decided_ns": event.at_ns, "decided_by": denial.by, "reason": denial.reason, "verdict": denial.verdict}
    _decide(tables, denial.approval, {"state": ApprovalState.DENIED.value, **decision})


def voided(tables: Tables, event: Event) -> None:
    void = payload_of(event, ApprovalVoided)
    _decide(tables, void.approval, {"state": ApprovalState.VOIDED.value, "reason": void.reason})


def expired(tables: Tables, event: Event) -> None:
    _decide(tables, payload_of(event, ApprovalExpired).approval, {"state": ApprovalState.EXPIRED.value})


_UNDECIDED: Row = {
    "state": ApprovalState.REQUESTED.value,
    "hold_until_ns": None,
    "decided_ns": None,
    "decided_by": None,
    "reason": "",
    "verdict": "",
    "votes": "[]",
}


def _with_vote(tables: Tables, approval: str, by: str) -> str:
    row = tables.get(APPROVAL, approval)
    votes = json.loads(row["votes"]) if row is not None else []
    return dumps(votes if by in votes else [*votes, by])


def _decide(tables: Tables, approval: str, changes: Row) -> None:
    """Approvals are used once: one that is used, denied, voided or expired never comes back."""
    row = tables.get(APPROVAL, approval)
    if row is not None and row["state"] in _OPEN:
        tables.put(APPROVAL, {**row, **changes})


def _result(result: GatePassed | GateFailed) -> Row:
    return {"exit_code": result.exit_code, "duration_ms": result.duration_ms, "log": result.log, "tail": result.tail}


APPLY: dict[type[Payload], Apply] = {
    GateStarted: gate_started,
    GatePassed: gate_passed,
    GateFailed: gate_failed,
    ApprovalRequested: requested,
    ApprovalSeconded: seconded,
    ApprovalGranted: granted,
    ApprovalUndone: undone,
    ApprovalDenied: denied,
    ApprovalVoided: voided,
    ApprovalExpired: expired,
}
