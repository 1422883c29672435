"""The pipeline: every ticket in its stage, since when, and who has to move for it to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fleet_tui.domain.model import Agent, Gate, PullRequest, Run, Ticket
from fleet_tui.domain.repositories import titled
from fleet_tui.domain.states import (
    LIVE_RUNS,
    OPEN_PULL_REQUESTS,
    ApprovalState,
    GateState,
    PullRequestState,
    RunState,
    TicketState,
)
from fleet_tui.domain.text import NOTHING, SafeText, one_line
from fleet_tui.readmodel.flow import DAY_NS, KINDS, SECOND_NS, Flow, FlowSummary, Stage, stage_of
from fleet_tui.readmodel.values import AgentTile, ApprovalCard, Doing, Snapshot
from fleet_tui.store.reader import EventFilter, Reader

SCAN = 4000
"""Events folded in one go: some tens of milliseconds."""
_HELD_UP = {Doing.QUARANTINED: "is quarantined", Doing.PAUSED: "is paused", Doing.LIMITED: "has no budget left"}
_STARTS = {Stage.DEV: "ticket_ready", Stage.REVIEW: "pr_needs_review"}
"""The event whose subscribers work in a stage."""
_OLD_S = {Stage.DEV: 7200, Stage.REVIEW: 3600, Stage.GATES: 3600, Stage.APPROVAL: 3600}
"""From when a ticket is too old in a stage of which too little is known; READY and DONE are never too old."""
_OLD_TIMES, _OLD_AT_LEAST_S = 3, 600
"""Else: so many times as long as usual, but not within minutes."""


@dataclass(frozen=True, slots=True)
class TicketCard:
    """One ticket on the board."""

    number: int
    title: SafeText
    stage: Stage
    since_ns: int
    """When it came into the stage."""
    draft: bool = False
    agent: str | None = None
    doing: Doing | None = None
    """Of the agent, while it works on this ticket."""
    pr: int | None = None
    risk: int = 0
    round: int = 0
    waits: SafeText = NOTHING
    """Who or what has to move for it to go on."""
    you: bool = False
    """It waits for a person."""
    old: bool = False
    approval: str | None = None
    """Of the approval that waits for a decision, or is held."""
    body_sha: str = ""
    """Names the ticket's text."""
    parts: tuple[int, ...] = ()
    """The tickets that it was divided into."""

    @property
    def may_be_divided(self) -> bool:
        """Only what nobody has begun, and once."""
        return self.stage is Stage.READY and not self.parts


@dataclass(frozen=True, slots=True)
class Column:
    """A stage with its tickets, the oldest first; of DONE the newest first, and only those of the last 24 hours."""

    stage: Stage
    cards: tuple[TicketCard, ...]
    limit: int | None
    """Runs that may work in it at a time; None: nothing limits it."""
    usual_s: int | None

    @property
    def count(self) -> int:
        """Tickets that are in the stage; drafts are not."""
        return sum(not card.draft for card in self.cards)


@dataclass(frozen=True, slots=True)
class Board:
    columns: tuple[Column, ...]
    flow: FlowSummary

    @property
    def cards(self) -> tuple[TicketCard, ...]:
        return tuple(card for column in self.columns for card in column.cards)

    def card(self, number: int) -> TicketCard | None:
        return next((card for card in self.cards if card.number == number), None)

    def column(self, stage: Stage) -> Column:
        return next(column for column in self.columns if column.stage is stage)

    @property
    def slowest(self) -> TicketCard | None:
        """Of the tickets under way the one that has been longest in its stage."""
        under_way = [card for card in self.cards if card.stage not in (Stage.READY, Stage.DONE)]
        return min(under_way, key=lambda card: (card.since_ns, card.number), default=None)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the board is made of."""

    tickets: Sequence[Ticket]
    pull_requests: Mapping[int, PullRequest]
    agents: Sequence[Agent]
    runs: Sequence[Run]
    """Living and queued ones."""
    gates: Sequence[Gate]
    """Running ones."""
    tiles: Mapping[str, AgentTile]
    cards: Mapping[int, ApprovalCard]
    """By pull request."""
    asked: Mapping[int, str]
    """Ticket → who asked a question about it."""
    state_of: Mapping[int, TicketState]


class Pipeline:
    """Reads boards. It remembers what it has read of the log; only for the thread that made it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._flow = Flow()
        self._read_to = 0
        self.complete = False
        """Whether the log has been read to its end; before that ages and medians are of its older part."""

    def catch_up(self) -> None:
        """Fold the next part of the log."""
        events = self._reader.events(EventFilter(kinds=KINDS), after=self._read_to, limit=SCAN)
        self._flow.take(events)
        self._read_to = events[-1].seq if events else self._read_to
        self.complete = len(events) < SCAN

    def board(self, snapshot: Snapshot, now_ns: int) -> Board:
        reader = self._reader
        with reader.snapshot():
            tickets = reader.tickets()
            facts = _Facts(
                tickets,
                {found.number: found for found in reader.pull_requests(*OPEN_PULL_REQUESTS)},
                reader.agents(),
                reader.runs(RunState.QUEUED, *LIVE_RUNS),
                reader.gates(GateState.RUNNING),
                {tile.name: tile for tile in snapshot.tiles},
                {card.approval.pr: card for card in snapshot.approvals},
                {asked.ticket: asked.agent for asked in snapshot.questions if asked.ticket is not None},
                {ticket.number: ticket.state for ticket in tickets},
            )
        return board(facts, self._flow, now_ns)


def board(facts: _Facts, flow: Flow, now_ns: int) -> Board:
    usual = {stage: flow.usual_s(stage) for stage in Stage}
    found = [_card(ticket, facts, flow, usual, now_ns) for ticket in facts.tickets]
    cards = [card for card in found if card is not None]
    return Board(tuple(_column(stage, cards, facts, usual, now_ns) for stage in Stage), flow.summary(now_ns))


def _column(
    stage: Stage, cards: Sequence[TicketCard], facts: _Facts, usual: Mapping[Stage, int | None], now_ns: int
) -> Column:
    here = [card for card in cards if card.stage is stage]
    if stage is Stage.DONE:
        here = [card for card in here if now_ns - card.since_ns < DAY_NS]
        here.sort(key=lambda card: (-card.since_ns, card.number))
    else:
        here.sort(key=lambda card: (card.draft, card.since_ns, card.number))
    return Column(stage, tuple(here), _limit(stage, facts.agents), usual[stage])


def _limit(stage: Stage, agents: Sequence[Agent]) -> int | None:
    """Runs that may work in a stage at a time: of the agents that what happens there starts."""
    kind = _STARTS.get(stage)
    if kind is None:
        return None
    return sum(a.max_concurrent for a in agents if a.configured and a.enabled and kind in a.subscribes_to) or None


def _card(
    ticket: Ticket, facts: _Facts, flow: Flow, usual: Mapping[Stage, int | None], now_ns: int
) -> TicketCard | None:
    pull_request = facts.pull_requests.get(ticket.pr) if ticket.pr is not None else None
    told, told_ns = flow.since(ticket.number)
    draft = ticket.state is TicketState.DRAFT
    gates = [gate for gate in facts.gates if pull_request and gate.pr == pull_request.number]
    state = pull_request.state if pull_request else None
    stage = Stage.READY if draft else stage_of(ticket.state, state, gates_run=bool(gates), before=told)
    if stage is None:
        return None
    changed_ns = max(ticket.changed_ns, pull_request.changed_ns if pull_request else 0)
    since_ns = told_ns if told is stage else changed_ns
    approval = facts.cards.get(pull_request.number) if pull_request else None
    waits, you = _waits(_Case(ticket, pull_request, stage, gates, approval, facts))
    agent = pull_request.agent if pull_request else ticket.agent
    return TicketCard(
        number=ticket.number,
        title=one_line(titled(ticket)),
        stage=stage,
        since_ns=since_ns,
        draft=draft,
        agent=agent if stage is not Stage.READY else None,
        doing=_doing(ticket, pull_request, stage, facts),
        pr=ticket.pr,
        risk=pull_request.risk if pull_request else 0,
        round=pull_request.round if pull_request else 0,
        waits=one_line(waits),
        you=you,
        old=_is_old(stage, (now_ns - since_ns) // SECOND_NS, usual[stage]),
        approval=approval.id if approval else None,
        body_sha=ticket.body_sha,
        parts=ticket.parts,
    )


def _is_old(stage: Stage, age_s: int, usual_s: int | None) -> bool:
    if stage not in _OLD_S:
        return False
    return age_s > (_OLD_S[stage] if usual_s is None else max(_OLD_TIMES * usual_s, _OLD_AT_LEAST_S))


def _doing(ticket: Ticket, pull_request: PullRequest | None, stage: Stage, facts: _Facts) -> Doing | None:
    """What the agent does that has the ticket in hand in this stage; None when it works on something else."""
    name = pull_request.agent if pull_request else ticket.agent
    tile = facts.tiles.get(name) if name else None
    if tile is None or stage in (Stage.READY, Stage.DONE):
        return None
    if tile.doing in _HELD_UP or tile.ticket == ticket.number:
        return tile.doing
    return Doing.WAIT


# -- who has to move ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Case:
    ticket: Ticket
    pull_request: PullRequest | None
    stage: Stage
    gates: Sequence[Gate]
    approval: ApprovalCard | None
    facts: _Facts


def _waits(case: _Case) -> tuple[str, bool]:
    """Who or what has to move for a ticket to go on, and whether that is a person."""
    if case.ticket.number in case.facts.asked:
        return f"waits for your answer to {case.facts.asked[case.ticket.number]}", True
    if case.ticket.state is TicketState.BLOCKED:
        return f"waits for you: {case.ticket.blocked_reason or 'blocked'}", True
    return _WAITS[case.stage](case)


def _ready(case: _Case) -> tuple[str, bool]:
    parts = [n for n in case.ticket.parts if case.facts.state_of.get(n) is not TicketState.SHIPPED]
    if parts:
        return "done in parts: " + ", ".join(f"#{number}" for number in parts[:5]), False
    if case.ticket.state is TicketState.DRAFT:
        return "a draft: nobody takes it before it is ready", False
    missing = [n for n in case.ticket.depends_on if case.facts.state_of.get(n) is not TicketState.SHIPPED]
    if missing:
        return "needs " + ", ".join(f"#{number}" for number in missing[:5]), False
    return "waits for an agent that is free", False


def _dev(case: _Case) -> tuple[str, bool]:
    name = case.pull_request.agent if case.pull_request else case.ticket.agent
    tile = case.facts.tiles.get(name) if name else None
    if name is None or tile is None:
        return "waits for an agent", False
    if tile.doing in _HELD_UP:
        return f"{name} {_held_up(tile)}", True
    if tile.ticket == case.ticket.number and tile.pane_uuid:
        return f"{name} works on it", False
    if tile.held and tile.ticket == case.ticket.number:
        return f"the run of {name} was lost: fleet restore --plan", True
    return f"waits for a run of {name}", False


def _held_up(tile: AgentTile) -> str:
    at_ceiling = tile.doing is Doing.LIMITED and tile.source == "memory"
    return "is at the ceiling of its memory" if at_ceiling else _HELD_UP[tile.doing]


def _review(case: _Case) -> tuple[str, bool]:
    number = case.pull_request.number if case.pull_request else None
    runs = [run for run in case.facts.runs if run.pr == number and run.pr is not None]
    for run in sorted(runs, key=lambda run: run.state is RunState.QUEUED):
        tile = case.facts.tiles.get(run.agent)
        if tile is not None and tile.doing in _HELD_UP:
            return f"reviewer {run.agent} {_held_up(tile)}", True
        if run.held:
            return f"the review of {run.agent} was lost: fleet restore --plan", True
        return f"{run.agent} {'is to review' if run.state is RunState.QUEUED else 'reviews'} it", False
    return "waits for a reviewer", False


def _gates(case: _Case) -> tuple[str, bool]:
    names = ", ".join(dict.fromkeys(gate.name for gate in case.gates))
    return (f"gate {names} runs" if names else "waits for its gates"), False


def _approval(case: _Case) -> tuple[str, bool]:
    if case.approval is None:
        landing = case.pull_request is not None and case.pull_request.state is PullRequestState.MERGING
        return ("being landed" if landing else "waits for the release decision"), False
    if case.approval.approval.state is ApprovalState.HELD:
        return "approved and held: it lands by itself", False
    return "waits for your approval", True


_WAITS: Mapping[Stage, Callable[[_Case], tuple[str, bool]]] = {
    Stage.READY: _ready,
    Stage.DEV: _dev,
    Stage.REVIEW: _review,
    Stage.GATES: _gates,
    Stage.APPROVAL: _approval,
    Stage.DONE: lambda case: (f"landed as PR {case.ticket.pr}" if case.ticket.pr else "shipped", False),
}
