"""What the fleet says on the forge in its own name. What others wrote stands in fences, where it does nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fleet_tui.domain.model import Gate, PullRequest, Review
from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge.issues import mark
from fleet_tui.governance.publication import in_public

_MOST_TEXT = 20_000
_MOST_REASONS = 10


def title(pull_request: PullRequest) -> str:
    """The title, in which nothing mentions a person, names another issue or closes one."""
    plain, found = str(one_line(pull_request.title)), 1
    while found:  # what is left around an address may be one
        plain, found = re.subn(r"https?://(?=\S)", "", plain, flags=re.IGNORECASE)
    said = re.sub(r"([@#]|\bGH-)(?=\w)", r"\1 ", plain, flags=re.IGNORECASE)
    return said or f"ticket {pull_request.ticket}"


def body(pull_request: PullRequest, gates: Iterable[Gate], issues: str = "") -> str:
    """Ticket, agent, gates, risk, and what the agent says of its work. Its merge closes the issue, which is of the
    repository ``issues`` (empty: the same)."""
    risk = f"{pull_request.risk} ({pull_request.risk_band})"
    parts = [
        mark(f"pull {pull_request.number}"),
        f"Closes {issues}#{pull_request.ticket}",
        f"By agent `{_code(pull_request.agent)}`, round {pull_request.round}; PR {pull_request.number} of the fleet.",
        f"**Risk** {risk}" + _listed(in_public(pull_request.risk_reasons)[:_MOST_REASONS]),
        _gates(gates),
    ]
    if pull_request.body.strip():
        parts.append(f"**What the agent says**\n\n{fenced(pull_request.body)}")
    return "\n\n".join(parts)


def message_of_merge(pull_request: PullRequest, issues: str = "") -> str:
    """The rest of its message. Tickets are issues of the repository ``issues`` (empty: the same)."""
    agent = one_line(pull_request.agent)
    return f"Pull request {pull_request.number} of the fleet, ticket {issues}#{pull_request.ticket}, by {agent}."


def verdict(review: Review) -> str:
    """A reviewer's verdict as a comment."""
    what = "approves" if review.verdict.value == "approved" else "asks for changes"
    lens = f", for {_code(review.lens)}" if review.lens else ""
    told = f"**{_code(review.agent)}** ({_code(review.role)}{lens}) {what} at {review.head_sha[:12]}."
    said = f"\n\n{fenced(review.summary)}" if review.summary.strip() else ""
    return f"{mark(verdict_mark(review))}\n{told}{said}"


def verdict_mark(review: Review) -> str:
    """The name by which the comment of a verdict is found again."""
    return f"verdict {review.run} {review.head_sha[:12]} {review.verdict.value}"


def fenced(text: str) -> str:
    """``text`` in a fence that it cannot close: no mention in it calls anybody, no word closes an issue."""
    cleaned = clean(text, _MOST_TEXT).strip()
    fence = "`" * (max((len(run) for run in re.findall(r"`+", cleaned)), default=0) + 1)
    return f"{max(fence, '```', key=len)}text\n{cleaned}\n{max(fence, '```', key=len)}"


def _gates(gates: Iterable[Gate]) -> str:
    rows = [f"| `{_code(gate.name)}` | {gate.state.value} |" for gate in sorted(gates, key=lambda gate: gate.name)]
    return "**Gates** on the merge result\n\n| gate | result |\n|---|---|\n" + "\n".join(rows) if rows else "No gates."


def _listed(reasons: Sequence[str]) -> str:
    return "".join(f"\n- `{_code(reason)}`" for reason in reasons)


def span(text: str) -> str:
    """Text of others as a span of code: it mentions nobody, names no issue, and draws nothing."""
    return f"`{_code(text)}`"


def _code(text: str) -> str:
    """Text for a span of code, which ends at a backtick."""
    return one_line(text, 200).replace("`", "'")
