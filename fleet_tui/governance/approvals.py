"""When a person must agree to a merge, and whether an agreement still holds."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleet_tui.domain.model import Approval, Gate, PullRequest
from fleet_tui.domain.states import GateState, Isolation, PullRequestState, RiskBand
from fleet_tui.domain.text import some_names
from fleet_tui.governance.approval_policy import matching
from fleet_tui.governance.reviews import risk_of
from fleet_tui.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Binding:
    """Everything an approval is bound to. Equal bindings describe the same effect on the world."""

    pr: int
    head_sha: str
    base_sha: str
    tree: str
    gates: str
    policy: str
    risk: RiskBand = RiskBand.LOW


def gates_digest(gates: Sequence[Gate]) -> str:
    """A digest of which gates passed with which evidence, independent of their order."""
    lines = sorted(f"{g.name}\0{g.state}\0{g.tree}\0{g.command}" for g in gates if g.state is GateState.PASSED)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def reasons_for_a_person(
    settings: Settings, isolation: Isolation, changed_paths: Iterable[str], risk: str = ""
) -> tuple[str, ...]:
    """Why a person must approve this merge; empty when policy lets it pass without one.

    ``risk`` is what :func:`risk_for_a_person` says.
    """
    reasons = []
    if isolation is Isolation.L0:
        reasons.append("isolation L0: nothing stops an agent from acting as another, so every merge needs a person")
    if settings.approval.when == "always":
        reasons.append("policy: every merge needs a person")
    touched = sorted(matching(changed_paths, settings.approval.sensitive_paths))
    if touched:
        reasons.append(f"touches {some_names(touched, 3)}")
    if risk:
        reasons.append(risk)
    return tuple(reasons)


def risk_for_a_person(pull_request: PullRequest) -> str:
    """Why its risk asks for a person; empty when it does not. Risk that is not known yet does."""
    if pull_request.risk_head != pull_request.head_sha:
        return "its risk cannot be told"
    if pull_request.risk_band.severity < RiskBand.HIGH.severity:
        return ""
    return f"risk {pull_request.risk} {pull_request.risk_band}: {'; '.join(pull_request.risk_reasons[:3])}"


def unmet(conflict: Collection[str], wanted: Iterable[str], results: Mapping[str, Gate]) -> str | None:
    """Why a merge result may be neither approved nor landed, or None: it conflicts, or a gate has not passed on it.

    ``wanted`` are the names of the gates in force, ``results`` the latest of each on this very result.
    """
    if conflict:
        return "it conflicts with the target"
    lacking = [name for name in wanted if name not in results or results[name].state is not GateState.PASSED]
    return f"gate {', '.join(lacking)} has not passed" if lacking else None


def voided_by(approval: Approval, now: Binding, *, author_quarantined: bool) -> str | None:
    """What changed since the approval was requested, or None while it holds. Risk that falls changes nothing."""
    changes = (
        (approval.head_sha != now.head_sha, f"head moved {approval.head_sha[:8]} → {now.head_sha[:8]}"),
        (approval.base_sha != now.base_sha, f"base moved {approval.base_sha[:8]} → {now.base_sha[:8]}"),
        (approval.tree != now.tree, "the merge result changed"),
        (approval.gates != now.gates, "gate results changed"),
        (approval.policy != now.policy, f"policy changed {approval.policy} → {now.policy}"),
        (
            now.risk.severity > approval.risk_band.severity,
            f"its risk rose {approval.risk_band} → {now.risk}: look again, then decide",
        ),
        (author_quarantined, "the author was quarantined"),
    )
    return next((reason for changed, reason in changes if changed), None)


def outdated_by(approval: Approval, pull_request: PullRequest | None, base_sha: str) -> str:
    """Why an approval fell with its pull request, which is not gated any more."""
    if pull_request is None:
        return "the pull request is gone"
    if pull_request.state is not PullRequestState.APPROVED:
        # Reviews are opened again for a reason, such as a risk that rose.
        reviewed = pull_request.state is PullRequestState.NEEDS_REVIEW and pull_request.reason
        return f"the pull request is {pull_request.state.value}" + (f": {pull_request.reason}" if reviewed else "")
    # Its reviews hold, and its gates run again: the question is what made that necessary.
    why = "what its gates judge has changed"
    if approval.head_sha != pull_request.head_sha:
        why = f"head moved {approval.head_sha[:8]} → {pull_request.head_sha[:8]}"
    elif approval.base_sha != base_sha:
        why = f"{pull_request.target} moved {approval.base_sha[:8]} → {base_sha[:8]}"
    return f"{why}: gates run again, then you are asked again"


def binding_of(pull_request: PullRequest, base_sha: str, tree: str, gates: Sequence[Gate], policy: str) -> Binding:
    bound = (pull_request.number, pull_request.head_sha, base_sha, tree, gates_digest(gates), policy)
    return Binding(*bound, risk_of(pull_request))
