"""A person divides a ticket: agents work its parts in their order, and it ships with the last of them."""

from __future__ import annotations

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import PLAIN, Place

pytestmark = pytest.mark.slow
BODY = "Money.\n\n- [ ] Report it in `shop/report.py`\n- [ ] Round in `shop/prices.py`\n"


def test_parts_are_made_worked_in_order_and_complete_the_ticket(place: Place) -> None:
    place.configure(PLAIN, fanout={"small_lines": 0})
    place.commit({"shop/prices.py": "ONE = 1\n", "shop/report.py": "from shop.prices import ONE\n"}, "Shop")
    place.fleet("watcher", "start")
    place.fleet("ticket", "new", "Money", "--body", BODY, "--priority", "2")
    place.until_ticket(1, TicketState.DRAFT)
    editor = place.root / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/title: Round in/title: Round well in/" "$1"\n')
    editor.chmod(0o755)
    env = {"EDITOR": str(editor), "VISUAL": str(editor)}
    refused = place.run("plan", "1", "--accept", env=env, stdin="n\n")
    assert refused.code != 0
    assert "Make 2 tickets of #1?" in refused.text
    assert len(list((place.repository / ".fleet/tickets").glob("*.md"))) == 1

    done = place.run("plan", "1", "--accept", env=env, stdin="y\n")
    assert done.code == 0, done.text
    assert "ticket #1 is done as #2, #3: fleet ticket ready 2 3 lets agents take them" in done.out
    place.until_ticket(3, TicketState.DRAFT)
    first, second = place.reader.ticket(2), place.reader.ticket(3)
    assert first is not None
    assert second is not None
    assert (first.title, first.scope, first.depends_on) == ("Round well in shop/prices.py", ("/shop/prices.py",), ())
    assert (second.scope, second.depends_on, second.priority) == (("/shop/report.py",), (2,), 2)
    assert "Part of #1: Money" in place.fleet("ticket", "show", "2")
    assert "done in parts: #2, #3" in place.fleet("ticket", "show", "1")
    again = place.run("plan", "1", "--accept", "--yes")
    assert again.code != 0
    assert "divided already: ticket #1 is done as #2, #3" in again.text
    split = place.events("ticket_split")
    assert [event.payload for event in split] == [{"ticket": 1, "parts": [2, 3]}]
    assert split[0].actor.startswith("operator:")

    place.fleet("ticket", "ready", "1", "2", "3")
    place.approve(1)
    place.until_ticket(2, TicketState.SHIPPED)
    assert place.ticket_state(1) is not TicketState.SHIPPED
    place.approve(2)
    place.until_ticket(3, TicketState.SHIPPED)
    place.until_ticket(1, TicketState.SHIPPED)
    assert [event.payload["ticket"] for event in place.events("ticket_shipped")] == [2, 3]
    assert [event.payload for event in place.events("ticket_completed")] == [{"ticket": 1, "parts": [2, 3]}]
    assert {run.ticket for run in place.reader.runs(agent="dev")} == {2, 3}
    place.fleet("verify", "--deep")


def test_what_changed_or_is_worked_on_is_not_divided(place: Place) -> None:
    place.configure(PLAIN, fanout={"small_lines": 0})
    place.commit({"shop/prices.py": "ONE = 1\n", "shop/report.py": "TWO = 2\n"}, "Shop")
    place.fleet("watcher", "start")
    place.ticket("Money", body=BODY)
    place.until_approval(1)
    late = place.run("plan", "1", "--accept", "--yes")
    assert late.code != 0
    assert "too late: ticket #1 is in_review" in late.text
    place.fleet("ticket", "new", "Small", "--body", "- [ ] one thing in shop/prices.py")
    nothing = place.run("plan", "2", "--accept", "--yes")
    assert nothing.code != 0
    assert "nothing to accept: one agent is better" in nothing.text
    assert place.events("ticket_split") == []
