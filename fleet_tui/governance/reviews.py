"""What the reviewers' verdicts add up to. Only verdicts at the current head count."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from fleet_tui.domain.model import PullRequest, Review
from fleet_tui.domain.states import Verdict


@dataclass(frozen=True, slots=True)
class ReviewOutcome:
    """``missing`` are the reviewers still to be asked; ``findings`` go back to the author."""

    conclusion: Literal["waiting", "approved", "changes_requested"]
    missing: tuple[str, ...]
    reason: str
    findings: tuple[str, ...] = ()


def conclude(
    pull_request: PullRequest, reviews: Sequence[Review], reviewers: Collection[str], required: int | str
) -> ReviewOutcome:
    """The outcome for the current head of ``pull_request``.

    Every reviewer is heard before the author gets findings, so that one round carries them all. The author's own
    verdict never counts. ``required`` is ``all`` or how many approvals suffice; one objection sends the work back.
    """
    current = {r.agent: r for r in reviews if r.head_sha == pull_request.head_sha and r.agent != pull_request.agent}
    objections = [r for r in current.values() if r.verdict is Verdict.CHANGES_REQUESTED]
    approvals = [r for r in current.values() if r.verdict is Verdict.APPROVED]
    asked = sorted(set(reviewers) - {pull_request.agent})
    missing = tuple(name for name in asked if name not in current)
    if objections and not missing:
        findings = tuple(f"{r.role} ({r.agent}): {r.summary}" for r in objections)
        return ReviewOutcome("changes_requested", (), f"{len(objections)} reviewer(s) ask for changes", findings)
    needed = min(required, len(asked)) if isinstance(required, int) else len(asked)
    if not objections and len(approvals) >= needed:
        names = ", ".join(r.agent for r in approvals) or "no reviewer configured"
        return ReviewOutcome("approved", (), f"approved by {names}")
    return ReviewOutcome("waiting", missing, f"waits for {', '.join(missing)}")
