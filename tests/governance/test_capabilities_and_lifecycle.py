"""Who may say what, and restarts within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.model import Agent, PullRequest, Run
from fleet_tui.domain.states import PullRequestState, RunState
from fleet_tui.governance.capabilities import OF_PERSONS, may_decide_on, may_publish, signs_as, table
from fleet_tui.governance.lifecycle import (
    containment_reason,
    restart_after,
)
from fleet_tui.settings.limits import Limits
from fleet_tui.settings.load import load_settings
from fleet_tui.settings.schema import Settings
from tests.governance.test_dispatch import agent, run

MATRIX = {
    "developer": {"pr_created"},
    "tech-lead": {"pr_approved", "pr_changes_requested"},
    "qa-engineer": {"pr_approved", "pr_changes_requested"},
    "release-manager": {"release_decided"},
    "product-owner": set(),
    "somebody": set(),
}
DECISIVE = ("pr_created", "pr_approved", "pr_changes_requested", "release_decided")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shipped roles, as every fleet has them."""
    return load_settings(tmp_path_factory.mktemp("empty"), project_required=False, environ={}).require()


@pytest.mark.parametrize("role", MATRIX)
@pytest.mark.parametrize("kind", [*DECISIVE, "approval_granted", "pr_merged", "agent_released", "gate_passed", "note"])
def test_the_whole_matrix_of_roles_and_kinds(shipped: Settings, role: str, kind: str) -> None:
    decision = may_publish(shipped, run("ada", role=role), agent("ada", role=role), kind)
    expected = kind in MATRIX[role] or kind == "note"
    assert decision.allowed is expected
    assert decision.allowed or kind in decision.reason or role in decision.reason


def test_the_shown_table_is_the_one_that_decides(shipped: Settings) -> None:
    """Every cell of `fleet config explain capabilities` against the decision itself."""
    for row in table(shipped):
        role = next(name for name in row.roles if "*" not in name)
        for act, said in row.acts.items():
            decided = may_publish(shipped, run("ada", role=role), agent("ada", role=role), act).allowed
            assert decided is (said != "no"), (row.family, act)
        assert {row.acts[act] for act in OF_PERSONS} == {"no"}


@pytest.mark.parametrize(
    ("person", "who"),
    [
        ("lee <x@y.z>", "lee"),
        ("Lee <x@y.z>", "lee"),
        ("Somebody <lee@fleet.invalid>", "lee"),
        ("LEE", "lee"),
        ("leela <leela@x>", None),
        ("fleet-agent <fleet-agent@fleet.invalid>", None),
        ("", None),
        ("<>", None),
    ],
)
def test_whom_a_commit_claims_to_be_of(person: str, who: str | None) -> None:
    assert signs_as(person, {"lee", "rae"}) == who


def test_a_quarantined_or_revoked_identity_may_say_nothing(shipped: Settings) -> None:
    developer = run("ada", role="developer", agent_epoch=1)
    contained = agent("ada", quarantined=True, quarantine_reason="three denials", epoch=1)
    assert may_publish(shipped, developer, contained, "note").rule == "quarantine"
    assert may_publish(shipped, developer, agent("ada", epoch=2), "note").rule == "epoch"


def _pull_request(**changes: object) -> PullRequest:
    fields: dict[str, object] = {
        "number": 1, "ticket": 1, "title": "t", "body": "", "branch": "b", "target": "main", "agent": "ada",
        "run": "run-ada",
        "head_sha": "aaaa", "base_sha": "base", "state": PullRequestState.NEEDS_REVIEW, "reason": "", "round": 1,
        "files": 1, "added": 1, "deleted": 0, "merge_sha": None, "created_ns": 0, "changed_ns": 0,
    }  # fmt: skip
    return PullRequest(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"pr": 1, "head_sha": "aaaa", "agent": "bo"}, "capabilities"),
        ({"pr": 1, "head_sha": "aaaa", "agent": "ada"}, "own-work"),
        ({"pr": 1, "head_sha": "bbbb", "agent": "bo"}, "stale"),
        ({"pr": 2, "head_sha": "aaaa", "agent": "bo"}, "scope"),
        ({"pr": None, "head_sha": None, "agent": "bo"}, "scope"),
    ],
)
def test_verdicts_only_on_the_given_head_of_somebody_elses_work(changes: dict[str, object], rule: str) -> None:
    decision = may_decide_on(_run(changes), _pull_request(), "pr_approved")
    assert decision.rule == rule
    assert decision.allowed is (rule == "capabilities")
    assert decision.offence is (rule in ("own-work", "scope")), "being overtaken by a push is nobody's fault"


def _run(changes: dict[str, object]) -> Run:
    rest = {name: value for name, value in changes.items() if name != "agent"}
    return run(str(changes["agent"]), RunState.RUNNING, **rest)


@given(
    st.integers(1, 6), st.integers(0, 6), st.lists(st.integers(0, 60), min_size=1, max_size=4), st.integers(0, 10**18)
)
def test_restarts_are_bounded_and_wait(attempt: int, allowed: int, backoff: list[int], now_ns: int) -> None:
    settings = Settings(limits=Limits(restart_attempts=allowed, restart_backoff_s=tuple(backoff)))
    restart = restart_after(run("ada", attempt=attempt), settings, now_ns)
    if attempt >= allowed:
        assert restart is None
    else:
        assert restart is not None
        assert restart.attempt == attempt + 1
        assert restart.not_before_ns >= now_ns
        assert restart.not_before_ns - now_ns <= 60 * 10**9


@given(st.integers(1, 5), st.integers(0, 8), st.booleans())
def test_containment_by_denials(limit: int, denials: int, quarantined: bool) -> None:
    settings = Settings(limits=Limits(denials_to_quarantine=limit))
    row: Agent = agent("ada", denials=denials, quarantined=quarantined)
    reason = containment_reason(row, settings)
    assert (reason is not None) == (denials >= limit and not quarantined)
