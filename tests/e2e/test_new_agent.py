"""An agent made while the fleet runs: the watcher takes it over, and it takes the ticket that is kept for it."""

from __future__ import annotations

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import PLAIN, Place

pytestmark = pytest.mark.slow


def test_an_agent_made_by_command_takes_its_ticket(place: Place) -> None:
    place.configure(PLAIN, agents=[{"name": "rev", "role": "reviewer"}, {"name": "aaa", "role": "developer"}])
    place.fleet("watcher", "start")
    number = int(place.run("ticket", "new", "Cron drift", "--body", "Mend it.", "--json").json["number"])
    place.until_ticket(number, TicketState.DRAFT)
    words = ("agent", "create", "sam", "--template", "bug-fixer", "--ticket", f"#{number}", "--ready")
    fill = ("--set", "test_command=true")
    dry = place.run(*words, *fill, "--dry-run", "--json").json
    assert dry["isolation"] in ("L0", "L1", "L2")
    assert dry["ticket"]["state"] == "draft"
    assert not (place.repository / ".fleet" / "agents").exists()
    config = (place.repository / ".fleet" / "config.yaml").read_bytes()
    assert "sam is made" in place.fleet(*words, *fill)
    place.approve(1)
    place.until_ticket(number, TicketState.SHIPPED)
    (claimed,) = place.events("ticket_claimed")
    assert claimed.payload["agent"] == "sam", "aaa was free as well"
    acted = [event for event in place.events("operator_acted") if event.payload["act"] == "create_agent"]
    assert [event.payload["data"]["agent"] for event in acted] == ["sam"]
    assert (place.repository / ".fleet" / "config.yaml").read_bytes() == config
    told = place.fleet("prompt", "show", "sam")
    assert "A bug is understood when you can switch it on and off." in told
