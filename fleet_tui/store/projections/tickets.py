"""Tickets and the workspaces made for them."""

from __future__ import annotations

from fleet_tui.domain.events import (
    Event,
    Payload,
    TicketBlocked,
    TicketChanged,
    TicketClaimed,
    TicketClosed,
    TicketCompleted,
    TicketCreated,
    TicketReady,
    TicketShipped,
    TicketSplit,
    TicketUnblocked,
    TicketWithdrawn,
    WorkspaceCreated,
    WorkspaceRemoved,
    payload_of,
)
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS, TicketState
from fleet_tui.store.canonical import dumps
from fleet_tui.store.projections.base import Apply
from fleet_tui.store.tables import PULL_REQUEST, RUN, TICKET, WORKSPACE, Row, Tables


def created(tables: Tables, event: Event) -> None:
    ticket = payload_of(event, TicketCreated)
    if tables.get(TICKET, ticket.ticket) is not None:
        changed(tables, event)
        return
    blank = {"agent": None, "run": None, "pr": None, "blocked_reason": "", "question": None, "parts": "[]"}
    times = {"created_ns": event.at_ns, "changed_ns": event.at_ns}
    row = {"number": ticket.ticket, "state": TicketState.DRAFT.value, **_described(ticket), **blank, **times}
    tables.put(TICKET, row)


def changed(tables: Tables, event: Event) -> None:
    ticket = payload_of(event, TicketChanged)
    tables.change(TICKET, ticket.ticket, **_described(ticket))


def ready(tables: Tables, event: Event) -> None:
    number = payload_of(event, TicketReady).ticket
    if _state(tables, number) in (TicketState.DRAFT, TicketState.CLOSED):
        _move(tables, event, number, TicketState.READY)


def withdrawn(tables: Tables, event: Event) -> None:
    number = payload_of(event, TicketWithdrawn).ticket
    if _state(tables, number) is TicketState.READY:
        _move(tables, event, number, TicketState.DRAFT)


def claimed(tables: Tables, event: Event) -> None:
    claim = payload_of(event, TicketClaimed)
    _move(tables, event, claim.ticket, TicketState.IN_PROGRESS, agent=claim.agent, run=claim.run, **_NOT_BLOCKED)


def blocked(tables: Tables, event: Event) -> None:
    block = payload_of(event, TicketBlocked)
    why = {"blocked_reason": block.reason, "question": block.question}
    _move(tables, event, block.ticket, TicketState.BLOCKED, **why)


def unblocked(tables: Tables, event: Event) -> None:
    number = payload_of(event, TicketUnblocked).ticket
    ticket = tables.get(TICKET, number)
    if ticket is None:
        return
    state = _state_after_block(tables, ticket)
    holder = {"agent": None, "run": None} if state is TicketState.READY else {}
    _move(tables, event, number, state, **holder, **_NOT_BLOCKED)


def shipped(tables: Tables, event: Event) -> None:
    ticket = payload_of(event, TicketShipped)
    _move(tables, event, ticket.ticket, TicketState.SHIPPED, pr=ticket.pr, **_NOT_BLOCKED)


def split(tables: Tables, event: Event) -> None:
    division = payload_of(event, TicketSplit)
    tables.change(TICKET, division.ticket, parts=dumps(division.parts))


def completed(tables: Tables, event: Event) -> None:
    _move(tables, event, payload_of(event, TicketCompleted).ticket, TicketState.SHIPPED, **_NOT_BLOCKED)


def closed(tables: Tables, event: Event) -> None:
    _move(tables, event, payload_of(event, TicketClosed).ticket, TicketState.CLOSED, **_NOT_BLOCKED)


def workspace_created(tables: Tables, event: Event) -> None:
    made = payload_of(event, WorkspaceCreated)
    place = {"ticket": made.ticket, "branch": made.branch, "base_sha": made.base_sha, "path": made.path}
    tables.put(WORKSPACE, {**place, "removed": False, "backup_ref": None})


def workspace_removed(tables: Tables, event: Event) -> None:
    gone = payload_of(event, WorkspaceRemoved)
    tables.change(WORKSPACE, gone.ticket, removed=True, backup_ref=gone.backup_ref)


_NOT_BLOCKED = {"blocked_reason": "", "question": None}


def _described(ticket: TicketCreated | TicketChanged) -> Row:
    """The columns that the ticket's text determines."""
    return {
        "title": ticket.title,
        "excerpt": ticket.excerpt,
        "body_sha": ticket.body_sha,
        "labels": dumps(ticket.labels),
        "depends_on": dumps(ticket.depends_on),
        "priority": ticket.priority,
        "scope": dumps(ticket.scope),
        "repo": ticket.repo,
    }


def _move(tables: Tables, event: Event, number: int, state: TicketState, **changes: object) -> None:
    row = tables.get(TICKET, number)
    if row is None:
        return
    changed_ns = row["changed_ns"] if row["state"] == state else event.at_ns
    tables.put(TICKET, {**row, **changes, "state": state.value, "changed_ns": changed_ns})


def _state(tables: Tables, number: int) -> TicketState | None:
    row = tables.get(TICKET, number)
    return None if row is None else TicketState(row["state"])


def _state_after_block(tables: Tables, ticket: Row) -> TicketState:
    run = tables.get(RUN, ticket["run"]) if ticket["run"] else None
    if run is not None and run["state"] in LIVE_RUNS:
        return TicketState.IN_PROGRESS
    pull = tables.get(PULL_REQUEST, ticket["pr"]) if ticket["pr"] is not None else None
    if pull is not None and pull["state"] in OPEN_PULL_REQUESTS:
        return TicketState.IN_REVIEW
    return TicketState.READY


APPLY: dict[type[Payload], Apply] = {
    TicketCreated: created,
    TicketChanged: changed,
    TicketReady: ready,
    TicketWithdrawn: withdrawn,
    TicketClaimed: claimed,
    TicketBlocked: blocked,
    TicketUnblocked: unblocked,
    TicketShipped: shipped,
    TicketClosed: closed,
    TicketSplit: split,
    TicketCompleted: completed,
    WorkspaceCreated: workspace_created,
    WorkspaceRemoved: workspace_removed,
}
