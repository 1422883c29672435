"""The approval policy: the strictest rule counts, a person counts once, and more paths never ask for less."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.states import RiskBand
from fleet_tui.governance.approval_policy import Terms, acts_of, for_extension, has_voted, is_granted, persons, terms
from fleet_tui.settings.approval import ActPaths, ApprovalPolicy, ApprovalRule
from tests.examples import tried

ACTS = ActPaths(dependency=("**/requirements.txt",), migration=("**/migrations/**",), release=("VERSION",))
PATHS = ("app.py", "requirements.txt", "db/migrations/1.sql", "VERSION", ".github/ci.yml")
PEOPLE = ("operator:kim", "operator:lou", "operator:max")


def drawn(seed: int) -> tuple[ApprovalPolicy, RiskBand, list[str], random.Random]:
    """A policy and a merge made from one number."""
    draw = random.Random(seed)
    bands = [band.value for band in RiskBand]
    rules = tuple(
        ApprovalRule.model_validate(
            {
                "name": f"rule-{nth}",
                "acts": draw.sample(("merge", "dependency", "migration", "release"), draw.randint(0, 2)),
                "paths": draw.sample(("*.py", ".github/**", "db/**"), draw.choice((0, 0, 1))),
                "bands": draw.sample(bands, draw.choice((0, 0, 1, 2))),
                "quorum": draw.randint(1, 3),
                "expires_h": draw.choice((None, 1, 4, 48)),
            }
        )
        for nth in range(draw.randint(0, 4))
    )
    policy = ApprovalPolicy(acts=ACTS, rules=rules)
    return policy, draw.choice(list(RiskBand)), draw.sample(PATHS, draw.randint(0, 4)), draw


@tried(10_000)
@given(st.integers(0, 2**48))
def test_the_strictest_rule_counts_and_more_never_asks_for_less(seed: int) -> None:
    policy, band, paths, draw = drawn(seed)
    found = terms(policy, band, paths)
    assert found == terms(policy, band, paths), "the same question has the same answer"
    alone = [terms(ApprovalPolicy(acts=ACTS, rules=(rule,)), band, paths) for rule in policy.rules]
    assert found.quorum == max([1, *(one.quorum for one in alone)])
    assert found.expires_h == min([policy.expires_h, *(one.expires_h for one in alone)])
    assert found.reasons == tuple(reason for one in alone for reason in one.reasons)
    assert bool(found.reasons) == any(one.reasons for one in alone)
    more = terms(policy, band, [*paths, draw.choice(PATHS)])
    assert more.quorum >= found.quorum
    assert more.expires_h <= found.expires_h
    fewer = policy.model_copy(update={"rules": policy.rules[:-1]})
    assert terms(fewer, band, paths).quorum <= found.quorum


@tried(10_000)
@given(st.lists(st.sampled_from(PEOPLE), max_size=6), st.integers(1, 4))
def test_a_person_counts_once(votes: list[str], quorum: int) -> None:
    assert is_granted(votes, quorum) == (len(set(votes)) >= quorum)
    assert persons(votes + votes) == persons(votes)
    assert set(persons(votes)) == set(votes)
    if is_granted(votes, quorum):
        assert is_granted([*votes, PEOPLE[0]], quorum)


def test_reasons_name_the_rule_the_act_and_the_paths() -> None:
    rules = (
        ApprovalRule(name="two-for-data", acts=("migration",), quorum=2, expires_h=4),
        ApprovalRule(name="risky", bands=("high", "critical"), quorum=3),
        ApprovalRule(name="ours", paths=("app.py",)),
    )
    policy = ApprovalPolicy(acts=ACTS, rules=rules)
    assert terms(policy, RiskBand.LOW, ["other.py"]).reasons == ()
    found = terms(policy, RiskBand.HIGH, ["db/migrations/1.sql", "app.py"])
    assert found.reasons == (
        "rule two-for-data: a migration (db/migrations/1.sql) needs 2 persons",
        "rule risky: a merge of high risk needs 3 persons",
        "rule ours: a merge (app.py) needs a person",
    )
    assert (found.quorum, found.expires_h) == (3, 4)


def test_a_landing_is_a_merge_and_what_its_paths_make_it() -> None:
    assert acts_of(ApprovalPolicy(acts=ACTS), ["VERSION", "app.py"]) == {"merge": (), "release": ("VERSION",)}


def test_an_extension_needs_one_person_unless_a_rule_for_budgets_says_more() -> None:
    assert for_extension(ApprovalPolicy(expires_h=7)) == Terms((), 1, 7)
    rules = (
        ApprovalRule(name="merges", quorum=3),
        ApprovalRule(name="money", acts=("budget",), quorum=2, expires_h=4),
    )
    policy = ApprovalPolicy(acts=ACTS, rules=rules)
    assert for_extension(policy) == Terms(("rule money",), 2, 4)
    assert terms(policy, RiskBand.HIGH, ["app.py"]).reasons == ("rule merges: a merge needs 3 persons",)


def test_the_owner_who_signs_as_well_is_one_person() -> None:
    assert persons(("operator:kim", "signer:kim", "signer:lou")) == ("operator:kim", "signer:lou")
    assert has_voted("signer:kim", ("operator:kim",))
    assert not has_voted("signer:lou", ("operator:kim",))
