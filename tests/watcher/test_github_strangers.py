"""What strangers write on GitHub holds up nobody's work; one issue's or pull request's trouble is its own."""

from __future__ import annotations

import pytest

from fleet_tui.domain.states import PullRequestState, RunState, TicketState
from tests.github.fixture import Site
from tests.watcher.conftest import MakeFleet
from tests.watcher.github_support import look, offered, on_github
from tests.watcher.watcher_support import agent


@pytest.mark.slow
async def test_an_issue_with_too_many_comments_is_told_and_holds_up_no_other(
    make_fleet: MakeFleet, github: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet_tui.forge.gh._MOST_ITEMS", 100)
    fleet, shop = await on_github(make_fleet, github, [agent("lee", "tech-lead")]), github.repository
    flooded = shop.issue("Flooded", "Print one.", ["ready"])
    for number in range(101):
        shop.comment(flooded, str(number), author="mallory")
    shop.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    assert [ticket.number for ticket in fleet.ctx.reader.tickets()] == [2]
    (alarm,) = fleet.alarms()
    assert (alarm.rule, alarm.about) == ("ticket-file", "file:issue 1")
    assert "1 has more than 100 comments" in alarm.title
    with github.server.counting() as seen:
        await look(fleet)
    assert [request for request in seen if "comments" in request.path] == [], "it rests"
    del flooded.comments[:]
    await fleet.person.answer("kim", "poll", {})
    await fleet.settle()
    assert [ticket.number for ticket in fleet.ctx.reader.tickets()] == [1, 2]
    assert fleet.alarms() == []


@pytest.mark.slow
async def test_an_issue_that_cannot_be_taken_keeps_its_agent_from_no_other(make_fleet: MakeFleet, github: Site) -> None:
    fleet, shop = await on_github(make_fleet, github), github.repository
    locked = shop.issue("Locked", "Print one.", ["ready"])
    shop.issue("Say two", "Print two.", ["ready"])
    refusal = '{"message": "Unable to create comment because issue is locked"}'
    github.server.fail("POST /repos/acme/shop/issues/1/comments", 403, body=refusal, times=100)
    await fleet.settle()
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED)
    assert run.ticket == 2
    assert fleet.of_ticket(1).state is TicketState.DRAFT
    (alarm,) = fleet.alarms()
    assert (alarm.rule, "issue is locked" in alarm.title) == ("ticket-file", True)
    for _ in range(3):
        await look(fleet)
    assert len([event for event in fleet.events("claim_decided") if not event.payload["won"]]) == 1
    assert locked.labels == ["ready"]


@pytest.mark.slow
async def test_a_claim_that_gets_no_further_than_its_comment_is_taken_back(make_fleet: MakeFleet, github: Site) -> None:
    fleet = await on_github(make_fleet, github)
    issue = github.repository.issue("Say two", "Print two.", ["ready"])
    github.server.fail("POST /repos/acme/shop/issues/1/labels", 403, body='{"message": "Must have write access"}')
    await fleet.settle()
    assert (issue.comments, issue.labels) == ([], ["ready"])
    assert fleet.occupying() == []
    await fleet.person.answer("kim", "poll", {})
    await fleet.settle()
    assert [event.payload["won"] for event in fleet.events("claim_decided")] == [False, True]


@pytest.mark.slow
async def test_references_and_comments_of_a_stranger_s_issue_are_not_asked_for(
    make_fleet: MakeFleet, github: Site
) -> None:
    """A template may give the label to whoever opens an issue."""
    fleet = await on_github(make_fleet, github, [agent("lee", "tech-lead")])
    needs = "Blocked by " + ", ".join(f"#{number}" for number in range(100, 200))
    strange = [github.repository.issue(f"Spam {n}", needs, ["ready"], author="mallory") for n in range(14)]
    for issue in strange:
        github.repository.comment(issue, "spam", author="mallory")
    with github.server.counting() as seen:
        await fleet.settle()
    assert [str(request) for request in seen if "/issues/" in request.path] == []
    titles = [alarm.title for alarm in fleet.alarms()]
    assert len(titles) == 4
    assert "issues: 11 more by people whose words do not count" in titles[-1]


@pytest.mark.slow
async def test_reviews_of_strangers_however_many_change_nothing(make_fleet: MakeFleet, github: Site) -> None:
    fleet = await on_github(make_fleet, github, forge={"reruns": 0})
    pull = await offered(fleet, github)
    for number in range(110):
        github.repository.review(pull, "REQUEST_CHANGES", "x" * 60_000, author=f"mallory-{number}")
        github.repository.thread(pull, "app.py", "x" * 60_000, author=f"mallory-{number}")
    await look(fleet)
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert pull.merged
    assert fleet.alarms() == []


@pytest.mark.slow
async def test_a_fork_s_pull_request_of_the_same_name_and_number_is_left_alone(
    make_fleet: MakeFleet, github: Site
) -> None:
    fleet, shop = await on_github(make_fleet, github, forge={"reruns": 0}), github.repository
    theirs = shop.from_fork("agent/2-say-two", "main", "Mine", "acme")
    ours = await offered(fleet, github)
    assert (ours.fork, ours.head, theirs.title, theirs.labels) == ("", "agent/2-say-two", "Mine", [])
    # Even if the number is another's by now, since the repository was made anew.
    ours.head, ours.fork = "theirs", "mallory"
    await look(fleet)
    await fleet.verdict("lee")
    await fleet.settle()
    assert "is not the pull request from" in fleet.alarms("forge-pr")[0].title
    assert (ours.labels, fleet.pr().state) == (["needs-review"], PullRequestState.GATED)


@pytest.mark.slow
async def test_a_pull_request_that_cannot_be_read_is_told_and_holds_up_no_other(
    make_fleet: MakeFleet, github: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await on_github(make_fleet, github, forge={"reruns": 0})
    pull = await offered(fleet, github)
    monkeypatch.setattr("fleet_tui.forge.gh_pulls._MOST_PAGES", 1)
    for number in range(101):
        github.repository.review(pull, "APPROVE", author=f"mallory-{number}")
    github.repository.issue("Say three", "Print three.", ["ready"])
    await look(fleet)
    assert fleet.ctx.upstream is not None
    assert fleet.ctx.upstream.trouble == ""
    assert fleet.of_ticket(3).state is TicketState.IN_PROGRESS
    (alarm,) = fleet.alarms()
    assert (alarm.rule, alarm.about) == ("forge-pr", "pr:1")
    del pull.reviews[:]
    await fleet.person.answer("kim", "poll", {})
    await fleet.settle()
    assert fleet.alarms() == []
