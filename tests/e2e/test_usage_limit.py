"""A usage limit met by one agent: both on the account wait, go on one after the other, and their work lands."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.model import PullRequest
from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import REVIEWER, Place, scene

pytestmark = pytest.mark.slow
MEETS = 'printf \'{"limited": true, "reset_at": %s}\' $(($(date +%s) + 12)) | fleet hook turn_failed'
WAITS = "touch here; until test -e go; do sleep 0.05; done"


def work() -> tuple[Any, ...]:
    """Made anew for each scene: stories take no aliases."""
    return (
        {"write": {"path": "page-{ticket}.md", "text": "# Page\n"}},
        {"commit": "A page"},
        "push",
        {"publish": {"event": "pr_created", "summary": "A page"}},
    )


def pull_request(place: Place, ticket: int) -> PullRequest | None:
    return next((found for found in place.reader.pull_requests() if found.ticket == ticket), None)


def at_work(place: Place, agent: str) -> Path | None:
    """The agent's workspace, once it waits there for its word."""
    run = place.live_run(agent)
    workspace = Path(run.workspace) if run else None
    return workspace if workspace and (workspace / "here").exists() else None


def test_two_agents_are_parked_and_both_land(place: Place) -> None:
    limits = {"account_gap_s": 1, "account_proof_s": 2, "account_backoff_s": [60], "restart_attempts": 1}
    place.configure(
        [
            scene("developer", {"run": WAITS}, {"run": MEETS}, {"wait_for": "message"}, *work(), ticket="1"),
            scene("developer", {"run": WAITS}, *work(), ticket="2"),
            REVIEWER,
        ],
        agents=[
            {"name": "ada", "role": "developer"},
            {"name": "bob", "role": "developer"},
            {"name": "rev", "role": "reviewer", "vendor": "another"},
        ],
        vendors={
            "scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "1"]},
            "another": {"kind": "scripted", "story": ".fleet/story.yaml", "argv": ["--speed", "0"]},
        },
        limits=limits,
    )
    place.fleet("watcher", "start")
    place.ticket("One")
    place.ticket("Two")
    ada, bob = (place.until(partial(at_work, place, name), f"{name} works") for name in ("ada", "bob"))
    (ada / "go").touch()
    place.until(lambda: place.agent_state("ada") == place.agent_state("bob") == "limited", "both are parked")
    (shown,) = place.run("account", "list", "--json").json
    assert (shown["account"], shown["met_by"], shown["waiting"]) == ("scripted", "ada", ["ada", "bob"])
    (bob / "go").touch()
    place.until(lambda: "usage-limit" in {event.payload["rule"] for event in place.events("alarm_raised")}, "an alarm")
    for number in (1, 2):
        pr = place.until(partial(pull_request, place, number), "a pull request")
        place.until_approval(pr.number)
        place.approve(pr.number)
        place.until_ticket(number, TicketState.SHIPPED)
    place.until(lambda: place.alarm("usage-limit") is None, "its alarm is over")
    (met,) = place.events("account_limited")
    first, second = (event.at_ns for event in place.events("account_run_released"))
    assert first >= met.payload["reset_ns"]
    assert second - first >= 1_000_000_000
    assert len(place.reader.runs(agent="ada")) == len(place.reader.runs(agent="bob")) == 1
    assert place.run("account", "list", "--json").json == []
