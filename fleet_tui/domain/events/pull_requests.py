"""Pull requests: handed over, reviewed, landed."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet_tui.domain.events.envelope import JSON, Payload


@dataclass(frozen=True, slots=True)
class PullRequestCreated(Payload, kind="pr_created"):
    pr: int
    ticket: int
    title: str
    body: str
    branch: str
    target: str
    agent: str
    run: str
    head_sha: str
    base_sha: str
    files: int
    added: int
    deleted: int


@dataclass(frozen=True, slots=True)
class HandOverRefused(Payload, kind="hand_over_refused"):
    """``run`` asked for its work to be taken over, and it was not: nothing to review, a rejection not answered yet …"""

    run: str
    reason: str


@dataclass(frozen=True, slots=True)
class PullRequestUpdated(Payload, kind="pr_updated"):
    """New commits arrived on the branch: earlier reviews and approvals no longer count."""

    pr: int
    head_sha: str
    base_sha: str
    run: str
    files: int
    added: int
    deleted: int


@dataclass(frozen=True, slots=True)
class PullRequestNeedsReview(Payload, kind="pr_needs_review"):
    pr: int
    head_sha: str
    round: int


@dataclass(frozen=True, slots=True)
class PullRequestApproved(Payload, kind="pr_approved"):
    """One reviewer's verdict, bound to the head it saw and the ``lens`` it looked through."""

    pr: int
    agent: str
    run: str
    role: str
    head_sha: str
    summary: str
    data: JSON = None
    lens: str = ""


@dataclass(frozen=True, slots=True)
class PullRequestChangesRequested(Payload, kind="pr_changes_requested"):
    """One reviewer's verdict, bound to the head it saw. A person's carries ``agent`` = ``operator``."""

    pr: int
    agent: str
    run: str
    role: str
    head_sha: str
    summary: str
    data: JSON = None
    lens: str = ""


@dataclass(frozen=True, slots=True)
class ReviewWithdrawn(Payload, kind="review_withdrawn"):
    """The verdict of ``agent`` on ``head_sha`` counts no more, and is none for it either: dismissed on the forge, of
    somebody whose words do not count any more, or checks that ran again and passed."""

    pr: int
    agent: str
    head_sha: str
    reason: str


@dataclass(frozen=True, slots=True)
class PullRequestPublished(Payload, kind="pr_published"):
    """The forge shows ``head_sha`` as its pull request ``number``; ``text_sha`` is of the title and body there."""

    pr: int
    number: int
    url: str
    head_sha: str
    text_sha: str


@dataclass(frozen=True, slots=True)
class ChecksPassed(Payload, kind="ci_passed"):
    """Every check on the forge that counts has passed at ``head_sha``."""

    pr: int
    head_sha: str
    checks: list[str]


@dataclass(frozen=True, slots=True)
class ChecksFailed(Payload, kind="ci_failed"):
    """Checks on the forge that count failed at ``head_sha``. ``summary``: the end of what each of them said."""

    pr: int
    head_sha: str
    checks: list[str]
    summary: str


@dataclass(frozen=True, slots=True)
class CheckRerun(Payload, kind="check_rerun"):
    """A check on the forge that failed at ``head_sha`` runs again. ``job`` 0: that was refused, for ``reason``."""

    pr: int
    head_sha: str
    check: str
    job: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PullRequestStateChanged(Payload, kind="pr_state_changed"):
    """The watcher's conclusion from reviews, gates and approvals. ``reviewers`` are those whose objections it is."""

    pr: int
    state: str
    reason: str
    round: int
    reviewers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReleaseDecided(Payload, kind="release_decided"):
    """The release-manager role looked at a gated pull request: ``merge`` or ``hold``."""

    pr: int
    agent: str
    run: str
    head_sha: str
    decision: str
    summary: str


@dataclass(frozen=True, slots=True)
class PullRequestMerged(Payload, kind="pr_merged"):
    """``tree`` is the tree that the gates saw; ``merge_sha`` is the commit now at the tip of ``target``."""

    pr: int
    ticket: int
    head_sha: str
    base_sha: str
    merge_sha: str
    tree: str
    target: str
    approval: str | None = None


@dataclass(frozen=True, slots=True)
class MergeFailed(Payload, kind="merge_failed"):
    """``conflict`` lists paths when the merge result cannot be built."""

    pr: int
    reason: str
    conflict: list[str] = field(default_factory=list)
