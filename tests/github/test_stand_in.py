"""The stand-in, proved by the real `gh`: each command that the fleet or a person beside it may use."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.github.fixture import Site
from tests.github.server import Server
from tests.github.state import Protection, commit

R = ("-R", "acme/shop")


def operations(seen: list[Any]) -> list[str]:
    """What was asked: operations of GraphQL by name, else method and path."""
    return [request.name or f"{request.method} {request.path}" for request in seen]


def told(github: Site, *args: str) -> Any:
    done = github.gh(*args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def pull_request(github: Site, branch: str = "work", body: str = "") -> str:
    """PR by the fleet's own account; the commit at its head."""
    sha = commit(github.repository, branch, {f"{branch}.txt": "new\n"})
    github.repository.open_pull(branch, "main", f"About {branch}", body, github.hub.viewer)
    return sha


def test_who_am_i(github: Site) -> None:
    done = github.gh("auth", "status")
    assert (done.returncode, "as fleet-bot" in done.stderr + done.stdout) == (0, True)
    assert operations(github.server.seen) == ["GET /", "UserCurrent"]
    github.hub.token = "another"
    assert github.gh("auth", "status").returncode == 1


def test_issues_by_label(github: Site) -> None:
    github.repository.issue("Both", "please", ["ready", "ui"])
    github.repository.issue("One", labels=["ready"])
    found = told(github, "issue", "list", *R, "--label", "ready", "--label", "ui", "--json", "number,title,body,labels")
    assert [(one["number"], one["title"], one["body"]) for one in found] == [(1, "Both", "please")]
    assert [one["number"] for one in told(github, "issue", "list", *R, "--json", "number")] == [2, 1]
    assert operations(github.server.seen) == ["IssueSearch", "IssueList"]


def test_an_issue_with_its_comments_and_labels(github: Site) -> None:
    github.repository.issue("Add pagination", labels=["ready"])
    github.repository.label("in-progress")
    assert github.gh("issue", "comment", "1", *R, "--body", "on it").returncode == 0
    assert github.gh("issue", "edit", "1", *R, "--add-label", "in-progress", "--remove-label", "ready").returncode == 0
    found = told(github, "issue", "view", "1", *R, "--json", "state,labels,comments")
    assert found["state"] == "OPEN"
    assert [label["name"] for label in found["labels"]] == ["in-progress"]
    assert [(one["author"]["login"], one["body"]) for one in found["comments"]] == [("fleet-bot", "on it")]
    asked = operations(github.server.seen)
    assert asked[:2] == ["IssueByNumber", "CommentCreate"]
    assert set(asked[2:]) == {"IssueByNumber", "RepositoryLabelList", "LabelRemove", "LabelAdd", "CommentsForIssue"}


def test_a_pull_request_is_opened_and_listed(github: Site) -> None:
    sha = commit(github.repository, "work", {"a.txt": "new\n"})
    made = github.gh("pr", "create", *R, "--head", "work", "--base", "main", "--title", "T", "--body", "B")
    assert made.stdout.strip() == "https://github.com/acme/shop/pull/1"
    assert operations(github.server.seen) == ["RepositoryInfo", "PullRequestForBranch", "PullRequestCreate"]
    again = github.gh("pr", "create", *R, "--head", "work", "--base", "main", "--title", "T", "--body", "B")
    assert "already exists" in again.stderr
    (found,) = told(github, "pr", "list", *R, "--json", "number,headRefOid,statusCheckRollup,reviewDecision")
    assert (found["headRefOid"], found["statusCheckRollup"]) == (sha, [])
    assert told(github, "pr", "list", *R, "--label", "none", "--json", "number") == []


def test_a_push_moves_the_head_and_a_deleted_branch_closes(github: Site) -> None:
    pull_request(github)
    second = commit(github.repository, "work", {"b.txt": "more\n"})
    assert told(github, "pr", "view", "1", *R, "--json", "headRefOid") == {"headRefOid": second}
    github.repository.git("update-ref", "-d", "refs/heads/work")
    assert told(github, "pr", "view", "1", *R, "--json", "state") == {"state": "CLOSED"}


def test_checks_reviews_and_protection_of_a_pull_request(github: Site) -> None:
    sha = pull_request(github)
    github.repository.protections["main"] = Protection(reviews=1, contexts=("build",))
    github.repository.check(sha, "build")
    pending = github.gh("pr", "checks", "1", *R)
    assert (pending.returncode, pending.stdout.split("\t")[:2]) == (1, ["build", "pending"])
    github.repository.check(sha, "build", "success")
    assert github.gh("pr", "checks", "1", *R).returncode == 0
    fields = "mergeStateStatus,mergeable,reviewDecision,statusCheckRollup,reviews,comments,isDraft,labels,commits"
    before = told(github, "pr", "view", "1", *R, "--json", fields)
    assert (before["mergeable"], before["mergeStateStatus"]) == ("MERGEABLE", "BLOCKED")
    assert before["reviewDecision"] == "REVIEW_REQUIRED"
    own = github.gh("pr", "review", "1", *R, "--approve")
    assert "Can not approve your own pull request" in own.stderr
    github.hub.viewer = "rev"
    assert github.gh("pr", "review", "1", *R, "--request-changes", "--body", "no").returncode == 0
    assert told(github, "pr", "view", "1", *R, "--json", "reviewDecision") == {"reviewDecision": "CHANGES_REQUESTED"}
    assert github.gh("pr", "review", "1", *R, "--approve").returncode == 0
    after = told(github, "pr", "view", "1", *R, "--json", "reviewDecision,mergeStateStatus")
    assert after == {"reviewDecision": "APPROVED", "mergeStateStatus": "CLEAN"}


def test_a_pull_request_is_edited_and_commented(github: Site) -> None:
    pull_request(github)
    github.repository.label("approved")
    assert github.gh("pr", "edit", "1", *R, "--add-label", "approved", "--title", "Better").returncode == 0
    assert github.gh("pr", "comment", "1", *R, "--body", "hi").returncode == 0
    found = told(github, "pr", "view", "1", *R, "--json", "title,labels,comments")
    assert (found["title"], found["labels"][0]["name"], found["comments"][0]["body"]) == ("Better", "approved", "hi")


@pytest.mark.parametrize(("method", "parents"), [("--squash", 1), ("--merge", 2)])
def test_a_merge_takes_the_expected_head_only(github: Site, method: str, parents: int) -> None:
    github.repository.issue("Why")
    commit(github.repository, "work", {"work.txt": "new\n"})
    github.repository.open_pull("work", "main", "T", "Closes #1", github.hub.viewer)
    sha, before = github.repository.sha("work"), github.repository.sha("main")
    wrong = github.gh("pr", "merge", "2", *R, method, "--match-head-commit", before)
    assert (wrong.returncode, "Head branch was modified" in wrong.stderr) == (1, True)
    assert github.repository.sha("main") == before
    assert github.gh("pr", "merge", "2", *R, method, "--match-head-commit", sha).returncode == 0
    landed = github.repository.sha("main")
    assert len(github.repository.git("rev-list", "--parents", "-1", landed).split()) == 1 + parents
    assert github.repository.git("show", f"{landed}:work.txt") == "new"
    assert github.repository.items[1].state == "closed"
    assert github.server.seen[-1].name == "PullRequestMerge"


def test_what_conflicts_is_not_merged(github: Site) -> None:
    sha = pull_request(github)
    commit(github.repository, "main", {"work.txt": "other\n"})
    assert told(github, "pr", "view", "1", *R, "--json", "mergeable") == {"mergeable": "CONFLICTING"}
    done = github.gh("pr", "merge", "1", *R, "--squash", "--match-head-commit", sha)
    assert (done.returncode, "not mergeable" in done.stderr) == (1, True)


def headers(text: str) -> dict[str, str]:
    head = text.replace("\r\n", "\n").split("\n\n")[0].splitlines()[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}


def test_polling_an_unchanged_list_costs_nothing(github: Site) -> None:
    github.repository.issue("One", labels=["ready"])
    pull_request(github)
    path = "repos/acme/shop/issues?labels=ready&state=open"
    first = github.gh("api", "-i", path)
    assert headers(first.stdout)["x-ratelimit-remaining"] == "4999"
    tag = headers(first.stdout)["etag"]
    again = github.gh("api", "-i", path, "-H", f"If-None-Match: {tag}")
    assert again.stdout.startswith("HTTP/1.1 304")
    assert again.returncode == 1  # which is why nobody may go by it
    assert headers(again.stdout)["x-ratelimit-remaining"] == "4999"
    github.repository.issue("Two", labels=["ready"])
    changed = github.gh("api", "-i", path, "-H", f"If-None-Match: {tag}")
    assert changed.stdout.startswith("HTTP/1.1 200")
    everything = told(github, "api", "repos/acme/shop/issues")
    assert [("pull_request" in one) for one in everything] == [False, True, False]


def test_labels_and_comments_by_rest(github: Site) -> None:
    github.repository.issue("One", labels=["ready"])
    base = "repos/acme/shop/issues/1"
    assert told(github, "api", f"{base}/labels", "-f", "labels[]=in-progress")[1]["name"] == "in-progress"
    assert github.gh("api", "-X", "DELETE", f"{base}/labels/ready").returncode == 0
    assert "Label does not exist" in github.gh("api", "-X", "DELETE", f"{base}/labels/ready").stdout
    assert told(github, "api", f"{base}/assignees", "-f", "assignees[]=pat")["assignees"][0]["login"] == "pat"
    assert told(github, "api", f"{base}/comments", "-f", "body=hello")["user"]["login"] == "fleet-bot"


def test_pages(github: Site) -> None:
    for number in range(5):
        github.repository.issue(f"Issue {number}")
    first = github.gh("api", "-i", "repos/acme/shop/issues?per_page=2")
    assert re.search(r'page=2>; rel="next"', headers(first.stdout)["link"])
    last = github.gh("api", "-i", "repos/acme/shop/issues?per_page=2&page=3")
    assert "link" not in headers(last.stdout)


def test_a_renamed_repository_answers_under_its_old_name(github: Site) -> None:
    github.repository.issue("One")
    github.hub.rename(github.repository, "store")
    assert told(github, "api", "repos/acme/shop")["full_name"] == "acme/store"
    assert told(github, "issue", "view", "1", *R, "--json", "number") == {"number": 1}
    github.hub.delete(github.repository)
    assert github.gh("api", "repos/acme/store").returncode == 1


def test_an_unknown_field_is_refused_by_its_name(github: Site) -> None:
    done = github.gh("api", "graphql", "-f", "query={ viewer { shoeSize } }")
    assert "Cannot query field 'shoeSize'" in done.stderr


def test_faults_happen_as_often_as_scripted(github: Site) -> None:
    fault = github.server.fail(r"GET /repos/acme/shop\Z", 502, times=2)
    assert [github.gh("api", "repos/acme/shop").returncode for _ in range(3)] == [1, 1, 0]
    assert fault.times == 0
    github.server.fail(r"POST .*/comments", drop=True, after=True)
    github.repository.issue("One")
    assert github.gh("api", "repos/acme/shop/issues/1/comments", "-f", "body=x").returncode == 1
    assert [comment.body for comment in github.repository.items[1].comments] == ["x"]


def test_the_environment_is_of_one_test(github: Site) -> None:
    assert github.gh("config", "get", "http_unix_socket").stdout.strip() == str(github.server.socket_path)
    assert isinstance(github.server, Server)
