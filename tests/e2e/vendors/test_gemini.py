"""Gemini CLI itself, from the ticket to the merge: guarded, held for a person, metered, killed and taken up again."""

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


def shell(command: str) -> Tool:
    return Tool("run_shell_command", {"command": command})


def configure(place: Place, url: str, **sections: Any) -> None:
    gemini = program("gemini", "node_modules", ".bin", "gemini")
    vendors = {
        "scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]},
        "gemini": {"argv": [str(gemini)], "env": {"GEMINI_API_KEY": "test", "GOOGLE_GEMINI_BASE_URL": url}},
    }
    agents = [
        {"name": "dev", "role": "developer", "vendor": "gemini", "model": "gemini-2.5-pro"},
        {"name": "rev", "role": "reviewer"},
    ]
    place.configure([REVIEWER], agents=agents, vendors=vendors, **sections)


WRITES = shell("echo '# Page' >page.md && git add page.md && git commit -q -m 'A page'")
PUBLISHES = shell("git push -q && fleet publish pr_created --summary 'A page'")


def metered(place: Place) -> list[int]:
    used = [event.payload for event in place.events("usage_reported")]
    return [sum(use[name] for use in used) for name in ("input_tokens", "cache_read", "output_tokens")]


def served(cast: Cast) -> list[int]:
    total = cast.total("A page")
    return [total.fresh, total.cache_read, total.output]


def live(place: Place) -> Run:
    run = place.live_run("dev")
    assert run is not None
    return run


def test_from_the_ticket_to_the_merge_with_a_question_a_freeze_and_a_death(place: Place) -> None:
    own = {"id": "own", "then": "deny", "programs": ["git"], "verbs": ["push"], "foreign_push": True, "reason": "no"}
    asks = {"id": "deploys", "then": "ask", "programs": ["touch"], "reason": "touching is for grown-ups"}
    guard = {"rules": [asks, own]}
    work = [
        Reply("I begin.", (shell("git push origin HEAD:main"),), Usage(510, 0, 0, 61)),
        Reply("May I?", (shell("touch asked.txt"),), Usage(500, 10, 0, 60)),
        Reply("Now something long.", (shell("echo up >long.txt; tail -f /dev/null"),), Usage(40, 700, 0, 20)),
        Reply("Where was I?", (WRITES,), Usage(42, 702, 0, 22)),
        Reply("Over.", (PUBLISHES,), Usage(44, 704, 0, 24)),
        Reply("Done.", usage=Usage(45, 705, 0, 25)),
    ]
    cast = Cast([Script("A page", work)])
    with serving(cast) as url:
        configure(place, url, guard=guard)
        place.fleet("watcher", "start")
        place.ticket("A page")
        (question,) = place.until(lambda: place.run("question", "list", "--json").json, "it asks for permission")
        assert "touch asked.txt" in question["summary"]
        assert live(place).state.value == "waiting"
        place.fleet("question", "answer", question["id"], "yes")
        workspace = Path(live(place).workspace)
        place.until(lambda: (workspace / "asked.txt").exists(), "it did what it was allowed to")
        place.until(lambda: (workspace / "long.txt").exists(), "the long command begins")
        first = live(place)
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
    (denied,) = place.events("policy_denied")
    assert denied.payload["rule"] == "own"
    sessions = [event.payload for event in place.events("session_started")]
    assert [(one["run"], one["reason"]) for one in sessions] == [(first.id, "startup"), (second.id, "resume")]
    assert len({one["session"] for one in sessions}) == 1
    assert metered(place) == served(cast)
