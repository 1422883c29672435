"""What an identity may say. Roles belong to families; a family's `publishes` list is the whole permission."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fleet_tui.domain.model import Agent, PullRequest, Run
from fleet_tui.settings.schema import PUBLISHABLE, Settings

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
        return Decision(False, "own-work", f"{run.agent} wrote PR {pull_request.number} and cannot review it")
    if run.head_sha is None:
        return Decision(False, "scope", f"{run.id} was not started for a head of PR {pull_request.number}")
    if run.head_sha != pull_request.head_sha:
        seen, now = run.head_sha[:8], pull_request.head_sha[:8]
        reason = f"PR {pull_request.number} moved on: you saw {seen}, its head is {now}"
        return Decision(False, "stale", reason, overtaken=True)
    return ALLOWED


def signs_as(person: str, agents: Collection[str]) -> str | None:
    """Which of ``agents`` a commit's ``name <mail>`` claims to be; by name or by the mailbox, in any case."""
    name, _, mail = person.partition("<")
    claimed = {name.strip().casefold(), mail.partition("@")[0].strip().casefold()}
    return next((agent for agent in sorted(agents) if agent.casefold() in claimed), None)


@dataclass(frozen=True, slots=True)
class Row:
    """What one family of roles may do. ``acts`` maps each act to ``yes``, ``no``, or ``yes, but …``."""

    family: str
    summary: str
    roles: tuple[str, ...]
    acts: Mapping[str, str]


OF_PERSONS = {
    "approve": "a person, over the operator's socket",
    "release from quarantine": "a person, over the operator's socket",
    "extend a budget": "a person, over the operator's socket",
    "make an agent": "a person, over the operator's socket",
    "tag a release": "a person, over the operator's socket, or the watcher for who may publish release_requested",
    "merge": "nobody: the watcher lands what is reviewed, gated and, where policy says so, approved",
}
"""Acts that no role has, and who does them."""
_BUT = {
    "pr_approved": "yes, but not of its own work, and only at the head it was started for",
    "pr_changes_requested": "yes, but not of its own work, and only at the head it was started for",
    "release_decided": "yes, but only at the head it was started for",
    "release_requested": "yes, but a person tags, unless policy asks for none",
    "pr_created": "yes, but only from the branch of its ticket",
}


def table(settings: Settings) -> tuple[Row, ...]:
    """Who may do what: one row per family of roles, in the order in which they are matched."""
    said = {kind for role in settings.roles.values() for kind in role.publishes}
    kinds = sorted({*PUBLISHABLE, *settings.events, *said})
    rows = []
    for name, family in settings.roles.items():
        acts = {kind: _BUT.get(kind, "yes") if kind in family.publishes else "no" for kind in kinds}
        rows.append(Row(name, family.summary, family.match, acts | dict.fromkeys(OF_PERSONS, "no")))
    return tuple(rows)
