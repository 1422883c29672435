"""What the approvals screen says of several persons, and of the lens of each verdict."""

from __future__ import annotations

from fleet_tui.domain.model import Approval, PullRequest, Review
from fleet_tui.domain.states import ApprovalState, PullRequestState, RiskBand, Verdict
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.needs import approval_need
from fleet_tui.readmodel.values import ApprovalCard
from fleet_tui.tui.present.approvals import card_item, evidence
from fleet_widgets.lines import Line

HEAD, OLD, BASE, TREE = "a" * 40, "d" * 40, "b" * 40, "c" * 40
PULL_REQUEST = PullRequest(
    1, 1, "t", "", "agent/1-t", "main", "dev", "run-1", HEAD, BASE, PullRequestState.GATED, "", 1, 1, 1,
    0, None, 0, 0,
)  # fmt: skip


def card(quorum: int, *votes: str) -> ApprovalCard:
    approval = Approval(
        "apr", 1, 1, HEAD, BASE, TREE, "g", "p", ("rule data",), ApprovalState.REQUESTED, 0, 10**18, None, None, None,
        "", "", RiskBand.LOW, quorum, votes,
    )  # fmt: skip
    reviews = (
        Review(1, "sam", "r", "security-reviewer", Verdict.APPROVED, HEAD, "", 0, "security"),
        Review(1, "lee", "r", "tech-lead", Verdict.APPROVED, OLD, "", 0, "correctness"),
        Review(1, "old", "r", "architect", Verdict.APPROVED, HEAD, "", 0),
    )
    return ApprovalCard(approval, PULL_REQUEST, one_line("Say two"), (), reviews, None)


def text(lines: tuple[Line, ...]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


def section(shown: ApprovalCard, title: str) -> str:
    return text(next(part.lines for part in evidence(shown, 0) if part.title == title))


def test_one_of_two_persons_is_told_everywhere() -> None:
    shown = card(2, "operator:kim\x1b[2J")
    assert "persons 1 of 2: operator:kim" in " ".join(section(shown, "what").split())
    assert "\x1b" not in section(shown, "what")
    assert "persons 1/2" in text(card_item(shown, 0).lines)
    assert approval_need(shown).title == "APPROVE merge of PR 1 (1 of 2 persons) Say two"


def test_where_one_person_is_enough_nothing_is_said_of_persons() -> None:
    shown = card(1)
    assert "persons" not in section(shown, "what")
    assert "persons" not in text(card_item(shown, 0).lines)
    assert approval_need(shown).title == "APPROVE merge of PR 1 Say two"


def test_each_verdict_has_its_lens_or_role_and_its_commit() -> None:
    rows = [" ".join(row.split()) for row in section(card(1), "verdicts").splitlines()]
    assert rows == ["security sam pass @aaaaaaa", "architect old pass @aaaaaaa", "correctness lee STALE @ddddddd"]
