"""An agent made, removed and brought back while the fleet runs: it works again as if nothing had been."""

from __future__ import annotations

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import PLAIN, Place

pytestmark = pytest.mark.slow


def test_an_agent_comes_back_and_works(place: Place) -> None:
    place.configure(PLAIN, agents=[{"name": "rev", "role": "reviewer"}])
    place.fleet("watcher", "start")
    place.fleet("agent", "create", "sam", "--template", "developer", "--set", "test_command=true")
    files = [place.repository / ".fleet" / name for name in ("agents/sam.yaml", "prompts/sam.md")]
    before = [file.read_bytes() for file in files]
    first = place.ticket("One")
    place.approve(1)
    place.until_ticket(first, TicketState.SHIPPED)
    place.until(lambda: place.live_run("sam") is None, "sam is free")
    assert "sam is removed" in place.fleet("agent", "remove", "sam")
    assert not any(file.exists() for file in files)
    assert [row["name"] for row in place.run("agent", "list", "--json").json] == ["rev"]
    second = place.ticket("Two")
    place.until_ticket(second, TicketState.READY)
    assert [run.agent for run in place.reader.runs(ticket=first)].count("sam") == 1, "what it did stays"
    assert "is at revision 3" in place.fleet("agent", "rollback", "sam", "--yes")
    assert [file.read_bytes() for file in files] == before
    place.approve(2)
    place.until_ticket(second, TicketState.SHIPPED)
    acts = [row["act"] for row in place.run("agent", "revisions", "sam", "--json").json]
    assert acts == ["created", "removed", "rolled back"]
    assert place.run("verify", "--deep").code == 0
