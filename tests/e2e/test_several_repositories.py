"""A fleet of two repositories: one breaks in the middle of the work, the other merges; then the first is back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fleet_tui.domain.states import PullRequestState, TicketState
from tests.e2e.e2e_support import APPROVES, DEVELOPER, PLAIN, Place, scene
from tests.github.fixture import OF_GH, Site, github

__all__ = ["github"]

pytestmark = pytest.mark.slow
UNUSABLE = "repo-unusable"


def git(place: Place, repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=repository, env=place.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout.strip()


@pytest.fixture
def api(place: Place) -> Path:
    """A second repository, with its own target branch and something that its gate looks for."""
    repository = place.root / "api"
    repository.mkdir()
    git(place, repository, "init", "--quiet", "--initial-branch=trunk")
    (repository / "server.py").write_text("print('serve')\n")
    git(place, repository, "add", "--all")
    git(place, repository, "commit", "--quiet", "-m", "Serve")
    return repository


def test_on_github_each_merges_in_its_own(place: Place, api: Path, github: Site) -> None:
    """Issues of one repository, one of them worked on in another; that one goes away there, and is back."""
    there = github.hub.create("acme/api")
    there.default_branch = "trunk"
    git(place, api, "push", "--quiet", str(there.git_dir), "trunk")
    elsewhere = {"path": "../api", "github": "acme/api", "remote": str(there.git_dir), "poll_s": 5}
    remote = str(github.repository.git_dir)
    forge = {"kind": "github", "repo": "acme/shop", "remote": remote, "poll_s": 5}
    place.configure(PLAIN, forge=forge, repos={"api": elsewhere})
    place.env |= {name: os.environ[name] for name in OF_GH}
    place.git("push", "--quiet", "--force", remote, "main")
    place.fleet("watcher", "start")
    place.fleet("ticket", "new", "Serve twice", "--in", "api", "--ready")
    first = github.repository.item(1)
    assert sorted(first.labels) == ["ready", "repo:api"]
    asked = place.until_approval(1)
    github.hub.delete(there)
    place.until(lambda: place.alarm("forge"), "that it is gone there is told")
    place.fleet("approval", "approve", "PR1", "--head", asked.head_sha)
    github.repository.issue("Say two", "", ["ready"])
    place.approve(2)
    place.until_ticket(2, TicketState.SHIPPED)
    assert place.ticket_state(1) is TicketState.IN_REVIEW
    github.hub.restore(there)
    place.fleet("refresh")
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: first.state == "closed" or None, "its issue is closed by the fleet")
    assert [pull.base for pull in (*there.pulls(), *github.repository.pulls()) if pull.merged] == ["trunk", "main"]
    place.until((api / "notes/1.md").exists, "it is handed over to the person's checkout")
    place.until(lambda: place.alarm("forge") is None or None, "the alarm clears")
    place.fleet("verify", "--deep")


def test_one_repository_breaks_and_the_other_merges(place: Place, api: Path) -> None:
    gates = [{"name": "server", "run": "test -f server.py"}]
    place.configure(
        PLAIN,
        agents=({"name": "dev", "role": "developer", "max_concurrent": 3}, {"name": "rev", "role": "reviewer"}),
        repos={"api": {"path": "../api", "gates": gates}},
    )
    place.fleet("watcher", "start")
    assert place.ticket("Serve twice", "--in", "api") == 1
    asked = place.until_approval(1)
    assert git(place, api, "log", "--format=%s") == "Serve"

    # Away in the middle: with work of it approved, and more of it waiting.
    away = api.rename(place.root / "away")
    place.until(lambda: place.alarm(UNUSABLE), "the missing repository is told")
    place.fleet("approval", "approve", "PR1", "--head", asked.head_sha)
    assert place.ticket("Serve thrice", "--in", "api") == 2
    assert place.ticket("Say two") == 3
    place.approve(2)
    place.until_ticket(3, TicketState.SHIPPED)
    place.until((place.repository / "notes/3.md").exists, "it is handed over to the person's checkout")
    assert place.ticket_state(1) is TicketState.IN_REVIEW
    assert place.ticket_state(2) is TicketState.READY
    pull_request = place.reader.pull_request(1)
    assert pull_request is not None
    assert pull_request.state is PullRequestState.GATED
    assert [alarm.rule for alarm in place.reader.alarms() if alarm.state.value != "cleared"] == [UNUSABLE]

    # The watcher starts without it too.
    place.fleet("watcher", "stop")
    place.fleet("watcher", "start")
    assert place.ticket("Say three") == 4
    place.approve(3)
    place.until_ticket(4, TicketState.SHIPPED)

    # Back: what waited goes on by itself, and lands there.
    away.rename(api)
    place.until(lambda: place.alarm(UNUSABLE) is None, "it is seen to be back")
    place.until_ticket(1, TicketState.SHIPPED)
    place.approve(4)
    place.until_ticket(2, TicketState.SHIPPED)
    place.until(lambda: (api / "notes/2.md").exists(), "it is handed over to the person's checkout")
    assert (api / "notes/1.md").read_text() == "# Serve twice\n"
    assert not (place.repository / "notes/1.md").exists()
    assert not (api / "notes/3.md").exists()
    rows = place.fleet("ticket", "list")
    assert "REPO" in rows
    assert [row["number"] for row in place.run("ticket", "list", "--in", "api", "--json").json] == [1, 2]
    assert "api: Serve twice" in place.fleet("pr", "list")
    place.fleet("verify", "--deep")


def test_a_ticket_across_both_is_worked_in_order_and_ships_with_its_last_part(place: Place, api: Path) -> None:
    place.configure(PLAIN, repos={"api": {"path": "../api"}})
    place.fleet("watcher", "start")
    body = "Pages everywhere.\n\n- [ ] api: return pages\n- [ ] home: show pages\n"
    place.fleet("ticket", "new", "Pages", "--body", body)
    place.until_ticket(1, TicketState.DRAFT)
    done = place.fleet("plan", "1", "--accept", "--yes")
    assert "1. return pages\n   repository api" in done
    place.until_ticket(3, TicketState.DRAFT)
    tickets = {ticket.number: ticket for ticket in place.reader.tickets()}
    assert [(tickets[n].repo, tickets[n].depends_on) for n in (2, 3)] == [("api", ()), ("", (2,))]
    place.fleet("ticket", "ready", "2", "3")
    place.until_approval(1)
    assert place.ticket_state(3) is TicketState.READY
    place.approve(1)
    place.until_ticket(2, TicketState.SHIPPED)
    place.approve(2)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until((api / "notes/2.md").exists, "the first part is handed over")
    place.until((place.repository / "notes/3.md").exists, "the second part is handed over")
    place.fleet("verify", "--deep")


def test_who_reads_all_sees_the_other_repository_and_leaves_nothing(place: Place, api: Path) -> None:
    """The reviewer tells what its workspace does not hold, from inside whatever isolates it."""
    seen = "../../../reading/*/api/server.py"
    looks = scene("reviewer", {"run": f'fleet note "$(cat {seen})"'}, *APPROVES)
    place.configure(
        (DEVELOPER, looks),
        agents=({"name": "dev", "role": "developer"}, {"name": "rev", "role": "reviewer", "reads": "all"}),
        repos={"api": {"path": "../api"}},
    )
    place.fleet("watcher", "start")
    place.until(place.reader.repositories, "the other repository was looked at")
    place.ticket("Say two")
    place.approve(1)
    assert [event.payload["summary"] for event in place.events("note")] == ["print('serve')"]
    reading = place.paths.state / "reading"
    place.until(lambda: not list(reading.iterdir()), "its copies are gone with it")
