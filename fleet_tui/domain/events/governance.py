"""What policy refused, allowed or contained, and the risk it saw."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet_tui.domain.events.envelope import JSON, Payload


@dataclass(frozen=True, slots=True)
class PolicyDenied(Payload, kind="policy_denied"):
    """An act was refused. ``agent`` and ``run`` are the kernel's word, not the caller's. ``counts``: towards
    quarantine."""

    act: str
    reason: str
    agent: str | None = None
    run: str | None = None
    rule: str = ""
    counts: bool = True


@dataclass(frozen=True, slots=True)
class ActAllowed(Payload, kind="act_allowed"):
    """An act that a rule asks a person about was allowed by the answer to ``question``, once."""

    act: str
    agent: str
    run: str
    question: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class FleetHalted(Payload, kind="fleet_halted"):
    """All stop: every agent is paused and frozen, nothing starts and nothing lands until a person lifts it. ``paused``
    are the agents that were not paused before."""

    reason: str
    paused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FleetResumed(Payload, kind="fleet_resumed"):
    """The all stop was lifted. Agents that were paused before it stay so."""

    reason: str


@dataclass(frozen=True, slots=True)
class EvidenceKept(Payload, kind="evidence_kept"):
    """What a contained run looked like is in ``folder`` of the evidence directory; ``manifest_sha`` is the SHA-256 of
    its list of files with theirs. ``backup_ref`` holds the work, uncommitted files included."""

    run: str
    agent: str
    folder: str
    files: int
    manifest_sha: str
    backup_ref: str | None = None


@dataclass(frozen=True, slots=True)
class EvidenceRemoved(Payload, kind="evidence_removed"):
    """Evidence that had been kept long enough was removed: ``names`` in the evidence directory, ``bytes`` in all, and
    the limits that were in force."""

    names: list[str]
    bytes: int
    keep_days: int
    keep_mib: int


@dataclass(frozen=True, slots=True)
class WorkDiscarded(Payload, kind="work_discarded"):
    """A person gave up what a contained agent did on a ticket; it is kept at ``backup_ref``."""

    run: str
    agent: str
    ticket: int
    backup_ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class RiskChanged(Payload, kind="risk_changed"):
    """The risk of a run, or of pull request ``pr`` at ``head_sha``, is another than before. ``reasons`` read
    ``+10 factor: detail``, and their points add up to ``score``; ``evidence`` is what was seen, so that other rules can
    be tried on it. A secret that was found is there as kind, path, line and a short hash, never as itself. ``rules`` is
    a hash of the rules, ``seen_ns`` the instant as of which the score is."""

    agent: str
    score: int
    band: str
    previous: str
    reasons: list[str]
    evidence: dict[str, JSON]
    rules: str
    seen_ns: int
    run: str | None = None
    pr: int | None = None
    ticket: int | None = None
    head_sha: str | None = None
