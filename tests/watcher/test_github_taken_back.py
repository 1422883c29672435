"""What was asked for on GitHub and is taken back there: no approval of anybody, and nothing that holds work up."""

from __future__ import annotations

import pytest

from fleet_tui.domain.states import PullRequestState, RunState, TicketState, Verdict
from tests.github.fixture import Site
from tests.github.state import Pull
from tests.watcher.conftest import MakeFleet
from tests.watcher.github_support import look, offered, on_github
from tests.watcher.watcher_support import Fleet

pytestmark = pytest.mark.slow


@pytest.fixture
async def fleet(make_fleet: MakeFleet, github: Site) -> Fleet:
    return await on_github(make_fleet, github, forge={"reruns": 0})


async def sent_back(fleet: Fleet) -> None:
    """Everybody else was for it."""
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    assert len(fleet.ctx.reader.runs(RunState.QUEUED, agent="dev")) == 1


async def lands(fleet: Fleet, pull: Pull) -> None:
    """Without its author, whose run has nothing to do any more."""
    await fleet.settle()
    assert [run.stop_requested for run in fleet.ctx.reader.runs(RunState.QUEUED, agent="dev")] == [True]
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert pull.merged
    assert fleet.pr().round == 1


async def test_a_review_that_is_dismissed_is_no_approval_and_holds_nothing_up(fleet: Fleet, github: Site) -> None:
    pull = await offered(fleet, github)
    review = github.repository.review(pull, "REQUEST_CHANGES", "Louder, please.", author="rev")
    await look(fleet)
    await sent_back(fleet)
    review.state = "DISMISSED"
    await look(fleet)
    (gone,) = fleet.events("review_withdrawn")
    assert (gone.payload["agent"], gone.payload["reason"]) == ("github:rev", "the review was dismissed on GitHub")
    assert [event.payload["agent"] for event in fleet.events("pr_approved")] == ["lee"]
    assert {one.agent: one.verdict for one in fleet.ctx.reader.reviews(1)} == {
        "lee": Verdict.APPROVED,
        "github:rev": Verdict.WITHDRAWN,
    }
    await lands(fleet, pull)


async def test_asked_for_again_at_the_same_commit_it_goes_back_again(fleet: Fleet, github: Site) -> None:
    pull = await offered(fleet, github)
    review = github.repository.review(pull, "REQUEST_CHANGES", "Louder, please.", author="rev")
    await look(fleet)
    await sent_back(fleet)
    review.state = "DISMISSED"
    await look(fleet)
    github.repository.review(pull, "REQUEST_CHANGES", "No, softer.", author="rev")
    await look(fleet)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    wanted = [run for run in fleet.ctx.reader.runs(RunState.QUEUED, agent="dev") if not run.stop_requested]
    assert ["No, softer." in run.instructions for run in wanted] == [True]


async def test_of_who_is_not_trusted_any_more_nothing_stands(fleet: Fleet, github: Site) -> None:
    pull = await offered(fleet, github)
    github.repository.review(pull, "REQUEST_CHANGES", "Louder, please.", author="rev")
    await look(fleet)
    await sent_back(fleet)
    github.hub.members.discard("rev")
    await look(fleet)
    assert [event.payload["agent"] for event in fleet.events("review_withdrawn")] == ["github:rev"]
    await lands(fleet, pull)


async def test_checks_that_ran_again_and_passed_free_what_they_sent_back(fleet: Fleet, github: Site) -> None:
    pull = await offered(fleet, github)
    test = github.repository.check(pull.head_sha, "test", "failure", "flaky")
    await look(fleet)
    await sent_back(fleet)
    test.conclusion = "success"
    await look(fleet)
    assert [event.kind for event in fleet.events("ci_failed", "ci_passed")] == ["ci_failed", "ci_passed"]
    assert [event.payload["agent"] for event in fleet.events("review_withdrawn")] == ["github/checks"]
    await lands(fleet, pull)


async def test_they_free_what_waits_for_a_person_because_of_them_too(make_fleet: MakeFleet, github: Site) -> None:
    fleet = await on_github(make_fleet, github, forge={"reruns": 0}, reviews={"max_rounds": 1})
    pull = await offered(fleet, github)
    test = github.repository.check(pull.head_sha, "test", "failure", "flaky")
    await look(fleet)
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)
    test.conclusion = "success"
    await look(fleet)
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)


async def test_what_others_ask_for_stays(fleet: Fleet, github: Site) -> None:
    pull = await offered(fleet, github)
    test = github.repository.check(pull.head_sha, "test", "failure", "flaky")
    await look(fleet)
    await fleet.verdict("lee", "pr_changes_requested", "say it louder")
    await fleet.settle()
    test.conclusion = "success"
    await look(fleet)
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    assert [run.stop_requested for run in fleet.ctx.reader.runs(RunState.QUEUED, agent="dev")] == [False]


async def test_somebody_who_is_called_checks_is_not_taken_for_them(fleet: Fleet, github: Site) -> None:
    github.hub.members.add("checks")
    pull = await offered(fleet, github)
    test = github.repository.check(pull.head_sha, "test", "failure", "flaky")
    github.repository.review(pull, "REQUEST_CHANGES", "Louder, please.", author="checks")
    await look(fleet)
    test.conclusion = "success"
    await look(fleet)
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    assert {one.agent: one.verdict for one in fleet.ctx.reader.reviews(1)} == {
        "lee": Verdict.APPROVED,
        "github:checks": Verdict.CHANGES_REQUESTED,
        "github/checks": Verdict.WITHDRAWN,
    }
