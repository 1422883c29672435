"""Gates, and the approvals that persons give."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.events.envelope import JSON, Payload


@dataclass(frozen=True, slots=True)
class GateStarted(Payload, kind="gate_started"):
    """``isolation``: the level that it runs at; empty in logs from before it was recorded."""

    gate: str
    name: str
    pr: int
    tree: str
    head_sha: str
    base_sha: str
    command: str
    isolation: str = ""


@dataclass(frozen=True, slots=True)
class GatePassed(Payload, kind="gate_passed"):
    """``log`` is the path of the stored output, relative to the evidence directory."""

    gate: str
    name: str
    pr: int
    tree: str
    duration_ms: int
    exit_code: int
    log: str
    tail: str


@dataclass(frozen=True, slots=True)
class GateFailed(Payload, kind="gate_failed"):
    """``reason`` says why when it was not the exit code: time limit, output limit, cannot start, interrupted."""

    gate: str
    name: str
    pr: int
    tree: str
    duration_ms: int
    exit_code: int | None
    log: str
    tail: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRequested(Payload, kind="approval_requested"):
    """Bound to pull request, head, base, merge result, gate results and policy version; any change voids it, and so
    does a risk that rises above ``risk_band``."""

    approval: str
    pr: int
    ticket: int
    head_sha: str
    base_sha: str
    tree: str
    gates: str
    policy: str
    reasons: list[str]
    expires_ns: int
    risk_band: str = "low"
    quorum: int = 1
    """How many different persons must approve."""


@dataclass(frozen=True, slots=True)
class ApprovalSeconded(Payload, kind="approval_seconded"):
    """A person approves, and the quorum wants more of them; the last one's word is ``approval_granted``."""

    approval: str
    pr: int
    by: str
    shown: JSON = None


@dataclass(frozen=True, slots=True)
class ApprovalGranted(Payload, kind="approval_granted"):
    """The effect is held until ``hold_until_ns`` and can be undone until then; ``shown`` was on screen."""

    approval: str
    pr: int
    by: str
    hold_until_ns: int
    shown: JSON = None


@dataclass(frozen=True, slots=True)
class ApprovalUndone(Payload, kind="approval_undone"):
    approval: str
    pr: int
    by: str


@dataclass(frozen=True, slots=True)
class ApprovalDenied(Payload, kind="approval_denied"):
    """``verdict`` is ``reject`` (the pull request waits for a person) or ``changes`` (back to its author)."""

    approval: str
    pr: int
    by: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class ApprovalVoided(Payload, kind="approval_voided"):
    approval: str
    pr: int
    reason: str


@dataclass(frozen=True, slots=True)
class ApprovalExpired(Payload, kind="approval_expired"):
    approval: str
    pr: int
