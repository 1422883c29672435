"""Every preset of ``fleet init`` takes a ticket from ready to shipped, with everybody whom it has."""

from __future__ import annotations

import json
import sys

import pytest

from fleet_tui.domain.states import TicketState
from fleet_tui.paths import shipped_config
from fleet_tui.settings.load import load_settings
from tests.e2e.e2e_support import Place

pytestmark = pytest.mark.slow
PRESETS = sorted(path.stem for path in (shipped_config() / "presets").glob("*.yaml"))


@pytest.mark.parametrize("name", PRESETS)
def test_a_ticket_goes_through_the_whole_fleet(place: Place, name: str) -> None:
    gate = f"test={sys.executable} -c pass"
    said = place.fleet("init", "--preset", name, "--vendor", "scripted", "--gate", gate)
    assert said.index("at most ") < said.index("wrote .fleet/config.yaml")
    listed = json.loads(place.fleet("init", "--list-presets", "--json"))["presets"]
    agents = {agent["name"]: agent for row in listed if row["name"] == name for agent in row["agents"]}
    place.edit_config(approval={"when": "always", "hold_s": 0}, vendors={"scripted": {"argv": ["--speed", "0"]}})
    place.commit({}, "Add a fleet")
    place.fleet("watcher", "start")
    place.ticket("Greet whoever comes in", body="A line in the README that says hello.")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    settings = load_settings(place.repository).require()
    families = {agent.name: settings.family(agent.role).name for agent in settings.agents}
    assert families.keys() == agents.keys()
    (created,) = place.events("pr_created")
    assert families[created.payload["agent"]] == "author"
    reviewers = {agent for agent, family in families.items() if family == "reviewer"}
    approved = place.events("pr_approved")
    assert {event.payload["agent"] for event in approved} == reviewers
    lenses = [run.lens for agent in reviewers for run in place.reader.runs(agent=agent)]
    assert len(set(lenses)) == len(reviewers), lenses
    (decided,) = place.events("release_decided")
    assert families[decided.payload["agent"]] == "release"
    noted = place.until(lambda: len(place.events("note")) == list(families.values()).count("triage") or None, "notes")
    assert noted
    place.fleet("verify", "--deep")
