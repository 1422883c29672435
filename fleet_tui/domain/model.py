"""What the tables hold, as frozen values. The store reads them; the watcher decides on them; the screens show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fleet_tui.domain.states import (
    AlarmState,
    ApprovalState,
    EffectClass,
    EffectState,
    GateState,
    MessageState,
    PullRequestState,
    RiskBand,
    RunState,
    TicketState,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Agent:
    """A configured role with its latched conditions. Spent time is the sum over its runs."""

    name: str
    role: str
    vendor: str
    model: str | None
    enabled: bool
    max_concurrent: int
    department: str | None
    reports_to: str | None
    subscribes_to: tuple[str, ...]
    budget_s: int | None
    extended_s: int
    charged_ms: int
    quarantined: bool
    quarantine_reason: str
    paused: bool
    epoch: int
    denials: int
    """Policy denials since the last release."""
    acked_seq: int
    configured: bool
    """False when the agent is no longer in the configuration."""
    run_budgets: tuple[Any, ...] = ()
    """What each of its runs may spend, since a release on conditions: rules as they are recorded."""
    risk_floor: int = 0
    """The least risk of its work, on the same conditions."""
    teams: tuple[str, ...] = ()
    """Those that the configuration puts it in."""


@dataclass(frozen=True, slots=True)
class Ticket:
    number: int
    title: str
    excerpt: str
    body_sha: str
    labels: tuple[str, ...]
    depends_on: tuple[int, ...]
    priority: int
    state: TicketState
    agent: str | None
    run: str | None
    pr: int | None
    blocked_reason: str
    question: str | None
    created_ns: int
    changed_ns: int
    """When the state last changed."""
    scope: tuple[str, ...] = ()
    """Patterns of where the work is expected to stay; empty: not said."""
    parts: tuple[int, ...] = ()
    """The tickets that it was divided into: it has shipped when all of them have."""
    repo: str = ""
    """Which of `repos` it is of; empty: the fleet's home."""


MOST_CONTEXT_PERCENT = 125
"""A program that is about to compact its context may be over it by so much; more cannot be."""
TO_BE_RESTORED = "it was lost: it waits for you, see `fleet restore --plan`"
"""The reason of a queued run that begins when a person restores it."""
CANNOT_START = "cannot start: "
"""How the reason of a queued run begins whose program is not there."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process life of an agent on one ticket."""

    id: str
    agent: str
    role: str
    vendor: str
    model: str | None
    trigger: str
    ticket: int | None
    pr: int | None
    head_sha: str | None
    round: int
    attempt: int
    previous: str | None
    instructions: str
    not_before_ns: int
    state: RunState
    state_source: str
    state_reason: str
    state_ns: int
    session: str
    pane_uuid: str
    workspace: str
    branch: str
    base_sha: str
    isolation: str
    agent_epoch: int
    token_sha: str
    host: str
    queued_ns: int
    started_ns: int | None
    ended_ns: int | None
    exit_code: int | None
    signal: int | None
    active_ms: int
    charged_ms: int
    stop_requested: bool
    published: bool
    """Whether the run has done its part: a pull request, a verdict, a blocker, a decision."""
    queued_id: str
    """Id of the event that queued it: the cause of what it does."""
    risk: int = 0
    """From 0 to 100."""
    risk_band: RiskBand = RiskBand.LOW
    risk_reasons: tuple[str, ...] = ()
    """Points and what for, one per factor."""
    lens: str = ""
    """What it is to look for, as a reviewer."""
    context_used: int | None = None
    """Tokens in the context of its session; None: not known."""
    context_window: int | None = None
    """How many it may hold; None: not known."""
    context_source: str = ""
    """Which figures of its program say so."""
    held: bool = False
    """Whether it begins only when a person restores it."""
    memory_mb: int | None = None
    """What its processes may take together; None: there is no ceiling."""
    memory_by: str = ""
    """Who holds it there: the watcher, by its runner's measuring, or the kernel too."""
    stop_until_ns: int | None = None
    """Until when the stop that a person asked for can be taken back; None: none is held."""
    stop_again: bool = False
    """Whether its work begins again after the held stop."""

    @property
    def context_percent(self) -> int | None:
        """How full its context is; None: not known."""
        if not self.context_used or not self.context_window:
            return None
        return min(100 * self.context_used // self.context_window, MOST_CONTEXT_PERCENT)

    @property
    def cannot_start(self) -> bool:
        """Whether it waits for a program that is missing here."""
        return self.state is RunState.QUEUED and self.state_reason.startswith(CANNOT_START)


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a vendor whose usage limit was met at least once."""

    id: str
    vendor: str
    agent: str
    """Who met it first."""
    reason: str
    limited: bool
    """Whether anybody may still wait for it."""
    limited_ns: int
    reset_ns: int | None
    """When it is over, as the vendor said; None: it did not."""
    opened_ns: int | None
    """When a person let its agents go on before that."""
    released_ns: int | None
    """When the last of those who waited went on."""
    released: int
    """How many have gone on since."""
    limits: int
    """How many came in a row, none of which was over before the next."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    number: int
    ticket: int
    title: str
    body: str
    branch: str
    target: str
    agent: str
    run: str
    head_sha: str
    base_sha: str
    state: PullRequestState
    reason: str
    round: int
    files: int
    added: int
    deleted: int
    merge_sha: str | None
    created_ns: int
    changed_ns: int
    risk: int = 0
    """From 0 to 100."""
    risk_band: RiskBand = RiskBand.LOW
    risk_reasons: tuple[str, ...] = ()
    """Points and what for, one per factor."""
    risk_head: str = ""
    """The head that the risk is of; empty: not known yet."""


@dataclass(frozen=True, slots=True)
class Review:
    pr: int
    agent: str
    run: str
    role: str
    verdict: Verdict
    head_sha: str
    summary: str
    at_ns: int
    lens: str = ""
    """What it looked for; empty when nothing special."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's result on one tree."""

    id: str
    name: str
    pr: int
    tree: str
    head_sha: str
    base_sha: str
    command: str
    state: GateState
    exit_code: int | None
    duration_ms: int
    log: str
    tail: str
    reason: str
    started_ns: int
    isolation: str = ""
    """The level that it ran at; empty when that is not known."""


@dataclass(frozen=True, slots=True)
class Release:
    """The release-manager role's latest decision on a pull request."""

    pr: int
    agent: str
    run: str
    head_sha: str
    decision: str
    summary: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Approval:
    id: str
    pr: int
    ticket: int
    head_sha: str
    base_sha: str
    tree: str
    gates: str
    policy: str
    reasons: tuple[str, ...]
    state: ApprovalState
    requested_ns: int
    expires_ns: int
    hold_until_ns: int | None
    decided_ns: int | None
    decided_by: str | None
    reason: str
    verdict: str
    risk_band: RiskBand = RiskBand.LOW
    """What the risk was when it was asked: above that the word does not reach."""
    quorum: int = 1
    votes: tuple[str, ...] = ()
    """The persons who have approved, in order, each once."""


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    run: str
    agent: str
    ticket: int | None
    summary: str
    answer: str | None
    asked_ns: int
    answered_ns: int | None


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    run: str
    purpose: str
    text: str
    text_sha: str | None
    sender: str
    state: MessageState
    reason: str
    sent_ns: int


@dataclass(frozen=True, slots=True)
class Mail:
    """An event in an agent's inbox."""

    seq: int
    agent: str
    kind: str
    sender: str
    summary: str
    payload: dict[str, object]
    at_ns: int


@dataclass(frozen=True, slots=True)
class Alarm:
    id: str
    rule: str
    priority: int
    title: str
    response: str
    about: str
    state: AlarmState
    acknowledged_by: str | None
    raised_ns: int
    cleared_ns: int | None
    first: str | None = None
    """The alarm that came first of its group: this one is probably its effect."""
    shelved_until_ns: int | None = None
    shelved_reason: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    id: str
    name: str
    effect_class: EffectClass
    target: str
    precondition: dict[str, object]
    state: EffectState
    fence: int
    error: str
    result: str
    cause: str | None
    planned_ns: int


@dataclass(frozen=True, slots=True)
class Workspace:
    ticket: int
    branch: str
    base_sha: str
    path: str
    removed: bool
    backup_ref: str | None


@dataclass(frozen=True, slots=True)
class FleetRow:
    """The fleet's own single row."""

    config_sha: str
    policy: str
    config_problems: tuple[str, ...]
    watcher_pid: int
    watcher_host: str
    watcher_epoch: int
    watcher_running: bool
    isolation: str
    target: str
    target_sha: str
    published_sha: str
    halted: str = ""
    """Why everything is stopped; empty while it is not."""
    budgets: tuple[dict[str, Any], ...] = ()
    """The rules in force, as the configuration described them; see ``domain.spending.rules_of``."""
