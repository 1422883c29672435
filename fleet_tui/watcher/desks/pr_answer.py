"""What an agent reads of a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleet_tui.domain.model import Gate, PullRequest, Review
from fleet_tui.domain.text import clean, one_line

# All of it together is below 20 000 characters: as JSON in ASCII twelve bytes at most each, and a frame has 256 KiB.
_BODY = 4_000
_MOST = 10
_SUMMARY = 800
_TAIL = 400


def answer(found: PullRequest, reviews: Sequence[Review], gates: Sequence[Gate]) -> dict[str, Any]:
    """The facts of ``found``, with its newest verdicts and gates (oldest first) and the commits that they are at."""
    return {
        "pr": found.number,
        "ticket": found.ticket,
        "title": one_line(found.title, 200),
        "body": clean(found.body, _BODY),
        "author": found.agent,
        "branch": one_line(found.branch, 200),
        "target": one_line(found.target, 200),
        "head": found.head_sha,
        "state": found.state.value,
        "reason": one_line(found.reason, 400),
        "round": found.round,
        "reviews": [
            {
                "agent": review.agent,
                "lens": review.lens,
                "verdict": review.verdict.value,
                "head": review.head_sha,
                "summary": clean(review.summary, _SUMMARY),
            }
            for review in reviews[-_MOST:]
        ],
        "gates": [
            {
                "name": one_line(gate.name, 80),
                "state": gate.state.value,
                "head": gate.head_sha,
                "reason": one_line(gate.reason, 200),
                "tail": clean(gate.tail[-_TAIL:]),
            }
            for gate in gates[-_MOST:]
        ],
    }
