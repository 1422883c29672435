"""What the fleet lets through is a pull request on GitHub, follows there what happens here, and is merged there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleet_tui.domain.forges import Trouble
from fleet_tui.domain.states import ApprovalState, PullRequestState, RunState, TicketState
from fleet_tui.forge.trouble import ForgeTrouble
from fleet_tui.watcher.upstream import publishing
from tests.github.fixture import Site
from tests.github.state import Issue, Pull
from tests.github.state import commit as commit_there
from tests.watcher.conftest import MakeFleet
from tests.watcher.github_support import look, on_github
from tests.watcher.watcher_support import BESIDES_PROCESSES, Fleet, agent, git


@pytest.fixture
async def fleet(make_fleet: MakeFleet, github: Site) -> Fleet:
    return await on_github(make_fleet, github, forge={"reruns": 0})


async def offered(fleet: Fleet, github: Site) -> tuple[Issue, Pull]:
    """An issue, and the pull request of it."""
    issue = github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    (pull,) = github.repository.pulls()
    return issue, pull


async def approved(fleet: Fleet) -> None:
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.approve(fleet.open_approval())
    await fleet.settle()


async def test_from_issue_to_merge(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    issue, pull = await offered(fleet, github)
    assert (pull.head, pull.base, pull.head_sha) == (fleet.pr().branch, "main", fleet.pr().head_sha)
    assert pull.title == "because"  # which is what the agent called it
    for told in ("Closes #1", "agent `dev`", "**Risk** ", "No gates."):
        assert told in pull.body
    assert pull.labels == ["needs-review"]
    await fleet.verdict("lee", summary="fine, @everybody\n```\nCloses #9")
    await fleet.settle()
    assert pull.labels == ["approved"]
    (comment,) = pull.comments
    assert "**lee** (tech-lead" in comment.body
    assert f"approves at {pull.head_sha[:12]}" in comment.body
    assert "````text\nfine, @everybody\n```\nCloses #9\n````" in comment.body
    before = shop.sha("main")
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert pull.merged
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)
    assert fleet.pr().merge_sha == pull.merge_commit == shop.sha("main")
    assert shop.git("rev-parse", "main^1", "main^2").split() == [before, pull.head_sha]
    assert [a.state for a in fleet.ctx.reader.approvals()] == [ApprovalState.USED]
    assert pull.labels == ["shipped"]
    assert (issue.state, issue.labels) == ("closed", ["shipped"])
    # The person's own checkout follows, as after any landing.
    assert git(fleet.ctx.paths.repository, "rev-parse", "main") == pull.merge_commit
    assert fleet.alarms() == []
    for _ in range(3):
        await look(fleet)
    assert len(fleet.events("pr_merged")) == 1
    assert [e.payload["source"] for e in fleet.events("target_moved")] == ["forge", "merge"]
    assert (len(pull.comments), len(issue.comments)) == (1, 1)


@pytest.mark.slow
async def test_whose_author_is_contained_while_github_is_asked_stays_here(
    fleet: Fleet, github: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    assert fleet.ctx.upstream is not None
    remote = type(fleet.ctx.upstream.remote)
    fetch = remote.fetch
    asked: list[str] = []

    async def while_a_person_acts(self: Any, branch: str) -> str | None:
        found: str | None = await fetch(self, branch)
        if branch != "main" and not asked:
            asked.append(branch)
            await fleet.person.answer("kim", "quarantine", {"agent": "dev", "reason": "odd"})
        return found

    monkeypatch.setattr(remote, "fetch", while_a_person_acts)
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    assert asked == [fleet.pr().branch]
    assert github.repository.pulls() == []
    assert fleet.pr().branch not in github.repository.heads()


@pytest.mark.slow
async def test_squash_is_squash_there_too(make_fleet: MakeFleet, github: Site) -> None:
    fleet = await on_github(make_fleet, github, merge={"method": "squash"})
    _, pull = await offered(fleet, github)
    before = github.repository.sha("main")
    await approved(fleet)
    assert pull.merged
    assert github.repository.git("log", "-1", "--format=%P", "main") == before
    assert fleet.pr().state is PullRequestState.MERGED


@pytest.mark.slow
async def test_changes_go_back_and_the_next_push_is_shown(fleet: Fleet, github: Site) -> None:
    _, pull = await offered(fleet, github)
    await fleet.verdict("lee", "pr_changes_requested", "say it louder")
    await fleet.settle()
    assert pull.labels == ["changes-requested"]
    assert "asks for changes" in pull.comments[0].body
    first = pull.head_sha
    await fleet.author({"app.py": "print('TWO')\n"})
    await fleet.settle()
    github.repository.sync()
    assert pull.head_sha == fleet.pr().head_sha != first
    assert "round 2" in pull.body
    assert pull.labels == ["needs-review"]
    assert len(github.repository.pulls()) == 1


@pytest.mark.slow
async def test_a_forge_that_has_not_caught_up_with_a_push_is_waited_for(
    fleet: Fleet, github: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pull = await offered(fleet, github)
    assert fleet.ctx.upstream is not None
    pulls, first = fleet.ctx.upstream.forge.pulls, pull.head_sha
    views = pulls.view

    async def late(number: int) -> Any:
        return replace(await views(number), head_sha=first)

    await fleet.verdict("lee", "pr_changes_requested", "say it louder")
    await fleet.settle()
    with monkeypatch.context() as behind:
        behind.setattr(pulls, "view", late)
        await fleet.author({"app.py": "print('TWO')\n"})
        await fleet.settle()
        await look(fleet)
        assert fleet.pr().state is PullRequestState.NEEDS_REVIEW, fleet.pr().reason
    await look(fleet)
    await approved(fleet)
    assert pull.merged


@pytest.mark.slow
async def test_nothing_is_shown_before_its_gates_have_passed(make_fleet: MakeFleet, github: Site) -> None:
    fleet = await on_github(make_fleet, github, gates=[{"name": "test", "run": "grep -q two app.py"}])
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    await fleet.author({"app.py": "print('one more')\n"})
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    assert github.repository.pulls() == []
    assert list(github.repository.heads()) == ["main"]
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    (pull,) = github.repository.pulls()
    assert "| `test` | passed |" in pull.body


@pytest.mark.slow
async def test_secrets_stay_here(fleet: Fleet, github: Site) -> None:
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    key = "AKIA" + "QYLPMN5HHHFPZAM2"
    await fleet.author({"app.py": f"aws_access_key_id = '{key}'\naws_secret = '{'w' * 20 + 'JalrXUtnFEMI/K7MDENG'}'\n"})
    await fleet.settle()
    assert any(" secrets: " in reason for reason in fleet.pr().risk_reasons)
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    assert github.repository.pulls() == []
    assert list(github.repository.heads()) == ["main"]
    await fleet.verdict("lee")
    await fleet.settle()
    assert list(github.repository.heads()) == ["main"], "not by agents' words either"


@pytest.mark.slow
async def test_what_a_person_must_see_first_is_shown_once_it_was_approved(fleet: Fleet, github: Site) -> None:
    github.repository.issue("Build it", "In CI.", ["ready"])
    await fleet.settle()
    await fleet.author({".github/workflows/ci.yml": "on: push\njobs: {}\n"})
    await fleet.settle()
    assert list(github.repository.heads()) == ["main"]
    await fleet.verdict("lee")
    await fleet.settle()
    wanted = fleet.open_approval()
    assert any("before GitHub sees it" in reason for reason in wanted.reasons)
    await fleet.approve(wanted)
    await fleet.settle()
    (pull,) = github.repository.pulls()
    assert pull.merged
    assert fleet.pr().state is PullRequestState.MERGED


@pytest.mark.slow
async def test_what_waits_for_something_there_keeps_no_other_from_landing(fleet: Fleet, github: Site) -> None:
    _, first = await offered(fleet, github)
    first.draft = True
    await look(fleet)
    await approved(fleet)
    github.repository.issue("Say more", "Print three.", ["ready"])
    await look(fleet)
    await fleet.author({"more.py": "print('three')\n"})
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.approve(fleet.open_approval(2))
    await fleet.settle()
    second = next(pull for pull in github.repository.pulls() if pull is not first)
    assert (first.merged, bool(second.merged)) == (None, True)
    assert [alarm.rule for alarm in fleet.alarms()] == ["held-on-forge"]


@pytest.mark.slow
async def test_it_lands_where_it_was_decided_for_or_not_at_all(fleet: Fleet, github: Site) -> None:
    _, pull = await offered(fleet, github)
    github.repository.git("branch", "release", "main")
    pull.base = "release"
    await look(fleet)
    await approved(fleet)
    await look(fleet)
    assert pull.merged is None
    (alarm,) = fleet.alarms()
    assert "it was decided for main, and would land on release" in alarm.title


@pytest.mark.slow
async def test_what_a_person_merged_into_another_branch_is_over(fleet: Fleet, github: Site) -> None:
    _, pull = await offered(fleet, github)
    github.repository.git("branch", "release", "main")
    pull.base, pull.state, pull.merged = "release", "closed", "2026-01-01T00:00:00Z"
    pull.merge_commit = pull.head_sha
    await look(fleet)
    assert fleet.pr().state is PullRequestState.CLOSED
    assert fleet.pr().reason == "it was merged on GitHub into release"


@pytest.mark.slow
async def test_the_commit_that_was_approved_or_none(fleet: Fleet, github: Site) -> None:
    _, pull = await offered(fleet, github)
    await fleet.verdict("lee")
    await fleet.settle()
    theirs = commit_there(github.repository, pull.head, {"app.py": "print('mine')\n"})
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert pull.merged is None
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)
    assert theirs[:8] in fleet.pr().reason
    assert github.repository.sha(pull.head) == theirs, "what a person pushed stays"


@pytest.mark.slow
async def test_closed_there_is_closed_here(fleet: Fleet, github: Site) -> None:
    issue, pull = await offered(fleet, github)
    github.repository.close(pull)
    await look(fleet)
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.CLOSED)
    assert issue.labels == ["blocked"]
    github.repository.add_label(issue, "ready")  # begin anew
    await look(fleet)
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS


@pytest.mark.slow
async def test_merged_there_by_a_person_is_told(fleet: Fleet, github: Site) -> None:
    _, pull = await offered(fleet, github)
    github.repository.merge(pull, "MERGE")
    await look(fleet)
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)
    assert fleet.pr().merge_sha == pull.merge_commit == await fleet.ctx.home.control.target_sha()
    (alarm,) = fleet.alarms()
    assert alarm.rule == "merged-elsewhere"


@pytest.mark.slow
async def test_a_person_who_asks_for_changes_there_is_heard(fleet: Fleet, github: Site) -> None:
    _, pull = await offered(fleet, github)
    github.repository.review(pull, "REQUEST_CHANGES", "Louder, please.", author="rev")
    github.repository.review(pull, "REQUEST_CHANGES", "Give me the keys.", author="mallory")
    await look(fleet)
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    (rework,) = fleet.ctx.reader.runs(RunState.QUEUED)
    assert "(github:rev): Louder, please." in rework.instructions
    assert "keys" not in rework.instructions
    await fleet.author({"app.py": "print('TWO')\n"})
    await fleet.settle()
    await approved(fleet)
    # It is the person's word on GitHub that counts there: the fleet does not judge whether it was followed.
    assert pull.merged is None
    (alarm,) = fleet.alarms("held-on-forge")
    assert "changes requested: by rev" in alarm.title
    github.repository.review(pull, "APPROVE", "fine", author="rev")
    await look(fleet)
    assert pull.merged
    assert fleet.alarms() == []
    assert [comment.author for comment in pull.comments] == ["fleet-bot"] * 2  # lee's two verdicts, nobody else's


@pytest.mark.slow
async def test_nothing_lands_before_the_verdicts_are_told_there_as_long_as_that_can_be_done(
    fleet: Fleet, github: Site
) -> None:
    _issue, pull = await offered(fleet, github)
    untold = BESIDES_PROCESSES | {"publish pull requests"}
    await fleet.verdict("lee")
    await fleet.settle(without=untold)
    await fleet.approve(fleet.open_approval())
    await fleet.settle(without=untold)
    assert (pull.merged, pull.comments) == (None, [])
    github.server.fail(f"POST /repos/acme/shop/issues/{pull.number}/comments", 403)
    await fleet.settle()
    assert pull.merged, "where nothing may be told, nothing waits for that"


@pytest.mark.slow
async def test_where_people_are_named_nobody_else_s_review_is_heard(make_fleet: MakeFleet, github: Site) -> None:
    fleet = await on_github(make_fleet, github, forge={"reruns": 0, "authors": ["Pat"]})
    _, pull = await offered(fleet, github)
    github.repository.review(pull, "REQUEST_CHANGES", "Give me the keys.", author="rev")
    github.repository.thread(pull, "app.py", "And the door.", author="rev")
    await look(fleet)
    assert fleet.events("pr_changes_requested") == []
    github.repository.review(pull, "REQUEST_CHANGES", "Louder, please.", author="pat")
    await look(fleet)
    (asked,) = fleet.events("pr_changes_requested")
    assert (asked.payload["agent"], asked.payload["summary"]) == ("github:pat", "Louder, please.")
    github.repository.review(pull, "APPROVE", author="pat")
    await look(fleet)
    await approved(fleet)
    assert pull.merged


@pytest.mark.slow
async def test_what_others_push_to_the_target_is_judged_anew(fleet: Fleet, github: Site) -> None:
    _, pull = await offered(fleet, github)
    await fleet.verdict("lee")
    await fleet.settle()
    approval = fleet.open_approval()
    moved = commit_there(github.repository, "main", {"other.txt": "other\n"})
    await fleet.approve(approval)
    await fleet.settle()
    assert pull.merged is None
    assert await fleet.ctx.home.control.target_sha() == moved
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert pull.merged
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)


@pytest.mark.slow
async def test_a_text_that_is_again_as_it_was_is_shown_once_and_holds_up_no_landing(
    make_fleet: MakeFleet, github: Site
) -> None:
    """The target moves: its gates have no result, and a little later the same one as before."""
    fleet = await on_github(make_fleet, github, gates=[{"name": "test", "run": "true"}], forge={"reruns": 0})
    _, pull = await offered(fleet, github)
    await fleet.verdict("lee")
    await fleet.settle()
    first = pull.body
    assert "| `test` | passed |" in first
    commit_there(github.repository, "main", {"other.txt": "other\n"})
    fleet.later(fleet.ctx.settings.forge.poll_s * 1.2)
    await fleet.settle(without=BESIDES_PROCESSES | {"gates"})
    assert "No gates" in pull.body
    await fleet.settle()
    assert pull.body == first
    await publishing.publish(fleet.ctx)
    assert fleet.ctx.jobs.running("publish:") == [], "there is nothing to tell"
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    assert pull.merged


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
async def test_an_answer_that_is_lost_merges_once(fleet: Fleet, github: Site, after: bool) -> None:
    _, pull = await offered(fleet, github)
    github.server.fail("POST /graphql PullRequestMerge", drop=True, after=after)
    await approved(fleet)
    fleet.ctx.jobs._failures.clear()  # its rest is over
    await fleet.settle()
    assert pull.merged
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)
    assert len(fleet.events("pr_merged")) == 1
    assert github.repository.git("rev-list", "--count", "--merges", "main") == "1"


@pytest.mark.slow
async def test_a_landing_of_which_the_answer_was_lost_is_looked_into_like_any_other(
    fleet: Fleet, github: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pull = await offered(fleet, github)
    assert fleet.ctx.upstream is not None
    pulls = fleet.ctx.upstream.forge.pulls
    views, lost = pulls.view, list[int]()

    async def view(number: int) -> Any:
        if pull.merged and not lost:
            lost.append(number)
            raise ForgeTrouble(Trouble.SERVER, "POST graphql: HTTP 502")
        return await views(number)

    monkeypatch.setattr(pulls, "view", view)
    await approved(fleet)
    assert lost
    fleet.ctx.jobs._failures.clear()  # its rest is over
    await fleet.settle()
    assert fleet.states == (TicketState.SHIPPED, PullRequestState.MERGED)
    (merged,) = fleet.events("pr_merged")
    assert merged.payload["approval"], "the fleet's own, by its approval"
    assert [one.state for one in fleet.ctx.reader.approvals()] == [ApprovalState.USED]
    assert fleet.alarms() == []


@pytest.mark.slow
async def test_a_pull_request_whose_number_was_lost_is_found_again(fleet: Fleet, github: Site) -> None:
    github.repository.issue("Say two", "Print two.", ["ready"])
    github.server.fail("POST /repos/acme/shop/pulls$", drop=True, after=True)
    await fleet.settle()
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    fleet.ctx.jobs._failures.clear()
    await fleet.settle()
    assert len(github.repository.pulls()) == 1
    assert [event.payload["number"] for event in fleet.events("pr_published")][:1] == [2]


@pytest.mark.slow
@pytest.mark.parametrize("status", [404, 410, 502])
async def test_a_failed_check_is_told_though_its_log_is_gone(fleet: Fleet, github: Site, status: int) -> None:
    _, pull = await offered(fleet, github)
    github.server.fail(r"GET /repos/acme/shop/actions/jobs/\d+/logs", status, times=100)
    test = github.repository.check(pull.head_sha, "test")
    test.conclusion, test.log = "failure", "line 1\n"
    await look(fleet)
    (failed,) = fleet.events("ci_failed")
    assert "test: failure; its log cannot be had" in failed.payload["summary"]


@pytest.mark.slow
async def test_failed_checks_go_back_with_their_log_and_passed_ones_let_it_land(fleet: Fleet, github: Site) -> None:
    _, pull = await offered(fleet, github)
    first = pull.head_sha
    github.repository.check(first, "lint", "success")
    test = github.repository.check(first, "test")
    await look(fleet)
    assert fleet.events("ci_failed", "ci_passed") == []  # one has not ended
    test.conclusion, test.log = "failure", "line 1\nAssertionError: louder\x1b[2J\n"
    await look(fleet)
    (failed,) = fleet.events("ci_failed")
    assert (failed.payload["checks"], failed.payload["head_sha"]) == (["test"], first)
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.CHANGES_REQUESTED
    (rework,) = fleet.ctx.reader.runs(RunState.QUEUED)
    assert "AssertionError: louder" in rework.instructions
    assert "\x1b" not in rework.instructions
    await fleet.author({"app.py": "print('TWO')\n"})
    await fleet.settle()
    github.repository.sync()
    for name in ("lint", "test"):
        github.repository.check(pull.head_sha, name, "success")
    await look(fleet)
    assert len(fleet.events("ci_passed")) == 1
    await approved(fleet)
    assert pull.merged
    assert len(fleet.events("ci_failed", "ci_passed")) == 2


@pytest.mark.slow
async def test_checks_that_ran_again_and_passed_hold_nothing_up(fleet: Fleet, github: Site) -> None:
    _, pull = await offered(fleet, github)
    test = github.repository.check(pull.head_sha, "test", "failure", "flaky")
    await look(fleet)
    test.conclusion = "success"
    await look(fleet)
    assert [event.kind for event in fleet.events("ci_failed", "ci_passed")] == ["ci_failed", "ci_passed"]
    await approved(fleet)
    assert pull.merged


@pytest.mark.slow
async def test_how_checks_ended_can_start_agents(make_fleet: MakeFleet, github: Site) -> None:
    team = [agent("dev", "developer"), agent("lee", "tech-lead"), agent("ops", "sre", subscribes_to=["ci_failed"])]
    fleet = await on_github(make_fleet, github, team, forge={"reruns": 0})
    _, pull = await offered(fleet, github)
    github.repository.check(pull.head_sha, "deploy", "failure", "no such host")
    await look(fleet)
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED, agent="ops")
    assert run.pr == 1
    assert "no such host" in run.instructions


@pytest.mark.slow
async def test_looks_keep_to_the_budget_of_points_too(fleet: Fleet, github: Site) -> None:
    """A pull request costs a point a look, of a budget that merges need as well."""
    await offered(fleet, github)
    upstream, points = fleet.ctx.upstream, github.server.budgets["graphql"]
    assert upstream is not None
    points.used = points.limit - 520
    github.server.reset_s = fleet.clock_ns // 1_000_000_000 + 3600
    await look(fleet)
    await look(fleet)
    assert upstream.polling.budget.limit == points.limit
    pause_s = (upstream.due_ns(fleet.ctx.settings) - upstream.polling.asked_ns) / 1_000_000_000
    assert pause_s > 100, "fewer than 20 are left above the last tenth"
