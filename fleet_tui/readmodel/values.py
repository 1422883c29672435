"""The frozen values that screens draw. They hold facts, not text layout; instants are ``*_ns`` UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fleet_tui.domain.events import Event
from fleet_tui.domain.model import (
    Agent,
    Alarm,
    Approval,
    FleetRow,
    Gate,
    Message,
    PullRequest,
    Question,
    Release,
    Review,
    Run,
    Ticket,
)
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import RiskBand, RunState
from fleet_tui.domain.text import NOTHING, SafeText
from fleet_tui.readmodel.evidence import Bundle


class Doing(StrEnum):
    """What an agent does now: the word on its tile. What a person owes it is another axis (see NeedItem)."""

    RUN = "RUN"
    IDLE = "IDLE"
    ASK = "ASK"
    WAIT = "WAIT"
    LIMITED = "LIM"
    ERROR = "ERR"
    QUARANTINED = "QUAR"
    PAUSED = "PAUS"
    OFF = "OFF"


SIGNS: dict[Doing, str] = {
    Doing.RUN: "*",
    Doing.IDLE: "o",
    Doing.ASK: "?",
    Doing.WAIT: ":",
    Doing.LIMITED: "$",
    Doing.ERROR: "x",
    Doing.QUARANTINED: "#",
    Doing.PAUSED: "-",
    Doing.OFF: ".",
}
"""One ASCII cell for each word, so that no state depends on colour."""


class NeedKind(StrEnum):
    ALARM = "alarm"
    QUESTION = "question"
    APPROVAL = "approval"
    HELD = "held"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class NeedItem:
    """Something that waits for a person. ``id`` is the alarm's, question's or approval's id, or the ticket's number."""

    kind: NeedKind
    id: str
    priority: int
    agent: str | None
    """The agent to look at, if there is one."""
    title: SafeText
    since_ns: int
    deadline_ns: int | None
    """When harm is done or the matter decides itself."""
    pr: int | None = None
    about: str = ""
    """What it is about where that is no agent: ``PR 2``, ``ticket #3``, ``the fleet``."""
    response: SafeText = NOTHING
    """What is expected of the person, where the kind does not say it."""
    followers: int = 0
    """Of an alarm: others that stand and probably follow from it."""
    rule: str = ""
    """Of an alarm: what raised it."""
    subject: str = ""
    """Of an alarm: what it is about, as the log calls it: ``agent:dev``, ``pr:2``."""
    ticket: int | None = None
    """Of an alarm: the ticket that waits with it."""

    @property
    def who(self) -> str:
        """Whom or what the title speaks of; empty when it begins with that itself."""
        name = self.agent or self.about or "fleet"
        return "" if self.title.startswith(name) else name

    @property
    def key(self) -> str:
        """Unique in the queue and stable while the need exists."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run that an agent without a living process did last."""

    id: str
    state: RunState
    ended_ns: int
    ticket: int | None
    pr: int | None
    story: tuple[Event, ...] = ()
    """What it did, oldest first; only its end when there is much."""


@dataclass(frozen=True, slots=True)
class AgentTile:
    """One agent on the wall."""

    name: str
    role: str
    vendor: str
    model: str | None
    doing: Doing
    since_ns: int
    """When that began; 0 when unknown."""
    source: str
    """Where the state was learnt: runner, hook, screen, bus, rule."""
    reason: SafeText
    badge: int
    """Priority of its most urgent need or alarm; 0: none."""
    badge_open: bool
    """Whether anything of that priority still waits for an acknowledgement."""
    run: str | None
    session: str
    pane_uuid: str
    """Empty when no process lives."""
    more_runs: int
    """Live runs of the same agent besides this one."""
    ticket: int | None
    ticket_title: SafeText
    pr: int | None
    branch: SafeText
    used_s: int
    budgets: tuple[Standing, ...]
    """Those it spends from, the one that will stop it first at the front; empty: nothing limits it."""
    quarantined: bool
    paused: bool
    last: LastRun | None = None
    """None while a process lives, and before the first run."""
    risk: int = 0
    """Of the living run."""
    risk_band: RiskBand = RiskBand.LOW
    unsure: bool = False
    """Whether what tells of its state does not agree, or is old."""
    cannot_start: bool = False
    """Its program is missing here; ``reason`` names it and what to do."""
    held: bool = False
    """Its run was lost, and begins again when a person restores it; ``reason`` says how."""
    stops_ns: int | None = None
    """When its run stops because a person wants that: until then it can be taken back."""
    stops_again: bool = False
    """Whether the same work begins again then."""
    department: SafeText = NOTHING
    teams: tuple[str, ...] = ()
    """Those that the configuration puts it in."""

    @property
    def word(self) -> str:
        """What it does, with a question mark where that is not sure."""
        return f"{self.doing}?" if self.unsure else str(self.doing)

    @property
    def budget(self) -> Standing | None:
        """The one that will stop it first."""
        return self.budgets[0] if self.budgets else None


@dataclass(frozen=True, slots=True)
class ApprovalCard:
    """A decision that waits for a person (or is held), with all its evidence."""

    approval: Approval
    pull_request: PullRequest
    ticket_title: SafeText
    gates: tuple[Gate, ...]
    reviews: tuple[Review, ...]
    release: Release | None
    void: Approval | None = None
    """The approval before this one that a person had granted, and that did not hold."""

    @property
    def id(self) -> str:
        return self.approval.id

    def is_current(self, review: Review) -> bool:
        """Whether the verdict was given on the head that would land; others do not count."""
        return review.head_sha == self.approval.head_sha

    def gate_is_current(self, gate: Gate) -> bool:
        """Whether the gate ran on the very tree that would land."""
        return gate.tree == self.approval.tree


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """Counts for the first line."""

    agents: int
    doing: tuple[tuple[Doing, int], ...]
    needs: int
    badges: tuple[tuple[int, bool, int], ...]
    """(priority, open, count) in order of urgency."""
    tickets: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent picture of the fleet, read in one transaction."""

    at_ns: int
    seq: int
    """Sequence number of the newest event in it."""
    fleet: FleetRow
    summary: FleetSummary
    tiles: tuple[AgentTile, ...]
    """In fixed order: the order of configuration, then agents that left it."""
    needs: tuple[NeedItem, ...]
    approvals: tuple[ApprovalCard, ...]
    alarms: tuple[Alarm, ...]
    """Active and acknowledged ones, most urgent first."""
    questions: tuple[Question, ...]
    config_since_ns: int = 0
    """When the configuration in force was taken over; known only while a later one is rejected."""

    def tile(self, name: str) -> AgentTile | None:
        return next((tile for tile in self.tiles if tile.name == name), None)

    def card(self, approval: str) -> ApprovalCard | None:
        return next((card for card in self.approvals if card.id == approval), None)


@dataclass(frozen=True, slots=True)
class AgentDetail:
    """Everything about one agent and one of its runs."""

    tile: AgentTile
    agent: Agent
    run: Run | None
    runs: tuple[Run, ...]
    """Newest first."""
    last: LastRun | None
    """What stands for the pane: the run on show when it has ended, the one before it when it has not begun."""
    ticket: Ticket | None
    pull_request: PullRequest | None
    reviews: tuple[Review, ...]
    gates: tuple[Gate, ...]
    question: Question | None
    messages: tuple[Message, ...]
    alarms: tuple[Alarm, ...]
    timeline: tuple[Event, ...]
    """Oldest first."""
    bundle: Bundle | None = None
    """What was kept when the agent was contained."""


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else's control room, as it tells of itself."""

    who: SafeText
    looks_at: str
    """The approval on show there; empty: none."""
    decides: bool
    """Whether a strip about it is open there."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the picture can be trusted: it can as long as the watcher answers and the database can be read."""

    fresh_ns: int
    """When both were last true; 0: never since the start."""
    missed: int
    """Checks failed in a row."""
    error: str
    """What the last failed check said."""
    status: tuple[tuple[str, str], ...] = ()
    """The watcher's answer: pid, isolation, signal and so on, as text."""
    others: tuple[Other, ...] = ()
    """Who else has a room open."""

    def beside(self, approval: str) -> Other | None:
        """Who else looks at an approval; whoever decides on it first."""
        there = [other for other in self.others if other.looks_at == approval]
        return max(there, key=lambda other: other.decides, default=None)


@dataclass(frozen=True, slots=True)
class Picture:
    """What the feed hands to the room."""

    snapshot: Snapshot | None
    health: Health

    def says_the_same_as(self, other: Picture) -> bool:
        """Whether only the instant differs at which it was last known to be true."""
        mine, theirs = self.health, other.health
        # The watcher's status counts its own seconds: who shows it reads it with the clock.
        same = (mine.missed, mine.error, mine.others) == (theirs.missed, theirs.error, theirs.others)
        return self.snapshot is other.snapshot and same
