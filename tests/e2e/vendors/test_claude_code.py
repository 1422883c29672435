"""Claude Code itself, from the ticket to the merge: guarded, asked, metered, interrupted, killed and taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet_tui.domain.model import Run
from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import REVIEWER, Place
from tests.e2e.vendors.conftest import program
from tests.vendors.standins.script import Cast, Reply, Script, Tool, Usage
from tests.vendors.standins.server import serving

pytestmark = [pytest.mark.slow, pytest.mark.vendor]


def claude() -> Path:
    return program("claude-code", "node_modules", "@anthropic-ai", "claude-code-linux-x64", "claude")


def bash(command: str) -> Tool:
    return Tool("Bash", {"command": command, "description": "as asked"})


def configure(place: Place, url: str, **sections: Any) -> None:
    env = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "test", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    vendors = {
        "scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]},
        "claude-code": {"argv": [str(claude()), "--setting-sources", "user"], "env": env},
    }
    agents = [
        {"name": "dev", "role": "developer", "vendor": "claude-code", "model": "claude-sonnet-4-5"},
        {"name": "rev", "role": "reviewer"},
    ]
    place.configure([REVIEWER], agents=agents, vendors=vendors, **sections)


PUBLISHES = bash("git push -q && fleet publish pr_created --summary 'A page'")
COMMITS = bash("git add page.md && git commit -q -m 'A page'")


def test_from_the_ticket_to_the_merge(place: Place) -> None:
    cast = Cast()
    with serving(cast) as url:
        configure(place, url)
        place.fleet("watcher", "start")
        work = [
            Reply(
                "I begin.", (Tool("Write", {"file_path": "page.md", "content": "# Page\n"}),), Usage(500, 0, 200, 60)
            ),
            Reply("And push.", (bash("git push origin HEAD:main"),), Usage(40, 700, 0, 20)),
            Reply("Properly, then.", (COMMITS,), Usage(50, 740, 10, 25)),
            Reply("Now hand it over.", (PUBLISHES,), Usage(30, 790, 0, 15)),
            Reply("It is handed over.", usage=Usage(20, 800, 5, 10)),
        ]
        cast.scripts = [Script("A page", work)]
        place.ticket("A page")
        place.approve(1)
        place.until_ticket(1, TicketState.SHIPPED)
    (denied,) = place.events("policy_denied")
    assert "push only your own branch" in denied.payload["reason"]
    assert len(place.reader.runs(agent="dev")) == 1
    assert metered(place) == served(cast)
    assert cast.unmatched == []


def live(place: Place) -> Run:
    run = place.live_run("dev")
    assert run is not None
    return run


def metered(place: Place) -> list[int]:
    used = [event.payload for event in place.events("usage_reported")]
    return [sum(use[name] for use in used) for name in ("input_tokens", "cache_read", "cache_write", "output_tokens")]


def served(cast: Cast) -> list[int]:
    total = cast.total("A page")
    return [total.fresh, total.cache_read, total.cache_write, total.output]


def test_asked_interrupted_frozen_killed_and_taken_up_again(place: Place) -> None:
    guard = {"rules": [{"id": "deploys", "then": "ask", "programs": ["touch"], "reason": "touching is for grown-ups"}]}
    cast = Cast()
    with serving(cast) as url:
        configure(place, url, guard=guard)
        place.fleet("watcher", "start")
        begins = [
            Reply("May I?", (bash("touch asked.txt"),), Usage(500, 0, 200, 60)),
            Reply("Now something long.", (bash("tail -f /dev/null"),), Usage(40, 700, 0, 20)),
        ]
        told = [Reply("Something long again.", (bash("echo up >up.txt; tail -f /dev/null"),), Usage(41, 701, 0, 21))]
        goes_on = [
            Reply(
                "Where was I?", (Tool("Write", {"file_path": "page.md", "content": "# Page\n"}),), Usage(42, 702, 1, 22)
            ),
            Reply("", (COMMITS,), Usage(43, 703, 0, 23)),
            Reply("", (PUBLISHES,), Usage(44, 704, 0, 24)),
            Reply("Done.", usage=Usage(45, 705, 0, 25)),
        ]
        cast.scripts = [Script("A page", [*begins, *told, *goes_on])]
        place.ticket("A page")
        (question,) = place.until(lambda: place.run("question", "list", "--json").json, "it asks for permission")
        assert "touch asked.txt" in question["summary"]
        assert place.agent_state("dev") == "waiting"
        assert live(place).state_reason == "asks for permission: Bash"
        place.fleet("question", "answer", question["id"], "yes")
        workspace = Path(live(place).workspace)
        place.until(lambda: (workspace / "asked.txt").exists(), "it did what it was allowed to")
        place.until(lambda: len(cast.served) >= 2, "the long command begins")
        place.until(lambda: place.agent_state("dev") == "running", "it works")
        place.fleet("agent", "interrupt", "dev")
        place.until(lambda: place.agent_state("dev") == "waiting", "its turn is over")
        assert [message.purpose for message in place.reader.messages()] == [], "the yes went to the dialog alone"
        first = live(place)
        place.fleet("agent", "message", "dev", "Go on with the long one.")
        place.until(lambda: (workspace / "up.txt").exists(), "it goes on")
        place.fleet("agent", "pause", "dev")
        child = place.child("dev")
        assert child is not None
        place.until(lambda: child.status() == psutil.STATUS_STOPPED, "it is frozen")
        place.fleet("agent", "resume", "dev")
        place.until(lambda: child.status() != psutil.STATUS_STOPPED, "it is thawed")
        child.kill()
        place.approve(1)
        place.until_ticket(1, TicketState.SHIPPED)
        second = place.reader.runs(agent="dev", limit=1)[0]
    assert second.previous == first.id
    sessions = place.events("session_started")
    assert [(event.payload["run"], event.payload["reason"]) for event in sessions] == [
        (first.id, "startup"),
        (second.id, "resume"),
    ]
    assert len({event.payload["session"] for event in sessions}) == 1
    assert metered(place) == served(cast)
