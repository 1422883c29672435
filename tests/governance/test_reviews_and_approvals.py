"""Verdicts count only at the current head; approvals hold only while nothing they are bound to changes."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.model import Approval, Gate, PullRequest, Review
from fleet_tui.domain.states import ApprovalState, GateState, Isolation, PullRequestState, RiskBand, Verdict
from fleet_tui.governance.approval_policy import matching
from fleet_tui.governance.approvals import (
    Binding,
    binding_of,
    gates_digest,
    reasons_for_a_person,
    unmet,
    voided_by,
)
from fleet_tui.governance.reviews import Reviewer, conclude
from fleet_tui.settings.approval import ApprovalPolicy
from fleet_tui.settings.schema import Settings

HEADS = ("aaaa", "bbbb")
PEOPLE = ("author", "lead", "qa", "sec")
PULL_REQUEST = PullRequest(
    1, 1, "t", "", "agent/1-t", "main", "author", "run-1", "aaaa", "base", PullRequestState.NEEDS_REVIEW, "", 1, 1, 1,
    0, None, 0, 0,
)  # fmt: skip
reviews_strategy = st.lists(
    st.builds(
        Review,
        st.just(1),
        st.sampled_from(PEOPLE),
        st.just("run"),
        st.just("reviewer"),
        st.sampled_from(Verdict),
        st.sampled_from(HEADS),
        st.just("because"),
        st.integers(0, 9),
    ),
    max_size=8,
    unique_by=lambda review: (review.agent, review.head_sha),
)
required_strategy = st.one_of(st.just("all"), st.integers(0, 4))


ROLES = {"author": "tech-lead", "lead": "tech-lead", "qa": "qa-lead", "quincy": "qa-lead", "sec": "security"}
reviewers_strategy = st.lists(
    st.builds(lambda name, held: Reviewer(name, ROLES[name], held), st.sampled_from(list(ROLES)), st.booleans()),
    unique_by=lambda reviewer: reviewer.name,
)


@given(reviews_strategy, reviewers_strategy, required_strategy)
def test_only_others_verdicts_at_the_head_count(
    reviews: list[Review], reviewers: list[Reviewer], required: int | str
) -> None:
    outcome = conclude(PULL_REQUEST, reviews, reviewers, required)
    said = [r for r in reviews if r.verdict is not Verdict.WITHDRAWN]
    counting = [r for r in said if r.head_sha == PULL_REQUEST.head_sha and r.agent != PULL_REQUEST.agent]
    assert conclude(PULL_REQUEST, counting, reviewers, required) == outcome
    assert "author" not in outcome.missing
    objects = any(r.verdict is Verdict.CHANGES_REQUESTED for r in counting)
    if outcome.conclusion == "approved":
        assert not objects
    if outcome.conclusion == "changes_requested":
        assert outcome.findings
        assert not outcome.missing
    if outcome.conclusion == "waiting":
        assert outcome.missing or outcome.contained, "it waits for somebody"
    assert bool(outcome.findings) == objects


@given(reviews_strategy, reviewers_strategy, required_strategy)
def test_quarantine_lowers_no_requirement(
    reviews: list[Review], reviewers: list[Reviewer], required: int | str
) -> None:
    outcome = conclude(PULL_REQUEST, reviews, reviewers, required)
    current = {r.agent for r in reviews if r.head_sha == PULL_REQUEST.head_sha and r.verdict is Verdict.APPROVED}
    asked = [reviewer for reviewer in reviewers if reviewer.name != "author"]
    approvals = [reviewer for reviewer in asked if reviewer.name in current]
    if outcome.conclusion == "approved" and required == "all":
        assert {reviewer.role for reviewer in asked} == {reviewer.role for reviewer in approvals}
        assert {reviewer.name for reviewer in asked if not reviewer.contained} <= current
    elif outcome.conclusion == "approved":
        assert len(approvals) >= min(int(required), len(asked))
    held = {reviewer.name for reviewer in asked if reviewer.contained}
    assert set(outcome.contained) <= held
    assert not held & set(outcome.missing), "nobody in quarantine is asked"


@given(reviews_strategy, reviewers_strategy, required_strategy, st.sets(st.sampled_from(PEOPLE)))
def test_whoever_worked_on_it_is_no_reviewer(
    reviews: list[Review], reviewers: list[Reviewer], required: int | str, writers: set[str]
) -> None:
    outcome = conclude(PULL_REQUEST, reviews, reviewers, required, writers)
    others = [reviewer for reviewer in reviewers if reviewer.name not in writers]
    said = [review for review in reviews if review.agent not in writers]
    assert outcome == conclude(PULL_REQUEST, said, others, required)


@given(reviews_strategy, reviewers_strategy, required_strategy)
def test_a_new_head_takes_every_verdict_back(
    reviews: list[Review], reviewers: list[Reviewer], required: int | str
) -> None:
    moved = dataclasses.replace(PULL_REQUEST, head_sha="cccc")
    outcome = conclude(moved, reviews, reviewers, required)
    asked = {reviewer.name for reviewer in reviewers if not reviewer.contained} - {"author"}
    if required != 0 and {reviewer.name for reviewer in reviewers} - {"author"}:
        assert outcome.conclusion == "waiting"
        assert set(outcome.missing) == asked


def _approval(binding: Binding) -> Approval:
    return Approval(
        "approval-1", binding.pr, 1, binding.head_sha, binding.base_sha, binding.tree, binding.gates, binding.policy,
        (),
        ApprovalState.HELD, 0, 0, 0, 0, "you", "", "", binding.risk,
    )  # fmt: skip


bindings = st.builds(
    Binding,
    st.just(1),
    st.sampled_from(HEADS),
    st.sampled_from(["b1", "b2"]),
    st.sampled_from(["t1", "t2"]),
    st.sampled_from(["g1", "g2"]),
    st.sampled_from(["p1", "p2"]),
    st.sampled_from(RiskBand),
)


@given(bindings, bindings, st.booleans())
def test_an_approval_holds_exactly_while_nothing_changes_and_no_risk_rises(
    asked: Binding, now: Binding, quarantined: bool
) -> None:
    reason = voided_by(_approval(asked), now, author_quarantined=quarantined)
    rose = now.risk.severity > asked.risk.severity
    same = dataclasses.replace(now, risk=asked.risk) == asked
    assert (reason is None) == (same and not rose and not quarantined)


def _gate(name: str, state: GateState = GateState.PASSED, tree: str = "t", command: str = "true") -> Gate:
    return Gate(f"gate-{name}", name, 1, tree, "h", "b", command, state, 0, 1, "", "", "", 0)


def test_the_gates_digest_knows_name_command_and_tree_but_not_order() -> None:
    one, two = _gate("lint"), _gate("test")
    assert gates_digest([one, two]) == gates_digest([two, one])
    assert len({gates_digest(gates) for gates in (
        [one, two], [one], [one, _gate("test", command="false")], [one, _gate("test", tree="u")],
        [one, _gate("test", GateState.FAILED)],
    )}) == 4  # a failed gate counts as no gate at all  # fmt: skip
    assert binding_of(PULL_REQUEST, "base", "t", [one], "p").gates == gates_digest([one])


@given(
    st.lists(st.text(), max_size=1),
    st.sets(st.sampled_from(["lint", "test", "build"])),
    st.dictionaries(st.sampled_from(["lint", "test", "build"]), st.sampled_from(GateState)),
)
def test_only_what_passed_every_gate_and_merges_may_be_approved(
    conflict: list[str], wanted: set[str], states: dict[str, GateState]
) -> None:
    results = {name: _gate(name, state) for name, state in states.items()}
    passed = {name for name, state in states.items() if state is GateState.PASSED}
    reason = unmet(conflict, sorted(wanted), results)
    assert (reason is None) == (not conflict and wanted <= passed)
    if reason and not conflict:
        assert all(name in reason for name in wanted - passed)


def _settings(when: str) -> Settings:
    return Settings(approval=ApprovalPolicy(when=when, sensitive_paths=(".github/**", "**/hooks/**", "Makefile")))


@pytest.mark.parametrize("isolation", list(Isolation))
@given(st.lists(st.text(min_size=1), max_size=4))
def test_without_isolation_a_person_is_always_asked(isolation: Isolation, paths: list[str]) -> None:
    reasons = reasons_for_a_person(_settings("sensitive"), isolation, paths)
    if isolation is Isolation.L0:
        assert reasons


def test_sensitive_paths_ask_also_with_isolation() -> None:
    settings = _settings("sensitive")
    assert reasons_for_a_person(settings, Isolation.L1, ["src/a.py"]) == ()
    assert "touches" in reasons_for_a_person(settings, Isolation.L1, ["src/a.py", "Makefile"])[0]
    assert "policy" in reasons_for_a_person(_settings("always"), Isolation.L1, [])[0]


@pytest.mark.parametrize(
    ("path", "sensitive"),
    [
        (".github/workflows/ci.yml", True),
        (".GitHub/Workflows/ci.yml", True),
        ("tools/hooks/pre-commit", True),
        ("hooks/pre-commit", True),
        ("src/hooks.py", False),
        ("Makefile", True),
        ("sub/Makefile", True),
        ("src/makefile_parser.py", False),
    ],
)
def test_sensitive_patterns_are_gits_and_ignore_case(path: str, sensitive: bool) -> None:
    assert bool(matching([path], (".github/**", "**/hooks/**", "Makefile"))) is sensitive
