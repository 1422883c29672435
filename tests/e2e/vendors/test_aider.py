"""aider, from the ticket to the merge: its commits are the agent's, and what it used is counted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import REVIEWER, Place, stands_still
from tests.e2e.vendors.trials import ROOT, metered
from tests.vendors.standins.script import Cast, Reply, Script, Usage
from tests.vendors.standins.server import serving

pytestmark = [pytest.mark.slow, pytest.mark.vendor]
LIMIT_S = 180
ANSWER = "Here it is.\n\npage.md\n```\n# Page\n```\n"


def configure(place: Place, url: str, **sections: Any) -> None:
    program = Path(os.environ.get("FLEET_VENDORS", ROOT / ".vendors")) / "aider" / "bin" / "aider"
    if not program.exists():
        pytest.fail(f"{program} is missing: run `make vendors`")
    env = {"OPENAI_API_BASE": f"{url}/v1", "OPENAI_API_KEY": "test", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    vendors = {
        "scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]},
        "aider": {"argv": [str(program)], "env": env},
    }
    agents = [
        {"name": "dev", "role": "developer", "vendor": "aider", "model": "openai/fake-model"},
        {"name": "rev", "role": "reviewer"},
    ]
    place.configure([REVIEWER], agents=agents, vendors=vendors, **sections)


def test_from_the_ticket_to_the_merge(place: Place) -> None:
    # The examples that it shows its model are conversations too: every reply is the same.
    cast = Cast([Script("A page", [Reply(ANSWER, usage=Usage(1500, 700, 0, 60))] * 9)])
    with serving(cast) as url:
        configure(place, url)
        place.fleet("watcher", "start")
        place.ticket("A page")
        place.until_approval(1, LIMIT_S)
        place.approve(1)
        place.until_ticket(1, TicketState.SHIPPED, LIMIT_S)
    assert len(place.reader.runs(agent="dev")) == 1
    who = place.git("log", "-1", "--format=%an %cn %ae %b", "main", "--", "page.md")
    assert "aider" not in who.lower()
    total = cast.total("A page")
    # What came from a cache it does not tell apart.
    assert metered(place) == [total.fresh + total.cache_read, 0, 0, total.output]


def test_frozen_thawed_and_stopped_in_the_middle_of_its_request(place: Place) -> None:
    cast = Cast([Script("A page", [Reply(ANSWER, delay_s=600)] * 9)])
    with serving(cast) as url:
        configure(place, url)
        place.fleet("watcher", "start")
        place.ticket("A page")
        place.until(lambda: cast.asked, "it asks its model", LIMIT_S)
        place.fleet("agent", "pause", "dev")
        child = place.child("dev")
        assert child is not None
        family = [child, *child.children(recursive=True)]
        place.until(lambda: all(stands_still(one) for one in family), "all of it is frozen")
        place.fleet("agent", "resume", "dev")
        place.until(lambda: not any(stands_still(one) for one in family), "all of it is thawed")
        place.fleet("agent", "stop", "dev", "--reason", "enough")
        place.until(lambda: place.live_run("dev") is None, "it has ended", LIMIT_S)
    assert not any(one.is_running() for one in family)
    assert place.reader.runs(agent="dev")[0].state.value == "stopped"


def test_at_its_usage_limit_it_ends_and_begins_anew_without_an_attempt(place: Place) -> None:
    """It tries again by itself for a minute; then it ends as if all were well."""
    told = {"message": "Rate limit reached for fake-model. Please try again in 5s.", "code": "rate_limit_exceeded"}
    refused = Reply(status=429, error=told)
    cast = Cast([Script("A page", [refused] * 99)])
    limits = {"account_gap_s": 1, "account_proof_s": 3, "account_backoff_s": [5], "restart_attempts": 0}
    with serving(cast) as url:
        configure(place, url, limits=limits)
        place.fleet("watcher", "start")
        place.ticket("A page")
        place.until(lambda: place.events("account_limited"), "it gives up", LIMIT_S)
        cast.scripts = [Script("A page", [Reply(ANSWER)] * 99)]
        place.until_approval(1, LIMIT_S)
    (met,) = place.events("account_limited")
    assert met.payload["reset_ns"] is not None
    second, first = place.reader.runs(agent="dev")
    assert (second.previous, second.attempt) == (first.id, first.attempt)
    assert place.alarm("crash-loop") is None
