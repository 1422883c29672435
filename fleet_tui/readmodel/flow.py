"""How tickets move through the stages of the pipeline, as the log tells it. Pure; instants are ``*_ns`` UTC."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any

from fleet_tui.domain.events import Event
from fleet_tui.domain.states import PullRequestState, TicketState

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
_KEPT = 2000
"""Stays and ships that are remembered: enough for the medians of any day."""


class Stage(StrEnum):
    """Where a ticket is on its way; what it waits for there is another matter."""

    READY = "READY"
    DEV = "DEV"
    REVIEW = "REVIEW"
    GATES = "GATES"
    APPROVAL = "APPROVAL"
    DONE = "DONE"


_OF_TICKET = {
    TicketState.READY: Stage.READY,
    TicketState.IN_PROGRESS: Stage.DEV,
    TicketState.BLOCKED: Stage.DEV,
    TicketState.IN_REVIEW: Stage.REVIEW,
    TicketState.SHIPPED: Stage.DONE,
}
_OF_PULL_REQUEST = {
    PullRequestState.NEEDS_REVIEW: Stage.REVIEW,
    PullRequestState.CHANGES_REQUESTED: Stage.DEV,
    PullRequestState.APPROVED: Stage.GATES,
    PullRequestState.GATED: Stage.APPROVAL,
    PullRequestState.MERGING: Stage.APPROVAL,
    PullRequestState.MERGED: Stage.DONE,
}


def stage_of(
    ticket: TicketState, pull_request: PullRequestState | None, *, gates_run: bool, before: Stage | None = None
) -> Stage | None:
    """The stage of a ticket with its open pull request; None for what is not on its way: drafts and closed ones.

    A pull request that waits for a person stays in the stage ``before``.
    """
    if ticket in (TicketState.SHIPPED, TicketState.CLOSED, TicketState.DRAFT) or pull_request is None:
        return _OF_TICKET.get(ticket)
    if pull_request is PullRequestState.BLOCKED:
        return before or Stage.REVIEW
    if pull_request is PullRequestState.NEEDS_REVIEW and gates_run:
        return Stage.GATES
    return _OF_PULL_REQUEST.get(pull_request, _OF_TICKET.get(ticket))


@dataclass(frozen=True, slots=True)
class Stay:
    """A ticket was in a stage and has left it."""

    ticket: int
    stage: Stage
    ended_ns: int
    seconds: int
    sent_back: bool = False
    """It went back to its author instead of on."""


@dataclass(frozen=True, slots=True)
class FlowSummary:
    """The last 24 hours in numbers; a median is missing where nothing was measured."""

    shipped: int
    lead_s: int | None
    """Median from ready to shipped."""
    medians_s: Mapping[Stage, int]
    decision_s: int | None
    """Median from the request of an approval to the word of a person."""
    sent_back: Mapping[Stage, int]
    """From where, how often."""


@dataclass(slots=True)
class _Way:
    """One ticket on its way."""

    ticket: TicketState = TicketState.DRAFT
    pull_request: PullRequestState | None = None
    gates: set[str] = field(default_factory=set)
    stage: Stage | None = None
    since_ns: int = 0
    ready_ns: int = 0


class Flow:
    """Folds events of :data:`KINDS`, oldest first, into where every ticket is since when, and how long it was where."""

    def __init__(self) -> None:
        self._ways: dict[int, _Way] = {}
        self._ticket_of: dict[int, int] = {}
        self._asked: dict[str, int] = {}
        self._stays: deque[Stay] = deque(maxlen=_KEPT)
        self._leads: deque[tuple[int, int]] = deque(maxlen=_KEPT)
        self._decisions: deque[tuple[int, int]] = deque(maxlen=_KEPT)

    def take(self, events: Iterable[Event]) -> None:
        """Fold what was appended."""
        for event in events:
            _APPLY[event.kind](self, event)

    def since(self, ticket: int) -> tuple[Stage | None, int]:
        """The stage that the log tells, and since when; ``(None, 0)`` of an unknown ticket."""
        way = self._ways.get(ticket)
        return (way.stage, way.since_ns) if way is not None else (None, 0)

    def usual_s(self, stage: Stage) -> int | None:
        """Median of all remembered stays; None with fewer than three, which say nothing."""
        found = [stay.seconds for stay in self._stays if stay.stage is stage]
        return int(median(found)) if len(found) >= 3 else None

    def summary(self, now_ns: int) -> FlowSummary:
        start_ns = now_ns - DAY_NS
        stays = [stay for stay in self._stays if stay.ended_ns >= start_ns]
        leads = [seconds for at_ns, seconds in self._leads if at_ns >= start_ns]
        back = [stay.stage for stay in stays if stay.sent_back]
        by_stage = {stage: [stay.seconds for stay in stays if stay.stage is stage] for stage in Stage}
        return FlowSummary(
            shipped=len(leads),
            lead_s=_median(leads),
            medians_s={stage: int(median(found)) for stage, found in by_stage.items() if found},
            decision_s=_median([seconds for at_ns, seconds in self._decisions if at_ns >= start_ns]),
            sent_back={stage: back.count(stage) for stage in Stage if stage in back},
        )

    # -- what events do ------------------------------------------------------------------------------------------------

    def ticket(self, event: Event, state: TicketState) -> None:
        number = _number(event, "ticket")
        way = self._ways.setdefault(number, _Way())
        if state is TicketState.READY and way.ticket is TicketState.DRAFT:
            way.ready_ns = event.at_ns
        if state is TicketState.SHIPPED and way.ticket is not TicketState.SHIPPED:
            started_ns = way.ready_ns or event.at_ns
            self._leads.append((event.at_ns, (event.at_ns - started_ns) // SECOND_NS))
        way.ticket = state
        self._move(number, way, event.at_ns)

    def pull_request(self, event: Event, state: PullRequestState) -> None:
        number = self._ticket_of.get(_number(event, "pr"))
        if number is None:
            return
        way = self._ways.setdefault(number, _Way())
        if way.pull_request is not PullRequestState.MERGED:
            way.pull_request = state
        self._move(number, way, event.at_ns)

    def created(self, event: Event) -> None:
        number = _number(event, "ticket")
        self._ticket_of[_number(event, "pr")] = number
        way = self._ways.setdefault(number, _Way())
        way.ticket, way.pull_request, way.gates = TicketState.IN_REVIEW, PullRequestState.NEEDS_REVIEW, set()
        self._move(number, way, event.at_ns)

    def gate(self, event: Event, *, runs: bool) -> None:
        number = self._ticket_of.get(_number(event, "pr"))
        if number is None:
            return
        way, gate = self._ways.setdefault(number, _Way()), str(event.payload.get("gate"))
        if runs:
            way.gates.add(gate)
        else:
            way.gates.discard(gate)
        self._move(number, way, event.at_ns)

    def asked(self, event: Event) -> None:
        self._asked[str(event.payload.get("approval"))] = event.at_ns

    def decided(self, event: Event) -> None:
        asked_ns = self._asked.pop(str(event.payload.get("approval")), None)
        if asked_ns is not None:
            self._decisions.append((event.at_ns, (event.at_ns - asked_ns) // SECOND_NS))

    def _move(self, number: int, way: _Way, at_ns: int) -> None:
        stage = stage_of(way.ticket, way.pull_request, gates_run=bool(way.gates), before=way.stage)
        if stage is way.stage:
            return
        if way.stage is not None:
            back = stage is Stage.DEV and way.stage not in (Stage.READY, Stage.DEV)
            self._stays.append(Stay(number, way.stage, at_ns, (at_ns - way.since_ns) // SECOND_NS, back))
        way.stage, way.since_ns = stage, at_ns


def _median(values: list[int]) -> int | None:
    return int(median(values)) if values else None


def _number(event: Event, name: str) -> int:
    value = event.payload.get(name)
    return value if isinstance(value, int) else 0


def _state(event: Event) -> PullRequestState:
    return PullRequestState(str(event.payload.get("state")))


def _ticket(state: TicketState) -> Callable[[Flow, Event], None]:
    return lambda flow, event: flow.ticket(event, state)


def _pull_request(state: PullRequestState) -> Callable[[Flow, Event], None]:
    return lambda flow, event: flow.pull_request(event, state)


_APPLY: dict[str, Callable[[Flow, Event], Any]] = {
    "ticket_ready": _ticket(TicketState.READY),
    "ticket_withdrawn": _ticket(TicketState.DRAFT),
    "ticket_claimed": _ticket(TicketState.IN_PROGRESS),
    "ticket_shipped": _ticket(TicketState.SHIPPED),
    "ticket_completed": _ticket(TicketState.SHIPPED),
    "ticket_closed": _ticket(TicketState.CLOSED),
    "pr_created": Flow.created,
    "pr_updated": _pull_request(PullRequestState.NEEDS_REVIEW),
    "pr_needs_review": _pull_request(PullRequestState.NEEDS_REVIEW),
    "pr_merged": _pull_request(PullRequestState.MERGED),
    "pr_state_changed": lambda flow, event: flow.pull_request(event, _state(event)),
    "gate_started": lambda flow, event: flow.gate(event, runs=True),
    "gate_passed": lambda flow, event: flow.gate(event, runs=False),
    "gate_failed": lambda flow, event: flow.gate(event, runs=False),
    "approval_requested": Flow.asked,
    "approval_granted": Flow.decided,
    "approval_denied": Flow.decided,
}
KINDS = tuple(_APPLY)
