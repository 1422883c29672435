"""What GitHub says of issues and pull requests. Text is as found, not yet cleaned; times are ISO 8601 in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Repository:
    """``name`` is OWNER/NAME as it is today: another than was asked for when it has been renamed."""

    id: int
    """Stays the same whatever it is called."""
    name: str
    default_branch: str
    archived: bool
    may_push: bool
    methods: frozenset[str]
    """Of ``merge``, ``squash`` and ``rebase``, those that it allows."""


@dataclass(frozen=True, slots=True)
class Issue:
    """``association`` is what the author is to the repository: OWNER, MEMBER, COLLABORATOR, …, NONE."""

    number: int
    title: str
    body: str
    author: str
    association: str
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    open: bool
    state_reason: str
    """Why it was closed (``completed``, ``not_planned``) or opened again; empty: not said."""
    created: str
    updated: str
    comments: int
    """How many there are."""


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    author: str
    association: str
    body: str
    created: str
    updated: str


class CheckState(StrEnum):
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """A check run or commit status at a pull request's head. ``job`` is the number of its job's log, 0: it has none."""

    name: str
    state: CheckState
    conclusion: str
    required: bool
    url: str
    job: int


@dataclass(frozen=True, slots=True)
class Review:
    """``state`` is APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED; ``head_sha`` what was looked at."""

    author: str
    association: str
    state: str
    head_sha: str
    submitted: str
    id: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation at a place in the change."""

    path: str
    resolved: bool
    outdated: bool
    author: str
    association: str
    id: str
    """Of its first comment."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What the rule of the target branch asks for."""

    approvals: int = 0
    checks: tuple[str, ...] = ()
    strict: bool = False
    """The branch must contain the newest commit of its target."""
    conversations: bool = False
    """Every conversation must be resolved."""

    def joined(self, other: Protection) -> Protection:
        """Both at once."""
        return Protection(
            max(self.approvals, other.approvals),
            tuple(dict.fromkeys((*self.checks, *other.checks))),
            self.strict or other.strict,
            self.conversations or other.conversations,
        )


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request. ``state`` is OPEN, CLOSED or MERGED; ``merge_state`` GitHub's own summary (CLEAN, BLOCKED, …)."""

    number: int
    title: str
    body: str
    author: str
    state: str
    draft: bool
    branch: str
    head_sha: str
    target: str
    base_sha: str
    foreign: bool
    """Its branch is in another repository."""
    mergeable: str
    """MERGEABLE, CONFLICTING, or UNKNOWN while GitHub works it out."""
    merge_state: str
    merge_sha: str
    labels: tuple[str, ...]
    checks: tuple[Check, ...]
    reviews: tuple[Review, ...]
    threads: tuple[Thread, ...]
    protection: Protection | None
    """None: the target branch has no rule, or none that we may see. Rules of the repository are asked for beside it."""
    complete: bool
    """False: there are more checks, reviews or conversations than were read, or they are of another commit."""
    longer: bool = False
    """There are more than are read of any."""
