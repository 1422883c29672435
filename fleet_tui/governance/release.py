"""Whether a pull request may be released (land), and every reason why not. Pure: facts in, reasons out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fleet_tui.domain.states import GateState
from fleet_tui.domain.text import one_line, some_names


class Ground(StrEnum):
    """What kind of reason it is; programs may rely on the values."""

    NOT_OPEN = "not_open"
    BLOCKED = "blocked"
    """Waits for a person, or everything is stopped."""
    DRAFT = "draft"
    CONFLICT = "conflict"
    CHECKS = "checks"
    """A required check or gate failed, runs, or has not run on what would land."""
    CHANGES_REQUESTED = "changes_requested"
    REVIEWS = "reviews"
    """Somebody whose review is required has not approved."""
    CONVERSATIONS = "conversations"
    STALE = "stale"
    """What was approved is not what would land now."""
    APPROVAL = "approval"
    """A person must agree, or their grace time is not over."""
    RISK = "risk"
    QUARANTINE = "quarantine"
    TARGET = "target"
    PROTECTION = "protection"
    """The rules of the target branch on the forge."""
    TAG = "tag"
    """Of a tag: there is one of that name."""
    UNGATED = "ungated"
    """Of a tag: what it would be of did not land through the fleet."""
    CHECKOUT = "checkout"
    """Of a tag: the person's own checkout is not what would be tagged."""
    UNKNOWN = "unknown"
    """It cannot be told; what cannot be told is no yes."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason against a release; ``where`` is what objects: the ``fleet`` or the forge's name."""

    ground: Ground
    message: str
    where: str = "fleet"

    def as_dict(self) -> dict[str, str]:
        return {"ground": self.ground.value, "message": one_line(self.message, 400), "where": self.where}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A review on the forge: ``state`` as GitHub names it, ``head_sha`` what was looked at. In the order of giving."""

    author: str
    state: str
    head_sha: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A pull request as the forge has it. ``checks`` maps names to passed, failed or pending.

    ``required`` are the checks without which nothing may land; where it is empty all that have run count.
    """

    forge: str
    state: str
    draft: bool
    head_sha: str
    target: str
    """The branch that it would land on."""
    mergeable: str
    merge_state: str
    checks: Mapping[str, str]
    required: frozenset[str]
    verdicts: tuple[Verdict, ...]
    approvals: int
    """How many the target's rule asks for."""
    conversations: tuple[str, ...]
    """Where conversations are not resolved."""
    complete: bool = True
    """Whether all of this is all that there is."""


def remote_reasons(remote: Remote, approved_sha: str, target: str) -> tuple[Reason, ...]:
    """Why ``remote`` may not be merged at ``approved_sha`` into ``target``, as the fleet decided; empty: it may."""
    if remote.state != "OPEN":
        return (Reason(Ground.NOT_OPEN, f"it is {remote.state.lower()}", remote.forge),)
    found = [*_head(remote, approved_sha, target), *_merge(remote), *_checks(remote), *_reviews(remote)]
    if remote.conversations:
        where = some_names(remote.conversations, 3)
        found.append((Ground.CONVERSATIONS, f"{len(remote.conversations)} not resolved: {where}"))
    if not remote.complete:
        found.append((Ground.UNKNOWN, "it has more checks, reviews or conversations than are looked at"))
    if not found and remote.merge_state not in _GOOD:
        found.append((Ground.PROTECTION, f"its target's rules are not met ({remote.merge_state})"))
    return tuple(Reason(ground, message, remote.forge) for ground, message in found)


_GOOD = frozenset({"CLEAN", "UNSTABLE", "HAS_HOOKS"})
_Found = Iterable[tuple[Ground, str]]


def _head(remote: Remote, approved_sha: str, target: str) -> _Found:
    if remote.target != target:
        yield Ground.TARGET, f"it was decided for {one_line(target)}, and would land on {one_line(remote.target)}"
    if remote.head_sha != approved_sha:
        yield Ground.STALE, f"{approved_sha[:8]} was decided on, {remote.head_sha[:8]} would land"


def _merge(remote: Remote) -> _Found:
    if remote.draft:
        yield Ground.DRAFT, "it is a draft"
    if remote.mergeable == "CONFLICTING":
        yield Ground.CONFLICT, "it conflicts with its target"
    elif remote.mergeable != "MERGEABLE":
        yield Ground.UNKNOWN, "whether it can be merged is not worked out yet: ask again"
    if remote.merge_state == "BEHIND":
        yield Ground.PROTECTION, "its branch must first contain the newest commit of its target"


def _checks(remote: Remote) -> _Found:
    for name in sorted(remote.required or remote.checks):
        state = remote.checks.get(name, "missing")
        if state != "passed":
            yield Ground.CHECKS, f"{one_line(name)}: {_STATES.get(state, state)}"


_STATES = {"missing": "has not run", "pending": "has not ended"}


def _reviews(remote: Remote) -> _Found:
    last: dict[str, Verdict] = {}
    for verdict in remote.verdicts:
        if verdict.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            last[verdict.author] = verdict
    given = [verdict for verdict in last.values() if verdict.state == "APPROVED"]
    fresh = [verdict for verdict in given if verdict.head_sha == remote.head_sha]
    for verdict in last.values():
        if verdict.state == "CHANGES_REQUESTED":
            yield Ground.CHANGES_REQUESTED, f"by {one_line(verdict.author)} at {verdict.head_sha[:8]}"
    if len(fresh) < remote.approvals:
        yield Ground.REVIEWS, f"{len(fresh)} of {remote.approvals} approvals of {remote.head_sha[:8]}"
        for verdict in given:
            if verdict not in fresh:
                told = f"{one_line(verdict.author)} approved {verdict.head_sha[:8]}, the head is {remote.head_sha[:8]}"
                yield Ground.STALE, told


def gate_reasons(wanted: Iterable[str], results: Mapping[str, GateState]) -> tuple[Reason, ...]:
    """Why gates do not let it land: ``results`` are those on the very tree that would."""
    lacking = [(name, results.get(name)) for name in wanted if results.get(name) is not GateState.PASSED]
    told = {GateState.FAILED: "failed", GateState.RUNNING: "has not ended"}
    return tuple(
        Reason(Ground.CHECKS, f"gate {one_line(name)}: {told.get(state, '') if state else 'has not run'}")
        for name, state in lacking
    )
