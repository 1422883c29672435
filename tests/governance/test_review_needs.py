"""N of M, roles and lenses: what a band needs is never waived, and more approvals never make it worse."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.model import PullRequest, Review
from fleet_tui.domain.states import PullRequestState, RiskBand, Verdict
from fleet_tui.governance.reviews import Needs, Reviewer, conclude, risk_of
from tests.examples import tried

PULL_REQUEST = PullRequest(
    1, 1, "t", "", "agent/1-t", "main", "author", "run-1", "aaaa", "base", PullRequestState.NEEDS_REVIEW, "", 1, 1, 1,
    0, None, 0, 0,
)  # fmt: skip
NAMES = ("author", "lead", "qa", "quincy", "sec")
ROLES = ("tech-lead", "qa-lead", "security")
LENSES = ("", "correctness", "security", "tests")
USUAL: tuple[int | str, ...] = ("all", 0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Case:
    said: list[Review]
    team: list[Reviewer]
    usual: int | str
    needs: Needs


def case_of(seed: int) -> Case:
    """A case made from one number: ten thousand of them are a matter of seconds."""
    draw = random.Random(seed)
    votes = (Verdict.APPROVED, Verdict.APPROVED, Verdict.APPROVED, Verdict.CHANGES_REQUESTED)
    said = [
        Review(1, name, "run", draw.choice(ROLES), draw.choice(votes), head, "because", 0, draw.choice(LENSES))
        for name in NAMES
        for head in ("aaaa", "bbbb")
        if draw.random() < 0.6
    ]
    team = [
        Reviewer(name, draw.choice(ROLES), draw.random() < 0.2, draw.choice(LENSES))
        for name in draw.sample(NAMES, draw.randint(0, len(NAMES)))
    ]
    needs = Needs(
        draw.choice((None, *USUAL)),
        tuple(draw.sample(LENSES[1:], draw.choice((0, 0, 1, 2)))),
        tuple(draw.sample(("security*", "qa*", "nobody"), draw.choice((0, 0, 1, 2)))),
    )
    return Case(draw.sample(said, len(said)), team, draw.choice(USUAL), needs)


cases = st.integers(0, 2**48).map(case_of)


@tried(10_000)
@given(cases)
def test_what_a_band_needs_is_never_waived(case: Case) -> None:
    said, team, usual, needs = case.said, case.team, case.usual, case.needs
    outcome = conclude(PULL_REQUEST, said, team, usual, (), needs)
    asked = {reviewer.name: reviewer for reviewer in team if reviewer.name != "author"}
    agreed = {
        review.agent: review
        for review in said
        if review.head_sha == "aaaa" and review.verdict is Verdict.APPROVED and review.agent in asked
    }
    if outcome.conclusion == "approved":
        lenses = {review.lens for review in agreed.values()}
        assert set(needs.lenses) <= lenses
        for role in needs.roles:
            assert any(fnmatchcase(asked[name].role, role) for name in agreed)
        if isinstance(needs.required, int):
            assert len(agreed) >= needs.required
        elif needs.required == "all":
            assert {name for name, reviewer in asked.items() if not reviewer.contained} <= agreed.keys()
    if outcome.conclusion == "waiting":
        assert outcome.missing or outcome.contained or outcome.lacking, "it says for whom or what"
    assert not any(asked[name].contained for name in outcome.missing), "nobody in quarantine is asked"
    assert outcome == conclude(PULL_REQUEST, said[::-1], team[::-1], usual, (), needs) or len(outcome.findings) > 1


@tried(10_000)
@given(cases)
def test_without_extra_needs_nothing_changes_and_more_needs_approve_no_more(case: Case) -> None:
    said, team, usual, needs = case.said, case.team, case.usual, case.needs
    plain = conclude(PULL_REQUEST, said, team, usual)
    assert plain == conclude(PULL_REQUEST, said, team, usual, (), Needs())
    assert plain.lacking == ()
    more = dataclasses.replace(needs, required=None)
    if conclude(PULL_REQUEST, said, team, usual, (), more).conclusion == "approved":
        assert plain.conclusion == "approved"


def test_a_lens_without_a_reviewer_is_named() -> None:
    team = [Reviewer("lead", "tech-lead", lens="correctness")]
    outcome = conclude(PULL_REQUEST, [], team, "all", (), Needs(2, ("security",), ("qa*",)))
    assert outcome.lacking == ("the lens security", "the role qa*", "2 reviewers, of whom there are 1")
    assert outcome.reason == f"waits for lead, {', '.join(outcome.lacking)}"


def test_risk_that_is_not_of_this_head_counts_as_high() -> None:
    assert risk_of(PULL_REQUEST) is RiskBand.HIGH
    assert risk_of(dataclasses.replace(PULL_REQUEST, risk_head="aaaa", risk_band=RiskBand.LOW)) is RiskBand.LOW
