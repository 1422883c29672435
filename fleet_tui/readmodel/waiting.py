"""For whom a pull request waits now: the log tells for whom it waited when it began to."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.domain.model import PullRequest, Review
from fleet_tui.domain.states import PullRequestState, Verdict

_WAITS = "waits for "


def reason_now(pull_request: PullRequest, reviews: Sequence[Review]) -> str:
    """Why it is in its state, without the reviewers who have approved its head since that was written down."""
    reason = pull_request.reason
    if pull_request.state is not PullRequestState.NEEDS_REVIEW or not reason.startswith(_WAITS):
        return reason
    approved = {r.agent for r in reviews if r.head_sha == pull_request.head_sha and r.verdict is Verdict.APPROVED}
    left = [name for name in reason.removeprefix(_WAITS).split(", ") if name not in approved]
    return f"{_WAITS}{', '.join(left)}" if left else "all verdicts are there"
