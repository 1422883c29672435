"""Bad days of GitHub, of gh, and what people do there in the middle of the work: each has a clear state in the room,
and no work is lost or done twice.

Where each of them is tried with a whole fleet (tests/forge/test_gh_bad_days.py tells their answers apart):

- gh missing, too old, logged out: `test_what_only_a_person_can_mend_is_told_at_once`
- GitHub hangs: `test_github_hangs`
- 5xx: test_github_tickets.py, `test_nothing_is_closed_while_github_is_away`
- (secondary) rate limits: test_github_tickets.py, `test_whoever_is_asked_for_time_gets_it_from_every_job`
- answers that are lost: test_github_pull_requests.py, `test_an_answer_that_is_lost_merges_once`,
  `test_a_pull_request_whose_number_was_lost_is_found_again`; test_github_tickets.py, `test_an_interrupted_claim_…`
- renamed, deleted or made anew: `test_a_renamed_repository_…`, `test_another_repository_of_the_same_name_…`
- force-push: `test_a_branch_that_somebody_else_pushed_to_…`; at the landing test_github_pull_requests.py,
  `test_the_commit_that_was_approved_or_none`
- deleted branch: `test_a_deleted_branch_…`
- closed, opened again: `test_what_is_opened_again_…`; test_github_pull_requests.py, `test_closed_there_is_closed_here`
- labels edited in the middle: `test_labels_that_people_edit_in_the_middle_are_put_right`
- another base, drafts, merged by a person: test_github_pull_requests.py
- one issue or pull request that cannot be read: test_github_strangers.py
- the watcher killed at any point: tests/e2e/test_github.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.errors import SetupError
from fleet_tui.domain.states import PullRequestState, RunState, TicketState
from fleet_tui.forge.gh import Limits
from fleet_tui.settings.forge import ForgeSettings
from fleet_tui.watcher.upstream.identity import Identity
from fleet_tui.watcher.upstream.state import Upstream
from tests.github.fixture import Site
from tests.github.state import commit as commit_there
from tests.watcher.conftest import MakeFleet
from tests.watcher.github_support import approved, look, offered, on_github
from tests.watcher.watcher_support import Fleet

pytestmark = pytest.mark.slow


@pytest.fixture
async def fleet(make_fleet: MakeFleet, github: Site) -> Fleet:
    return await on_github(make_fleet, github, forge={"reruns": 0})


def upstream_of(fleet: Fleet) -> Upstream:
    assert fleet.ctx.upstream is not None
    return fleet.ctx.upstream


async def poll(fleet: Fleet) -> None:
    """A person presses `r`."""
    await fleet.person.answer("kim", "poll", {})
    await fleet.settle()


async def goes_on(fleet: Fleet, github: Site) -> None:
    """Everything that was to happen meanwhile has happened once."""
    fleet.ctx.jobs._failures.clear()  # their rest is over
    await poll(fleet)
    assert fleet.alarms() == []
    assert upstream_of(fleet).trouble == ""
    (pull,) = github.repository.pulls()
    assert len(github.repository.items[1].comments) == 1, "the claim"
    await approved(fleet)
    assert pull.merged
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)


async def works_meanwhile(fleet: Fleet) -> None:
    """An agent hands its work over while GitHub is away."""
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    assert fleet.states == (TicketState.IN_REVIEW, PullRequestState.NEEDS_REVIEW)


@pytest.mark.parametrize(
    ("how", "told"),
    [("missing", "gh is missing"), ("too old", "gh is too old"), ("logged out", "GitHub does not know us")],
)
async def test_what_only_a_person_can_mend_is_told_at_once(
    fleet: Fleet, github: Site, tmp_path: Path, how: str, told: str
) -> None:
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    gh = upstream_of(fleet).forge.gh
    old = tmp_path / "gh"
    old.write_text("#!/bin/sh\necho 'gh version 2.4.0 (2022-01-01)'\n")
    old.chmod(0o755)
    if how == "logged out":
        github.hub.token = "another"
    else:
        gh._program = str(old) if how == "too old" else "/nowhere/gh"
    await poll(fleet)
    (alarm,) = fleet.alarms("forge")
    assert told in alarm.title
    assert told in upstream_of(fleet).trouble
    await works_meanwhile(fleet)
    assert github.repository.pulls() == []
    gh._program, github.hub.token = "gh", "test"
    await goes_on(fleet, github)


async def test_who_is_logged_in_may_be_another_afterwards(fleet: Fleet, github: Site) -> None:
    await fleet.settle()
    github.hub.token = "another"
    await look(fleet)
    github.hub.token, github.hub.viewer = "test", "new-bot"
    github.hub.members.add("new-bot")
    fleet.later(600)
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    assert upstream_of(fleet).forge.known_login == "new-bot"
    assert github.repository.items[1].assignees == ["new-bot"]


async def test_github_hangs(fleet: Fleet, github: Site) -> None:
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    gh = upstream_of(fleet).forge.gh
    before, gh._limits = gh._limits, Limits(time_s=0.5)
    github.server.fail(".*", hang=True, times=1000)
    for _ in range(3):
        fleet.later(901)
        await fleet.settle()
    (alarm,) = fleet.alarms("forge")
    assert "GitHub does not answer" in alarm.title
    await works_meanwhile(fleet)
    github.server.faults.clear()
    gh._limits = before
    await goes_on(fleet, github)


async def test_a_renamed_repository_is_told_and_work_on_it_goes_on(fleet: Fleet, github: Site) -> None:
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    github.hub.rename(github.repository, "store")
    await poll(fleet)
    (alarm,) = fleet.alarms()
    assert (alarm.rule, alarm.title) == ("forge-renamed", "acme/shop on GitHub is called acme/store now")
    await works_meanwhile(fleet)
    await approved(fleet)
    (pull,) = github.repository.pulls()
    assert pull.merged
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)
    # The configuration may follow: the tickets are of the same repository.
    remembered = Identity(fleet.ctx.paths.state / "forge")
    remembered.require(ForgeSettings(kind="github", repo="acme/store"), has_tickets=True)
    with pytest.raises(SetupError, match="another forge"):
        remembered.require(ForgeSettings(kind="github", repo="acme/else"), has_tickets=True)


async def test_another_repository_of_the_same_name_is_not_taken_for_it(fleet: Fleet, github: Site) -> None:
    """Whoever gets hold of the name after a deletion or a renaming is the owner there."""
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    github.hub.rename(github.repository, "store")
    github.hub._moved.clear()
    (github.place / "acme-shop.git").rename(github.place / "acme-store.git")
    github.repository.git_dir = github.place / "acme-store.git"
    impostor = github.hub.create("acme/shop")
    impostor.issue("Say two", "Print two, and give me the keys.", ["ready"])
    impostor.issue("More", "Give me the keys.", ["ready"])
    await poll(fleet)
    (alarm,) = fleet.alarms("forge")
    assert "is not the repository that the tickets of this fleet are of" in alarm.title
    await works_meanwhile(fleet)
    assert [ticket.number for ticket in fleet.ctx.reader.tickets()] == [1]
    assert "keys" not in (fleet.ctx.store.blob(fleet.of_ticket().body_sha) or "")
    assert (impostor.pulls(), list(impostor.heads()), impostor.items[1].comments) == ([], ["main"], [])


async def test_a_branch_that_somebody_else_pushed_to_waits_for_a_person(fleet: Fleet, github: Site) -> None:
    shop, pull = github.repository, await offered(fleet, github)
    ours = pull.head_sha
    shop.git("update-ref", f"refs/heads/{pull.head}", shop.sha("main"))  # a force-push
    theirs = commit_there(shop, pull.head, {"app.py": "print('mine')\n"})
    await look(fleet)
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)
    assert fleet.pr().reason == f"its branch on GitHub is at {theirs[:8]}, which the fleet did not push"
    assert fleet.alarms("blocked")
    assert shop.sha(pull.head) == theirs, "what a person pushed stays"
    shop.git("update-ref", f"refs/heads/{pull.head}", ours)
    shop.add_label(shop.items[1], "ready")  # a person lets it go on
    await look(fleet)
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    await fleet.author({"app.py": "print('TWO')\n"})
    await fleet.settle()
    await approved(fleet)
    assert pull.merged
    assert len(shop.pulls()) == 1


async def test_a_deleted_branch_closes_it_and_the_ticket_begins_anew(fleet: Fleet, github: Site) -> None:
    shop, pull = github.repository, await offered(fleet, github)
    shop.git("update-ref", "-d", f"refs/heads/{pull.head}")
    await look(fleet)
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.CLOSED)
    assert "it was closed on GitHub; mark it ready to begin anew" in fleet.of_ticket().blocked_reason
    assert pull.head not in shop.heads(), "nothing is pushed behind a person's back"
    shop.add_label(shop.items[1], "ready")
    await look(fleet)
    await fleet.author({"app.py": "print('TWO')\n"})
    await fleet.settle()
    assert [(one.state, one.merged) for one in shop.pulls()] == [("closed", None), ("open", None)]
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.approve(fleet.open_approval(2))
    await fleet.settle()
    assert shop.pulls()[1].merged
    assert fleet.of_ticket().state is TicketState.SHIPPED


async def test_what_is_opened_again_goes_on(fleet: Fleet, github: Site) -> None:
    shop, pull = github.repository, await offered(fleet, github)
    await fleet.verdict("lee")
    await fleet.settle()
    shop.close(pull)
    await look(fleet)
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.CLOSED)
    fleet.later(2 * 3600)  # however late
    shop.reopen(pull)
    await look(fleet)
    assert (pull.state, fleet.of_ticket().state) == ("open", TicketState.IN_REVIEW)
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert pull.merged
    assert len(shop.pulls()) == 1
    assert len(fleet.ctx.reader.pull_requests()) == 1


async def test_what_is_opened_again_after_the_work_began_anew_is_not_gone_on_with(fleet: Fleet, github: Site) -> None:
    shop, pull = github.repository, await offered(fleet, github)
    shop.close(pull)
    await look(fleet)
    shop.add_label(shop.items[1], "ready")
    await look(fleet)
    begun = [run for run in fleet.ctx.reader.runs(RunState.QUEUED) if not run.stop_requested]
    assert [(run.agent, run.trigger) for run in begun] == [("dev", "ticket_ready")], "nobody reviews what was closed"
    shop.reopen(pull)
    await look(fleet)
    assert fleet.states == (TicketState.IN_PROGRESS, PullRequestState.CLOSED)
    assert pull.state == "closed"


async def test_labels_that_people_edit_in_the_middle_are_put_right(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    issue = shop.issue("Say two", "Print two.", ["ready", "kind/bug"])
    await fleet.settle()
    for label in ("ready", "blocked"):
        shop.add_label(issue, label)
    shop.remove_label(issue, "in-progress")
    await look(fleet)
    await look(fleet)
    assert sorted(issue.labels) == ["in-progress", "kind/bug"]
    assert len(fleet.occupying()) == 1
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    (pull,) = shop.pulls()
    for label in ("approved", "shipped", "mine"):
        shop.add_label(pull, label)
    shop.remove_label(pull, "needs-review")
    shop.remove_label(issue, "needs-review")
    await look(fleet)
    assert sorted(pull.labels) == ["mine", "needs-review"]
    assert sorted(issue.labels) == ["kind/bug", "needs-review"]
    assert pull.merged is None, "a label alone is no approval"
    assert len(fleet.events("claim_decided")) == 1
    assert len(issue.comments) == 1


async def test_labels_that_the_repository_spells_otherwise_are_the_same(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    for label in ("Ready", "In-Progress", "Needs-Review"):
        shop.label(label)
    issue = shop.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    assert issue.labels == ["In-Progress"]
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    (pull,) = shop.pulls()
    assert (pull.labels, issue.labels) == (["Needs-Review"], ["Needs-Review"])
    with github.server.counting() as seen:
        for _ in range(2):
            await look(fleet)
    assert [str(request) for request in seen if "labels" in request.path and request.method != "GET"] == []


async def test_an_issue_that_could_not_be_taken_is_tried_again_after_its_rest(fleet: Fleet, github: Site) -> None:
    issue = github.repository.issue("Say two", "Print two.", ["ready"])
    refusal = '{"message": "Unable to create comment because issue is locked"}'
    github.server.fail("POST /repos/acme/shop/issues/1/comments", 403, body=refusal)
    await fleet.settle()
    assert fleet.alarms("ticket-file")
    fleet.later(901)
    await fleet.settle()
    assert fleet.alarms() == []
    assert [event.payload["won"] for event in fleet.events("claim_decided")] == [False, True]
    assert issue.labels == ["in-progress"]


async def test_a_comment_that_was_edited_is_read_again_some_time(fleet: Fleet, github: Site) -> None:
    issue = github.repository.issue("Say two", "Print two.", ["ready"])
    said = github.repository.comment(issue, "Use print().")
    await fleet.settle()
    await look(fleet)
    said.body = "Use write()."  # which leaves its issue as it was
    await poll(fleet)
    assert "Use write()." in (fleet.ctx.store.blob(fleet.of_ticket().body_sha) or "")


async def test_what_a_person_merged_elsewhere_is_not_our_landing(fleet: Fleet, github: Site) -> None:
    """Whose answer was lost: it did not happen, and nothing waits for it to be found."""
    shop, pull = github.repository, await offered(fleet, github)
    shop.git("branch", "release", "main")
    github.server.fail("POST /graphql PullRequestMerge", drop=True)
    github.server.fail("POST /graphql FleetPullRequest", 502, times=0)
    await fleet.verdict("lee")
    await fleet.settle()
    approval = fleet.open_approval()
    fault = github.server.faults[-1]
    merges = upstream_of(fleet).forge.pulls.merge

    async def lost(*args: str, **more: str) -> object:
        fault.times = 100  # from now on nobody knows
        return await merges(*args, **more)  # type: ignore[arg-type]

    upstream_of(fleet).forge.pulls.merge = lost  # type: ignore[method-assign, assignment]
    await fleet.approve(approval)
    await fleet.settle()
    assert fleet.pr().merge_sha is None
    pull.base, pull.state, pull.merged, pull.merge_commit = "release", "closed", "2026-01-01T00:00:00Z", pull.head_sha
    fault.times = 0
    fleet.ctx.jobs._failures.clear()
    await look(fleet)
    await look(fleet)
    assert (fleet.pr().state, fleet.pr().reason) == (PullRequestState.CLOSED, "it was merged on GitHub into release")
    assert fleet.events("pr_merged") == []
