"""A check on GitHub that failed is run again before anybody is told, a bounded number of times."""

from __future__ import annotations

import pytest

from tests.github.fixture import Site
from tests.github.state import Protection
from tests.watcher.conftest import MakeFleet
from tests.watcher.github_support import look, offered, on_github


async def test_bad_luck_is_told_to_nobody_and_a_second_failure_is(make_fleet: MakeFleet, github: Site) -> None:
    fleet = await on_github(make_fleet, github)
    pull = await offered(fleet, github)
    check = github.repository.check(pull.head_sha, "build", "failure")
    await look(fleet)
    await look(fleet)
    assert (check.attempts, check.conclusion) == (2, None), "once, while it runs"
    assert fleet.events("ci_failed") == []
    github.repository.check(pull.head_sha, "build", "failure", "expected 2, got 3")
    await look(fleet)
    await look(fleet)
    (failed,) = fleet.events("ci_failed")
    assert "expected 2, got 3" in str(failed.payload["summary"])
    assert check.attempts == 2


@pytest.mark.slow
async def test_what_passes_then_was_bad_luck(make_fleet: MakeFleet, github: Site) -> None:
    fleet = await on_github(make_fleet, github)
    pull = await offered(fleet, github)
    github.repository.check(pull.head_sha, "build", "failure")
    await look(fleet)
    github.repository.check(pull.head_sha, "build", "success")
    await look(fleet)
    assert [len(fleet.events(kind)) for kind in ("check_rerun", "ci_failed", "ci_passed")] == [1, 0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("whose", ["protections", "rules"])
async def test_checks_have_not_passed_before_those_that_must_have_run(
    make_fleet: MakeFleet, github: Site, whose: str
) -> None:
    """Required ones may begin later than others, by a rule of the branch or of the repository."""
    fleet = await on_github(make_fleet, github)
    getattr(github.repository, whose)["main"] = Protection(contexts=("build",))
    pull = await offered(fleet, github)
    github.repository.check(pull.head_sha, "lint", "success")
    await look(fleet)
    assert fleet.events("ci_passed", "ci_failed") == []
    github.repository.check(pull.head_sha, "build", "success")
    await look(fleet)
    (passed,) = fleet.events("ci_passed", "ci_failed")
    assert (passed.kind, passed.payload["checks"]) == ("ci_passed", ["build"])


@pytest.mark.slow
async def test_what_may_not_run_again_is_told_at_once(make_fleet: MakeFleet, github: Site) -> None:
    fleet = await on_github(make_fleet, github)
    pull = await offered(fleet, github)
    github.repository.check(pull.head_sha, "build", "failure")
    github.server.fail("POST .*/rerun", 403, body='{"message": "Resource not accessible by personal access token"}')
    await look(fleet)
    await look(fleet)
    (rerun,) = fleet.events("check_rerun")
    assert rerun.payload["job"] == 0
    assert len(fleet.events("ci_failed")) == 1
