"""The client of `gh`: the real gh against the stand-in GitHub."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.forges import Trouble
from fleet_tui.forge.answer import parse
from fleet_tui.forge.gh import MINIMUM_VERSION, Gh, Limits
from fleet_tui.forge.gh_issues import Issues, Listed, repository, repository_name
from fleet_tui.forge.gh_pulls import Pulls
from fleet_tui.forge.gh_releases import Releases
from fleet_tui.forge.gh_values import CheckState, Protection
from fleet_tui.forge.trouble import ForgeTrouble, of_status
from tests.examples import tried
from tests.github.fixture import Site
from tests.github.state import Protection as Rule
from tests.github.state import commit

SHOP = "acme/shop"


async def test_probe_tells_the_version_and_who_we_are(github: Site) -> None:
    probe = await Gh().probe()
    assert probe.version >= MINIMUM_VERSION
    assert probe.login == "fleet-bot"


async def test_a_repository_as_it_is_today(github: Site) -> None:
    github.repository.methods = {"SQUASH"}
    found = await repository(Gh(), SHOP)
    assert (found.name, found.default_branch, found.may_push) == (SHOP, "main", True)
    assert found.methods == {"squash"}


async def test_issues_by_label_without_pull_requests_and_free_while_unchanged(github: Site) -> None:
    github.repository.issue("Add pagination", "please\n", ["ready", "ui"], author="stranger")
    github.repository.issue("Not yet", labels=["ui"])
    commit(github.repository, "work", {"a": "b"})
    github.repository.add_label(github.repository.open_pull("work", "main", "T"), "ready")
    gh = Gh()
    issues = Issues(gh, SHOP)
    before = await issues.labelled(["ready"])
    (found,), unchanged = before.issues, before.unchanged
    assert (found.number, found.title, found.body, found.labels) == (1, "Add pagination", "please\n", ("ready", "ui"))
    assert (found.author, found.association, found.open, unchanged) == ("stranger", "NONE", True, False)
    left = gh.rates["core"].remaining
    assert await issues.labelled(["ready"]) == Listed([found], unchanged=True, complete=True)
    assert (github.server.seen[-1].status, gh.rates["core"].remaining) == (304, left)
    github.repository.add_label(github.repository.items[2], "ready")
    now = await issues.labelled(["ready"])
    assert ([one.number for one in now.issues], now.unchanged) == ([2, 1], False)


async def test_lists_longer_than_a_page(github: Site) -> None:
    for number in range(101):
        github.repository.issue(f"Issue {number}", labels=["ready"])
    issues = Issues(Gh(), SHOP)
    found = await issues.labelled(["ready"])
    assert found.complete
    assert {one.number for one in found.issues} == set(range(1, 102))
    assert (await issues.labelled(["ready"])).unchanged is True
    github.repository.touch(github.repository.items[1])
    assert (await issues.labelled(["ready"])).unchanged is False


async def test_an_issue_is_read_labelled_assigned_and_commented(github: Site) -> None:
    github.repository.issue("One", labels=["ready: now/soon?"])
    issues = Issues(Gh(), SHOP)
    await issues.add_labels(1, ["in-progress"])
    assert await issues.remove_label(1, "ready: now/soon?") is True
    assert await issues.remove_label(1, "ready: now/soon?") is False
    assert await issues.assign(1, "pat") is True
    assert await issues.assign(1, "stranger") is False
    await issues.comment(1, "-F @/etc/passwd $(id)\n{owner}")
    found = await issues.get(1)
    assert (found.labels, found.assignees, found.comments) == (("in-progress",), ("pat",), 1)
    (said,) = await issues.comments(1)
    assert (said.author, said.association, said.body) == ("fleet-bot", "MEMBER", "-F @/etc/passwd $(id)\n{owner}")
    await issues.close(1, completed=False)
    closed = await issues.get(1)
    assert (closed.open, closed.state_reason, closed.assignees) == (False, "not_planned", ("pat",))


async def test_labels_of_a_repository_are_made_once(github: Site) -> None:
    issues = Issues(Gh(), SHOP)
    assert await issues.create_label("ready", "00ff00", "an agent may take it") is True
    assert await issues.create_label("Ready", "00ff00") is False
    assert await issues.known_labels() == ("ready",)
    made = await issues.create("New", "body", ["ready"])
    assert (made.number, made.author, made.labels) == (1, "fleet-bot", ("ready",))


async def test_a_pull_request_from_its_opening_to_its_merge(github: Site) -> None:
    first = commit(github.repository, "agent/dev-1/1", {"a.txt": "one\n"})
    pulls = Pulls(Gh(), SHOP)
    assert await pulls.find("agent/dev-1/1") is None
    number = await pulls.create("agent/dev-1/1", "main", "Title", "Body")
    with pytest.raises(ForgeTrouble) as raised:
        await pulls.create("agent/dev-1/1", "main", "Title", "Body")
    assert raised.value.trouble is Trouble.CONFLICT
    assert await pulls.find("agent/dev-1/1") == number
    assert await pulls.find("agent") is None
    await pulls.edit(number, title="Better", body="Longer")
    seen = await pulls.view(number)
    assert (seen.title, seen.body, seen.state, seen.head_sha) == ("Better", "Longer", "OPEN", first)
    assert (seen.branch, seen.target, seen.author) == ("agent/dev-1/1", "main", "fleet-bot")
    assert (seen.mergeable, seen.merge_state, seen.protection, seen.complete) == ("MERGEABLE", "CLEAN", None, True)
    after = await pulls.merge(number, first, "squash", "One line", "And more; $(id)")
    assert (after.state, after.merge_sha) == ("MERGED", github.repository.sha("main"))
    said = github.repository.git("log", "-1", "--format=%B", "main")
    assert said == "One line\n\nAnd more; $(id)"


async def test_all_that_speaks_for_and_against_a_pull_request_is_seen(github: Site) -> None:
    repo = github.repository
    old = commit(repo, "work", {"a.txt": "one\n"})
    pull = repo.open_pull("work", "main", "T", author="pat", draft=True)
    repo.review(pull, "APPROVE", author="rev")
    new = commit(repo, "work", {"a.txt": "two\n"})
    repo.sync()
    repo.review(pull, "REQUEST_CHANGES", "no", author="rev")
    repo.thread(pull, "a.txt", "why?")
    repo.thread(pull, "a.txt", "fine").resolved = True
    repo.protections["main"] = Rule(reviews=2, contexts=("build", "lint"), strict=True, conversations=True)
    repo.check(new, "build", "failure", "line 1\nassertion failed")
    repo.check(new, "docs")
    repo.check(new, "legacy", "success", context=True)
    pulls = Pulls(Gh(), SHOP)
    seen = await pulls.view(1)
    assert seen.draft
    assert [(check.name, check.state, check.required) for check in seen.checks] == [
        ("build", CheckState.FAILED, True),
        ("docs", CheckState.PENDING, False),
        ("legacy", CheckState.PASSED, False),
    ]
    assert [(review.author, review.state, review.head_sha) for review in seen.reviews] == [
        ("rev", "APPROVED", old),
        ("rev", "CHANGES_REQUESTED", new),
    ]
    assert [thread.resolved for thread in seen.threads] == [False, True]
    said = await pulls.words([seen.reviews[1].id, *(thread.id for thread in seen.threads), "PRR_0"])
    assert list(said.values()) == ["no", "why?", "fine"]
    assert seen.protection == Protection(2, ("build", "lint"), strict=True, conversations=True)
    assert await pulls.job_log(seen.checks[0].job, 16) == "assertion failed"
    await pulls.rerun(seen.checks[0].job)
    assert (await pulls.view(1)).checks[0].state is CheckState.PENDING


async def test_a_release_is_of_the_tag_that_is_there(github: Site) -> None:
    releases, shop = Releases(Gh(), SHOP), github.repository
    shop.git("update-ref", "refs/tags/v1.0", shop.sha("main"))
    assert await releases.find("v1.0") is None
    address = await releases.publish("v1.0", "1.0", "notes")
    assert address == await releases.find("v1.0") == "https://github.com/acme/shop/releases/tag/v1.0"
    assert (shop.git("tag", "--list"), shop.releases["v1.0"]["body"]) == ("v1.0", "notes")
    with pytest.raises(ForgeTrouble, match="already exists"):
        await releases.publish("v1.0", "again", "")


async def test_gh_looks_at_no_repository_and_gets_no_foreign_variable(
    github: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note = tmp_path / "env"
    program = tmp_path / "gh"
    program.write_text(f'#!/bin/sh\n(pwd; env) > {note}\nexec gh "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    monkeypatch.setenv("GH_DEBUG", "api")
    monkeypatch.setenv("GH_REPO", "evil/repo")
    await Gh(str(program)).get("user")
    said = note.read_text().splitlines()
    names = {line.partition("=")[0] for line in said[1:]}
    assert said[0] == "/"
    assert "GH_TOKEN" in names
    assert not names & {"SSH_AUTH_SOCK", "GH_DEBUG", "GH_REPO"}
    assert "GH_PROMPT_DISABLED=1" in said


@pytest.mark.parametrize(
    "name", ["", "shop", "acme/shop/issues", "acme/..", "acme/.", "-x/shop", "a b/c", "a/b?c", "a/b\n"]
)
def test_only_a_repository_s_name_is_put_into_an_address(name: str) -> None:
    with pytest.raises(UsageError):
        repository_name(name)
    with pytest.raises(UsageError):
        Issues(Gh(), name)


@given(status=st.integers(100, 599), body=st.binary(max_size=200), wait=st.text(max_size=8), left=st.text(max_size=3))
@tried(1000)
def test_every_answer_means_something(status: int, body: bytes, wait: str, left: str) -> None:
    headers = {"retry-after": wait, "x-ratelimit-remaining": left, "x-ratelimit-reset": wait}
    found = of_status(status, headers, body, "GET x", 10**18)
    assert (found is None) == (200 <= status < 300 or status == 304)
    if found is not None:
        assert found.hint or found.trouble in (Trouble.REFUSED, Trouble.RATE_LIMITED, Trouble.GARBLED)
        assert found.retry_at_ns is None or found.retry_at_ns >= 10**18


@given(raw=st.binary(max_size=300))
@tried(500)
def test_any_output_is_an_answer_or_none(raw: bytes) -> None:
    parse(raw)
    answer = parse(b"HTTP/2.0 200 OK\nEtag: x\r\nX-Y: z\r\n\r\n" + raw)
    assert answer is not None
    assert (answer.status, answer.etag, answer.body) == (200, "x", raw)


async def test_too_much_output_is_not_read(github: Site) -> None:
    github.repository.issue("x" * 200, "y" * 5000)
    gh = Gh(limits=Limits(out_bytes=2000))
    with pytest.raises(ForgeTrouble) as raised:
        await Issues(gh, SHOP).labelled()
    assert raised.value.trouble is Trouble.TOO_LONG
    assert os.environ["GH_TOKEN"] not in str(raised.value)


async def test_of_a_log_however_long_the_end_is_read(github: Site) -> None:
    check = github.repository.check("0" * 40, "build", "failure", "x" * 300_000 + "\nassertion failed")
    pulls = Pulls(Gh(limits=Limits(out_bytes=2000)), SHOP)
    assert await pulls.job_log(check.id, 16) == "assertion failed"
    with pytest.raises(ForgeTrouble) as raised:
        await pulls.job_log(9)
    assert raised.value.trouble is Trouble.GONE
