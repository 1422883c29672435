"""What an identity may say. Roles belong to families; a family's `publishes` list is the whole permission."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fleet_tui.domain.model import Agent, PullRequest, Run
from fleet_tui.settings.schema import Settings

_REVIEW_KINDS = frozenset({"pr_approved", "pr_changes_requested"})


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an act is allowed, which rule said so, and why; ``reason`` is for the person and the log.

    ``overtaken``: the act was lawful when it was begun, and others have moved on since. Refused, but nobody's fault.
    """

    allowed: bool
    rule: str
    reason: str = ""
    overtaken: bool = False

    @property
    def offence(self) -> bool:
        """Whether the refusal counts towards quarantine: others must not be able to bring it about."""
        return not self.allowed and not self.overtaken


ALLOWED = Decision(True, "capabilities")


def may_publish(settings: Settings, run: Run, agent: Agent, kind: str) -> Decision:
    """Whether ``run`` may publish ``kind`` at all: its agent is not contained, and its role's family lists the kind."""
    if agent.quarantined:
        return Decision(False, "quarantine", f"{agent.name} is quarantined: {agent.quarantine_reason}")
    if run.agent_epoch != agent.epoch:
        return Decision(False, "epoch", f"the identity of {run.id} was revoked")
    family = settings.family(run.role)
    if kind not in family.publishes:
        may = ", ".join(sorted(family.publishes)) or "nothing"
        return Decision(
            False, "capabilities", f"role {run.role} ({family.name}) may not publish {kind}; it may publish {may}"
        )
    return ALLOWED


def may_decide_on(run: Run, pull_request: PullRequest | None, kind: str, authors: Collection[str] = ()) -> Decision:
    """Whether ``run`` may give a verdict or a release decision: only on the head that it was started for.

    ``authors`` are the agents that worked on the pull request besides the one whose name it bears.
    """
    if pull_request is None or run.pr != pull_request.number:
        return Decision(False, "scope", f"{run.id} was not started for this pull request")
    if kind in _REVIEW_KINDS and run.agent in {pull_request.agent, *authors}:
        return Decision(
            False, "own-work", f"{run.agent} wrote pull request #{pull_request.number} and cannot review it"
        )
    if run.head_sha is None:
        return Decision(False, "scope", f"{run.id} was not started for a head of #{pull_request.number}")
    if run.head_sha != pull_request.head_sha:
        seen, now = run.head_sha[:8], pull_request.head_sha[:8]
        reason = f"#{pull_request.number} moved on: you saw {seen}, its head is {now}"
        return Decision(False, "stale", reason, overtaken=True)
    return ALLOWED
