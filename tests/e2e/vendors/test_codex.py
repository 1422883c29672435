"""Codex itself, from the ticket to the merge: guarded, held for a person, metered, killed and taken up again."""

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
    return Tool("exec_command", {"cmd": command})


def configure(place: Place, url: str, **sections: Any) -> None:
    provider = f'{{name="fake", base_url="{url}/v1", env_key="FAKE_KEY", wire_api="responses"}}'
    codex = program("codex", "node_modules", ".bin", "codex")
    options = ["-c", f"model_providers.fake={provider}", "-c", 'model_provider="fake"']
    vendors = {
        "scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]},
        "codex": {"argv": [str(codex), *options], "env": {"FAKE_KEY": "test"}},
    }
    agents = [
        {"name": "dev", "role": "developer", "vendor": "codex", "model": "gpt-5"},
        {"name": "rev", "role": "reviewer"},
    ]
    place.configure([REVIEWER], agents=agents, vendors=vendors, **sections)


WRITES = shell("printf '# Page\\n' >page.md && git add page.md && git commit -q -m 'A page'")
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


def test_from_the_ticket_to_the_merge(place: Place) -> None:
    work = [
        Reply("I begin.", (shell("git push origin HEAD:main"),), Usage(500, 0, 0, 60)),
        Reply("Properly, then.", (WRITES,), Usage(40, 700, 0, 20)),
        Reply("Now hand it over.", (PUBLISHES,), Usage(30, 790, 0, 15)),
        Reply("It is handed over.", usage=Usage(20, 800, 0, 10)),
    ]
    cast = Cast([Script("A page", work)])
    with serving(cast) as url:
        configure(place, url)
        place.fleet("watcher", "start")
        place.ticket("A page")
        place.approve(1)
        place.until_ticket(1, TicketState.SHIPPED)
    (denied,) = place.events("policy_denied")
    assert "push only your own branch" in denied.payload["reason"]
    assert len(place.reader.runs(agent="dev")) == 1
    assert metered(place) == served(cast)


def test_asked_interrupted_frozen_killed_and_taken_up_again(place: Place) -> None:
    guard = {"rules": [{"id": "deploys", "then": "ask", "programs": ["touch"], "reason": "touching is for grown-ups"}]}
    work = [
        Reply("May I?", (shell("touch asked.txt"),), Usage(500, 0, 0, 60)),
        Reply("Now something long.", (shell("echo up >long.txt; tail -f /dev/null"),), Usage(40, 700, 0, 20)),
        Reply("Something long again.", (shell("echo up >again.txt; tail -f /dev/null"),), Usage(41, 701, 0, 21)),
        Reply("Where was I?", (WRITES,), Usage(42, 702, 0, 22)),
        Reply("", (PUBLISHES,), Usage(44, 704, 0, 24)),
        Reply("Done.", usage=Usage(45, 705, 0, 25)),
    ]
    cast = Cast([Script("A page", work)])
    with serving(cast) as url:
        configure(place, url, guard=guard)
        place.fleet("watcher", "start")
        place.ticket("A page")
        (question,) = place.until(lambda: place.run("question", "list", "--json").json, "it asks for permission")
        assert "touch asked.txt" in question["summary"]
        assert (live(place).state.value, live(place).state_reason) == ("waiting", "asks for permission: Bash")
        place.fleet("question", "answer", question["id"], "yes")
        workspace = Path(live(place).workspace)
        place.until(lambda: (workspace / "asked.txt").exists(), "it did what it was allowed to")
        place.until(lambda: (workspace / "long.txt").exists(), "the long command begins")
        place.fleet("agent", "interrupt", "dev")
        place.until(lambda: place.agent_state("dev") == "waiting", "its turn is over")
        first = live(place)
        place.fleet("agent", "message", "dev", "Go on with the long one.")
        place.until(lambda: (workspace / "again.txt").exists(), "it goes on")
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
    sessions = [event.payload for event in place.events("session_started")]
    assert [(one["run"], one["reason"]) for one in sessions] == [(first.id, "startup"), (second.id, "resume")]
    assert len({one["session"] for one in sessions}) == 1
    assert metered(place) == served(cast)
