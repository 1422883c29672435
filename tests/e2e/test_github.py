"""The whole way from an issue on GitHub to the merge there: real watcher, agents, git and gh, stand-in GitHub."""

from __future__ import annotations

import os
import signal

import pytest

from fleet_tui.domain.states import TicketState
from fleet_tui.watcher.lock import read_holder
from tests.e2e.e2e_support import PLAIN, Place
from tests.github.fixture import OF_GH, Site, github

__all__ = ["github"]

pytestmark = pytest.mark.slow


def on_github(place: Place, github: Site) -> None:
    remote = str(github.repository.git_dir)
    place.configure(PLAIN, forge={"kind": "github", "repo": "acme/shop", "remote": remote, "poll_s": 5})
    place.env |= {name: os.environ[name] for name in OF_GH}
    place.git("push", "--quiet", "--force", remote, "main")


def test_issues_are_worked_on_and_merged_there(place: Place, github: Site) -> None:
    on_github(place, github)
    shop = github.repository
    first = shop.issue("Greet", "Say hello.", ["ready"])
    second = shop.issue("Greet twice", "Blocked by #1", ["ready"])
    place.fleet("watcher", "start")
    place.approve(1)
    place.until_ticket(first.number, TicketState.SHIPPED)
    place.approve(2)
    place.until_ticket(second.number, TicketState.SHIPPED)
    place.until(lambda: first.state == second.state == "closed" or None, "both issues are closed")
    assert [pull.merged is not None for pull in shop.pulls()] == [True, True]
    assert shop.git("ls-tree", "-r", "--name-only", "main").split()[-2:] == ["notes/1.md", "notes/2.md"]
    place.until(lambda: place.git("rev-parse", "main") == shop.sha("main") or None, "the checkout follows")
    place.fleet("verify", "--deep")
    told = place.run("release", "check", "PR2")
    assert told.code == 1
    assert "merged" in told.out


def test_a_watcher_that_is_killed_repeats_nothing(place: Place, github: Site) -> None:
    on_github(place, github)
    issue = github.repository.issue("Greet", "Say hello.", ["ready"])
    place.fleet("watcher", "start")
    for kind in ("claim_decided", "pr_published", "pr_approved"):
        place.until(lambda kind=kind: place.events(kind) or None, kind)  # type: ignore[misc]
        before = read_holder(place.paths.lock)["pid"]
        assert isinstance(before, int)
        os.kill(before, signal.SIGKILL)
        place.until(lambda before=before: _another(place, before), "it is started again")  # type: ignore[misc]
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    (pull,) = github.repository.pulls()
    assert pull.merged
    claims = [comment for comment in issue.comments if "fleet:claim" in comment.body]
    verdicts = [comment for comment in pull.comments if "fleet:verdict" in comment.body]
    assert (len(claims), len(verdicts)) == (1, 1)
    place.fleet("verify", "--deep")


def _another(place: Place, before: object) -> bool | None:
    now = read_holder(place.paths.lock).get("pid")
    return True if now not in (None, before) else None


def test_tickets_of_another_forge_are_not_taken_for_issues(place: Place, github: Site) -> None:
    place.configure(PLAIN)
    place.ticket("Local work")
    place.fleet("watcher", "start")
    place.until(lambda: place.events("ticket_created") or None, "the ticket is seen")
    place.fleet("watcher", "stop", "--with-agents")
    on_github(place, github)
    done = place.run("watcher", "start")
    assert done.code != 0
    assert "another forge" in done.text
