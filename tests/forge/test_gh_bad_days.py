"""What can go wrong with gh and GitHub: each has a kind of its own, says what to do, and nothing is done twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet_tui.domain.forges import Trouble
from fleet_tui.forge.gh import Gh, Limits
from fleet_tui.forge.gh_issues import Issues, repository
from fleet_tui.forge.gh_pulls import Pulls
from fleet_tui.forge.trouble import ForgeTrouble
from tests.github.fixture import Site
from tests.github.state import Protection, commit

SHOP = "acme/shop"
SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND


async def trouble_of(call: object) -> ForgeTrouble:
    with pytest.raises(ForgeTrouble) as raised:
        await call  # type: ignore[misc]
    assert "\x1b" not in str(raised.value)
    return raised.value


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def script(place: Path, text: str) -> str:
    path = place / "gh-of-a-kind"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


async def test_gh_is_missing(github: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await trouble_of(Gh().probe())
    assert found.trouble is Trouble.MISSING
    assert "install" in found.hint
    assert not found.trouble.passes


@pytest.mark.parametrize("said", ["gh version 2.4.0 (2022-01-01)", "GNU hello 1.0"])
async def test_gh_is_too_old_or_something_else(github: Site, tmp_path: Path, said: str) -> None:
    found = await trouble_of(Gh(script(tmp_path, f"echo '{said}'")).probe())
    assert found.trouble is Trouble.TOO_OLD
    assert "upgrade" in found.hint


async def test_logged_out_with_a_token_that_is_void(github: Site) -> None:
    github.hub.token = "revoked"
    for call in (Gh().probe(), Issues(Gh(), SHOP).labelled(), Pulls(Gh(), SHOP).view(1)):
        found = await trouble_of(call)
        assert found.trouble is Trouble.LOGGED_OUT
        assert "gh auth login" in found.hint


async def test_logged_out_without_any_token(github: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GH_TOKEN")
    assert (await trouble_of(Gh().probe())).trouble is Trouble.LOGGED_OUT
    assert (
        await trouble_of(Gh().command("pr", "merge", "1", "--repo", SHOP, "--squash"))
    ).trouble is Trouble.LOGGED_OUT


async def test_github_hangs_and_gh_is_killed(github: Site) -> None:
    github.server.fail("GET /repos", hang=True)
    found = await trouble_of(Gh(limits=Limits(time_s=1.0)).get("repos/acme/shop"))
    assert found.trouble is Trouble.SLOW
    assert found.trouble.leaves_doubt
    assert [child for child in psutil.Process().children(recursive=True) if child.name() == "gh"] == []


async def test_what_gh_has_started_is_killed_with_it(github: Site, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = script(tmp_path, f"sleep 300 & echo $! > {note}.new; mv {note}.new {note}; wait")
    task = asyncio.create_task(Gh(program).get("user"))
    await until(note.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pid = int(note.read_text())
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("status", [500, 503])
async def test_an_error_of_github_s_own(github: Site, status: int) -> None:
    github.server.fail("GET /repos", status, body="<html><h1>Unicorn!</h1></html>")
    found = await trouble_of(repository(Gh(), SHOP))
    assert found.trouble is Trouble.SERVER
    assert found.trouble.passes
    assert "Unicorn" in found.message
    assert (await repository(Gh(), SHOP)).name == SHOP


async def test_an_error_in_a_graphql_answer(github: Site) -> None:
    commit(github.repository, "work", {"a": "b"})
    github.repository.open_pull("work", "main", "T")
    body = '{"data": null, "errors": [{"message": "Something went wrong while executing your query."}]}'
    github.server.fail("FleetPullRequest", 200, body=body)
    assert (await trouble_of(Pulls(Gh(), SHOP).view(1))).trouble is Trouble.SERVER


async def test_secondary_rate_limit_with_and_without_a_time(github: Site) -> None:
    said = '{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}'
    gh = Gh(now_ns=lambda: NOW)
    github.server.fail("issues", 403, body=said, headers={"Retry-After": "90"})
    found = await trouble_of(Issues(gh, SHOP).labelled())
    assert (found.trouble, found.retry_at_ns) == (Trouble.RATE_LIMITED, NOW + 90 * SECOND)
    github.server.fail("issues", 403, body=said)
    found = await trouble_of(Issues(gh, SHOP).labelled())
    assert (found.trouble, found.retry_at_ns) == (Trouble.RATE_LIMITED, NOW + 60 * SECOND)
    github.server.fail("issues", 429, body=said, headers={"Retry-After": "5"})
    found = await trouble_of(Issues(gh, SHOP).comment(1, "x"))
    assert (found.trouble, found.retry_at_ns) == (Trouble.RATE_LIMITED, NOW + 5 * SECOND)
    assert not found.trouble.leaves_doubt


async def test_the_budget_of_requests_is_used_up(github: Site) -> None:
    github.server.budgets["core"].used = 5000
    found = await trouble_of(Issues(Gh(), SHOP).labelled())
    assert (found.trouble, found.retry_at_ns) == (Trouble.RATE_LIMITED, github.server.reset_s * SECOND)
    gh = Gh()
    await trouble_of(gh.get("user"))
    assert gh.rates["core"].remaining == 0


async def test_the_budget_of_graphql_is_another_one(github: Site) -> None:
    commit(github.repository, "work", {"a": "b"})
    github.repository.open_pull("work", "main", "T")
    github.server.budgets["graphql"].used = 5000
    gh = Gh()
    found = await trouble_of(Pulls(gh, SHOP).view(1))
    assert (found.trouble, found.retry_at_ns) == (Trouble.RATE_LIMITED, github.server.reset_s * SECOND)
    assert gh.rates["graphql"].remaining == 0
    assert await Pulls(gh, SHOP).find("work") == 1


async def test_a_plain_403_is_no_limit(github: Site) -> None:
    github.server.fail("issues", 403, body='{"message": "Resource not accessible by personal access token"}')
    found = await trouble_of(Issues(Gh(), SHOP).add_labels(1, ["x"]))
    assert (found.trouble, found.retry_at_ns, found.trouble.passes) == (Trouble.FORBIDDEN, None, False)


async def test_a_token_with_few_rights(github: Site) -> None:
    """What it cannot see of a pull request is no yes; the rest is read all the same."""
    sha = commit(github.repository, "work", {"a": "b"})
    github.repository.open_pull("work", "main", "T")
    github.repository.protections["main"] = Protection(reviews=1, contexts=("build",))
    github.repository.check(sha, "build", "success")
    github.repository.hidden = {"branchProtectionRule"}
    pulls = Pulls(Gh(), SHOP)
    seen = await pulls.view(1)
    assert (seen.protection, seen.merge_state, seen.complete) == (None, "BLOCKED", True)
    github.repository.hidden = {"statusCheckRollup"}
    seen = await pulls.view(1)
    assert (seen.checks, seen.complete) == ((), False)


async def test_a_merge_goes_to_the_host_that_was_asked_for(github: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the person's own gh talks to another one."""
    monkeypatch.setenv("GH_HOST", "ghe.example.org")
    sha = commit(github.repository, "work", {"a.txt": "x\n"})
    github.repository.open_pull("work", "main", "T")
    assert (await Pulls(Gh(), SHOP).merge(1, sha, "squash")).state == "MERGED"


async def test_offline(github: Site) -> None:
    github.server.stop()
    for call in (Gh().get("user"), Gh().command("pr", "merge", "1", "--repo", SHOP, "--squash")):
        found = await trouble_of(call)
        assert (found.trouble, found.trouble.passes) == (Trouble.OFFLINE, True)


async def test_a_connection_that_breaks(github: Site) -> None:
    github.server.fail("GET /user", drop=True, times=9)
    assert (await trouble_of(Gh().get("user"))).trouble is Trouble.OFFLINE


@pytest.mark.parametrize("body", ["[]", '{"number": 1}', "no json"])
async def test_an_answer_of_another_form(github: Site, body: str) -> None:
    github.server.fail("GET /repos", 200, body=body, times=9)
    github.server.fail("FleetPullRequest", 200, body=body, times=9)
    for call in (repository(Gh(), SHOP), Issues(Gh(), SHOP).get(1), Pulls(Gh(), SHOP).view(1)):
        assert (await trouble_of(call)).trouble is Trouble.GARBLED
    if body != "[]":
        assert (await trouble_of(Issues(Gh(), SHOP).labelled())).trouble is Trouble.GARBLED


async def test_a_renamed_repository_tells_its_new_name_and_a_deleted_one_is_gone(github: Site) -> None:
    github.repository.issue("One", labels=["ready"])
    github.hub.rename(github.repository, "store")
    gh = Gh()
    assert (await repository(gh, SHOP)).name == "acme/store"
    (found,) = (await Issues(gh, SHOP).labelled(["ready"])).issues
    await Issues(gh, SHOP).comment(found.number, "still here")
    assert [comment.body for comment in github.repository.items[1].comments] == ["still here"]
    github.hub.delete(github.repository)
    gone = await trouble_of(Issues(gh, SHOP).labelled(["ready"]))
    assert (gone.trouble, gone.trouble.passes) == (Trouble.GONE, False)


async def test_force_pushed_after_the_approval(github: Site) -> None:
    approved = commit(github.repository, "work", {"a.txt": "good\n"})
    github.repository.open_pull("work", "main", "T")
    github.repository.git("update-ref", "refs/heads/work", github.repository.sha("main"))
    pushed = commit(github.repository, "work", {"a.txt": "evil\n"})
    before = github.repository.sha("main")
    pulls = Pulls(Gh(), SHOP)
    found = await trouble_of(pulls.merge(1, approved, "squash"))
    assert found.trouble is Trouble.CONFLICT
    assert github.repository.sha("main") == before
    assert (await pulls.view(1)).head_sha == pushed


async def test_merged_by_somebody_else_at_another_head(github: Site) -> None:
    approved = commit(github.repository, "work", {"a.txt": "good\n"})
    pull = github.repository.open_pull("work", "main", "T")
    commit(github.repository, "work", {"a.txt": "other\n"})
    github.repository.merge(pull, "SQUASH")
    found = await trouble_of(Pulls(Gh(), SHOP).merge(1, approved, "squash"))
    assert found.trouble is Trouble.CONFLICT
    assert "not at" in found.message


async def test_the_branch_is_deleted_or_the_pull_request_closed(github: Site) -> None:
    shas = [commit(github.repository, branch, {branch: "x\n"}) for branch in ("one", "two")]
    for branch in ("one", "two"):
        github.repository.open_pull(branch, "main", "T")
    github.repository.git("update-ref", "-d", "refs/heads/one")
    github.repository.close(github.repository.items[2])
    pulls = Pulls(Gh(), SHOP)
    for number, sha in enumerate(shas, 1):
        assert (await pulls.view(number)).state == "CLOSED"
        assert (await trouble_of(pulls.merge(number, sha, "squash"))).trouble is Trouble.CONFLICT
    assert await pulls.find("two") is None
    assert await pulls.find("two", "all") == 2


async def test_github_does_not_know_yet_whether_it_can_be_merged(github: Site) -> None:
    commit(github.repository, "work", {"a.txt": "x\n"})
    github.repository.open_pull("work", "main", "T").unknown = 2
    pulls = Pulls(Gh(), SHOP)
    assert [(await pulls.view(1)).mergeable for _ in range(2)] == ["UNKNOWN", "MERGEABLE"]


@pytest.mark.parametrize("how", [{"drop": True}, {"status": 502}])
async def test_a_merge_whose_answer_is_lost_is_found_done(github: Site, how: dict[str, Any]) -> None:
    sha = commit(github.repository, "work", {"a.txt": "x\n"})
    github.repository.open_pull("work", "main", "T")
    github.server.fail("PullRequestMerge", after=True, **how)
    after = await Pulls(Gh(), SHOP).merge(1, sha, "squash")
    assert after.state == "MERGED"
    assert github.repository.git("rev-list", "--count", "main") == "2"


async def test_a_merge_that_did_not_happen_is_told(github: Site) -> None:
    sha = commit(github.repository, "work", {"a.txt": "x\n"})
    github.repository.open_pull("work", "main", "T")
    github.server.fail("PullRequestMerge", 502)
    assert (await trouble_of(Pulls(Gh(), SHOP).merge(1, sha, "squash"))).trouble is Trouble.SERVER


async def test_people_edit_labels_in_the_middle(github: Site) -> None:
    """Adding what is there and removing what is gone are no errors; labels that others gave stay."""
    issue = github.repository.issue("One", labels=["ready"])
    issues = Issues(Gh(), SHOP)
    (found,) = (await issues.labelled(["ready"])).issues
    github.repository.remove_label(issue, "ready")
    github.repository.add_label(issue, "wontfix")
    github.repository.add_label(issue, "in-progress")
    assert await issues.remove_label(found.number, "ready") is False
    await issues.add_labels(found.number, ["in-progress"])
    assert (await issues.get(1)).labels == ("wontfix", "in-progress")
    assert (await issues.labelled(["ready"])).issues == []


async def test_an_issue_that_became_nothing_or_is_a_pull_request(github: Site) -> None:
    commit(github.repository, "work", {"a.txt": "x\n"})
    github.repository.open_pull("work", "main", "T")
    for number in (1, 7):
        assert (await trouble_of(Issues(Gh(), SHOP).get(number))).trouble is Trouble.GONE
    assert (await trouble_of(Pulls(Gh(), SHOP).view(7))).trouble is Trouble.GONE


async def test_a_fork_s_branch_of_the_same_name_is_not_taken_for_ours(github: Site) -> None:
    pulls = Pulls(Gh(), SHOP)
    theirs = github.repository.from_fork("agent/dev/1", "main", "Mine", "acme")  # also where its owner is the same
    github.repository.from_fork("agent/dev/1", "main", "Mine", "mallory")
    assert await pulls.find("agent/dev/1") is None
    assert (await pulls.view(theirs.number)).foreign
    commit(github.repository, "agent/dev/1", {"a": "b"})
    number = await pulls.create("agent/dev/1", "main", "Ours", "")
    github.repository.from_fork("agent/dev/1", "main", "Mine", "acme")
    assert await pulls.find("agent/dev/1") == number
