"""The states things can be in. Values are what the log and the tables store."""

from __future__ import annotations

from enum import StrEnum


class TicketState(StrEnum):
    DRAFT = "draft"
    READY = "ready"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    """Waits for a person's answer."""
    IN_REVIEW = "in_review"
    """It has an open pull request; the pull request's state tells more."""
    SHIPPED = "shipped"
    CLOSED = "closed"


class RunState(StrEnum):
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """Asks a person, or waits for a gate or another role."""
    PAUSED = "paused"
    LIMITED = "limited"
    """Its budget or the vendor's limit is used up."""
    FINISHED = "finished"
    FAILED = "failed"
    CRASHED = "crashed"
    STOPPED = "stopped"
    QUARANTINED = "quarantined"


LIVE_RUNS = frozenset(
    {RunState.STARTING, RunState.RUNNING, RunState.WAITING, RunState.PAUSED, RunState.LIMITED, RunState.QUARANTINED}
)
"""States in which a process may exist."""
ENDED_RUNS = frozenset({RunState.FINISHED, RunState.FAILED, RunState.CRASHED, RunState.STOPPED})


class PullRequestState(StrEnum):
    NEEDS_REVIEW = "needs_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    """Every required reviewer approved the current head; gates may run."""
    GATED = "gated"
    """Every gate passed on the merge result of the current head and base."""
    MERGING = "merging"
    """Approved by policy; in its grace time or being landed."""
    MERGED = "merged"
    BLOCKED = "blocked"
    """Waits for a person: rounds used up, conflict, or a rejection."""
    CLOSED = "closed"


OPEN_PULL_REQUESTS = frozenset(PullRequestState) - {PullRequestState.MERGED, PullRequestState.CLOSED}


class Verdict(StrEnum):
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    WITHDRAWN = "withdrawn"
    """It was taken back, by whoever gave it or on the forge; nothing was said instead."""


class GateState(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class ApprovalState(StrEnum):
    REQUESTED = "requested"
    HELD = "held"
    """Granted; the effect waits out its grace time and can be undone."""
    USED = "used"
    DENIED = "denied"
    VOIDED = "voided"
    EXPIRED = "expired"


class MessageState(StrEnum):
    QUEUED = "queued"
    TYPED = "typed"
    SUBMITTED = "submitted"
    TAKEN_UP = "taken_up"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


OPEN_MESSAGES = (MessageState.QUEUED, MessageState.TYPED, MessageState.UNCERTAIN)
"""On their way to a pane, or perhaps not arrived."""


class EffectClass(StrEnum):
    """How often an effect on the world may happen, and how a repeat is prevented."""

    CAS = "cas"
    """Compare and swap: a repeat is refused by the target."""
    MARK = "mark"
    """A hidden marker is searched before a repeat."""
    ONCE = "once"
    """At most once; after a crash it is uncertain and probed, else a person decides."""
    FREE = "free"


class EffectState(StrEnum):
    READY = "ready"
    ATTEMPTING = "attempting"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


class AlarmState(StrEnum):
    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    """Out of sight until an instant, with a person's reason; its condition still stands."""
    CLEARED = "cleared"


STANDING_ALARMS = (AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED, AlarmState.SHELVED)
"""Alarms whose condition has not gone."""


class Isolation(StrEnum):
    """What holds an agent in; see docs/security.md."""

    L0 = "L0"
    """Same user, no sandbox: protects against accidents only; every merge needs a person."""
    L1 = "L1"
    """Bubblewrap."""
    L2 = "L2"
    """Bubblewrap, and another user of the machine."""


class RiskBand(StrEnum):
    """What a score of risk means; see docs/governance.md. In order of severity."""

    LOW = "low"
    MEDIUM = "medium"
    """A person is told."""
    HIGH = "high"
    """A person must approve the merge; the agent gets one run at a time."""
    CRITICAL = "critical"
    """The agent is quarantined."""

    @property
    def severity(self) -> int:
        return list(RiskBand).index(self)
